"""What a user's files show of a mistake beyond the numbers of one stage: masks, rows that are equal, losses and gradients of earlier
updates, a cache whose parts do not belong together."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

import numpy as np

from bpdebug.core.cells import cell_name
from bpdebug.core.description import Array, Values
from bpdebug.core.evaluate import Evaluator, assigned
from bpdebug.core.network import Phase
from bpdebug.core.numbers import short
from bpdebug.core.tree import Call
from bpdebug.core.writing import to_text
from bpdebug.trust.factors import TOLD, called, scale
from bpdebug.trust.finding import Finding, Suspect, largest, worst
from bpdebug.trust.judge import Judge
from bpdebug.trust.patterns import suspect

_TURNS = 6
"""A function of one number that rises and falls so often is none of the table, which has one valley at most."""


def clues(judge: Judge, finding: Finding, losses: Sequence[float]) -> Iterator[Suspect]:
    """What the mistake in a stage may be.

    Args:
        judge, finding: the stage that is off.
        losses: of the updates before, from the first; none where they are not known.
    """
    if finding.theirs is None or finding.misshapen or not np.isfinite(finding.theirs).all():
        return
    theirs = finding.theirs / judge.shown(finding.stage.name)
    yield from _mask(judge, finding, theirs)
    yield from _equal_rows(judge, finding, theirs)
    yield from _apart(judge, finding, theirs)
    if finding.stage.name == judge.program.loss:
        yield from _carried_on(judge, finding, losses)


def _same(judge: Judge, one: Array, other: Array) -> bool:
    return worst(one, other)[0] <= max(1e-6, 10 * judge.tolerance)


def _mask(judge: Judge, finding: Finding, theirs: Array) -> Iterator[Suspect]:
    """A mask of the forward pass, or its zeros alone, left out on the way back."""
    mask, stage = judge.convention.masks.get(finding.stage.name), finding.stage
    if mask is None:
        return
    whole = assigned(stage.formula, judge.unmasked(stage, judge.seen[stage.name]))
    for factor, said in ((1.0, "it is not multiplied by that mask"), (float(mask.max()), "the factor is there, the zeros are not")):
        if _same(judge, theirs, whole * factor):
            masked = next(layer.a for layer in judge.program.layers if stage.of in (layer.z, layer.a))
            seen = f"{masked} is 0 in the {int((mask == 0).sum())} cells that are dropped, and {finding.name} is not: {said}"
            yield Suspect("mask_missing", "the dropout mask left out", seen)
            return


def _equal_rows(judge: Judge, finding: Finding, theirs: Array) -> Iterator[Suspect]:
    """Of samples that choose the same row of a table, the last one's share alone (``dtable[tokens] += …``)."""
    stage, seen = finding.stage, judge.seen[finding.stage.name]
    match stage.formula.tree:
        case Call("add_at", (base, key, values)):
            known = Evaluator(seen)
            made = np.array(known.value(base), np.float64)
            made[known.argument(key)] = known.value(values)
            if _same(judge, theirs, made):
                told = f"of equal places in {to_text(key)} the last one alone is counted, as in d[places] = … or d[places] += …"
                yield Suspect("equal_rows", "repeated indices counted once", f"{told}; np.add.at adds them all")
            return
    x = seen.get(judge.program.input, np.zeros(0))
    reads = x.ndim == 2 and stage.of in judge.program.parameters and judge.program.input in stage.formula.names
    if not (reads and np.isin(x, (0, 1)).all() and (x.sum(axis=1) == 1).all()):
        return
    tokens = x.argmax(axis=1)
    last = np.array([token not in tokens[place + 1 :] for place, token in enumerate(tokens)])
    if last.all() or not _same(judge, theirs, assigned(stage.formula, {**seen, judge.program.input: x * last[:, None]})):
        return
    again = next(token for token in tokens[~last])
    rows = " ".join(map(str, np.flatnonzero(tokens == again)))
    told = f"rows {rows} of {judge.program.input} choose {stage.of}[{again}], and the last of them alone is counted, as in d[tokens] += …"
    yield Suspect("equal_rows", "repeated indices counted once", f"{told}; np.add.at adds them all")


def out_of_step(judge: Judge, finding: Finding) -> Iterator[Suspect]:
    """A weighted sum that its activation was not computed from."""
    layer = next((layer for layer in judge.program.layers if layer.z == finding.stage.name), None)
    if layer is None or finding.theirs is None or finding.misshapen or (theirs := judge.reading.computed.get(layer.a)) is None:
        return
    stage = judge.program.stage(layer.a)
    mine, due = (assigned(stage.formula, {**judge.seen[layer.a], layer.z: z}) for z in (finding.theirs, finding.right))
    if theirs.shape == due.shape and _same(judge, theirs, due) and not _same(judge, theirs, mine):
        told = f"{layer.a} is right, as it is of the {layer.z} that is due; yours is of another moment or batch, or has changed since"
        yield Suspect("cache_apart", f"{layer.z} and {layer.a} that do not belong together", told)


