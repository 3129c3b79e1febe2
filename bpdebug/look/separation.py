"""Whether a plane can have points on its right side: each answer with its proof, and how much it costs that it cannot.

Either some plane has all points strictly on one side, or a weighted mean of them is 0 (Gordan's theorem). Non-negative least
squares (Lawson and Hanson, Solving Least Squares Problems (1974), chapter 23) finds the weights, or its residual is the plane.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from bpdebug.core.tensors import Array

_ZERO = 1e-10
"""What counts as zero: points have size 1."""
_WORK = 20_000
"""How many proofs are looked for, one beside the other, times the square of the axes."""


def balance(points: Array, favour: Array | float = 1.0) -> Array | None:
    """Weights, none negative and with the sum 1, under which the points (points, axes) have the mean 0; None where there are none.
    Of several such weights those are taken that are found first, points with a larger ``favour`` before others."""
    system = np.vstack([points.T, np.ones(len(points))])
    wanted = np.append(np.zeros(points.shape[1]), 1.0)
    weights, free, left = np.zeros(len(points)), np.zeros(len(points), bool), wanted
    for _ in range(3 * len(system) + 10):
        pull = np.where(free, -np.inf, system.T @ left)
        if not len(pull) or pull.max() <= _ZERO**2:
            return None
        free[int(np.argmax(np.where(pull > _ZERO**2, pull * favour, -np.inf)))] = True
        weights, free = _fitted(system, wanted, weights, free)
        left = wanted - system @ weights
        if np.linalg.norm(left) <= _ZERO:
            found: Array = weights / weights.sum()
            return found
    return None


def _fitted(system: Array, wanted: Array, weights: Array, free: Array) -> tuple[Array, Array]:
    """The least squares over the free weights, those set free no longer that would fall below 0 on the way there."""
    while True:
        goal = np.zeros(len(weights))
        goal[free] = np.linalg.lstsq(system[:, free], wanted, rcond=None)[0]
        falling = free & (goal <= 0)
        if not falling.any():
            return goal, free
        step = (weights[falling] / np.maximum(weights[falling] - goal[falling], 1e-300)).min()
        weights = weights + step * (goal - weights)
        free = free & (weights > 1e-14)
        weights = np.where(free, weights, 0.0)
        if not free.any():
            return weights, free


def knots(points: Array, samples: Array, favour: Array) -> Iterator[dict[int, float]]:
    """Proofs that no plane has all points on one side, none of which shares a sample with another.

    Args:
        points: (points, axes).
        samples: of which sample each of them speaks.
        favour: which points are taken first.

    Yields:
        samples with their weights, which have the sum 1.
    """
    left = np.ones(len(points), bool)
    for _ in range(_WORK // points.shape[1] ** 2):
        weights = balance(points[left], favour[left])
        if weights is None:
            return
        shares = dict[int, float]()
        for sample, weight in zip(samples[left].tolist(), weights.tolist(), strict=True):
            if weight > 0:
                shares[sample] = shares.get(sample, 0.0) + weight
        yield shares
        left &= ~np.isin(samples, [*shares])


def sides(x: Array, classes: Array) -> tuple[Array, Array]:
    """The points that have to lie on one side where each sample's own class has to have the largest of several linear functions of its
    inputs (Kesler's construction: Duda and Hart, Pattern Classification (1973), section 5.12), and the sample of each."""
    count, points, samples = int(classes.max()) + 1, list[Array](), list[int]()
    for sample, own in enumerate(classes.tolist()):
        for other in set(range(count)) - {own}:
            point = np.zeros((count, x.shape[1]))
            point[own], point[other] = x[sample], -x[sample]
            points.append(point.ravel())
            samples.append(sample)
    return np.array(points).reshape(-1, count * x.shape[1]), np.array(samples, int)


def bent(x: Array) -> Array:
    """The inputs with their squares and products beside them: what a hidden layer could make of them, at the least."""
    first, second = np.triu_indices(x.shape[1]) if x.shape[1] <= 16 else (np.arange(x.shape[1]),) * 2
    return np.hstack([x, x[:, first] * x[:, second]])


def centred(x: Array, constant: bool) -> Array:
    """The inputs at size 1; with a column of ones, and then around 0, where the network can add a constant."""
    x = x - x.mean(axis=0) if constant else x
    x = x / np.where(np.abs(x).max(axis=0) > 0, np.abs(x).max(axis=0), 1.0)
    return np.hstack([x, np.ones((len(x), 1))]) if constant else x
