"""NPZ files: arrays by name, without pickles; a header that promises more than the file holds is refused before it is read."""

from __future__ import annotations

import math
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

import numpy as np

from bpdebug.engine.description import Array
from bpdebug.engine.errors import BpdebugError
from bpdebug.engine.shapes import Shape

MAXIMUM_CELLS = 50_000_000
"""Numbers that one array, and all arrays of a file that is read whole, may hold."""
_MOST_ARRAYS = 10_000
_END = ".npy"


class ArrayError(BpdebugError):
    """A file of arrays that cannot be read, with what was expected."""


class Arrays:
    """An npz file that is open for reading; a context manager.

    Args:
        path: the file.

    Attributes:
        names: what it holds, in its order.

    Raises:
        ArrayError: where it is no npz file.
        OSError: where it cannot be opened.
    """

    def __init__(self, path: Path) -> None:
        from zipfile import ZipFile  # noqa: PLC0415 - a start does without

        with _told():
            self._archive = ZipFile(path)
        self._entries = {entry.removesuffix(_END): entry for entry in self._archive.namelist() if entry.endswith(_END)}
        self.names = tuple(self._entries)

    def __enter__(self) -> Arrays:
        return self

    def __exit__(self, *_: object) -> None:
        self._archive.close()

    def read(self, name: str) -> Array:
        """One array of numbers, truth values or texts, of any shape.

        Raises:
            ArrayError: where it holds anything else, or its header promises too much.
        """
        shape, kind = self._header(name)
        if kind.kind not in "fiubU":
            raise ArrayError(f"the array '{name}' holds {kind}; expected numbers")
        if _count(shape) > MAXIMUM_CELLS or _count(shape) * kind.itemsize > self._archive.getinfo(self._entries[name]).file_size:
            raise ArrayError(f"the array '{name}' has the shape {shape}: more than the file holds or than {MAXIMUM_CELLS:,} values")
        with _told(name), self._archive.open(self._entries[name]) as stream:
            return np.asarray(np.lib.format.read_array(stream, allow_pickle=False))

    def _header(self, name: str) -> tuple[Shape, np.dtype[np.generic]]:
        with _told(name), self._archive.open(self._entries[name]) as stream:
            return _header(stream)

    def read_all(self) -> dict[str, Array]:
        """All arrays by name.

        Raises:
            ArrayError: as :meth:`read`, and where there are none or too many.
        """
        if not self.names:
            raise ArrayError("this file holds no arrays; expected an npz file, as numpy.savez writes it")
        cells = sum(_count(self._header(name)[0]) for name in self.names[:_MOST_ARRAYS])
        if cells > MAXIMUM_CELLS or len(self.names) > _MOST_ARRAYS:
            raise ArrayError(f"{len(self.names):,} arrays of {cells:,} values; at most {MAXIMUM_CELLS:,} values are read")
        return {_printable(name): self.read(name) for name in self.names}


@contextmanager
def _told(name: str = "") -> Iterator[None]:
    """What zipfile and NumPy raise on a bad file, as one message."""
    from zipfile import BadZipFile  # noqa: PLC0415 - a start does without

    try:
        yield
    except ValueError as error:
        raise ArrayError(f"the array '{name}' cannot be read: {error}" if name else f"no npz file has such a name: {error}") from None
    except (BadZipFile, zlib.error, EOFError, NotImplementedError, RuntimeError) as error:
        raise ArrayError(f"this is not an npz file that can be read: {error}") from None


def _header(stream: IO[bytes]) -> tuple[Shape, np.dtype[np.generic]]:
    version = np.lib.format.read_magic(stream)
    read = np.lib.format.read_array_header_1_0 if version == (1, 0) else np.lib.format.read_array_header_2_0
    shape, _, kind = read(stream)
    return shape, kind


def _count(shape: Shape) -> int:
    return math.prod(map(abs, shape))


def _printable(name: str) -> str:
    return name if name.isprintable() else ascii(name)[1:-1]


def read_arrays(path: Path) -> dict[str, Array]:
    """All arrays of an npz file by name.

    Raises:
        ArrayError: where the file or an array is not what is expected; the message begins with the path.
    """
    try:
        with Arrays(path) as arrays:
            return arrays.read_all()
    except ArrayError as error:
        raise ArrayError(f"{path}: {error}") from None
    except OSError as error:
        raise ArrayError(f"{path}: the file cannot be read: {error.strerror or error}") from None
