"""How fast what arrives times what forward gives changes along a direction: central differences with the error that they have here.

``⟨u, f(x + h·v) − f(x − h·v)⟩ / 2h`` is ``⟨u, J·v⟩`` but for curvature, which falls with h, and rounding, which grows as h falls. Neither
is known of a black box, so that both are read from the same quotient over a ladder of steps (Ridders, "Accurate computation of
F'(x) and F'(x) F''(x)", Advances in Engineering Software 4 (1982)). Where forward cancels, as 1 + tanh(x) far out, it is a staircase:
steps that stay on one stair agree with each other and are all wrong. The height of a stair over the step is then the error.
"""

from __future__ import annotations

import warnings
from collections.abc import Sequence

import numpy as np

from bpdebug.core.description import Array, Values
from bpdebug.core.record import Record
from bpdebug.trust.own.piece import Piece

_DECADES = 11
"""So many steps has a ladder, each a tenth of the last."""
_SAFETY = 4.0
_IMAGINARY = 1e-30
_LOST = 1e-20
"""What forward gives may be as small as this beside what it computed on the way."""
LEAST = 1e-100
"""Smaller numbers are no size of anything."""
_EPSILON = float(np.finfo(np.float64).eps)


class Slope(Record):
    """A derivative along a direction.

    Attributes:
        low, high: what it may be; the same number but at a corner, where both sides count and all between them. NaN where forward
            gave nothing finite.
        error: how far both may be off.
        seen: what each step gives.
    """

    low: float
    high: float
    error: float
    seen: tuple[float, ...] = ()

    def near(self, claim: float) -> bool:
        """Whether two steps that follow each other give about this, which rounding alone, ten times larger at the smaller, does not."""
        close = np.abs(np.array(self.seen) - claim) <= 0.3 * abs(claim)
        return bool((close[1:] & close[:-1]).any())


class Slopes:
    """The derivatives of a piece at one place, with what arrives held fixed.

    Args:
        piece: the user's code, with where it is judged.
        outputs: what forward gives there.
        cotangents: what arrives.

    Attributes:
        arriving: the largest number that arrives.
        size: the sum of what arrives times what forward gives, by absolute values.
    """

    def __init__(self, piece: Piece, outputs: Sequence[Array], cotangents: Sequence[Array]) -> None:
        self.piece, self.values, self.outputs, self.cotangents = piece, piece.values, outputs, cotangents
        self._coarse = 1.0
        self.arriving = max((float(np.abs(u).max()) for u in cotangents if u.size), default=0.0)
        self._whole = sum(float(np.abs(u).sum()) for u in cotangents)
        self.size = float(sum(np.abs(u * f).sum() for u, f in zip(cotangents, outputs, strict=True))) + _LOST * self._whole

    @property
    def coarse(self) -> float:
        """The relative distance of neighbouring numbers, as forward computes them."""
        return self._coarse if self._coarse < 1 else _EPSILON

    def central(self, direction: Values, step: float) -> float:
        """One central difference; NaN where forward refuses to run there."""
        left, right, _ = self._sides(direction, step)
        return (left + right) / 2

    def imaginary(self, direction: Values) -> float:
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

    def close(self, direction: Values, stair: float | None = None, nearer: int = 0) -> Slope:
        """The derivative with its error, from a ladder of steps, and from the height of a stair, which is looked for if not given;
        the ladder is longer by the decades by which what moves is smaller than its step."""
        sides = [(step, *self._sides(direction, step)) for step in 10.0 ** -np.arange(_DECADES + nearer)]
        found = np.array([one for one in sides if np.isfinite(one[1] + one[2])])
        if len(found) < 2:
            return Slope(float("nan"), float("nan"), float("inf"))
        steps, left, right, reach = found.T
        middle = (left + right) / 2
        floor = self.coarse * reach.max() / steps / max(1.0, np.sqrt(sum(output.size for output in self.outputs)))
        value, error, place = _best(steps, middle, floor)
        if stair := self._stair(direction, found, value, error) if stair is None else stair:
            floor += stair / steps
            value, error, place = _best(steps, middle, floor)
        both = [_best(some, side, least, 1) for one in (left, right) for some, side, least in _told(steps, one, floor)]
        low, high, either = min(one[0] for one in both), max(one[0] for one in both), max(one[1] for one in both)
        corner = (
            0.5 * (high - low) < abs(right[place] - left[place]) < 2 * (high - low)
        )  # of a smooth function they are one for small steps
        if high - low > 2 * either and (corner or error >= 1e-3 * (high - low)) and high - low > 1e-9 * max(abs(low), abs(high)):
            error = max(error, either)
        elif value:
            low = high = value
        else:
            low = high = 0.0  # what is 0 may still hide what is lost beside 1, as in log(1 − p)
            still = steps[(left == 0) & (right == 0)].max(initial=1e-6)
            error += self.coarse * (self.size + self._whole) / float(still)
        return Slope(low, high, error, tuple(middle))

    def _stair(self, direction: Values, found: Array, slope: float, error: float) -> float:
        """The height of the stairs that rounding makes on both sides, 0.0 where there are none: a jump on one side alone is forward's."""
        steps, left, right, reach = found.T
        nothing = self.coarse * (4 * reach.max() + 16 * np.median(np.abs(found[:, 1:3]).max(axis=1)) * np.minimum(10 * steps, 1))
        off = np.maximum(np.abs(left - slope), np.abs(right - slope))
        seen = (off > error) & (off * steps > nothing)
        seen[0] |= steps[0] < 1.0  # a larger one has left what forward can take: perhaps on the last stair
        beside = [*zip(steps[seen], nothing[seen], strict=True)]
        heights = (min(self._jump(direction, slope, way * step, least) for way in (-10.0, 10.0)) for step, least in beside[:-4:-1])
        return next(filter(None, heights), 0.0)

    def _jump(self, direction: Values, slope: float, far: float, nothing: float) -> float:
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

    def _at(self, direction: Values, step: complex) -> tuple[Array, ...]:
        """What forward gives, a step further."""
        return self.piece.run({**self.values, **{name: self.values[name] + step * way for name, way in direction.items()}})

    def _sides(self, direction: Values, step: float) -> tuple[float, float, float]:
        """The slopes to the left and to the right, and the size of the outputs that move: the rounding of the others cancels."""
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                up, down = self._at(direction, step), self._at(direction, -step)
        except Exception:  # whatever the user's code says of other numbers
            return float("nan"), float("nan"), 0.0
        if self._coarse > _EPSILON:  # what cancels may be short by chance, but not at each step
            moved = [_coarseness(high[low != high]) for low, high in zip(down, up, strict=True) if (low != high).any()]
            self._coarse = min(self._coarse, max(moved, default=1.0))
        sides, reach = [0.0, 0.0], 0.0
        for u, low, here, high in zip(self.cotangents, down, self.outputs, up, strict=True):
            sides[0] += float((u * np.subtract(here, low, dtype=np.float64)).sum()) / step
            sides[1] += float((u * np.subtract(high, here, dtype=np.float64)).sum()) / step
            reach += float(np.abs(u * here)[(low != high) | (high != here)].sum())
        return sides[0], sides[1], reach