def _apart(judge: Judge, finding: Finding, theirs: Array) -> Iterator[Suspect]:
    """An activation that is no function of its weighted sum."""
    layer = next((layer for layer in judge.program.layers if layer.a == finding.stage.name), None)
    if layer is None or layer.layer.activation == "softmax" or not (reading := judge.reading.computed.get(layer.z)) is not None:
        return
    z = judge.seen[finding.stage.name][layer.z]
    order = np.argsort(z, axis=None)
    rising = np.diff(theirs.flat[order]) > 0
    turns = int(np.count_nonzero(rising[1:] != rising[:-1]))
    if reading.shape != z.shape or turns < max(_TURNS, z.size // 4):
        return
    cells = [tuple(map(int, np.unravel_index(order[place], z.shape))) for place in _widest(z.flat[order], theirs.flat[order])]
    both = [[(cell_name(name, cell), short(float(of[cell]))) for name, of in ((layer.z, z), (layer.a, theirs))] for cell in cells]
    pairs = [f"{one} = {value} goes with {other} = {given}" for (one, value), (other, given) in both]
    told = f"{layer.a} rises and falls {turns} times as {layer.z} grows ({' and '.join(pairs)})"
    yield Suspect(
        "cache_apart", f"{layer.z} and {layer.a} that do not belong together", f"{told}: one of them is of another moment or batch"
    )


def _widest(z: Array, a: Array) -> tuple[int, int]:
    """Two neighbours in order of z whose a are most apart, for how near they are."""
    jumps = np.abs(np.diff(a)) / (np.diff(z) + 1e-3 * (z[-1] - z[0]) + 1e-300)
    place = int(np.argmax(jumps))
    return place, place + 1


def _carried_on(judge: Judge, finding: Finding, losses: Sequence[float]) -> Iterator[Suspect]:
    """The losses of earlier updates in the loss."""
    theirs, due = float(finding.theirs), float(finding.right)  # type: ignore[arg-type]
    earlier = np.cumsum(losses[::-1])
    room = max(1e-6, 10 * judge.tolerance) * abs(theirs)
    for count in dict.fromkeys((len(earlier), 1)):
        if 0 < count <= len(earlier) and abs(theirs - due - earlier[count - 1]) <= room:
            whose = "of the update before" if count == 1 else f"of the {count} updates before"
            told = f"{short(theirs, 8)} = {short(due, 8)} + {short(float(earlier[count - 1]), 8)} {whose}"
            yield Suspect("loss_carried_on", "it has the earlier losses in it", told)
            return


_STEPS = 20
"""In so many steps a factor is found, if it is."""
_TELLING = 4
"""So many cells show a factor that has no name."""

Gradients = Values


def uncleared(judge: Judge) -> dict[str, Suspect]:
    """By each stage that is off only in that the gradient of a parameter was never cleared, what is to be said of it."""
    off = {f.stage.name: found for f in judge.findings if f.status == "off" and not f.misshapen and (found := _more(judge, f))}
    theirs, near = dict(off.values()), max(1e-7, 10 * judge.tolerance, judge.printed.coarse)
    rights = {name: judge.values[name] for name in theirs}
    a_factor = all(scale(rights[name] + more, rights[name], near) for name, more in theirs.items())  # which would say it, too
    if not theirs or a_factor or not (earlier := judge.scene.earlier):
        return {}

    def before(factor: float) -> Gradients:
        powers = factor ** np.arange(len(earlier), 0, -1)
        return {name: np.asarray(sum(power * one[name] for power, one in zip(powers, earlier, strict=True))) for name in theirs}

    factor = _factor(before, theirs, near)
    meanings = [*called(judge.program, judge.start, factor, near)]
    if factor == 1 or (factor and (meanings or sum(more.size for more in theirs.values()) >= _TELLING)):
        return {stage: _suspect(judge, name, factor, meanings) for stage, (name, _) in off.items()}
    return {}


def _more(judge: Judge, finding: Finding) -> tuple[str, Array] | None:
    """The gradient of a parameter that is off, or that the file does not have and a step is off by, and what is too much of it."""
    stage, computed = finding.stage, judge.reading.computed
    more = (np.asarray(finding.theirs) - finding.right) / judge.shown(stage.name)
    if stage.of in judge.program.free:
        return (stage.name, more) if not stage.through else None
    unseen = [name for name in stage.formula.names if name in judge.program.gradients.values() and name not in computed]
    if stage.phase is not Phase.UPDATE or len(unseen) != 1 or not more.shape:
        return None
    values = judge.seen[stage.name]
    none, one, two = (judge.computed(stage, {**values, unseen[0]: np.full(more.shape, number)}) for number in (0.0, 1.0, 2.0))
    slope = one - none
    return (unseen[0], more / slope) if slope.all() and np.allclose(two - one, slope, 1e-6, 0) else None


def _factor(before: Callable[[float], Gradients], theirs: Gradients, near: float) -> float:
    """The factor with which what is kept gives what is too much; 0 where none does."""

    def flat(parts: Gradients) -> Array:
        return np.concatenate([np.broadcast_to(parts[name], theirs[name].shape).ravel() for name in theirs])

    wanted, factor = flat(theirs), 1.0
    for _ in range(_STEPS):
        found = flat(before(factor))
        if not np.isfinite(found).all():
            return 0.0
        if largest(wanted - found) <= near * largest(wanted):
            return 1.0 if abs(factor - 1) <= near else factor
        slope = (flat(before(factor + 1e-5)) - found) / 1e-5
        step = float(slope @ (wanted - found)) / (float(slope @ slope) or np.inf)
        factor += float(np.clip(step, -1.0, 1.0))
    return 0.0


def _suspect(judge: Judge, name: str, factor: float, meanings: Sequence[str]) -> Suspect:
    count, number = judge.scene.update, short(factor, 6)
    if factor == 1:
        whose = "the update before" if count == 1 else f"all {count} updates before"
        return suspect("accumulated", f"the {name} of {whose} is still in it, as where zero_grad() is forgotten")
    says = f"{number} times the {name} of the update before is still in it" + ", and in that those before it in turn" * (count > 1)
    says += f": {number} is {', or '.join(meanings[:TOLD])}" * bool(meanings)
    return suspect("accumulated", f"{says}. It is never set back to 0, so that it goes on growing")
