"""NPZ files: arrays by name, without pickles; what the file and its headers promise is bounded before any of it is read."""

from __future__ import annotations

import io
import math
import os
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from weakref import finalize

import numpy as np

from bpdebug.core.description import Array
from bpdebug.core.errors import BpdebugError, printable
from bpdebug.files import MEBI, open_file

MAXIMUM_CELLS = 50_000_000
"""Numbers that the arrays of a file that are read may hold together."""
_NUMBER = 8
"""Bytes that a number takes at least, for it becomes a float; a text takes more."""
_FREELY, _PACKED = 64 * MEBI, 100
"""Bytes that a file may hold however much it is packed; of a larger one, how many for a byte of the file."""
_FILE = 1024 * MEBI
_MOST_ARRAYS = 10_000
_HEADER = 2**16
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
        FileError: where it cannot be opened.
    """

    def __init__(self, path: Path) -> None:
        from zipfile import ZipFile  # noqa: PLC0415 - a start does without

        self._file = open_file(path, "an npz file", _FILE)
        try:
            with _told():
                self._archive = ZipFile(self._file)
        except ArrayError:
            self._file.close()
            raise
        self._entries = {entry.filename.removesuffix(_END): entry for entry in self._archive.infolist() if entry.filename.endswith(_END)}
        self._size, self._close = path.stat().st_size, finalize(self, self._file.close)  # also where nobody asks any more
        self.names = tuple(self._entries)

    def __enter__(self) -> Arrays:
        return self

    def __exit__(self, *_: object) -> None:
        self._close()

    def read(self, names: Collection[str], kinds: str = "fiub") -> dict[str, Array]:
        """Some arrays, of any shape, by their names.

        Args:
            names: which.
            kinds: of NumPy's letters for kinds of values, those that are expected: numbers and truth values, ``U`` for texts.

        Raises:
            ArrayError: where they hold anything else, or promise too much; none has been read then.
        """
        if len(names) > _MOST_ARRAYS:
            raise ArrayError(f"{len(names):,} arrays; at most {_MOST_ARRAYS:,} are read")
        promised = {name: self._promised(name, kinds) for name in names}
        total = sum(promised.values())
        if total > MAXIMUM_CELLS * _NUMBER:
            largest = printable(max(promised, key=lambda name: promised[name]))
            most = f"at most {MAXIMUM_CELLS:,} values are read, of {_NUMBER} bytes each"
            raise ArrayError(f"its arrays take {_mega(total)}, of which '{largest}' takes most; {most}")
        self.believe(total)
        arrays = dict[str, Array]()
        for name in names:
            with _told(name), self._archive.open(self._entries[name]) as stream:
                arrays[name] = np.asarray(np.lib.format.read_array(stream, allow_pickle=False))
        return arrays

    def believe(self, total: int) -> None:
        """See that the file is not packed too much to hold so many bytes.

        Raises:
            ArrayError: where it is.
        """
        if total > max(_FREELY, _PACKED * self._size):
            raise ArrayError(
                f"its arrays take {_mega(total)}, packed into {self._size:,} bytes; numpy.savez writes a file that is believed"
            )

    def expected(self, name: str, shape: tuple[int, ...], kind: np.dtype[Any]) -> Array:
        """An array of which everything but its numbers is known; it cannot be written to.

        Raises:
            ArrayError: where it is another one.
        """
        entry, length = self._entries[name], math.prod(shape) * kind.itemsize
        if not length < entry.file_size <= length + _HEADER:
            raise ArrayError(f"the array '{printable(name)}' has another shape")
        with _told(name):
            content = self._archive.read(entry)
            head = content[: len(content) - length]
            if f"'descr': '{kind.str}', 'fortran_order': False, 'shape': {shape}".encode() not in head:
                raise ArrayError(f"'{kind}' of the shape {shape} was expected")
            return np.frombuffer(content, kind, offset=len(head)).reshape(shape)

    def text(self, name: str, most: int) -> bytes:
        """What a file in it holds that is no array, of so many bytes at most.

        Raises:
            ArrayError: where there is none, or a longer one.
        """
        with _told(name):
            entry = self._archive.getinfo(name)
            if entry.file_size > most or entry.compress_type not in (0, 8):
                raise ArrayError(f"'{name}' holds {_mega(entry.file_size)}; at most {_mega(most)} are read")
            with self._archive.open(entry) as stream:
                return stream.read(most)

    def _promised(self, name: str, kinds: str) -> int:
        """The bytes that an array takes once it is read, by its header and the file's directory."""
        entry = self._entries[name]
        if entry.compress_type not in (0, 8):
            raise ArrayError(f"the array '{printable(name)}' is packed in a way that NumPy does not write")
        with _told(name), self._archive.open(entry) as stream:
            header = io.BytesIO(stream.read(_HEADER))
            first = np.lib.format.read_magic(header) == (1, 0)
            read = np.lib.format.read_array_header_1_0 if first else np.lib.format.read_array_header_2_0
            shape, _, kind = read(header)
        if kind.kind not in kinds:
            raise ArrayError(f"the array '{printable(name)}' holds {kind}; expected numbers")
        count = math.prod(map(abs, shape))
        if count * kind.itemsize > entry.file_size:
            raise ArrayError(f"the array '{printable(name)}' has the shape {shape}: more than the file holds")
        return int(count * max(_NUMBER, kind.itemsize))


@contextmanager
def _told(name: str = "") -> Iterator[None]:
    """What zipfile and NumPy raise on a bad file, whatever that may be, as one message."""
    try:
        yield
    except MemoryError:
        raise ArrayError("it does not fit into memory") from None
    except Exception as error:
        what = f"the array '{printable(name)}' cannot be read" if name else "this is not an npz file that can be read"
        raise ArrayError(f"{what}: {printable(str(error))}") from None


def _mega(count: int) -> str:
    return f"{count / 10**6:,.0f} MB"


def read_arrays(path: Path) -> dict[str, Array]:
    """All arrays of a file by name: of an npz file, of JSON, or of a text in which they stand as a program prints them.

    Raises:
        ArrayError: where there are none, or one is not what is expected; the message begins with the path.
        TextError: the same of a text, with line and column.
        FileError: where the file cannot be read.
    """
    if path.suffix.lower() != ".npz" and not _zipped(path):
        from bpdebug.printed import read_printed  # noqa: PLC0415 - an npz file does without

        return read_printed(path)
    try:
        with Arrays(path) as arrays:
            if not arrays.names:
                raise ArrayError("this file holds no arrays; expected an npz file, as numpy.savez writes it")
            return {printable(name): array for name, array in arrays.read(arrays.names).items()}
    except ArrayError as error:
        raise ArrayError(f"{path}: {error}") from None


def _zipped(path: Path) -> bool:
    """Whether a regular file begins as an archive does."""
    if not os.path.isfile(path):  # noqa: PTH113 - Path.is_file raises for a name that is too long
        return False
    with open_file(path, "npz, JSON or text", _FILE) as stream:
        return stream.read(4) == b"PK\x03\x04"
