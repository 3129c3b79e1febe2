"""The numbers of a recorded step: read, or computed, when they are asked for; and how far formulas are from torch's."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping
from functools import cached_property
from math import inf, isfinite, prod

import numpy as np

from bpdebug.core.description import Array
from bpdebug.core.errors import FormulaError
from bpdebug.core.evaluate import evaluate
from bpdebug.core.numbers import short
from bpdebug.core.parser import Formula
from bpdebug.frontends.torch_step.reading import Step, Value

_EPSILON = {"bfloat16": 2.0**-8, "float16": 2.0**-11, "float32": 2.0**-24, "float64": 2.0**-53}
_LARGEST = defaultdict(lambda: inf, bfloat16=2.0**128 * (1 - 2.0**-8), float16=65504.0, float32=2.0**128 * (1 - 2.0**-24))
"""The largest number of each kind; what rounds to more is infinite."""
_TIMES = 16
"""How many times the formula's own rounding error torch's numbers may be off: other orders of summation, other functions."""

_WORKED_OUT = 1e-3
"""How far numbers that one formula after the other has worked out may be from torch's, relative to the largest."""
_ONE_BY_ONE = 0.125
"""What numbers that are added one by one may be off more, times the root of how many they are."""
_DRAWS = 4
"""How often a formula is worked out with other last bits."""


def kind_of_number(value: Value) -> str:
    """``f``, ``i`` or ``b``, as NumPy has it; "" for complex numbers and the like."""
    if value.dtype.startswith(("float", "bfloat")):
        return "f"
    return "b" if value.dtype == "bool" else "i" if value.dtype.startswith(("int", "uint")) else ""


