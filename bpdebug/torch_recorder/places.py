"""Which recorded value a tensor stands for: by where its numbers are, and how often they have been written."""

from __future__ import annotations

from collections import defaultdict
from functools import cache
from typing import Any

import numpy as np

from bpdebug.torch_recorder.lying import Geometry, Subscript, subscript
from bpdebug.torch_recorder.private import StorageWeakRef, lies, numbers

Place = tuple[Any, ...]
Parts = list[tuple["Value", Subscript | None]]
"""What a tensor is made of: each with the subscript that takes all of it, or is written to."""


@cache
def _name(dtype: Any) -> str:
    return str(dtype).removeprefix("torch.")


class Value:
    """A tensor as it was at one time.

    Attributes:
        number: in the order of the step.
        name: what it is called, "" until that is known.
        shape, dtype: as torch has them.
        maker: the number of the operation that made it, or None for what the step is given.
        kind: ``parameter``, ``buffer``, ``slot`` (of an optimizer), ``given``, ``loss`` or "".
        storage, version, geometry: where its numbers are, how often they had been written, and how it lies there.
        made: the version with which it was made; -1 where it was written in the place of another one.
        array: its numbers; None for a view, which has those of another one.
        device: where it is.
        borrowed: whether its numbers are still where torch has them.
        inner: whether neither the user nor a module has a name for it.
        broken: of numbers that are not kept, whether they are ``inf`` or ``nan``.
        sizes: of these, how many are not finite, and of the others the smallest, the largest and the norm; () where they are kept.
    """

    name, inner, broken, borrowed = "", False, "", False
    array: Any = None
    sizes: tuple[float, ...] = ()

    def __init__(self, number: int, device: Any, maker: int | None, kind: str, place: Place, version: int) -> None:
        self.number, self.device, self.maker, self.kind, self.version, self.made = number, device, maker, kind, version, version
        self.storage, self.geometry, self.shape, self.dtype = place[0], place[1:4], tuple(place[2]), _name(place[4])


