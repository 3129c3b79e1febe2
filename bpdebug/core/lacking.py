"""What NumPy lacks of the language, in plain NumPy."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

_erf = np.frompyfunc(math.erf, 1, 1)


def erf(x: Any) -> Any:
    """The error function, cell by cell with the C library's (NumPy has none); of a number with an imaginary part the first two terms of
    the series about its real part, which is exact for the tiny ones of a complex step."""
    values = np.asarray(x)
    if values.dtype.kind == "c":
        return erf(values.real) + 1j * values.imag * (2 / math.sqrt(math.pi)) * np.exp(-np.square(values.real))
    return _erf(values).astype(values.dtype) if values.ndim else values.dtype.type(math.erf(values))


def logaddexp(x: Any, y: Any) -> Any:
    """The logarithm of the sum of two exponentials; NumPy's own has no imaginary parts."""
    if any(np.asarray(one).dtype.kind == "c" for one in (x, y)):
        most = np.maximum(np.real(x), np.real(y))
        return most + np.log(np.exp(x - most) + np.exp(y - most))
    return np.logaddexp(x, y)


def whole(x: Any) -> Any:
    """Whole numbers, what is behind the point cut off: ``x.astype(int)``."""
    return np.asarray(x).real.astype(np.int64)


def norm(x: Any, axis: Any = None, keepdims: bool = False) -> Any:
    """The Euclidean norm: the root of the sum of squares."""
    return np.sqrt(np.sum(np.square(x), axis=axis, keepdims=keepdims))


def one_hot(labels: Any, count: int) -> Any:
    """Rows of 0 with a 1 at the place that the label says, along a new last axis of that length."""
    return np.where(np.asarray(labels)[..., None] == np.arange(count), 1.0, 0.0)


def add_at(x: Any, index: Any, values: Any) -> Any:
    """``x`` with ``values`` added at ``x[index]``, to a place that occurs several times as often; what ``np.add.at`` does in place."""
    made = np.array(x)
    np.broadcast_to(values, made[index].shape)  # NumPy writes beside the array where values have more axes than the place
    np.add.at(made, index, values)
    return made


def stop_gradient(x: Any) -> Any:
    """``x``, taken as given: no gradient flows back through it."""
    return np.array(np.real(x))


def broadcast(x: Any, shape: tuple[int, ...]) -> Any:
    """NumPy's ``broadcast_to``, whose cells lie one after the other: those of a view are multiplied otherwise, to the last bits."""
    return np.array(np.broadcast_to(x, shape))


def split(x: Any, sections: int, axis: int = 0) -> Any:
    """The equal parts, one after the other along a new first axis."""
    return np.stack(np.split(x, sections, axis))
