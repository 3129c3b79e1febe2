"""Which recorded value a tensor stands for: by where its numbers are, and how often they have been written."""

from __future__ import annotations

from collections import defaultdict
from functools import cache
from typing import Any

import numpy as np

from bpdebug.torch_recorder.private import StorageWeakRef, is_plain, numbers, storage

Place = tuple[Any, ...]


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
        array: its numbers; None for a view, which has those of another one.
        device: where it is.
        inner: whether neither the user nor a module has a name for it.
        broken: of numbers that are not kept, whether they are ``inf`` or ``nan``.
        sizes: of these, how many are not finite, and of the others the smallest, the largest and the norm; () where they are kept.
    """

    __slots__ = (
        "array",
        "broken",
        "device",
        "dtype",
        "geometry",
        "inner",
        "kind",
        "maker",
        "name",
        "number",
        "shape",
        "sizes",
        "storage",
        "version",
    )

    def __init__(self, number: int, tensor: Any, maker: int | None, kind: str, place: Place, version: int) -> None:
        self.number, self.maker, self.kind, self.name = number, maker, kind, ""
        self.shape, self.dtype = tuple(tensor.shape), _name(tensor.dtype)
        self.storage, self.geometry, self.version = place[0], place[1:4], version
        self.device = tensor.device
        self.array: Any = None
        self.inner, self.broken = False, ""
        self.sizes: tuple[float, ...] = ()


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

    def place(self, tensor: Any) -> Place | None:
        """Where a tensor's numbers are; None for what has none of its own."""
        if not is_plain(tensor):
            return None
        key, held = storage(tensor)
        if key not in self._held:
            self._held[key] = StorageWeakRef(held)  # as long as there is one, the address is not used again
        return key, tensor.storage_offset(), tensor.shape, tensor.stride(), tensor.dtype

    def add(self, tensor: Any, place: Place, kind: str = "", maker: int | None = None, kept: bool = True) -> Value:
        """A new value, for which the tensor stands from now on."""
        value = Value(len(self.all), tensor, maker, kind, place, self._written[place[0]])
        self.all.append(value)
        self._at[place] = value
        self._in[place[0]].append(value)
        if kept:
            self.keep(value, tensor)
        return value

    def keep(self, value: Value, tensor: Any) -> None:
        """Keep the numbers of a value, which are those of the tensor now."""
        if value.array is None and not tensor.dtype.is_complex:
            value.array = numbers(tensor)
            self.bytes += value.array.nbytes

    def drop(self, value: Value) -> None:
        """Keep no numbers of a value."""
        if value.array is not None:
            self.bytes -= value.array.nbytes
            array, value.array = value.array, None
            self.note(value, array)

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
        if any(_overlap(value, other) for other in self._in[value.storage] if other.version > value.version):
            return None
        value.version = now  # only what lies beside it was written
        return value

    def others(self, tensor: Any) -> list[Value]:
        """What is known of the numbers of a tensor that itself stands for nothing now: the last value there, and what was written since."""
        place = self.place(tensor)
        there = self._in[place[0]] if place else []
        old = self._at.get(place) if place else None
        return [old, *(value for value in there if value.version > old.version)] if old else there[-1:]

    def written(self, tensor: Any) -> None:
        """Its numbers have been written."""
        place = self.place(tensor)
        if place:
            self._written[place[0]] += 1


def broken(array: Any) -> str:
    """``inf`` or ``nan`` where numbers are not finite, else ""."""
    if array.dtype.kind != "f" or np.isfinite(array).all():
        return ""
    return "nan" if np.isnan(array).any() else "inf"


def _sizes(array: Any) -> tuple[float, ...]:
    finite = np.isfinite(array)
    told = array.astype(np.float64) if finite.all() else array[finite].astype(np.float64)
    ends = (float(told.min()), float(told.max())) if told.size else (0.0, 0.0)
    return float(array.size - told.size), *ends, float(np.linalg.norm(told))


def _overlap(one: Value, other: Value) -> bool:
    """Whether two values share cells."""
    if one.geometry == other.geometry:
        return True
    first, second = map(_cells, (one, other))
    if not first.size or not second.size or first.max() < second.min() or second.max() < first.min():
        return False
    taken = np.zeros(max(first.max(), second.max()) + 1, bool)
    taken[first] = True
    return bool(taken[second].any())


def _cells(value: Value) -> Any:
    """Where in the storage the cells of a value are."""
    offset, shape, strides = value.geometry
    found = np.full((), offset)
    for length, stride in zip(shape, strides, strict=True):
        found = found[..., None] + stride * np.arange(length)
    return found.ravel()


__all__ = ["Place", "Value", "Values", "broken"]