class Values:
    """All values so far.

    Attributes:
        all: in the order of the step.
        bytes: that are kept.
    """

    def __init__(self) -> None:
        self.all: list[Value] = []
        self.bytes = 0
        self._at: dict[Place, Value] = {}
        self._held: dict[int, Any] = {}
        self._written: dict[int, int] = defaultdict(int)
        self._in: dict[int, list[Value]] = defaultdict(list)
        self._writes: dict[int, list[tuple[int, Value]]] = defaultdict(list)

    def place(self, tensor: Any) -> Place | None:
        """Where a tensor's numbers are; None for what has none of its own."""
        found = lies(tensor)
        if found is None:
            return None
        place, held = found
        if place[0] not in self._held:
            self._held[place[0]] = StorageWeakRef(held)  # as long as there is one, the address is not used again
        return place

    def add(self, tensor: Any, place: Place, kind: str = "", maker: int | None = None, kept: bool = True, written: bool = False) -> Value:
        """A new value, for which the tensor stands from now on; ``written`` in the place of another one."""
        value = Value(len(self.all), tensor.device, maker, kind, place, self._written[place[0]])
        self.all.append(value)
        self._at[place] = value
        self._in[place[0]].append(value)
        if written:
            value.made = -1
            self._writes[place[0]].append((value.version, value))
        if kept:
            self.keep(value, tensor)
        return value

    def keep(self, value: Value, tensor: Any, borrowed: bool = False) -> None:
        """Keep the numbers of a value, which are those of the tensor now; ``borrowed`` where they are until these are written."""
        if value.array is None and not tensor.dtype.is_complex:
            given = numbers(tensor)
            value.borrowed = borrowed and len(self._in[value.storage]) == 1
            value.array = given if value.borrowed else given.copy()
            self.bytes += given.nbytes

    def before_writing(self, place: Place | None) -> None:
        """Numbers are going to be written: what is borrowed of them is copied."""
        for value in self._in[place[0]] if place else ():
            if value.borrowed:
                value.array, value.borrowed = value.array if value.array is None else value.array.copy(), False

    def drop(self, value: Value) -> None:
        """Keep no numbers of a value."""
        if value.array is not None:
            self.bytes -= value.array.nbytes
            value.array = None

    def note(self, value: Value, array: Any) -> None:
        """Note of numbers that are not kept what is kept of them."""
        value.broken, value.sizes = broken(array), _sizes(array) if array.dtype.kind == "f" else ()

    def is_there(self, value: Value) -> bool:
        """Whether the numbers of a value, or what was written in their place, are still in memory."""
        return not self._held[value.storage].expired()

    def known(self, tensor: Any) -> Value | None:
        """The value that a tensor stands for, if it is up to date."""
        return self.at(self.place(tensor))

    def at(self, place: Place | None) -> Value | None:
        """The value that stands at a place, if it is up to date."""
        value = self._at.get(place) if place else None
        if value is None or value.version == (now := self._written[value.storage]):
            return value
        if any(_overlap(value.geometry, other.geometry) for at, other in self._writes[value.storage] if at > value.version):
            return None
        value.version = now  # only what lies beside it was written
        return value

    def is_as_made(self, value: Value) -> bool:
        """Whether nothing has been written since to the memory that a value lies in, nor was that value itself written in a part of it."""
        return value.made == self._written[value.storage]

    def parts(self, place: Place | None) -> Parts:
        """What the numbers of a tensor at a place are made of that itself stands for nothing now: a value that holds all of them, with the
        subscript that takes them, then what has been written since, each with that which it is written to; None where none says so."""
        if not place or not (there := self._in[place[0]]):
            return []
        target, old, writes = place[1:4], self._at.get(place), self._writes[place[0]]
        newer = [old, *(value for version, value in writes if version > old.version)] if old else there
        whole = [(value, taken) for value in newer if value.dtype == _name(place[4]) and (taken := subscript(value.geometry, target))]
        if not whole:
            return [(there[-1], None)]
        base = max(whole, key=lambda one: one[0].version)
        since = [value for version, value in writes if version > base[0].version and _overlap(value.geometry, target)]
        return [base, *((one, subscript(target, one.geometry) if one.dtype == base[0].dtype else None) for one in since)]

    def written(self, tensor: Any) -> Place | None:
        """Its numbers have been written: where they are."""
        place = self.place(tensor)
        if place:
            self._written[place[0]] += 1
        return place


def broken(array: Any) -> str:
    """``inf`` or ``nan`` where numbers are not finite, else ""."""
    if array.dtype.kind != "f" or np.isfinite(array).all():
        return ""
    return "nan" if np.isnan(array).any() else "inf"


def _sizes(array: Any) -> tuple[float, ...]:
    finite = np.isfinite(array)
    told = array.astype(np.float64).ravel() if finite.all() else array[finite].astype(np.float64)
    ends = (float(told.min()), float(told.max())) if told.size else (0.0, 0.0)
    return float(array.size - told.size), *ends, float(np.sqrt(np.einsum("i,i", told, told)))  # not by BLAS, of many threads


def _overlap(one: Geometry, other: Geometry) -> bool:
    """Whether two tensors share cells."""
    if one == other:
        return True
    first, second = map(_cells, (one, other))
    if not first.size or not second.size or first.max() < second.min() or second.max() < first.min():
        return False
    taken = np.zeros(max(first.max(), second.max()) + 1, bool)
    taken[first] = True
    return bool(taken[second].any())


def _cells(geometry: Geometry) -> Any:
    """Where in the memory the cells of a tensor are."""
    offset, shape, strides = geometry
    found = np.full((), offset)
    for length, stride in zip(shape, strides, strict=True):
        found = found[..., None] + stride * np.arange(length)
    return found.ravel()


__all__ = ["Parts", "Place", "Value", "Values", "broken"]
