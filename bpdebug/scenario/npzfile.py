"""NPZ files: arrays by name, without pickles; a header that promises more than the file holds is refused before it is read."""

from __future__ import annotations

import math
import zipfile
import zlib
from pathlib import Path
from typing import IO

import numpy as np

from bpdebug.engine.description import Array
from bpdebug.scenario.columns import MAXIMUM_CELLS, Data, DataError, one_hot_of
from bpdebug.scenario.kinds import likely


def read_npz(path: Path, inputs: str, targets: str, one_hot: bool) -> Data:
    """The data in two arrays of an npz file.

    Raises:
        DataError: where the file or an array is not what is expected.
    """
    try:
        with zipfile.ZipFile(path) as archive:
            x, y = _array(archive, inputs), _array(archive, targets)
    except (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError, RuntimeError) as error:
        raise DataError(f"this is not an npz file that can be read: {error}") from None
    if len(x) != len(y):
        raise DataError(f"'{inputs}' has {len(x)} samples, '{targets}' has {len(y)}")
    if y.dtype.kind == "U" or one_hot:
        labels, names = one_hot_of(targets, _labels(targets, y))
        return Data(_numeric(inputs, x), labels, (), names)
    return Data(_numeric(inputs, x), _numeric(targets, y))


def _array(archive: zipfile.ZipFile, name: str) -> Array:
    known = [entry.removesuffix(".npy") for entry in archive.namelist()]
    if name not in known:
        raise DataError(f"there is no array '{name}'{likely(name, known)}")
    entry = archive.getinfo(f"{name}.npy" if f"{name}.npy" in archive.namelist() else name)
    try:
        with archive.open(entry) as stream:
            shape, kind = _header(stream)
            _refuse_size(name, shape, kind, entry.file_size)
        with archive.open(entry) as stream:
            return np.asarray(np.lib.format.read_array(stream, allow_pickle=False))
    except ValueError as error:
        raise DataError(f"the array '{name}' cannot be read: {error}") from None


def _header(stream: IO[bytes]) -> tuple[tuple[int, ...], np.dtype[np.generic]]:
    version = np.lib.format.read_magic(stream)
    read = np.lib.format.read_array_header_1_0 if version == (1, 0) else np.lib.format.read_array_header_2_0
    shape, _, kind = read(stream)
    return shape, kind


def _refuse_size(name: str, shape: tuple[int, ...], kind: np.dtype[np.generic], size: int) -> None:
    count = math.prod(shape)
    if len(shape) not in (1, 2) or not count:
        raise DataError(f"the array '{name}' has the shape {shape}; expected (samples, columns), or (samples,) for one column")
    if kind.kind not in "fiubU":
        raise DataError(f"the array '{name}' holds {kind}; expected numbers")
    if count > MAXIMUM_CELLS or count * kind.itemsize > size:
        raise DataError(f"the array '{name}' has the shape {shape}: more than the file holds or than {MAXIMUM_CELLS:,} values")


def _numeric(name: str, array: Array) -> Array:
    if array.dtype.kind == "U":
        raise DataError(f"the array '{name}' holds text; expected numbers")
    values = array.astype(float)
    wrong = np.argwhere(~np.isfinite(values))
    if len(wrong):
        raise DataError(f"expected finite numbers; found {values[tuple(wrong[0])]} in {name}{wrong[0].tolist()}")
    return values if values.ndim == 2 else values[:, None]


def _labels(name: str, array: Array) -> Array:
    if array.ndim == 2 and array.shape[1] != 1:
        raise DataError(f"one_hot needs one class label a sample; '{name}' has the shape {array.shape}")
    return array.reshape(-1) if array.dtype.kind in "Uiub" else _numeric(name, array).reshape(-1)