class Numbers(Mapping[int, Array]):
    """The numbers of a step's values, by their places; those of views are worked out.

    Args:
        step: which.

    Attributes:
        formulas: of values, over names, with the places that each reads.
        views: of those that lie in the numbers of another value, how.
        rounded: the kind of number by whose rounding formulas were excused, where that is not the value's own.
    """

    def __init__(self, step: Step) -> None:
        self._step, self.formulas = step, dict[int, tuple[Formula, tuple[int, ...]]]()
        self.views = dict[int, tuple[Formula, tuple[int, ...]]]()
        self.rounded = dict[int, str]()
        self._worked, self._agreement = dict[int, Array](), dict[int, tuple[float, float]]()

    def __getitem__(self, place: int) -> Array:
        if place in self._step.arrays:
            array = self._step.arrays[place]
            return array.astype(np.float32) if array.dtype == np.float16 else array.astype(np.int64) if array.dtype.kind in "iu" else array
        todo = [place] if place not in self._worked else []  # a long recording leaves out what formulas give
        while todo:
            formula, reads = self.views.get(todo[-1]) or self.formulas[todo[-1]]
            if missing := [one for one in reads if one not in self._step.arrays and one not in self._worked]:
                todo += missing
                continue
            values = self.of(reads)
            dtype = next((one.dtype for one in values.values() if one.dtype.kind == "f"), np.float64)
            self._worked[todo.pop()] = np.asarray(evaluate(formula, values, dtype))
        return self._worked[place]

    def of(self, reads: tuple[int, ...]) -> dict[str, Array]:
        """Numbers by the names of the values."""
        return {self._step.values[one].name: self[one] for one in reads}

    def __contains__(self, place: object) -> bool:
        return place in self._step.arrays or place in self.formulas

    def __iter__(self) -> Iterator[int]:
        return iter([*self._step.arrays, *(place for place in self.formulas if place not in self._step.arrays)])

    def __len__(self) -> int:
        return len([*self])

    def is_left_out(self, place: int) -> bool:
        """Whether the recording does not have its numbers."""
        while place in self.views and place not in self._step.arrays:
            (place,) = self.views[place][1]
        return place not in self._step.arrays

    def sizes(self, place: int) -> tuple[float, float, float]:
        """Of numbers that the recording does not have, the smallest, the largest and the norm; zeros where it does not say."""
        return self._step.sizes.get(place, (0.0, 0.0, 0.0))

    def kind(self, place: int) -> str:
        """The kind of number of a value.

        Raises:
            KeyError: where it is not there.
        """
        if place not in self or not (kind := kind_of_number(self._step.values[place])):
            raise KeyError(place)
        return kind

    @cached_property
    def broken(self) -> tuple[set[int], set[int]]:
        """The places of values with infinite numbers, and with NaN."""
        found = dict(_looked_at(self._step) if self._step.broken is None else self._step.broken)
        for place, (_, reads) in self.formulas.items():
            if place not in self._step.arrays and not found.keys().isdisjoint(reads) and (kind := _broken(self[place])):
                found[place] = kind
        return {place for place, kind in found.items() if kind == "inf"}, {place for place, kind in found.items() if kind == "nan"}

    def agreement(self, place: int) -> tuple[float, float]:
        """How far torch's numbers are from those of the formula in double precision, and how far they may be by rounding; infinitely far
        where the formula cannot be computed, or is not finite where they are. Worked out once."""
        if place not in self._agreement:
            sizes = self._step.sizes.get(place) if self.is_left_out(place) else None
            self._agreement[place] = _apart(self[place], sizes, self._step.values[place].dtype) if sizes else self._distance(place)
        return self._agreement[place]

    def can_tell(self, place: int, room: int) -> bool:
        """Whether a formula has been held against its numbers, or can be, where there is room for so many numbers."""
        if place not in self.formulas or (self.is_left_out(place) and place not in self._step.sizes):
            return False
        values = self._step.values
        return place in self._agreement or sum(prod(values[one].shape) for one in (place, *self.formulas[place][1])) <= room

    def _distance(self, place: int) -> tuple[float, float]:
        due, dtype = self[place], self._step.values[place].dtype
        if place not in self.formulas or self.is_left_out(place) or self.views.get(place) == self.formulas[place]:
            return 0.0, 0.0
        formula, reads = self.formulas[place]
        values = self.of(reads)
        # of what comes in a short kind of number, torch may add up in that kind
        coarse = max((dtype, *(self._step.values[one].dtype for one in reads)), key=lambda one: _EPSILON.get(one, 0.0))
        try:
            exact = np.asarray(evaluate(formula, {name: _double(one) for name, one in values.items()}, quickly=True))
            single = np.asarray(evaluate(formula, values, due.dtype, True), np.float64) if due.dtype.kind == "f" else exact
        except (FormulaError, TypeError, ValueError, IndexError, MemoryError):
            return inf, 0.0
        if exact.shape != due.shape:
            return inf, 0.0
        if due.dtype.kind != "f" or exact.dtype.kind != "f":
            return 0.0 if np.array_equal(exact, due) else inf, 0.0
        with np.errstate(all="ignore"):
            known = np.isfinite(due) & np.isfinite(exact)
            own = float(np.max(np.abs(single - exact)[known & np.isfinite(single)], initial=0.0))
            near = max(_TIMES * own, _least(due, dtype))
            apart = float(np.max(np.abs(exact - due)[known], initial=0.0))
            for rounded in dict.fromkeys((dtype, coarse)) if apart > near else ():
                # in a sum, above all one that all but cancels, NumPy's order of summation rounds less than others
                terms = max((one.size for one in values.values()), default=0) / max(due.size, 1)
                near = max(near, _least(due, rounded) * _ONE_BY_ONE * terms**0.5)
                for drawn in range(_DRAWS):  # several, for the sum of few numbers may come out nearly the same once
                    moved = np.asarray(evaluate(formula, {name: _moved(one, rounded, drawn) for name, one in values.items()}, quickly=True))
                    near = max(near, _TIMES * float(np.max(np.abs(moved - exact)[known & np.isfinite(moved)], initial=0.0)))
                if apart <= near:
                    self.rounded[place] = rounded
                    break
            beyond = np.abs(exact) - _LARGEST[dtype]
            unlike = (np.isinf(due) != (np.isinf(single) | (beyond > 0))) & ~(np.abs(beyond) <= near)
            if unlike.any() or not np.array_equal(np.isnan(exact), np.isnan(due)):
                return inf, near
            return apart, near


