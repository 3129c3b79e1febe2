"""NumPy's functions that only take cells of an array, each as the subscript that takes the same ones."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

Places = tuple[Any, ...]
"""A subscript; nothing where there is none."""


def _along(array: Any, indices: Any = None, *rest: Any, axis: int | None = -1, **_: Any) -> Places:
    """By which an array is read or written along an axis."""
    axis = rest[-1] if rest and (rest[1:] or not isinstance(rest[0], np.ndarray)) else axis
    if axis is None or not isinstance(array, np.ndarray):
        return ()
    grid = np.ix_(*map(np.arange, array.shape))
    return tuple(indices if place == axis % array.ndim else one for place, one in enumerate(grid))


def _ordered(array: Any = None, axis: Any = -1, *others: Any, **more: Any) -> Places:
    """By which an array is sorted."""
    sorts = isinstance(array, np.ndarray) and isinstance(axis, int) and not (others or more)
    return _along(array, np.argsort(array, axis=axis), axis=axis) if sorts else ()


def _diagonal(array: Any, k: int = 0, **more: Any) -> Places:
    """Of a matrix, its diagonal."""
    if np.ndim(array) != 2 or more:
        return ()
    rows, columns = np.shape(array)
    places = np.arange(max(0, min(rows, columns - k, rows + k, columns)))
    return places + max(0, -k), places + max(0, k)


def counted_once(key: Any, value: Any) -> Places:
    """Where ``array[key] += value`` has a place more than once, and so adds the last of its rows alone: the subscript of these rows."""
    if not isinstance(key, np.ndarray) or key.dtype.kind not in "iu" or np.shape(value)[: key.ndim] != key.shape:
        return ()
    _, last = np.unique(key.ravel()[::-1], return_index=True)
    return np.unravel_index(np.sort(key.size - 1 - last), key.shape) if len(last) < key.size else ()


KEYS: dict[str, Callable[..., Places]] = {
    **dict.fromkeys(("put_along_axis", "take_along_axis"), _along),
    "sort": _ordered,
    **dict.fromkeys(("diag", "diagonal"), _diagonal),
    "fill_diagonal": lambda array, _, wrap=False: () if wrap else _diagonal(array),
    "copyto": lambda *_, **keywords: () if keywords else (...,),
}
"""By the function's name."""
WHOLE = ("fill_diagonal", "copyto")
"""Those that are given what to put there right after the array."""


__all__ = ["KEYS", "WHOLE", "counted_once"]
