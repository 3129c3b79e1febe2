"""How fast what arrives times what forward gives changes along a direction: central differences with the error that they have here.

``⟨u, f(x + h·v) − f(x − h·v)⟩ / 2h`` is ``⟨u, J·v⟩`` but for curvature, which falls with h, and rounding, which grows as h falls. Neither
is known of a black box, so that both are read from the same quotient over a ladder of steps (Ridders, "Accurate computation of
F'(x) and F'(x) F''(x)", Advances in Engineering Software 4 (1982)).
"""

from __future__ import annotations

import warnings
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress

import numpy as np

from bpdebug.core.description import Array
from bpdebug.core.record import Record
from bpdebug.trust.own.pair import Pair

QUICK = (1e-6, 1e-4, 1e-8, 1e-2, 1.0)
"""The steps that are tried until one agrees, relative to the sizes of the numbers."""
LADDER = tuple(10.0**-power for power in range(11))
_SAFETY = 4.0
_IMAGINARY = 1e-30
_LOST = 1e-20
"""What forward gives may be as small as this beside what it computed on the way."""
_EPSILON = float(np.finfo(np.float64).eps)


class Slope(Record):
    """A derivative along a direction.

    Attributes:
        value: by central differences; NaN where no step gave a finite one.
        error: how far it may be off.
        left, right: the one-sided ones, where they differ as at a corner; else both are the value.
        step: with which it was found.
    """

    value: float
    error: float
    left: float
    right: float
    step: float = 0.0

    @property
    def corner(self) -> bool:
        """Whether what arrives here has a corner."""
        return self.left != self.right

    def admits(self, claim: float) -> bool:
        """Whether a claim is a derivative here: at a corner, anything between the two slopes."""
        low, high = min(self.left, self.right), max(self.left, self.right)
        error = self.error + 1e-8 * max(abs(low), abs(high))
        return low - error <= claim <= high + error

    def beyond(self, claim: float) -> bool:
        """Whether a claim is far outside of what a corner admits."""
        low, high = min(self.left, self.right), max(self.left, self.right)
        return not low - 0.01 * (high - low) - 10 * self.error <= claim <= high + 0.01 * (high - low) + 10 * self.error


class Slopes:
    """The derivatives of one pair at one place, with what arrives held fixed.

    Args:
        pair: the user's code.
        values: where.
        outputs: what forward gives there.

    Attributes:
        calls: how many times forward has run.
    """

    def __init__(self, pair: Pair, values: Mapping[str, Array], outputs: Sequence[Array]) -> None:
        self.pair, self.values, self.outputs, self.calls = pair, values, outputs, 0
        self.coarse = 0.0
        weighed = (np.abs(u * np.nan_to_num(f)).sum() for u, f in zip(pair.cotangents, outputs, strict=True))
        self.size = float(sum(weighed)) + _LOST * sum(float(np.abs(u).sum()) for u in pair.cotangents)
        """The sum of what arrives times what forward gives, by absolute values."""
        self.reach = self.size
        self.largest = max((float(np.abs(u).max()) for u in pair.cotangents if u.size), default=0.0)

    def at(self, direction: Mapping[str, Array], step: float | complex) -> tuple[Array, ...]:
        """What forward gives, a step further."""
        self.calls += 1
        moved = {name: self.values[name] + step * way for name, way in direction.items()}
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            found = self.pair.run({**self.values, **moved})
            if not self.coarse:
                self.coarse = max((_coarseness(output) for output in found), default=_EPSILON)
        return found

    def central(self, direction: Mapping[str, Array], step: float) -> float:
        """One central difference; NaN where forward refuses to run there."""
        try:
            return self._difference(self.at(direction, step), self.at(direction, -step)) / (2 * step)
        except Exception:  # whatever the user's code says of other numbers
            return float("nan")

    def sides(self, direction: Mapping[str, Array], step: float) -> tuple[float, float]:
        """The slopes to the left and to the right; NaN where forward refuses."""
        try:
            up, down = self.at(direction, step), self.at(direction, -step)
        except Exception:  # as above
            return float("nan"), float("nan")
        return self._difference(self.outputs, down) / step, self._difference(up, self.outputs) / step

    def imaginary(self, direction: Mapping[str, Array]) -> float | None:
        """The derivative by the complex step, exact to rounding; None where forward does not compute with complex numbers."""
        self.calls += 1
        moved = {name: self.values[name] + 1j * _IMAGINARY * way for name, way in direction.items()}
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("error")
                found = self.pair.run({**self.values, **moved})
        except Exception:  # as above
            return None
        if not all(np.iscomplexobj(output) and output.shape == u.shape for output, u in zip(found, self.pair.cotangents, strict=True)):
            return None
        return float(sum((u * output.imag).sum() for u, output in zip(self.pair.cotangents, found, strict=True))) / _IMAGINARY

    def close(self, direction: Mapping[str, Array]) -> Slope:
        """The derivative with its error, from a ladder of steps."""
        self._look_how_far(direction)
        sides = [(step, *self.sides(direction, step)) for step in LADDER]
        found = np.array([one for one in sides if np.isfinite(one[1] + one[2])])
        if len(found) < 2:
            return Slope(float("nan"), float("inf"), float("nan"), float("nan"))
        steps, left, right = found.T
        slope = _best(steps, (left + right) / 2, self._floor(steps))
        moving = (left != 0) | (right != 0)
        if not slope.value and moving.sum() > 1:  # does rounding swallow the smaller steps, or does nothing change near by?
            other = _best(steps[moving], ((left + right) / 2)[moving], self._floor(steps[moving]))
            if other.error < 0.1 * abs(other.value):
                return Slope(0.0, max(slope.error, other.error), min(0.0, other.value), max(0.0, other.value), slope.step)
        if not slope.value:  # what is 0 may still hide what is lost beside 1, as in log(1 − p)
            beside = self.size + sum(float(np.abs(u).sum()) for u in self.pair.cotangents)
            lost = self.coarse * beside / float(steps[~moving].max(initial=1e-6))
            return Slope(0.0, slope.error + lost, 0.0, 0.0, slope.step)
        return self._with_corner(slope, steps, left, right)

    def _with_corner(self, slope: Slope, steps: Array, left: Array, right: Array) -> Slope:
        """At a corner the two sides differ by what does not shrink with the step."""
        floor = self._floor(steps)
        sides = [_best(steps, side, floor, 1) for side in (left, right)]
        gap, error = abs(sides[0].value - sides[1].value), sides[0].error + sides[1].error
        smooth = slope.error < 1e-3 * gap and _shrinks(steps, np.abs(right - left), floor)
        if not gap > error or smooth or gap <= 1e-9 * max(abs(sides[0].value), abs(sides[1].value)):
            return slope
        return Slope(slope.value, max(slope.error, error), sides[0].value, sides[1].value, slope.step)

    def _floor(self, steps: Array) -> Array:
        """What rounding leaves of a difference at least."""
        return np.asarray(self.coarse * self.reach / steps / max(1.0, np.sqrt(sum(output.size for output in self.outputs))))

    def _look_how_far(self, direction: Mapping[str, Array]) -> None:
        """Which outputs move at all: the rounding of the others is always the same, and cancels."""
        self.reach = self.size
        with suppress(Exception):
            moved = zip(self.pair.cotangents, self.outputs, self.at(direction, 1e-2), strict=True)
            self.reach = float(sum(np.abs(u * f)[f != other].sum() for u, f, other in moved))

    def _difference(self, up: Sequence[Array], down: Sequence[Array]) -> float:
        parts = zip(self.pair.cotangents, up, down, strict=True)
        return float(sum((u * np.subtract(high, low, dtype=np.float64)).sum() for u, high, low in parts))


