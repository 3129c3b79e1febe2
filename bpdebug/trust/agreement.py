"""What the findings of a comparison have in common, once all stages have been seen: the convention in which they are right, with the
sentences that name it; one mistake that explains several; and what was computed before them unseen."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from contextlib import suppress

import numpy as np

from bpdebug.core.errors import BpdebugError
from bpdebug.core.network import Phase
from bpdebug.core.numbers import short
from bpdebug.core.record import replace
from bpdebug.core.words import are, together
from bpdebug.trust.factors import ONE, RATE, Factor, scale
from bpdebug.trust.finding import Finding, Suspect
from bpdebug.trust.judge import Judge
from bpdebug.trust.patterns import suspect
from bpdebug.trust.report import listed
from bpdebug.trust.site import is_term
from bpdebug.trust.suspects import WITHIN

_ADDING, _TAKEN = "right only if you add it: ", "right only if your step does not apply the learning rate again: "
_SHOWN = ("the file holds no parameter after the update that would show it", "your parameters after the update are off, and do not show it")
_TAKEN_BACK = "right only if your gradients of the parameters take that factor back: the file holds none that would show it"
_TWICE = "right only if the square of the learning rate is meant: it is in your gradients and in your step"
_FEW = "right only if all your gradients are meant to be"
_ALONE = _FEW + " {} times ours: {} alone {}, since the others are 0 or not in the file"
_FAR = "right only if the factor {} is meant: it is in all your gradients, and may be there by accident"


def common(judge: Judge) -> float:
    """The factor that all gradients of parameters share."""
    program = judge.program
    return next((judge.convention.of(program.gradients[name]) for name in program.free if name in program.gradients), 1.0)


def settled(judge: Judge) -> list[Finding]:
    """The findings, where the convention is seen as a whole.

    A factor without a name is a fault, found once. Which sign is right, and whether a slot holds the step itself, only a parameter after
    the update can show.
    """
    program, factor = judge.program, common(judge)
    scaled = [f for f in judge.findings if f.status == "convention" and f.stage.phase in (Phase.BACKWARD, Phase.UPDATE)]
    if judge.convention.stray:
        known = judge.names.of(factor).others
        told = f"all your gradients are {short(factor, 6)} times ours" + f", which is {', or '.join(known)}" * bool(known)
        first, *rest = [f.name for f in scaled]
        return [
            replace(f, status="off", said=told, suspects=(suspect("stray_factor", told),)) if f.name == first
            else replace(f, status="follows") if f.name in rest else f
            for f in judge.findings
        ]  # fmt: skip
    steps = [f for f in judge.findings if f.stage.name in program.parameters and f.says.agrees]
    gradients = [f for f in judge.findings if f.stage.of in program.parameters and f.theirs is not None]
    name = judge.names.of(factor)  # a product of three is met by chance
    slots = [f for f in judge.findings if f.stage.name in program.slots and f.says.agrees]
    shown = steps and (slots or _linear(judge)) and _rate_taken_no_more(judge)
    far = RATE in name.name and name.parts > 2 + (factor < 0) and not shown
    doubts, alone = dict[str, str](), _alone(judge)
    after = _SHOWN[any(f.stage.name in program.parameters and f.theirs is not None for f in judge.findings)]
    for finding in scaled:
        slot = finding.stage.name in program.slots
        if not steps and (factor < 0 or (slot and judge.convention.of(finding.stage.name) < 0)):
            doubts[finding.name] = _ADDING + after
        elif not steps and slot and judge.convention.of(finding.stage.name) != 1:
            doubts[finding.name] = _TAKEN + after
        elif not steps and not gradients and finding.stage.of and abs(judge.convention.of(finding.name)) != 1:
            doubts[finding.name] = _TAKEN_BACK
        elif finding in steps and _rate_twice(judge):
            doubts[finding.name] = _TWICE
        elif program.gradients.get(program.slots.get(finding.stage.name, finding.stage.name), finding.name) in alone:
            shows = "shows it" if len(alone) == 1 else "show it"
            doubts[finding.name] = _ALONE.format(judge.names.of(abs(factor)).text, listed(alone), shows)
        elif finding in gradients and far:
            doubts[finding.name] = _FAR.format(judge.names.of(abs(factor)).text)
    return [replace(f, status="unsure", said=doubts[f.name]) if f.name in doubts else f for f in judge.findings]


def _alone(judge: Judge) -> list[str]:
    """The gradients that alone show the factor of all, where they are too few for that: weights or biases only, while others are 0 or
    not in the file, nothing of the same scale arrives at them, and no step takes the factor back."""
    program, factor = judge.program, common(judge)
    known = [f for f in judge.findings if f.says.agrees and f.theirs is not None and f.theirs.any()]
    shown = {f.stage.of: f.name for f in known if f.stage.of in program.free and f.stage.phase is Phase.BACKWARD}
    arriving = [f for f in known if f.stage.phase is Phase.BACKWARD and f.stage.of not in program.free]
    moved = any(f.stage.name in program.free for f in known)
    told = any(judge.convention.of(f.name) == factor for f in arriving) or (moved and judge.convention.step == 1)
    told = told or any(f.status == "convention" and f.stage.phase is Phase.LOSS for f in known)
    biases = {layer.bias for layer in program.layers}
    kinds = {name in biases if biases else len(program.parameters[name]) for name in shown}
    few = len(kinds) < 2 and len(shown) < len(program.free)
    return [*shown.values()] if few and not told and abs(factor) != 1 else []


def _linear(judge: Judge) -> bool:
    """Whether the optimizer's step is in proportion to the gradients."""
    return judge.program.rule.name in ("sgd", "momentum", "nesterov")


