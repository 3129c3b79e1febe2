"""What a user's file shows of a mistake beyond the numbers of one stage: masks, rows that are equal, losses of earlier updates, a cache
whose parts do not belong together."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np

from bpdebug.core.cells import cell_name
from bpdebug.core.description import Array
from bpdebug.core.evaluate import Evaluator, assigned
from bpdebug.core.numbers import short
from bpdebug.core.tree import Call
from bpdebug.core.writing import to_text
from bpdebug.trust.finding import Finding, Suspect, worst
from bpdebug.trust.judge import Judge

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
    if (
        x.ndim != 2
        or stage.of not in judge.program.parameters
        or judge.program.input not in stage.formula.names
        or not np.isin(x, (0, 1)).all()
    ):
        return
    if not (x.sum(axis=1) == 1).all():
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
    first, second = (tuple(map(int, np.unravel_index(order[place], z.shape))) for place in _widest(z.flat[order], theirs.flat[order]))
    pairs = [
        f"{cell_name(layer.z, cell)} = {short(float(z[cell]))} goes with {cell_name(layer.a, cell)} = {short(float(theirs[cell]))}"
        for cell in (first, second)
    ]
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
