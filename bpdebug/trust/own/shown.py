"""What a wrong gradient's numbers show by themselves, beside the right ones and beside what went in and what arrived.

No formula is known here. A mistake is named only where it gives these numbers in every cell that is known; where several do, all
of them are.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from functools import partial
from itertools import combinations

import numpy as np

from bpdebug.core.description import Array, Values
from bpdebug.core.numbers import short
from bpdebug.core.record import Record
from bpdebug.trust.factors import scale
from bpdebug.trust.faults import FAULTS
from bpdebug.trust.finding import Suspect
from bpdebug.trust.patterns import alone

_SAME = 3e-6
"""What differences leave of a right number, relative to it."""
_MOST = 3
_TITLES = {
    "non_finite": "no numbers",
    "not_summed": "a sum left out",
    "wrong_shape": "a wrong shape",
    "path_missing": "the path through a mean or a sum left out",
    "mean_wrong": "a mean left out, or taken twice",
    "flipped": "turned round",
    "derivative_missing": "the derivative left out",
    "factor_twice": "a factor too many",
    "term": "a term left out, or one too many",
    "repeated_index": "equal indices that overwrite each other",
}
"""What the catalogue of faults in formulas does not have, or calls otherwise."""


class Seen(Record, eq=False):
    """A wrong gradient.

    Attributes:
        name: what it is called.
        wrong, right: the user's and the derivative, NaN where that is not known.
        arrays: what went in, by name, what came ``out``, and ``dout``, what arrived.
        others, given: the right gradients, and the user's, by name.
    """

    name: str
    wrong: Array
    right: Array
    arrays: Values
    others: Values
    given: Values


Told = Iterator[tuple[str, str]]
Made = Iterator[tuple[str, str, Array]]


def suspects(seen: Seen) -> tuple[Suspect, ...]:
    """What the mistake probably is, the simplest first."""
    if not np.isfinite(seen.right).any():
        return ()
    with np.errstate(all="ignore"):
        fitting = [partial(_fitting, made) for made in (_exchanged, _products, _turned, _branches, _multiplied)]
        looks: Sequence[Callable[[Seen], Told]] = (_nothing, _factor, *fitting, _term, _centred, _repeated, _few_cells)
        for look in looks if seen.wrong.shape == seen.right.shape else (_shape,):
            if found := list(dict.fromkeys(look(seen)))[:_MOST]:
                return tuple(Suspect(kind, _TITLES.get(kind) or FAULTS[kind].title, evidence) for kind, evidence in found)
    return ()


def _fitting(made: Callable[[Seen], Made], seen: Seen) -> Told:
    return ((kind, says) for kind, says, value in made(seen) if value.shape == seen.wrong.shape and same(value, seen.wrong))


def same(found: Array, wrong: Array) -> bool:
    """Whether two arrays hold the same numbers but for what differences leave, where both are known."""
    known = np.isfinite(found) & np.isfinite(wrong)
    if not known.any() or (np.isnan(wrong) & np.isfinite(found)).any():
        return False
    return bool((np.abs(found - wrong) <= _near(wrong))[known].all())


def _near(values: Array) -> Array:
    return np.asarray(_SAME * np.abs(values) + 1e-3 * _SAME * np.nanmax(np.abs(values)))


def _shape(seen: Seen) -> Told:
    """A sum that is missing or too much, a transpose, a reshape."""
    wrong, right, due = seen.wrong, seen.right, seen.right.shape
    start = f"{seen.name} is {wrong.shape} and should be {due}"
    ways = [("transposed", "its transpose is right", wrong.T), ("wrong_shape", "its numbers are right in that order; reshape it", wrong)]
    axes = next(_sums(wrong.shape, due), None)
    if axes:
        ways.append(("not_summed", f"sum over axis {_words(axes)}, and it is right", wrong.sum(axis=axes)))
        ways.append(("not_summed", f"the mean over axis {_words(axes)} is right", wrong.mean(axis=axes)))
    found = [(kind, says) for kind, says, value in ways if value.size == right.size and same(value.reshape(due), right)]
    wider = [more for more in _sums(due, wrong.shape) if same(right.sum(axis=more).reshape(wrong.shape), wrong)]
    found += [("wrong_axis", f"it is the sum over axis {_words(more)} of the right one, a sum too many") for more in wider]
    if axes:
        broadcast = f"what was broadcast in forward is summed over axis {_words(axes)} in backward"
        found.append(("not_summed", f"{broadcast}; its numbers are wrong besides"))
    kind, says = [*found, ("wrong_shape", "as what it is the gradient of")][0]
    yield kind, f"{start}: {says}"


def _sums(was: tuple[int, ...], due: tuple[int, ...]) -> Iterator[tuple[int, ...]]:
    """The axes over which to sum to come from one shape to another, but for axes of length 1."""
    for axes in _some_axes(was):
        if [length for axis, length in enumerate(was) if axis not in axes and length != 1] == [length for length in due if length != 1]:
            yield axes


def _some_axes(shape: tuple[int, ...]) -> Iterator[tuple[int, ...]]:
    long = [axis for axis, length in enumerate(shape[:6]) if length > 1]
    return (axes for count in range(1, len(long) + 1) for axes in combinations(long, count))


def _words(axes: tuple[int, ...]) -> str:
    return ", ".join(map(str, axes))


def _nothing(seen: Seen) -> Told:
    count = int((~np.isfinite(seen.wrong)).sum())
    if count:
        yield "non_finite", f"{count} of {seen.wrong.size} cells are nan or inf, and the derivative is finite"
    elif not seen.wrong.any():
        largest = short(float(np.nanmax(np.abs(seen.right))))
        yield "zero", f"it is 0 in every cell, where the right values reach {largest}: computed nowhere, or cut off on the way"


def _factor(seen: Seen) -> Told:
    """One factor in all cells."""
    known = np.isfinite(seen.right)
    factor = scale(seen.wrong[known], seen.right[known], _SAME) or 1.0
    if abs(factor - 1) < 1e-6 or not same(factor * seen.right, seen.wrong):
        return
    cells = "it is" if seen.wrong.size == 1 else "every cell is"
    if abs(factor + 1) < 1e-6:
        yield "sign", f"{cells} the negative of the right value"
        return
    meanings = [(kind, says) for kind, value, says in _meanings(seen) if abs(abs(factor) / value - 1) < 1e-6]
    said = f"{cells} {short(factor)} times the right value"
    yield from ((kind, f"{said}, and {'minus ' * (factor < 0)}{says}") for kind, says in meanings)
    if not meanings and (seen.right[known] != 0).sum() > 1:
        yield "stray_factor", said


def _meanings(seen: Seen) -> Iterator[tuple[str, float, str]]:
    """Numbers that stand for something: lengths, and what went in as a single number."""
    lengths: dict[int, str] = {}
    for name in ("out", *(name for name in seen.arrays if name not in ("out", "dout"))):
        value = seen.arrays[name]
        for axis, length in enumerate(value.shape):
            lengths.setdefault(length, f"axis {axis} of {name} has {length}")
        lengths.setdefault(value.size, f"{name} has {value.size} cells")
        if value.size == 1 and name != "out" and value.any():
            number = abs(float(value.flat[0]))
            yield "stray_factor", number, f"{name} is {short(number)}: once too often, or a division by it left out"
            yield "stray_factor", 1 / number, f"{name} is {short(number)}: left out, or a division by it too many"
    yield "stray_factor", 2.0, "2 is what the derivative of a square brings with it"
    yield "stray_factor", 0.5, "1/2 is what is left where the 2 of a square's derivative is forgotten"
    for length, said in lengths.items():
        if length > 1:
            yield "stray_factor", length**0.5, f"it is √{length}, once too often, or a division by it left out: {said}"
            yield "stray_factor", length**-0.5, f"it is 1/√{length}, left out, or a division by √{length} too many: {said}"
            yield "mean_for_sum", 1 / length, f"{short(1 / length)} is 1/{length}: {said}"
            yield "sum_for_mean", length, f"{length} is a size here: {said}"


def _exchanged(seen: Seen) -> Made:
    """The numbers of another gradient, or of another array."""
    for name, other in seen.others.items():
        given = seen.given[name]
        mutual = given.shape == seen.right.shape and same(seen.right, given)
        says = f"it has the numbers of {name}" + f", and {name} those of {seen.name}: two gradients exchanged" * mutual
        yield from [("exchanged", says, other)] * (name != seen.name)
    yield from (
        ("exchanged", f"it has the numbers of {name}", value) for name, value in seen.arrays.items() if name != "dout" and value.std()
    )


def _products(seen: Seen) -> Made:
    """A product of what arrives and what went in, another one than is right."""
    matrices = {name: value for name, value in seen.arrays.items() if value.ndim == 2}
    turned = {**matrices, **{f"{name}.T": value.T for name, value in matrices.items()}}
    pairs = [(one, other) for one in turned for other in turned if ("dout" in one) != ("dout" in other)]
    made = {f"{one} @ {other}": turned[one] @ turned[other] for one, other in pairs if turned[one].shape[1] == len(turned[other])}
    meant = next((words for words, value in made.items() if value.shape == seen.right.shape and same(seen.right, value)), "")
    for words, value in made.items():
        kind = "transposed" if words.replace(".T", "") == meant.replace(".T", "") else "exchanged"
        yield kind, f"it is {words}" + f", where {meant} belongs" * bool(meant), value


def _turned(seen: Seen) -> Made:
    """The right numbers at other places, or without their signs."""
    right = seen.right
    if right.ndim > 1:
        yield "transposed", "it is the transpose of the right one, in every cell", np.swapaxes(right, -1, -2)
        yield "reshaped", "the transpose's numbers are here in their order", right.T.reshape(right.shape)
    for axes in _some_axes(right.shape):
        kernel = ", as a kernel that is turned round where it should not be, or the other way round" * (right.ndim > 2)
        yield "flipped", f"it is the right one backwards along axis {_words(axes)}{kernel}", np.flip(right, axes)
    yield "sign", "it is the absolute value of the right one in every cell", np.abs(right)


def _branches(seen: Seen) -> Made:
    """What arrives times one of two slopes, as of relu, chosen by the sign of another array than is right."""
    arrives = seen.arrays.get("dout", np.zeros(0))
    slopes = seen.right / arrives if arrives.shape == seen.right.shape else np.zeros(0)
    ends = float(np.nanmin(slopes, initial=np.inf)), float(np.nanmax(slopes, initial=-np.inf))
    if not np.isfinite(ends).all() or not np.isclose(slopes[np.isfinite(slopes), None], ends, 1e-5, 1e-6).any(axis=1).all():
        return
    signs = {f"{name} {sign} 0": sign for name, value in seen.arrays.items() if value.shape == arrives.shape for sign in "><"}
    made = {said: arrives * np.where((seen.arrays[said[:-4]] > 0) == (sign == ">"), ends[1], ends[0]) for said, sign in signs.items()}
    meant = next((said for said, value in made.items() if same(seen.right, value)), "")
    for said, value in made.items():
        yield "exchanged", f"its branch is chosen by {said}" + f", where {meant} belongs" * bool(meant), value


def _multiplied(seen: Seen) -> Made:
    """What arrives, or another array, left out or multiplied in twice."""
    arrives = seen.arrays.get("dout", np.zeros(0))
    if arrives.shape == seen.wrong.shape:
        yield "derivative_missing", "it is dout, passed on as it arrives", arrives
    for row in (0, len(arrives) - 1) if arrives.ndim > 1 else ():
        yield "sample_missing", f"it is dout[{row}] alone", arrives[row]
    for name, value in seen.arrays.items():
        for said, array in ((name, value), (f"(1 − {name})", 1 - value)):
            if array.size > 1 and array.std() and _some_end(array.shape, seen.wrong.shape):
                yield "factor_missing", f"times {said} it is right in every cell", seen.right / array
                yield "factor_twice", f"it is the right value times {said}, in every cell", seen.right * array


def _some_end(shape: tuple[int, ...], whole: tuple[int, ...]) -> bool:
    """Whether an array spreads over another."""
    return len(shape) <= len(whole) and all(one in (1, other) for one, other in zip(shape[::-1], whole[::-1], strict=False))


def _term(seen: Seen) -> Told:
    """A multiple of what went in that is missing or too much, as a penalty's."""
    off = seen.wrong - seen.right
    known = np.isfinite(off)
    for name, value in seen.arrays.items():
        if value.shape == off.shape and name != "dout" and value.size > 2:
            times = scale(off[known], value[known], _SAME) or 0.0
            if times and same(seen.right + times * value, seen.wrong):
                numbers = {one: abs(float(array.flat[0])) for one, array in seen.arrays.items() if array.size == 1}
                told = [f", and {one} is {short(number)}" for one, number in numbers.items() if abs(abs(times) - number) < 1e-4 * number]
                yield "term", f"it is the right one {'plus' if times > 0 else 'minus'} {short(abs(times))} times {name}" + "".join(told[:1])


