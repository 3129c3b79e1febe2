"""What linear functions of the inputs leave of a loss, at least."""

from __future__ import annotations

import numpy as np

from bpdebug.core.record import replace
from bpdebug.core.tensors import Array
from bpdebug.look.separation import knots, sides
from bpdebug.look.terms import Terms

_MOST_AXES, _FEW_AXES = 64, 16
"""Numbers that a plane has, at most, where it is looked for; and where that is done several times."""
_TRIES = 6
"""How often proofs are looked for, in another order each time."""


class Plane:
    """What linear functions of given inputs leave.

    Args:
        terms: the loss.
        x: the inputs, with a column of ones or without one.

    Attributes:
        known: whether it is known what they leave.
        excess: how much of the loss above what the targets allow, at least.
        reason: what they cannot do, in words.
    """

    def __init__(self, terms: Terms, x: Array) -> None:
        self.known, self.excess, self.reason = True, 0.0, ""
        last = terms.program.layers[-1].layer
        low, axes = -1.0 if last.activation == "tanh" else 0.0, x.shape[1] * (last.units if last.activation == "softmax" else 1)
        if terms.program.stage(terms.program.layers[-1].a).edited or axes > _MOST_AXES:
            self.known = False
        elif last.activation == "identity" and terms.function in ("squared_error", "absolute_error"):
            self._fit(terms, x)
        elif (
            last.activation == "softmax" and last.units > 1 and ((terms.y == 0) | (terms.y == 1)).all() and (terms.y.sum(axis=1) == 1).all()
        ):
            two = replace(terms, y=np.array([[1.0, 0.0]])).costs(np.array([[0.5, 0.5]]))
            two = two / 2 if terms.function == "binary_cross_entropy" and last.units > 2 else two
            self._separate(terms, *sides(x, np.argmax(terms.y, axis=1)), np.repeat(two, len(x)))
        elif last.activation in ("sigmoid", "tanh") and ((terms.y == low) | (terms.y == 1)).all():
            for column, wanted in enumerate(terms.y.T):
                undecided = np.where(np.arange(terms.y.shape[1]) == column, (low + 1) / 2, terms.y)
                costs = terms.costs(undecided) - terms.costs(terms.y)
                self._separate(terms, np.where(wanted[:, None] > low, x, -x), np.arange(len(x)), costs)
        else:
            self.known = False

    def _fit(self, terms: Terms, x: Array) -> None:
        left = terms.y - x @ np.linalg.lstsq(x, terms.y, rcond=None)[0]
        squares = np.square(left).sum(axis=0)
        self.excess = float(squares.sum() if terms.function == "squared_error" else np.sqrt(squares).sum())
        self.reason = "no linear function of the inputs comes near the targets"

    def _separate(self, terms: Terms, points: Array, samples: Array, costs: Array) -> None:
        """Where a weighted mean of points is 0, one of them at least is undecided or wrong, which costs so much at least; and the
        weighted mean of cross-entropies, which bend upwards, is at least that of being undecided (Jensen)."""
        generator, before = np.random.default_rng(22), self.excess
        for attempt in range(_TRIES if points.shape[1] <= _FEW_AXES else 1):
            excess, favour = 0.0, generator.random(len(points)) if attempt else np.ones(len(points))
            for shares in knots(points, samples, favour):
                least = min(float(costs[sample]) for sample in shares)
                excess += least / max(shares.values()) if terms.entropy else least
                self.reason = self.reason or _knot(terms, [*shares])
            if not excess:
                break
            self.excess = max(self.excess, before + excess)


def _knot(terms: Terms, samples: list[int]) -> str:
    """The samples that cannot all be right, by their targets."""
    parts = dict[bytes, list[int]]()
    for sample in sorted(samples):
        parts.setdefault(terms.y[sample].tobytes(), []).append(int(terms.chosen[sample]))
    listed = [", ".join(map(str, part[:-1])) + " and " * (len(part) > 1) + str(part[-1]) for part in parts.values()]
    return f"no linear function of the inputs separates samples {' from '.join(listed)}"
