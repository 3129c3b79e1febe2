"""What linear functions of the inputs leave of a loss, at least.

Either some plane has all points strictly on one side, or a weighted mean of them is 0 (Gordan's theorem). Non-negative least
squares (Lawson and Hanson, Solving Least Squares Problems (1974), chapter 23) finds the weights, or its residual is the plane.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from bpdebug.core.tensors import Array
from bpdebug.look.finding import listed
from bpdebug.look.terms import Terms

_ZERO = 1e-10
"""What counts as zero: points have size 1."""
_WORK = 20_000
"""How many proofs are looked for, one beside the other, times the square of the axes."""
_MOST_AXES, _FEW_AXES = 64, 16
"""Numbers that a plane has, at most, where it is looked for; and where that is done several times."""
_TRIES = 6
"""How often proofs are looked for, in another order each time."""


def plane(terms: Terms, x: Array) -> tuple[float, str] | None:
    """How much of a loss linear functions of ``x`` (samples, inputs) leave above what the targets allow, at least, and what they cannot
    do, in words; None where that is not known."""
    last, y = terms.program.layers[-1].layer, terms.y
    low, several = -1.0 if last.activation == "tanh" else 0.0, last.activation == "softmax"
    if terms.program.stage(terms.program.layers[-1].a).edited or x.shape[1] * (y.shape[1] if several else 1) > _MOST_AXES:
        return None
    if last.activation == "identity" and terms.function in ("squared_error", "absolute_error"):
        squares = np.square(y - x @ np.linalg.lstsq(x, y, rcond=None)[0]).sum(axis=0)
        left = squares.sum() if terms.function == "squared_error" else np.sqrt(squares).sum()
        return float(left), "no linear function of the inputs comes near the targets"
    if several and y.shape[1] > 1 and ((y == 0) | (y == 1)).all() and (y.sum(axis=1) == 1).all():
        other = 0.0 if terms.function == "binary_cross_entropy" and y.shape[1] > 2 else 0.5  # else it does not bend upwards
        undecided = np.where(y == 1, 0.5, np.where(np.roll(y, 1, axis=1) == 1, other, 0.0))
        # each sample's own class has to have the largest of several linear functions of its inputs: one point for each other class, all on
        # one side (Kesler's construction: Duda and Hart, Pattern Classification (1973), section 5.12)
        samples, others = np.nonzero(y == 0)
        sides = (y[samples] - np.eye(y.shape[1])[others])[:, :, None] * x[samples, None]
        return _separate(terms, sides.reshape(len(samples), -1), samples, terms.excess(undecided))
    if last.activation not in ("sigmoid", "tanh") or not ((y == low) | (y == 1)).all():
        return None
    every, found = np.arange(len(x)), list[tuple[float, str]]()
    for column, wanted in enumerate(y.T):
        undecided = np.where(np.arange(y.shape[1]) == column, (low + 1) / 2, y)
        found.append(_separate(terms, np.where(wanted[:, None] > low, x, -x), every, terms.excess(undecided)))
    return sum(excess for excess, _ in found), next((reason for _, reason in found if reason), "")


def _separate(terms: Terms, points: Array, samples: Array, costs: Array) -> tuple[float, str]:
    """Where a weighted mean of points is 0, one of them at least is undecided or wrong, which costs so much at least; and the
    weighted mean of cross-entropies, which bend upwards, is at least that of being undecided (Jensen)."""
    generator, most, reason = np.random.default_rng(22), 0.0, ""
    for attempt in range(_TRIES if points.shape[1] <= _FEW_AXES else 1):
        excess, favour = 0.0, generator.random(len(points)) if attempt else np.ones(len(points))
        for shares in _knots(points, samples, favour):
            least = float(costs[shares > 0].min())
            excess += least / shares.max() if terms.entropy else least
            if not reason:
                parts = dict[bytes, list[int]]()
                for sample in np.flatnonzero(shares).tolist():
                    parts.setdefault(terms.y[sample].tobytes(), []).append(int(terms.rows[sample]))
                reason = f"no linear function of the inputs separates samples {' from '.join(map(listed, parts.values()))}"
        if not excess:
            break
        most = max(most, excess)
    return most, reason


def _knots(points: Array, samples: Array, favour: Array) -> Iterator[Array]:
    """Proofs that no plane has all points on one side, none of which shares a sample with another: the samples' weights."""
    left = np.ones(len(points), bool)
    for _ in range(_WORK // points.shape[1] ** 2):
        weights = balance(points[left] * favour[left, None])
        if weights is None:
            return
        shares = np.bincount(samples[left], weights * favour[left], samples.max() + 1)
        yield shares / shares.sum()
        left &= ~np.isin(samples, np.flatnonzero(shares))


def balance(points: Array) -> Array | None:
    """Weights, none negative and with the sum 1, under which the points (points, axes) have the mean 0; None where there are none."""
    system, wanted = np.vstack([points.T, np.ones(len(points))]), np.append(np.zeros(points.shape[1]), 1.0)
    weights, free = np.zeros(len(points)), np.zeros(len(points), bool)
    for _ in range(3 * len(system) + 10):
        left = wanted - system @ weights
        if np.linalg.norm(left) <= _ZERO:
            return np.asarray(weights / weights.sum())
        pull = np.where(free, 0.0, system.T @ left)
        if not len(pull) or pull.max() <= _ZERO**2:
            return None
        free[np.argmax(pull)] = True
        while True:  # the least squares over the free weights; those that would fall below 0 on the way there are free no longer
            goal = np.zeros(len(weights))
            goal[free] = np.linalg.lstsq(system[:, free], wanted, rcond=None)[0]
            falling = free & (goal <= 0)
            if not falling.any():
                break
            weights = weights + (weights[falling] / np.maximum(weights - goal, 1e-300)[falling]).min() * (goal - weights)
            free &= weights > 1e-14
            weights[~free] = 0.0
        weights = goal
    return None