def _centred(seen: Seen) -> Told:
    """A path through a mean left out: the right numbers add up to 0 along some axes, and the wrong ones do not."""
    for axes in _some_axes(seen.right.shape) if np.isfinite(seen.right).all() else ():
        size = np.abs(seen.right).sum(axis=axes).max()
        if np.abs(seen.right.sum(axis=axes)).max() <= 1e-6 * size < np.abs(seen.wrong.sum(axis=axes)).max():
            taken = same(seen.right, seen.wrong - seen.wrong.mean(axis=axes, keepdims=True))
            over = f"the right one adds up to 0 over axis {_words(axes)} and this one does not"
            rest = "less its own mean along it, it is right" if taken else "forward has a mean or a sum along it (it is wrong besides)"
            yield "mean_wrong" if taken else "path_missing", f"{over}: {rest}"
            return


def _repeated(seen: Seen) -> Told:
    """Rows of equal indices that overwrite each other."""
    rows = np.flatnonzero(_off(seen).reshape(len(seen.wrong), -1).any(axis=1)) if seen.wrong.ndim else np.zeros(0)
    for name, value in seen.arrays.items():
        numbers, counts = np.unique(value, return_counts=True)
        if value.dtype.kind == "i" and len(rows) and np.isin(rows, numbers[counts > 1]).all():
            evidence = f"and {name} has that index more than once: add them up, as np.add.at does"
            yield "repeated_index", f"only row {', '.join(map(str, rows[:5]))} is off, {evidence}"


def _off(seen: Seen) -> Array:
    return np.asarray(np.abs(seen.wrong - seen.right) > _near(seen.right))


def _few_cells(seen: Seen) -> Told:
    """Right but for one cell, or for some places along an axis."""
    off, known = _off(seen), int(np.isfinite(seen.right).sum())
    if (where := alone(seen.name, seen.wrong, off)[0]) and known > 2:
        zero = ", which is 0 there" * (not seen.wrong[off].any())
        yield "one_cell", f"only {where} is off{zero}; the other {known - int(off.sum())} that were looked at are right"
