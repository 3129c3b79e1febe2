"""What a convention comes to, once all stages have been seen in it: which findings it changes, and the sentences that name it."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from bpdebug.core.network import Phase
from bpdebug.core.numbers import short
from bpdebug.core.record import replace
from bpdebug.trust.factors import ONE, RATE
from bpdebug.trust.finding import Finding
from bpdebug.trust.judge import Judge
from bpdebug.trust.patterns import suspect
from bpdebug.trust.report import listed

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


REASONS = {
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
        yield from () if alone else _of_gradients(judge, listed(shown))
        yield from _of_deltas(judge, listed(shown), 1.0 if alone else common(judge))
        yield from _of_slots(judge)
        yield from _undisclosed(judge)


def _reason(name: str, taken: bool) -> tuple[str, str]:
    """Why gradients may have a factor of this name: what of it is not the learning rate, and what is."""
    before, rate, after = name.partition(RATE)
    rest = f"1{after}" if after[:1] == "/" else before or after.removeprefix("·")
    said = REASONS.get(rest, f"as those of {rest} times the loss") if rest else ""
    return said, ("with the learning rate in them" + ", which your step does not apply again" * taken) * bool(rate)


def _of_gradients(judge: Judge, shown: str) -> Iterator[str]:
    shared = judge.names.of(common(judge))
    moved = [f for f in judge.findings if f.stage.name in judge.program.parameters and f.theirs is not None]
    if abs(shared.value) != 1:
        again = judge.convention.step == 1 and moved and shared.name != RATE
        first, *others = (_reason(name, _rate_taken_no_more(judge)) for name in (shared.name, *shared.others))
        known = {rest: rate for rest, rate in others if "times the loss" not in rest}
        told = {rate: [rest for rest, other in (first, *known.items()) if rest and other == rate] for rate in (first[1], *known.values())}
        reason = ", or ".join(", ".join(filter(None, (", or ".join(rests), rate))) for rate, rests in told.items())
        reason += ", and your step divides by it again" * bool(again)
        kept = any(f.theirs is not None for f in judge.findings if f.stage.of in judge.program.parameters)
        named = shown or "which are not in the file" * (not kept)
        factor, whose = replace(shared, value=abs(shared.value)).text, "ours"
        loss = next((f for f in judge.findings if f.stage.name == judge.program.loss and f.status == "convention"), None)
        own = judge.names.of(abs(shared.value) * float(loss.right / loss.theirs)) if loss and loss.theirs is not None else ONE
        if own.name and own != ONE:
            factor, whose, reason = own.text, "the derivatives of your own loss", _reason(own.name, False)[0]
        yield f"convention: your gradients{f' ({named})' * bool(named)} are {factor} times {whose}, {reason}"
    if shared.value < 0:
        adds = "and" if any(f.says.agrees for f in moved) else "right only if"
        yield f"convention: your gradients have the other sign (y − a), {adds} your step adds them"


def _of_deltas(judge: Judge, shown: str, own: float) -> Iterator[str]:
    by: dict[float, list[str]] = {}
    for finding in judge.findings:
        if finding.status in ("convention", "unsure") and finding.stage.of and finding.stage.of not in judge.program.parameters:
            by.setdefault(judge.convention.of(finding.name) / own, []).append(finding.name)
    for value, deltas in by.items():
        factor = judge.names.of(value)
        factor = factor if factor.name else judge.names.of(value * judge.names.of(common(judge)).rate)  # which only the others have
        if factor.name == "m" and value > 0:
            rest = f"; your {shown} have the 1/m" * bool(shown)
            yield f"convention: your deltas ({listed(deltas)}) are those of the samples' own losses{rest}"
        elif shown and factor != ONE and abs(judge.convention.of(deltas[0])) != 1:
            yield f"convention: your deltas ({listed(deltas)}) have a factor {factor.text} that your {shown} take back"


def _of_slots(judge: Judge) -> Iterator[str]:
    rate = float(judge.start.get("learning_rate", 1.0))
    for letter in judge.program.rule.slots:
        slots = [f.name for f in judge.findings if f.stage.name in judge.program.letters[letter] and f.theirs is not None]
        factor = judge.names.of(judge.convention.of(judge.program.letters[letter][0])) if slots else ONE
        if factor.value == -rate:
            yield f"convention: your {listed(slots)} are −learning_rate times ours: they hold the step itself, which is added"
        elif factor != ONE:
            yield f"convention: your {listed(slots)} are {factor.text} times ours, and your step takes that back"


def _undisclosed(judge: Judge) -> Iterator[str]:
    """Sentences on derivatives of activations that are 1 wherever something arrives, so that nobody sees whether they are there."""
    for layer in judge.program.layers:
        dz, da = (judge.program.gradients.get(name, "") for name in (layer.z, layer.a))
        finding = next((one for one in judge.findings if one.name == dz and one.theirs is not None and one.says.agrees), None)
        seen, row = judge.seen.get(dz, {}), layer.layer.activation
        if finding and row != "identity" and da in seen and np.array_equal(judge.computed(finding.stage, seen), seen[da]):
            yield f"{dz} equals {da} in every cell of this batch: it would not show if the derivative of {row} were left out"