def _rate_twice(judge: Judge) -> bool:
    """Whether the learning rate is in the gradients and in a step that is in proportion to them."""
    return _linear(judge) and RATE in judge.names.of(common(judge)).name and not _rate_taken_no_more(judge)


def _rate_taken_no_more(judge: Judge) -> bool:
    """Whether the learning rate is in the gradients, and the step is one without it."""
    factor, step = judge.names.of(common(judge)), judge.convention.step
    return factor.rate != 1 and (step == 1 or abs(step * factor.rate / abs(factor.value) - 1) <= judge.near)


_REASONS = {
    "m": "as those of a loss that is the sum over the samples",
    "1/m": "as those of this loss divided by the number of samples",
    "outputs": "as those of a loss that is the sum over the outputs",
    "1/outputs": "as those of a loss that is the mean over the outputs",
    "m·outputs": "as those of a loss that is a sum",
    "1/(m·outputs)": "as those of a loss that is the mean over samples and outputs",
    "2": "as those of twice this loss",
    "1/2": "as those of half this loss, such as half the squared error",
}


def sentences(judge: Judge) -> Iterator[str]:
    """What the convention is."""
    if not judge.convention.stray:
        theirs = [f for f in judge.findings if f.theirs is not None and not f.says.accuses]
        alone = _FEW in [f.said[: len(_FEW)] for f in theirs]
        shown = [f.name for f in theirs if f.stage.of in judge.program.parameters and not alone]
        yield from () if alone else _of_gradients(judge, shown)
        yield from _of_deltas(judge, shown, 1.0 if alone else common(judge))
        yield from _of_slots(judge)
        yield from _undisclosed(judge)


def reason(name: str) -> str:
    """Why gradients may have a factor of this name."""
    return _REASONS.get(name, f"as those of {name} times the loss") if name else ""


def _reasons(name: str, taken: bool) -> tuple[str, str]:
    """The same of what of it is not the learning rate, and of what is."""
    before, rate, after = name.partition(RATE)
    rest = f"1{after}" if after[:1] == "/" else before or after.removeprefix("·")
    return reason(rest), ("with the learning rate in them" + ", which your step does not apply again" * taken) * bool(rate)


def of_gradients(names: Sequence[str], factor: str, whose: str, why: str) -> str:
    """That the gradients of all parameters have a factor."""
    return f"convention: your gradients{f' ({listed(names)})' * bool(names)} are {factor} times {whose}, {why}"


def of_deltas(names: Sequence[str], factor: Factor, taken_back: Sequence[str]) -> str:
    """That gradients on the way have a factor, which those of the parameters do not."""
    if factor.name == "m" and factor.value > 0:
        rest = f"; your {listed(taken_back)} have the 1/m" * bool(taken_back)
        return f"convention: your deltas ({listed(names)}) are those of the samples' own losses{rest}"
    return f"convention: your deltas ({listed(names)}) have a factor {factor.text} that your {listed(taken_back)} take back"


