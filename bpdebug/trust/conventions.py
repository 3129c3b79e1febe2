"""What is right in another convention: a factor with a name that all gradients share as they reach the optimizer.

The 1/m may stand in the parameters' gradients and not in the deltas (Ng's courses), a loss may be the sum where ours is the mean, or
half of it, y − a may stand where the step adds, the velocity may hold the step with its sign (Sutskever et al. (2013); Keras).
All of these scale gradients and slots by numbers that have a name, and the parameters move alike. So the ways to read a user's
numbers are tried whose factors are seen in them, and the one counts in which the fewest stages are off.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping
from itertools import product as each_of

import numpy as np

from bpdebug.core.description import Array, Values
from bpdebug.core.network import Phase
from bpdebug.core.program import Program
from bpdebug.core.record import Record, replace
from bpdebug.core.schedule import Stage
from bpdebug.trust.factors import ONE, Convention, common_factor, powers, scale
from bpdebug.trust.judge import Judge

PLAINEST: tuple[int, ...] = (0, 0, 0)
"""The place of no convention at all among the others."""


def likeliest(judge: Judge) -> tuple[Judge, tuple[int, ...]]:
    """A judge that has gone through the forward pass goes on in the convention in which the fewest stages are off, and the fewest
    right in spite of others, the plainest of those; and how plain that one is."""
    bases = [judge.under(Convention(masks=masks)) for masks in _masks(judge)]
    best, rank = min((base.backward(base.convention).update(base.convention) for base in bases), key=lambda one: one.off), PLAINEST
    right = {finding.stage.name for finding in best.findings if finding.says.agrees and finding.theirs is not None}
    tried = ((*found, base) for base in bases for found in sorted(_candidates(base), key=lambda one: one[0])) if best.off else ()
    for place, convention, base in tried:
        half = base.backward(convention, _mistakes(best))
        if _is_likelier(half, place, best, rank):
            for step in _steps(half):
                whole = half.update(step, _mistakes(best))
                if _is_likelier(whole, place, best, rank) and not _spoils(whole, right):
                    best, rank = whole, place
    return best, rank


def _is_likelier(one: Judge, place: tuple[int, ...], best: Judge, rank: tuple[int, ...]) -> bool:
    """Whether one judge goes before the best so far; where masks lie elsewhere, the number of faults alone counts. Fewer faults must
    not be bought with as many coincidences more, nor fewer coincidences with more stages that inherit an error."""
    if one.convention.masks.keys() != best.convention.masks.keys():
        return one.count < best.count
    if one.count != best.count:
        fewer = _mistakes(one) < _mistakes(best) and following(one) < following(best)
        return fewer if one.count > best.count else _mistakes(one) <= _mistakes(best)
    if one.surprises != best.surprises:
        return one.surprises < best.surprises and one.surprises + following(one) < best.surprises + following(best)
    return place < rank


def _mistakes(judge: Judge) -> int:
    """How many a user has made: what is right although it is computed from what is not takes a second one."""
    return judge.count + judge.surprises


def following(judge: Judge) -> int:
    """How many stages inherit an error."""
    return sum(finding.status == "follows" for finding in judge.findings)


def _spoils(judge: Judge, right: Collection[str]) -> bool:
    """Whether a convention makes a stage wrong that is right as it stands, and either turns a sign or is not asked for by any gradient,
    all being right: with a factor of 1/m such a stage may be right by a second mistake, which makes up for the convention."""
    shown = {f.stage.name for f in judge.findings if f.stage.phase is Phase.BACKWARD and f.theirs is not None}
    unasked = shown <= {*right} or any(factor < 0 for factor in judge.convention.factors.values())
    return unasked and any(finding.says.accuses and finding.stage.name in right for finding in judge.findings)


def _masks(judge: Judge) -> Iterator[dict[str, Array]]:
    """Where the masks of the forward pass are on the way back: at the gradients of the weighted sums, or at those of the activations."""
    gradients, masked = judge.program.gradients, [layer for layer in judge.program.layers if layer.a in judge.dropped]
    yield {gradients[layer.z]: judge.dropped[layer.a][1] for layer in masked if layer.z in gradients}
    found = dict[str, Array]()
    for layer in masked:
        (due, mask), name = judge.dropped[layer.a], gradients.get(layer.a, "")
        theirs = judge.reading.computed.get(name, mask)  # which alone shows the mask where the activation is 0
        found |= {name: np.where((due == 0) & (theirs == 0), 0.0, mask)} if name and theirs.shape == mask.shape else {}
    yield from [found] * bool(found)


def _factor(judge: Judge, name: str, theirs: Array, ours: Array) -> float | None:
    """The one factor between the two, as nearly as his numbers show it: one that has a name to the last bit."""
    near = judge.visible(name, theirs)
    factor = scale(theirs, ours, near)
    return None if factor is None else judge.names.of(factor, near).value


def _own(program: Program, stage: Stage) -> bool:
    """Whether it is a gradient, or a part of one, of a parameter."""
    return stage.of in program.parameters


class _Scales(Record, eq=False):
    """By how much each of a user's gradients is larger than ours, given those that arrive at it, which are read divided by theirs."""

    deltas: Mapping[str, float]
    gradients: Mapping[str, tuple[float, ...]]


