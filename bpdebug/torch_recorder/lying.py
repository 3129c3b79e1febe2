"""How the cells of one tensor lie in another one, which has the same memory: as a subscript."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from typing import Any

import numpy as np

Geometry = tuple[int, Sequence[int], Sequence[int]]
"""Where a tensor begins in its memory, its shape, and its strides."""
Subscript = list[list[Any]]
"""The shape in which the outer tensor is taken, for each of its axes a place, or begin, end and step, and which axis of it is each of
those of the inner tensor that are longer than 1."""


def subscript(outer: Geometry, inner: Geometry) -> Subscript | None:
    """How an inner tensor is taken out of an outer one, but for its shape; None where it is not, or no subscript says it."""
    for one in (outer, *_cut(outer, inner)):
        for other in (inner, *_cut(inner, (0, (), ()))):
            if keys := _keys(one, other):
                return [[*one[1]], *keys]
    return None


def _cut(lying: Geometry, by: Geometry) -> list[Geometry]:
    """A tensor without gaps, cut into axes with the strides of another one."""
    start, shape, strides = lying
    due, whole = np.cumprod([1, *shape[:0:-1]])[::-1], int(np.prod(shape))
    if any(n != 1 and one != step for n, one, step in zip(shape, strides, due, strict=False)):
        return []
    steps = sorted({1, *(step for n, step in zip(*by[1:], strict=True) if n > 1 and step)}, reverse=True)
    ends = [whole, *steps]
    if any(one % other for one, other in pairwise(ends)):
        return []
    return [(start, [one // other for one, other in pairwise(ends)], steps)]


def _keys(outer: Geometry, inner: Geometry) -> list[list[Any]]:
    """For each axis a place, or begin, end and step, and the axes in the order of the inner tensor; [] where there are none."""
    start, shape, strides = outer
    rest, keys, order = inner[0] - start, list[Any]([0] * len(shape)), list[int]()
    for axis in sorted((axis for axis, n in enumerate(shape) if n > 1), key=lambda axis: -strides[axis]):
        keys[axis], rest = divmod(rest, strides[axis]) if strides[axis] else (0, -1)
        if not 0 <= keys[axis] < shape[axis] or rest < 0:
            return []
    for n, stride in ((n, stride) for n, stride in zip(*inner[1:], strict=True) if n != 1):
        free = [axis for axis, most in enumerate(shape) if most > 1 and axis not in order and n and stride and not stride % strides[axis]]
        fitting = [axis for axis in free if keys[axis] + (n - 1) * (stride // strides[axis]) < shape[axis]]
        if not fitting:
            return []
        order.append(max(fitting, key=lambda axis: strides[axis]))
    for axis, (n, stride) in zip(order, ((n, stride) for n, stride in zip(*inner[1:], strict=True) if n != 1), strict=True):
        step = stride // strides[axis]
        keys[axis] = [keys[axis], keys[axis] + (n - 1) * step + 1, step]
    return [] if rest else [keys, order]


__all__ = ["Geometry", "Subscript", "subscript"]