def _of_gradients(judge: Judge, shown: Sequence[str]) -> Iterator[str]:
    shared = judge.names.of(common(judge))
    moved = [f for f in judge.findings if f.stage.name in judge.program.parameters and f.theirs is not None]
    if abs(shared.value) != 1:
        again = judge.convention.step == 1 and moved and shared.name != RATE
        first, *others = (_reasons(name, _rate_taken_no_more(judge)) for name in (shared.name, *shared.others))
        known = {rest: rate for rest, rate in others if "times the loss" not in rest}
        told = {rate: [rest for rest, other in (first, *known.items()) if rest and other == rate] for rate in (first[1], *known.values())}
        why = ", or ".join(", ".join(filter(None, (", or ".join(rests), rate))) for rate, rests in told.items())
        why += ", and your step divides by it again" * bool(again)
        kept = any(f.theirs is not None for f in judge.findings if f.stage.of in judge.program.parameters)
        named = shown or ["which are not in the file"] * (not kept)
        factor, whose = replace(shared, value=abs(shared.value)).text, "ours"
        loss = next((f for f in judge.findings if f.stage.name == judge.program.loss and f.status == "convention"), None)
        own = judge.names.of(abs(shared.value) * float(loss.right / loss.theirs)) if loss and loss.theirs is not None else ONE
        if own.name and own != ONE:
            factor, whose, why = own.text, "the derivatives of your own loss", reason(own.name)
        yield of_gradients(named, factor, whose, why)
    if shared.value < 0:
        adds = "and" if any(f.says.agrees for f in moved) else "right only if"
        yield f"convention: your gradients have the other sign (y − a), {adds} your step adds them"


def _of_deltas(judge: Judge, shown: Sequence[str], own: float) -> Iterator[str]:
    by: dict[float, list[str]] = {}
    for finding in judge.findings:
        if finding.status in ("convention", "unsure") and finding.stage.of and finding.stage.of not in judge.program.parameters:
            by.setdefault(judge.convention.of(finding.name) / own, []).append(finding.name)
    for value, deltas in by.items():
        factor = judge.names.of(value)
        factor = factor if factor.name else judge.names.of(value * judge.names.of(common(judge)).rate)  # which only the others have
        if (factor.name == "m" and value > 0) or (shown and factor != ONE and abs(judge.convention.of(deltas[0])) != 1):
            yield of_deltas(deltas, factor, shown)


def of_slots(names: Sequence[str], factor: Factor) -> str:
    """That what an optimizer keeps has a factor, with which the parameters move alike."""
    if factor.name == RATE and factor.value < 0:
        return f"your {listed(names)} {are(names)} −learning_rate times ours: the step itself, which is added"
    return f"your {listed(names)} {are(names)} {factor.text} times ours, and your step takes that back"


def _of_slots(judge: Judge) -> Iterator[str]:
    for letter in judge.program.rule.slots:
        slots = [f.name for f in judge.findings if f.stage.name in judge.program.letters[letter] and f.theirs is not None]
        factor = judge.names.of(judge.convention.of(judge.program.letters[letter][0])) if slots else ONE
        if factor != ONE:
            yield f"convention: {of_slots(slots, factor)}"


def _undisclosed(judge: Judge) -> Iterator[str]:
    """Sentences on derivatives of activations that are 1 wherever something arrives, so that nobody sees whether they are there."""
    for layer in judge.program.layers:
        dz, da = (judge.program.gradients.get(name, "") for name in (layer.z, layer.a))
        finding = next((one for one in judge.findings if one.name == dz and one.theirs is not None and one.says.agrees), None)
        seen, row = judge.seen.get(dz, {}), layer.layer.activation
        if finding and row != "identity" and da in seen and np.array_equal(judge.computed(finding.stage, seen), seen[da]):
            yield f"{dz} equals {da} in every cell of this batch: it would not show if the derivative of {row} were left out"


