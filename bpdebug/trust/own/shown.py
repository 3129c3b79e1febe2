"""What a wrong gradient's numbers show by themselves, beside the right ones and beside what went in and what arrived.

No formula is known here. A mistake is named only where it gives these numbers in every cell that is known; where several do, all
of them are.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import numpy as np

from bpdebug.core.cells import cell_name
from bpdebug.core.description import Array
from bpdebug.core.numbers import short
from bpdebug.core.record import Record
from bpdebug.trust.finding import Suspect
from bpdebug.trust.own.misshapen import SAME, same

_MOST = 3


class Seen(Record, eq=False):
    """A wrong gradient.

    Attributes:
        name: what it is called.
        wrong, right: the user's and the derivative, NaN where that is not known; of one shape.
        arrays: what went in, by name, what came ``out``, and ``dout``, what arrived.
        others, given: the right gradients, and the user's, by name.
    """

    name: str
    wrong: Array
    right: Array
    arrays: Mapping[str, Array]
    others: Mapping[str, Array]
    given: Mapping[str, Array]

    def explains(self, found: Array) -> bool:
        """Whether these are the wrong numbers, in all cells that are known, and not the right ones as well."""
        return found.shape == self.wrong.shape and same(found, self.wrong)


def _off(seen: Seen) -> Array:
    """Which cells are off."""
    scale = float(np.nanmax(np.abs(seen.right)))
    return np.asarray(np.abs(seen.wrong - seen.right) > SAME * np.abs(seen.right) + 1e-3 * SAME * scale)


def suspects(seen: Seen) -> tuple[Suspect, ...]:
    """What the mistake probably is, the simplest first."""
    known = np.isfinite(seen.right)
    if not known.any():
        return ()
    with np.errstate(all="ignore"):
        if not np.isfinite(seen.wrong).all():
            count = int((~np.isfinite(seen.wrong)).sum())
            evidence = f"{count} of {seen.wrong.size} cells are nan or inf, and the derivative is finite"
            return (Suspect("non_finite", "no numbers", evidence),)
        if not seen.wrong.any():
            largest = short(float(np.abs(seen.right[known]).max()))
            evidence = f"it is 0 in every cell, where the right values reach {largest}: computed nowhere, or cut off on the way"
            return (Suspect("zero", "a gradient of zeros", evidence),)
        for look in _LOOKS:
            found = {suspect.evidence: suspect for suspect in look(seen)}
            if found:
                return tuple(found.values())[:_MOST]
    return ()


def _factor(seen: Seen) -> Iterator[Suspect]:
    """One factor in all cells."""
    known = np.isfinite(seen.right) & (np.abs(seen.right) > 1e-6 * np.nanmax(np.abs(seen.right)))
    if not known.any():
        return
    ratios = seen.wrong[known] / seen.right[known]
    factor = float(np.median(ratios))
    if not factor or not np.isfinite(factor) or abs(factor - 1) < 1e-6 or not seen.explains(factor * seen.right):
        return
    meanings = list(_meanings(abs(factor), seen))
    if known.sum() < 2 and not meanings and factor != -1:
        return
    cells = "it is" if seen.wrong.size == 1 else "every cell is"
    if abs(factor + 1) < 1e-6:
        yield Suspect("sign", "a wrong sign", f"{cells} the negative of the right value")
        return
    turned = "minus " * (factor < 0)
    said = f"{cells} {short(factor)} times the right value"
    if not meanings:
        yield Suspect("stray_factor", "a stray factor", said)
    for kind, title, meaning in meanings:
        yield Suspect(kind, title, f"{said}, and {turned}{meaning}")


def _meanings(factor: float, seen: Seen) -> Iterator[tuple[str, str, str]]:
    lengths: dict[int, list[str]] = {}
    for name in ("out", *(name for name in seen.arrays if name not in ("out", "dout"))):
        shape = seen.arrays[name].shape
        for axis, length in enumerate(shape):
            lengths.setdefault(length, []).append(f"axis {axis} of {name} has {length}")
        if len(shape) > 1:
            lengths.setdefault(int(np.prod(shape)), []).append(f"{name} has {int(np.prod(shape))} cells")
    for length, said in ((length, said) for length, said in lengths.items() if length > 1):
        if length > 1 and abs(factor * length - 1) < 1e-6:
            yield "mean_for_sum", "the mean where the sum belongs", f"{short(factor)} is 1/{length}: {said[0]}"
        if length > 1 and abs(factor / length - 1) < 1e-6:
            yield "sum_for_mean", "the sum where the mean belongs, or a sum too many", f"{length} it is: {said[0]}"
        for said_factor, words in ((length / (length - 1), "n − 1 where n belongs"), ((length - 1) / length, "n where n − 1 belongs")):
            if length > 2 and abs(factor / said_factor - 1) < 1e-7:
                yield "bessel", words, f"{short(factor)} is that of {length} and {length - 1}: {said[0]}"
    for name, value in seen.arrays.items():
        if value.size == 1 and name not in ("out", "dout") and abs(float(value.flat[0])) not in (0.0, 1.0):
            number = abs(float(value.flat[0]))
            often, left_out = f"a division by {name} left out, or {name} once too often", f"{name} left out, or a division by it too many"
            for times, how in ((number, often), (1 / number, left_out)):
                if abs(factor / times - 1) < 1e-6:
                    yield "stray_factor", "a stray factor", f"{name} is {short(number)}: {how}"


def _exchanged(seen: Seen) -> Iterator[Suspect]:
    """The numbers of another gradient."""
    for name, other in seen.others.items():
        if name != seen.name and other.shape == seen.wrong.shape and seen.explains(other):
            mutual = name in seen.given and same(seen.right, seen.given[name]) if seen.given[name].shape == seen.right.shape else False
            said = f"it has the numbers of {name}" + f", and {name} those of {seen.name}" * bool(mutual)
            yield Suspect("exchanged", "two gradients exchanged" if mutual else "another gradient in its place", said)

    for name, value in seen.arrays.items():
        if name != "dout" and value.shape == seen.wrong.shape and value.std() and seen.explains(value):
            yield Suspect("exchanged", "another array in its place", f"it has the numbers of {name}")


def _products(seen: Seen) -> Iterator[Suspect]:
    """A product of what arrives and what went in, another one than is right."""
    arrives = seen.arrays.get("dout")
    if arrives is None or arrives.ndim != 2 or seen.wrong.ndim != 2:
        return
    made: dict[str, Array] = {}
    for name, value in seen.arrays.items():
        for said, array in ((name, value), (f"{name}.T", value.T)) if value.ndim == 2 and name != "dout" else ():
            for arriving, turned in (("dout", arrives), ("dout.T", arrives.T)):
                for left, right, words in ((turned, array, f"{arriving} @ {said}"), (array, turned, f"{said} @ {arriving}")):
                    if left.shape[1] == right.shape[0] and (left.shape[0], right.shape[1]) == seen.wrong.shape:
                        made[words] = left @ right
    meant = next((words for words, value in made.items() if same(seen.right, value)), "")
    for words in (words for words, value in made.items() if seen.explains(value)):
        kind, title = "exchanged", "another product"
        if words.replace(".T", "") == meant.replace(".T", ""):
            kind, title = "transposed", "a transpose missing, or one too many"
        yield Suspect(kind, title, f"it is {words}" + f", where {meant} belongs" * bool(meant))


def _repeated(seen: Seen) -> Iterator[Suspect]:
    """Rows of equal indices that overwrite each other."""
    rows = np.flatnonzero(_off(seen).reshape(len(seen.wrong), -1).any(axis=1)) if seen.wrong.ndim else np.zeros(0)
    for name, value in seen.arrays.items():
        if value.dtype.kind == "i" and value.size > 1 and len(rows):
            numbers, counts = np.unique(value, return_counts=True)
            if set(rows.tolist()) <= set(numbers[counts > 1].tolist()):
                shown = ", ".join(map(str, rows[:5]))
                evidence = f"only row {shown} is off, and {name} has that index more than once: add them up, as np.add.at does"
                yield Suspect("repeated_index", "equal indices that overwrite each other", evidence)


def _turned(seen: Seen) -> Iterator[Suspect]:
    """The right numbers at other places."""
    right, axes = seen.right, range(seen.right.ndim)
    if right.ndim >= 2 and right.shape[-1] == right.shape[-2] > 1 and seen.explains(np.swapaxes(right, -1, -2)):
        yield Suspect("transposed", "a transpose missing, or one too many", "it is the transpose of the right one, in every cell")
    if right.ndim == 2 and min(right.shape) > 1 and seen.explains(right.T.reshape(right.shape)):
        yield Suspect("reshaped", "reshaped where it should be transposed", "the transpose's numbers are here in their order")
    for some in [(axis,) for axis in axes] + ([(right.ndim - 2, right.ndim - 1)] if right.ndim > 1 else []):
        if all(right.shape[axis] > 1 for axis in some) and seen.explains(np.flip(right, some)):
            words = " and ".join(map(str, some))
            kernel = ", as a kernel that is turned round where it should not be, or the other way round" * (right.ndim > 2)
            yield Suspect("flipped", "turned round", f"it is the right one backwards along axis {words}{kernel}")
    for axis in axes:
        for by in (1, -1):
            if right.shape[axis] > 2 and seen.explains(np.roll(right, by, axis)):
                yield Suspect("shifted", "shifted by one", f"it is the right one shifted by {by} along axis {axis}")


def _arriving(seen: Seen) -> Iterator[Suspect]:
    """What arrives, passed on or left out."""
    arrives = seen.arrays.get("dout")
    if arrives is None or arrives.shape != seen.wrong.shape:
        return
    if seen.explains(arrives):
        yield Suspect("activation_missing", "the derivative left out", "it is dout, passed on as it arrives")
    if seen.explains(seen.right / arrives):
        yield Suspect("gradient_missing", "the arriving gradient left out", "times dout it is right in every cell")
    if seen.explains(seen.right * arrives):
        yield Suspect("gradient_missing", "the arriving gradient multiplied in twice", "divided by dout it is right in every cell")


def _rows_of_arriving(seen: Seen) -> Iterator[Suspect]:
    """One row of what arrives where their sum belongs."""
    arrives = seen.arrays.get("dout")
    if arrives is None or arrives.ndim < 2 or arrives.shape[1:] != seen.wrong.shape:
        return
    for row in (0, len(arrives) - 1):
        if seen.explains(arrives[row]):
            yield Suspect("bias_not_summed", "not summed over the samples", f"it is dout[{row}] alone")


def _multiplied(seen: Seen) -> Iterator[Suspect]:
    """An array by which it should have been multiplied, or should not."""
    for name, value in seen.arrays.items():
        if name == "dout" or value.size < 2:
            continue
        for said, array in ((name, value), (f"(1 − {name})", 1 - value)):
            try:
                spread = np.broadcast_to(array, seen.wrong.shape)
            except ValueError:
                continue
            if spread.std() and seen.explains(np.where(spread == 0, seen.wrong, seen.right / spread)) and (spread != 0).all():
                yield Suspect("factor_missing", "a factor left out", f"times {said} it is right in every cell")
            if spread.std() and seen.explains(seen.right * spread):
                yield Suspect("factor_twice", "a factor too many", f"it is the right value times {said}, in every cell")


def _centred(seen: Seen) -> Iterator[Suspect]:
    """A path through a mean left out: the right numbers add up to 0 along some axes, and the wrong ones do not."""
    if not np.isfinite(seen.right).all() or not seen.right.any():
        return
    for bits in range(1, 2**seen.right.ndim):
        axes = tuple(axis for axis in range(seen.right.ndim) if bits >> axis & 1)
        if not all(seen.right.shape[axis] > 1 for axis in axes):
            continue
        size = np.abs(seen.right).sum(axis=axes).max()
        if np.abs(seen.right.sum(axis=axes)).max() <= 1e-6 * size < np.abs(seen.wrong.sum(axis=axes)).max():
            mean = seen.wrong.mean(axis=axes, keepdims=True)
            over = ", ".join(map(str, axes))
            rest = "with that mean taken off it is right" if same(seen.right, seen.wrong - mean) else "it is wrong besides"
            evidence = f"the right one adds up to 0 over axis {over} and this one does not: forward has a mean or a sum along it ({rest})"
            yield Suspect("path_missing", "the path through a mean or a sum left out", evidence)
            return


def _added(seen: Seen) -> Iterator[Suspect]:
    """Something in proportion to a tensor too much."""
    more, known = seen.wrong - seen.right, np.isfinite(seen.right)
    for name, value in seen.arrays.items():
        if value.shape != seen.wrong.shape or known.sum() < 3:
            continue
        norm = float(np.vdot(value[known], value[known]))
        factor = float(np.vdot(more[known], value[known])) / norm if norm else 0.0
        if abs(factor) > 1e-9 and seen.explains(seen.right + factor * value):
            title, less = ("a term too many", "more") if factor > 0 else ("a term left out", "less")
            yield Suspect("term_added", title, f"every cell is {short(abs(factor))} times {name} {less} than the right value")


def _clipped(seen: Seen) -> Iterator[Suspect]:
    limit, known = float(np.abs(seen.wrong).max()), np.isfinite(seen.right)
    cut = known & (np.abs(seen.right) > limit * (1 + 1e-6))
    if cut.sum() > 1 and seen.explains(np.clip(seen.right, -limit, limit)):
        yield Suspect("clipped", "clipped", f"{cut.sum()} cells are cut off at ±{short(limit)}, and the others are right")
    if seen.explains(np.abs(seen.right)):
        yield Suspect("sign", "signs lost", "it is the absolute value of the right one in every cell")


def _few_cells(seen: Seen) -> Iterator[Suspect]:
    """Right but for one cell, or for one place along an axis."""
    off = _off(seen)
    known, count = int(np.isfinite(seen.right).sum()), int(off.sum())
    if not 0 < count < known or known < 3:
        return
    places = np.argwhere(off)
    if count == 1:
        cell = cell_name(seen.name, tuple(int(i) for i in places[0]))
        yield Suspect("one_cell", "one cell alone", f"only {cell} is off; the other {known - 1} that were looked at are right")
        return
    for axis in range(off.ndim):
        rows = np.unique(places[:, axis])
        if len(rows) == 1 and off.shape[axis] > 1 and off.ndim > 1:
            zero = " (it is 0 there)" if not np.take(seen.wrong, rows[0], axis).any() else ""
            where = f"only cells at {rows[0]} along axis {axis} of {off.shape[axis]} are off{zero}; the others are right"
            yield Suspect("one_row", "one place along an axis alone", where)
            return
        good = np.setdiff1d(np.arange(off.shape[axis]), rows)
        if len(good) == 1 and off.shape[axis] > 2 and off.ndim > 1:
            evidence = f"only cells at {good[0]} along axis {axis} of {off.shape[axis]} are right"
            yield Suspect("some_cells", "right at one place alone", evidence)
            return
    if not seen.wrong[off].any():
        evidence = f"{count} of {known} cells are 0 where they should not be, and the others are right"
        yield Suspect("masked", "cells left out", evidence)
        return
    yield Suspect("some_cells", "some cells alone", f"{count} of {known} cells are off, and the others are right")


_LOOKS = (
    _factor,
    _exchanged,
    _products,
    _turned,
    _arriving,
    _rows_of_arriving,
    _multiplied,
    _centred,
    _added,
    _clipped,
    _repeated,
    _few_cells,
)
"""From the simplest on; what a later one says counts only where none before it fits."""