def _scales(judge: Judge) -> _Scales:
    """Of a parameter's gradient, also the factor of what is not the penalty's part."""
    values, still = {**judge.values}, {**judge.values}
    deltas, gradients, taken = dict[str, float](), dict[str, tuple[float, ...]](), dict[str, float]()
    for stage in judge.program.stages:
        if stage.phase is not Phase.BACKWARD:
            continue
        due, rest, own = judge.computed(stage, values), judge.computed(stage, still), _own(judge.program, stage)
        still[stage.name], values[stage.name] = rest if own else 0 * rest, due
        theirs = judge.reading.computed.get(stage.name)
        taken[stage.name] = next((taken[name] for name in stage.formula.names if name in taken), 1.0)
        if theirs is None or theirs.shape != due.shape:
            continue
        whole = _factor(judge, stage.name, theirs, due)
        if own:
            found = (whole, _factor(judge, stage.name, theirs - rest, due - rest))
            gradients[stage.name] = tuple(dict.fromkeys(factor for factor in found if factor))
        elif whole:
            deltas[stage.name] = whole
        taken[stage.name] = whole or taken[stage.name]
        values[stage.name] = theirs / (1.0 if own else taken[stage.name])
    if not any(stage in judge.reading.computed for stage in gradients):
        gradients |= _hidden(judge, values)
    return _Scales(deltas, gradients)


def _hidden(judge: Judge, values: Values) -> dict[str, tuple[float, ...]]:
    """The same of parameters' gradients that are not shown, by the steps that are."""
    program, found = judge.program, dict[str, tuple[float, ...]]()
    still = {**values, **{name: 0 * values[name] for name in (*program.gradients.values(), *program.slots) if name in values}}
    for known in (moved := {**values}, still):
        for stage in program.stages:
            if stage.phase is Phase.UPDATE:
                known[stage.name] = judge.computed(stage, known)
    for name in program.free:
        theirs = judge.reading.computed.get(name)
        factor = None if theirs is None else _factor(judge, name, theirs - still[name], moved[name] - still[name])
        found |= {program.gradients[name]: (factor,)} if factor else {}
    return found