def joined(judge: Judge, found: Sequence[Finding]) -> list[Finding]:
    """The findings, of which those that one mistake explains are one accusation: a factor that they share, or one place before all of
    them that the file does not show."""
    first, joined, grown = dict[str, str](), list[Finding](), 1.0
    for finding in found:
        one = finding
        if one.status == "off" and one.theirs is not None and one.stage.phase is Phase.BACKWARD:
            factor = scale(one.theirs, one.right, judge.near)
            powers = [grown**power for power in range(2, len(judge.program.layers) + 1)]
            if factor and abs(abs(grown) - 1) > judge.near and any(abs(factor / power - 1) <= judge.near for power in powers):
                said = f"the factor of {next(f.name for f in joined if f.says.accuses)} once more with every layer"
                one = replace(one, status="follows", said=said, suspects=())
            grown = grown if grown != 1 else factor or 1.0
        if one.status == "off":
            absent = [name for name in unseen(judge, one) if judge.program.stage(name).of]
            places = [(suspect.kind, suspect.evidence.partition(WITHIN)[2].partition(")")[0]) for suspect in one.suspects]
            strays = [suspect.evidence.partition(" is ")[2] for suspect in one.suspects if suspect.kind == "stray_factor"]
            kept = ["accumulated"] * any(suspect.kind == "accumulated" for suspect in one.suspects)
            again = [f"{suspect.kind} {_anywhere(judge, one, suspect)}" for suspect in one.suspects if one.stage.phase is Phase.UPDATE]
            keys = [f"{kind} {place}" for kind, place in places if place in absent] or strays or kept or again
            keys = keys or ([] if one.suspects else absent)
            same = next((first[key] for key in keys if key in first), "")
            if same:
                before = ", before both of them" * (not kept and not again)
                said = f"the same factor as in {same}" if strays else f"the same mistake as in {same}{before}"
                one = replace(one, status="follows", said=said, suspects=())
            first |= {key: one.name for key in keys if key not in first}
        joined.append(one)
    return joined


def of_own_lines(judge: Judge, found: Sequence[Finding]) -> list[Finding]:
    """The findings, of which derivatives that are right for a line as the user has it, wrong as it is, are no accusation of their own."""
    program, changed = judge.program, list[str]()
    for finding in found if program.scenario.lines else ():
        if finding.status == "off" and finding.stage.phase is Phase.FORWARD and len(finding.suspects) == 1 and finding.suspects[0].formula:
            with suppress(BpdebugError):
                program = program.with_formula(finding.stage.name, finding.suspects[0].formula)
                changed.append(finding.name)
    if not changed:
        return [*found]
    other = Judge(replace(judge.scene, meant=program), judge.reading).backward(judge.convention)
    right = {one.name for one in other.findings if one.says.agrees and one.stage.of}
    said = f"right for your {together(changed)}"
    return [replace(one, status="follows", said=said, suspects=()) if one.status == "off" and one.name in right else one for one in found]


def _anywhere(judge: Judge, finding: Finding, suspect: Suspect) -> str:
    """A wrong step of the optimizer in words that are those of all parameters."""
    program, name = judge.program, finding.stage.name
    parameter = program.slots.get(name, name)
    own = {slot: letter for letter in program.rule.slots for slot in program.letters[letter] if program.slots[slot] == parameter}
    own |= {parameter: "w", program.gradients.get(parameter, ""): "g"}
    found = rf"(?<![\w@])({'|'.join(map(re.escape, own))})(?![\w@])"
    return re.sub(found, lambda match: own[match[0]], f"{name}: {suspect.formula or suspect.evidence}")


def advice(judge: Judge) -> Iterator[str]:
    """Sentences on where else the mistake in the first off stage may lie."""
    off = [finding for finding in judge.findings if finding.status == "off"]
    if not off:
        return
    stage, given = off[0].stage, judge.reading.given
    lacking = [name for name in stage.formula.names if name in judge.program.parameters and name not in given]
    if stage.phase is Phase.FORWARD and lacking:
        yield f"{off[0].name} was compared with the scenario's {listed(lacking)}: save yours too, if they are others"
    if absent := unseen(judge, off[0]):
        yield f"{listed(absent)} before {off[0].name} {are(absent)} not in your file: the mistake may be there"


def unseen(judge: Judge, off: Finding) -> list[str]:
    """What was computed and not saved before a stage, and may be wrong: nothing right has come of it."""
    found: list[str] = []
    wanted, right = {*off.stage.formula.names}, set[str]()
    names = [finding.name for finding in judge.findings]
    for finding in reversed(judge.findings[: names.index(off.name)] if off.name in names else []):
        stage, missing = finding.stage, finding.status == "missing"
        if finding.says.agrees or (missing and stage.name in right):
            right |= {*stage.formula.names}
        elif missing and stage.name in wanted and stage.phase is not Phase.UPDATE:
            wanted |= {*stage.formula.names}
            found += [stage.name] if not is_term(judge.program, stage.name) else []
    return found[::-1]