class Kept:
    """What a stage of a recorded step has computed.

    Args:
        numbers: of the step.
        place: of the value.
        dtype: the kind of number that torch had.
        unjudged: the places of the gradients of which cannot be told whether they are right, and why.
    """

    def __init__(self, numbers: Numbers, place: int, dtype: str, unjudged: Callable[[], Mapping[int, str]]) -> None:
        self._numbers, self._place, self._dtype, self._unjudged = numbers, place, dtype, unjudged

    @property
    def value(self) -> Array:
        """Its numbers."""
        return self._numbers[self._place]

    @property
    def near(self) -> float:
        """How far what its formula gives may be off by rounding alone."""
        return self._numbers.agreement(self._place)[1]

    @property
    def distance(self) -> float:
        """How far it is off."""
        return self._numbers.agreement(self._place)[0]

    @property
    def agrees(self) -> bool:
        """Whether it is no farther off."""
        return self.distance <= self.near

    @property
    def unjudged(self) -> str:
        """Why, of a gradient, cannot be told whether it is right; "" where it can."""
        return self._unjudged().get(self._place, "")

    @property
    def largest(self) -> float:
        """The largest number of its kind."""
        return _LARGEST[self._dtype]

    @property
    def told(self) -> str:
        """How close the formula is to torch's numbers."""
        distance, near = self._numbers.agreement(self._place)
        if self._numbers.is_left_out(self._place):
            least, most, norm = self._numbers.sizes(self._place)
            torchs = f" Torch's are from {short(least, 3)} to {short(most, 3)}, their norm {short(norm, 3)}" if norm else ""
            others = f": these are others, by up to {short(distance, 2)}" * (distance > near)
            return f"Computed by its formula: the recording has left its numbers out.{torchs}{others}{'.' * bool(torchs)}"
        if distance > near:
            far = f", by up to {short(distance, 2)}" if isfinite(distance) else ""
            return f"Torch's own numbers are shown: they are others than this formula gives{far}."
        if not near:
            return ""
        kind = self._numbers.rounded.get(self._place, self._dtype)
        return f"Torch's own numbers: {short(_TIMES * distance / near, 2)} × as far from the formula as {kind} is by rounding."

    def mark(self, room: int) -> str:
        """``≈`` where its formula gives these numbers but for rounding, ``≠`` and how far it is off where it gives others; "" where it has
        none, or that is not known and would take more numbers than there is room for."""
        if not self._numbers.can_tell(self._place, room):
            return ""
        distance, near = self._numbers.agreement(self._place)
        return "≈" if distance <= near else f"≠ {short(distance, 2)}" if isfinite(distance) else "≠"

    def settle(self, computed: Array) -> None:
        """Put the recorded numbers in the place of computed ones that differ by rounding alone, or of which the formula is not torch's."""
        value = self.value
        if computed.shape != value.shape:
            return
        if computed.dtype.kind == "f" and self.largest < np.finfo(computed.dtype).max:
            computed[np.abs(computed) > self.largest * (1 + 2.0**-12)] *= inf
        near = _least(value, self._dtype) if value.dtype.kind == "f" else 0.0
        if _close(computed, value, near) or not self.agrees or _close(computed, value, self.near):
            computed[...] = value


def _double(array: Array) -> Array:
    return array.astype(np.float64) if array.dtype.kind == "f" else array


def _moved(array: Array, dtype: str, drawn: int) -> Array:
    """Numbers with other last bits."""
    if array.dtype.kind != "f":
        return array
    last = _EPSILON.get(dtype, 2.0**-24) * np.random.default_rng(drawn).choice([-1.0, 1.0], array.shape)
    return np.asarray(array * (1 + last))


def _close(computed: Array, value: Array, near: float) -> bool:
    return bool(np.allclose(computed, value, 0.0, near, equal_nan=True))


def _least(due: Array, dtype: str) -> float:
    """How far numbers may be off at least, before their formula is asked."""
    size = np.max(np.abs(due), where=np.isfinite(due), initial=0.0)
    return float(_TIMES * _EPSILON.get(dtype, 2.0**-24) * size)


def _apart(made: Array, sizes: tuple[float, float, float], dtype: str) -> tuple[float, float]:
    """How far numbers that were worked out are from those that were left out, by what is known of these; and how far they may be."""
    least, most, norm = sizes
    told = made[np.isfinite(made)].astype(np.float64)
    ends = max(abs(told.min(initial=inf) - least), abs(told.max(initial=-inf) - most)) if told.size else 0.0
    apart = max(float(ends), abs(float(np.linalg.norm(told)) - norm) / max(told.size, 1) ** 0.5)
    return apart, max(_WORKED_OUT, _TIMES * _EPSILON.get(dtype, 2.0**-24)) * max(abs(least), abs(most))


def _broken(array: Array) -> str:
    if array.dtype.kind != "f" or np.isfinite(array).all():
        return ""
    return "nan" if np.isnan(array).any() else "inf"


def _looked_at(step: Step) -> dict[int, str]:
    """What is not finite, of a recording that does not say so."""
    return {place: kind for place, array in step.arrays.items() if (kind := _broken(array))}


__all__ = ["Kept", "Numbers", "kind_of_number"]