def _best(steps: Array, values: Array, floor: Array, order: int = 2) -> tuple[float, float, int]:
    """The value of the step with the smallest error, that, and which: larger steps tell of curvature, smaller ones of rounding."""
    change = np.abs(np.diff(values))
    noise = np.maximum.accumulate((change * steps[1:])[::-1])[::-1]  # of this pair and of all below it
    rounding = np.append(noise, noise[-1:]) / steps
    bending = np.append([np.inf], change * (steps[1:] / steps[:-1]) ** (order - 1))
    bending[2:] = np.maximum(bending[2:], (change[:-1] * (steps[2:] / steps[:-2]) ** order))
    errors = np.maximum(np.maximum(rounding, bending), _refuted(steps, values, floor, change)) + floor
    place = int(np.argmin(errors))
    return float(values[place]), _SAFETY * float(errors[place]), place


def _refuted(steps: Array, values: Array, floor: Array, change: Array) -> Array:
    """How far the value of each step is from those of smaller ones, beyond the noise that the smallest ones show: what is as large
    there is no noise, but what larger steps have jumped over."""
    last = int(np.flatnonzero(change)[-1]) if change.any() else 0
    noise = 4 * float((change * steps[1:])[max(0, last - 3) : last + 1].max(initial=0.0)) / steps + floor
    beside = np.triu(np.abs(values[:, None] - values) - noise, 1)
    return np.asarray(beside.max(axis=1, initial=0.0))


def _told(steps: Array, side: Array, floor: Array) -> list[tuple[Array, Array, Array]]:
    """What one side may be: where the smallest steps move nothing, that may be its slope, or rounding swallows them."""
    moving = side != 0
    swallowed = bool(moving.sum() > 1 and not moving[-1])
    return [(steps, side, floor)] + [(steps[moving], side[moving], floor[moving])] * swallowed


def _coarseness(output: Array) -> float:
    """The relative distance of neighbouring numbers, also where coarser ones were computed with than are given back."""
    kinds = [kind for kind in (np.float16, np.float32) if np.array_equal(output.astype(kind), output)] if output.any() else []
    return max(float(np.finfo(kind).eps) for kind in (output.dtype if output.dtype.kind == "f" else float, *kinds[:1]))


def sizes(value: Array) -> Array:
    """How large a step at each cell is, relative to its own size and that of its row."""
    size = np.abs(np.where(np.isfinite(value) & (np.abs(value) > LEAST), value, 0.0))
    row = size.mean(axis=max((axis for axis, length in enumerate(value.shape) if length > 1), default=()), keepdims=True)
    return np.asarray(np.maximum(size, np.where(row > 0, row, float(size.mean()) or 1.0)))
