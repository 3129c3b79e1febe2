"""Inputs and targets from an NPZ file."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from bpdebug.arrays import ArrayError, Arrays
from bpdebug.core.description import Array
from bpdebug.frontends.columns import Data, DataError, one_hot_of
from bpdebug.frontends.kinds import likely


def read_npz(path: Path, inputs: str, targets: str, one_hot: bool) -> Data:
    """The data in two arrays of an npz file.

    Raises:
        DataError: where the file or an array is not what is expected.
    """
    try:
        with Arrays(path) as arrays:
            for name in (inputs, targets):
                if name not in arrays.names:
                    raise DataError(f"there is no array '{name}'{likely(name, arrays.names)}")
            read = arrays.read({inputs, targets}, "fiubU")
    except ArrayError as error:
        raise DataError(str(error)) from None
    x, y = _table(inputs, read[inputs]), _table(targets, read[targets])
    if len(x) != len(y):
        raise DataError(f"'{inputs}' has {len(x)} samples, '{targets}' has {len(y)}")
    if y.dtype.kind == "U" or one_hot:
        labels, names = one_hot_of(targets, _labels(targets, y))
        return Data(_numeric(inputs, x), labels, (), names)
    return Data(_numeric(inputs, x), _numeric(targets, y))


def _table(name: str, array: Array) -> Array:
    if array.ndim not in (1, 2) or not array.size:
        raise DataError(f"the array '{name}' has the shape {array.shape}; expected (samples, columns), or (samples,) for one column")
    return array


def _numeric(name: str, array: Array) -> Array:
    if array.dtype.kind == "U":
        raise DataError(f"the array '{name}' holds text; expected numbers")
    values = array.astype(float, copy=False)
    if not np.isfinite(values).all():
        wrong = np.argwhere(~np.isfinite(values))
        raise DataError(f"expected finite numbers; found {values[tuple(wrong[0])]} in {name}{wrong[0].tolist()}")
    return values if values.ndim == 2 else values[:, None]


def _labels(name: str, array: Array) -> Array:
    if array.ndim == 2 and array.shape[1] != 1:
        raise DataError(f"one_hot needs one class label a sample; '{name}' has the shape {array.shape}")
    return array.reshape(-1) if array.dtype.kind in "Uiub" else _numeric(name, array).reshape(-1)
