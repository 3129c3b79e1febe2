"""How fast what arrives times what forward gives changes along a direction: central differences with the error that they have here.

``⟨u, f(x + h·v) − f(x − h·v)⟩ / 2h`` is ``⟨u, J·v⟩`` but for curvature, which falls with h, and rounding, which grows as h falls. Neither
is known of a black box, so that both are read from the same quotient over a ladder of steps (Ridders, "Accurate computation of
F'(x) and F'(x) F''(x)", Advances in Engineering Software 4 (1982)). Where forward cancels, as 1 + tanh(x) far out, it is a staircase:
steps that stay on one stair agree with each other and are all wrong. The height of a stair over the step is then the error.
"""

from __future__ import annotations

import warnings
from collections.abc import Mapping, Sequence

import numpy as np

from bpdebug.core.description import Array
from bpdebug.core.record import Record
from bpdebug.trust.own.piece import Piece

_LADDER = tuple(10.0**-power for power in range(11))
_SAFETY = 4.0
_IMAGINARY = 1e-30
_LOST = 1e-20
"""What forward gives may be as small as this beside what it computed on the way."""
_EPSILON = float(np.finfo(np.float64).eps)


class Slope(Record):
    """A derivative along a direction.

    Attributes:
        low, high: what it may be; the same number but at a corner, where both sides count and all between them. NaN where forward
            gave nothing finite.
        error: how far both may be off.
    """

    low: float
    high: float
    error: float


class Slopes:
    """The derivatives of a piece at one place, with what arrives held fixed.

    Args:
        piece: the user's code, with where it is judged.
        outputs: what forward gives there.
        cotangents: what arrives.

    Attributes:
        coarse: the relative distance of neighbouring numbers, as forward computes them.
        arriving: the largest number that arrives.
        size: the sum of what arrives times what forward gives, by absolute values.
    """

    def __init__(self, piece: Piece, outputs: Sequence[Array], cotangents: Sequence[Array]) -> None:
        self.piece, self.values, self.outputs, self.cotangents = piece, piece.values, outputs, cotangents
        self.coarse = 0.0
        self.arriving = max((float(np.abs(u).max()) for u in cotangents if u.size), default=0.0)
        self._whole = sum(float(np.abs(u).sum()) for u in cotangents)
        self.size = float(sum(np.abs(u * f).sum() for u, f in zip(cotangents, outputs, strict=True))) + _LOST * self._whole

    def central(self, direction: Mapping[str, Array], step: float) -> float:
        """One central difference; NaN where forward refuses to run there."""
        left, right, _ = self._sides(direction, step)
        return (left + right) / 2

    def imaginary(self, direction: Mapping[str, Array]) -> float:
        """The derivative by the complex step, exact to rounding; NaN where forward does not compute with complex numbers."""
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("error")
                found = self._at(direction, 1j * _IMAGINARY)
            if all(np.iscomplexobj(output) and output.shape == u.shape for output, u in zip(found, self.cotangents, strict=True)):
                return float(sum((u * output.imag).sum() for u, output in zip(self.cotangents, found, strict=True))) / _IMAGINARY
        except Exception:  # whatever the user's code says of complex numbers
            return float("nan")
        return float("nan")

    def close(self, direction: Mapping[str, Array], stair: float | None = None) -> Slope:
        """The derivative with its error, from a ladder of steps, and from the height of a stair, which is looked for if not given."""
        sides = [(step, *self._sides(direction, step)) for step in _LADDER]
        found = np.array([one for one in sides if np.isfinite(one[1] + one[2])])
        if len(found) < 2:
            return Slope(float("nan"), float("nan"), float("inf"))
        steps, left, right, reach = found.T
        floor = self.coarse * reach.max() / steps / max(1.0, np.sqrt(sum(output.size for output in self.outputs)))
        floor += (stair or 0.0) / steps
        middle, moving = (left + right) / 2, (left != 0) | (right != 0)
        value, error = _best(steps, middle, floor)
        if stair is None and (height := self._stair(direction, found, value, error)):
            return self.close(direction, height)
        if not value:  # does nothing change here, or does rounding swallow the smaller steps?
            if moving.sum() > 1 and not stair:
                other, its_error = _best(steps[moving], middle[moving], floor[moving])
                if its_error < 0.1 * abs(other):
                    return Slope(min(0.0, other), max(0.0, other), max(error, its_error))
            # what is 0 may still hide what is lost beside 1, as in log(1 − p)
            lost = self.coarse * (self.size + self._whole) / float(steps[~moving].max(initial=1e-6))
            return Slope(0.0, 0.0, error + lost)
        (one, its_error), (other, its_other) = (_best(steps, side, floor, 1) for side in (left, right))
        gap, either = abs(one - other), its_error + its_other
        smooth = error < 1e-3 * gap and _shrinks(steps, np.abs(right - left), floor)
        if not gap > either or smooth or gap <= 1e-9 * max(abs(one), abs(other)):
            return Slope(value, value, error)
        return Slope(min(one, other), max(one, other), max(error, either))

    def _stair(self, direction: Mapping[str, Array], found: Array, slope: float, error: float) -> float:
        """The height of the stairs that rounding makes on both sides, 0.0 where there are none: a jump on one side alone is forward's."""
        steps, left, right, reach = found.T
        nothing = self.coarse * (4 * reach.max() + 16 * np.median(np.abs(found[:, 1:3]).max(axis=1)))
        off = np.maximum(np.abs(left - slope), np.abs(right - slope))
        lost = steps[:1][steps[:1] < 1.0]  # a larger one has left what forward can take: perhaps on the last stair
        beside = np.append(lost, steps[(off > error) & (off * steps > nothing)])
        heights = (min(self._jump(direction, slope, way * step, nothing) for way in (-10.0, 10.0)) for step in beside[:-4:-1])
        return next(filter(None, heights), 0.0)

    def _jump(self, direction: Mapping[str, Array], slope: float, far: float, nothing: float) -> float:
        """The height of one jump between here and a step further, 0.0 where there is none.

        The part of the way that has most of what is beside the line is halved until only neighbouring numbers are left: what is
        continuous has come to nothing by then, and a jump is as high as before.
        """

        def beside(step: float) -> float:
            return (self._sides(direction, step)[1] - slope) * step

        near, low, high = 0.0, 0.0, beside(far)
        while abs(far - near) > 4 * self.coarse * max(1.0, abs(far)) and abs(high - low) > nothing:
            half = (near + far) / 2
            middle = beside(half)
            if not abs(middle - low) <= abs(high - middle):  # also where it is infinite
                far, high = half, middle
            else:
                near, low = half, middle
        return abs(high - low) if abs(high - low) > nothing else 0.0

    def _at(self, direction: Mapping[str, Array], step: complex) -> tuple[Array, ...]:
        """What forward gives, a step further."""
        return self.piece.run({**self.values, **{name: self.values[name] + step * way for name, way in direction.items()}})

    def _sides(self, direction: Mapping[str, Array], step: float) -> tuple[float, float, float]:
        """The slopes to the left and to the right, and the size of the outputs that move: the rounding of the others cancels."""
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                up, down = self._at(direction, step), self._at(direction, -step)
        except Exception:  # whatever the user's code says of other numbers
            return float("nan"), float("nan"), 0.0
        self.coarse = self.coarse or max(map(_coarseness, up), default=_EPSILON)
        sides, reach = [0.0, 0.0], 0.0
        for u, low, here, high in zip(self.cotangents, down, self.outputs, up, strict=True):
            sides[0] += float((u * np.subtract(here, low, dtype=np.float64)).sum()) / step
            sides[1] += float((u * np.subtract(high, here, dtype=np.float64)).sum()) / step
            reach += float(np.abs(u * here)[low != high].sum())
        return sides[0], sides[1], reach