def _candidates(judge: Judge) -> Iterator[tuple[tuple[int, ...], Convention]]:
    """The conventions whose factors are seen in the user's numbers, each with its place among them: the plainest first."""
    program, names, near = judge.program, judge.names, judge.near
    seen = _scales(judge)
    stages = [stage for stage in program.stages if stage.phase is Phase.BACKWARD]
    deltas = [names.of(factor) for name, factor in seen.deltas.items() if name != program.gradients.get(program.prediction)]
    shared = common_factor([*seen.gradients.values()], near)
    owns = [names.of(factor) for factors in seen.gradients.values() for factor in factors]
    odd = [factor for factor in owns if not factor.name and shared is not None and abs(factor.value / shared - 1) <= near]
    top = seen.deltas.get(program.gradients.get(program.prediction, ""))
    first = [] if top is None else [names.of(top)]
    known = {factor.value: factor for factor in (ONE, *first, *deltas, *owns) if factor.name} | {f.value: f for f in odd[:1]}
    pairs = {(delta, own): None for delta in known.values() for own in known.values()}
    pairs |= {(names.of(delta.value / own.value), ONE): None for delta, own in pairs}
    pairs |= {(ONE, names.of(own.value / delta.value)): None for delta, own in [*pairs]}
    pairs |= {(names.of(shared), names.of(shared)): None} if shared is not None else {}
    kept = _slot_scales(
        judge.backward(judge.convention), [slot for letter in program.rule.slots[:1] for slot in program.letters[letter]], 1.0
    )
    pairs |= {(one, one): None for factor in kept if (one := names.of(1 / factor)).name}  # gradients may be mere rounding
    for delta, own in pairs:
        odds, usual = not own.name, ONE if owns or not seen.gradients else delta  # of those of which none tells, each has what arrives
        for entry in dict.fromkeys((delta, *first)):
            if (delta.name and entry.name) or odds:
                factors = {stage.name: own.value if _own(program, stage) else delta.value for stage in stages}
                factors |= {stage.name: entry.value for stage in stages if stage.of == program.prediction}
                parts = own.parts * (own != delta or usual == ONE) + delta.parts
                rank = (2 * odds, own != usual, parts + (entry != delta) * (1 + entry.parts))
                yield rank, Convention(factors, abs(own.value), judge.convention.masks, odds)
    if judge.program.layers and shared is not None and (own := names.of(shared)).name:
        yield (1, 0, 0), Convention(_each(judge, seen, own.value), abs(own.value), judge.convention.masks)


def _each(judge: Judge, seen: _Scales, own: float) -> dict[str, float]:
    """Every delta in its own scale, as far as that has a name and a parameter's gradient shows that something right comes of it."""
    reaches, factors = set[str](), dict[str, float]()
    for stage in reversed(judge.program.stages):
        shown = stage.name in judge.reading.computed and _own(judge.program, stage)
        if stage.phase is Phase.BACKWARD and (shown or stage.name in reaches):
            reaches |= {*stage.formula.names}
            scale = judge.names.of(seen.deltas.get(stage.name, 1.0))
            factors[stage.name] = own if _own(judge.program, stage) else scale.value if scale.name else 1.0
    return factors


def _steps(half: Judge) -> Iterator[Convention]:
    """What the optimizer may make of gradients in a convention: it takes them as they are, without the learning rate that is in them
    already, or as ours are; and slots in scales of their own."""
    program, names, convention = half.program, half.names, half.convention
    moved = any(name in half.reading.computed for name in program.free)
    inside = names.of(convention.step).rate
    for step in dict.fromkeys((convention.step, 1.0, convention.step / inside)):
        choices: list[list[float]] = []
        for letter in program.rule.slots:
            found = [names.of(factor) for factor in _slot_scales(half, program.letters[letter], step)]
            usual = [one.value for one in found if one != ONE and (moved or "learning_rate" in one.name or one.name == "1")]
            choices.append([1.0, *dict.fromkeys(usual)])
        for factors in each_of(*choices):
            scales = {name: factor for letter, factor in zip(program.rule.slots, factors, strict=True) for name in program.letters[letter]}
            yield replace(convention, factors={**convention.factors, **scales}, step=step)


def _slot_scales(half: Judge, slots: Iterable[str], step: float) -> Iterator[float]:
    """By how much what the gradients add to a user's slots is larger than what they add to ours."""
    program, power = half.program, powers(half.program)
    values = {**half.values} | {name: half.values[name] * step for name in program.gradients.values() if name in half.values}
    for stage in program.stages:
        if stage.operation == "clip":
            values[stage.name] = half.computed(stage, values)
    used = dict(zip(program.letters["w"], program.letters["g"], strict=True))
    for name in slots:
        theirs, stage = half.reading.computed.get(name), program.stage(name)
        if theirs is None:
            continue
        gradient, given = used[program.slots[name]], half.reading.given.get(name)
        old = values[name] * step ** power[name] if given is None else given
        rest = half.computed(stage, {**values, gradient: 0 * values[gradient], name: old})
        added = half.computed(stage, {**values, name: 0 * old})
        found = _factor(half, name, theirs - rest, added) if theirs.shape == rest.shape else None
        if found is None:  # the gradients may be too small to show it, and what it holds already is not
            found = _factor(half, name, theirs, added + rest) if given is None else _factor(half, name, given, half.scene.state[name])
        yield from [found] if found else []