def _best(steps: Array, values: Array, floor: Array, order: int = 2) -> Slope:
    """The value of the step with the smallest error: what larger steps say of curvature, smaller ones of rounding."""
    change = np.abs(np.diff(values))
    noise = np.maximum.accumulate((change * steps[1:])[::-1])[::-1]  # of this pair and of all below it
    rounding = np.append(noise, noise[-1:]) / steps
    bending = np.append([np.inf], change * (steps[1:] / steps[:-1]) ** (order - 1))
    bending[2:] = np.maximum(bending[2:], (change[:-1] * (steps[2:] / steps[:-2]) ** order))
    errors = np.maximum(rounding, bending) + floor
    place = int(np.argmin(errors))
    value = float(values[place])
    return Slope(value, _SAFETY * float(errors[place]), value, value, float(steps[place]))


def _coarseness(output: Array) -> float:
    """The relative distance of neighbouring numbers, also where coarser ones were computed with than are given back."""
    kinds = [kind for kind in (np.float16, np.float32, np.float64) if np.array_equal(output.astype(kind), output)]
    return float(np.finfo(kinds[0]).eps) if kinds and output.any() else _EPSILON


def _shrinks(steps: Array, gap: Array, floor: Array) -> bool:
    """Whether the gap between two sides falls with the step, as a smooth function's does."""
    told = gap > 10 * floor
    if told.sum() < 2:
        return True
    steps, gap = steps[told], gap[told]
    return bool(gap[-1] < 0.5 * gap[0] * (steps[-1] / steps[0]) ** 0.3)


def directions(value: Array, generator: np.random.Generator) -> Iterator[Array]:
    """Random directions of the value's own sizes: one for the usual case, and one along which equal numbers stay equal and zeros
    stay zero, so that no tie and no corner at 0 is crossed; that only where there are such numbers."""
    yield generator.choice((-1.0, 1.0), value.shape) * generator.uniform(0.5, 1.5, value.shape) * sizes(value)
    different, place = np.unique(value, return_inverse=True)
    if len(different) < value.size or not value.all():
        moves = generator.choice((-1.0, 1.0), len(different)) * generator.uniform(0.5, 1.5, len(different))
        yield moves[place].reshape(value.shape) * np.abs(value)


def sizes(value: Array) -> Array:
    """How large a step at each cell is, relative to its own size and that of its row."""
    size = np.abs(np.where(np.isfinite(value), value, 0.0))
    row = size.mean(axis=-1, keepdims=True) if value.ndim else size
    whole = float(size.mean()) or 1.0
    return np.asarray(np.maximum(size, np.where(row > 0, row, whole)))