def _best(steps: Array, values: Array, floor: Array, order: int = 2) -> tuple[float, float]:
    """The value of the step with the smallest error, and that: larger steps tell of curvature, smaller ones of rounding."""
    change = np.abs(np.diff(values))
    noise = np.maximum.accumulate((change * steps[1:])[::-1])[::-1]  # of this pair and of all below it
    noise[-3:] = noise[-3:].max(initial=0.0)  # two steps that lie in the noise may agree by chance
    rounding = np.append(noise, noise[-1:]) / steps
    bending = np.append([np.inf], change * (steps[1:] / steps[:-1]) ** (order - 1))
    bending[2:] = np.maximum(bending[2:], (change[:-1] * (steps[2:] / steps[:-2]) ** order))
    errors = np.maximum(rounding, bending) + floor
    place = int(np.argmin(errors))
    return float(values[place]), _SAFETY * float(errors[place])


def _coarseness(output: Array) -> float:
    """The relative distance of neighbouring numbers, also where coarser ones were computed with than are given back."""
    kinds = [kind for kind in (np.float16, np.float32) if np.array_equal(output.astype(kind), output)] if output.any() else []
    return max(float(np.finfo(kind).eps) for kind in (output.dtype if output.dtype.kind == "f" else float, *kinds[:1]))


def _shrinks(steps: Array, gap: Array, floor: Array) -> bool:
    """Whether the gap between two sides falls with the step, as a smooth function's does."""
    told = gap > 10 * floor
    if told.sum() < 2:
        return True
    steps, gap = steps[told], gap[told]
    return bool(gap[-1] < 0.5 * gap[0] * (steps[-1] / steps[0]) ** 0.3)


def sizes(value: Array) -> Array:
    """How large a step at each cell is, relative to its own size and that of its row."""
    size = np.abs(np.where(np.isfinite(value), value, 0.0))
    row = size.mean(axis=-1, keepdims=True) if value.ndim else size
    return np.asarray(np.maximum(size, np.where(row > 0, row, float(size.mean()) or 1.0)))
