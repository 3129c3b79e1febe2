"""Snapshots of the persistent tensors at update boundaries, under a byte budget: dense for the recent past, thinned before.

A part of the budget is a grid over the whole run, whose spacing doubles when it is full; another is a ring over the last
thousand updates, as dense as it can be. The state at any update is the nearest snapshot before it, run forward (the time
travel of ocamldebug).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import DTypeLike

from bpdebug.core.description import Array

_RECENT = 1024
"""Updates that the ring covers."""
_GRID = 16384
"""Snapshots of the grid at most: of 10⁶ updates every 64th, so that any of them is near."""
_NEAR = 8
"""Snapshots on the last stretch before a goal, where the ring does not hold each update: at distances that grow by a factor, so that the
way back from there, update by update, never runs far."""


class _Ring:
    """The latest snapshots of every ``spacing``-th update."""

    def __init__(self, room: int, spacing: int, size: int, dtype: np.dtype[Any]) -> None:
        self.spacing = spacing
        self.states = np.empty((room, size), dtype)
        self.updates = np.full(room, -1, np.int64)

    def save(self, update: int, state: Array) -> None:
        place, between = divmod(update, self.spacing)
        if not between and len(self.updates):
            self.put(place % len(self.updates), update, state)

    def put(self, slot: int, update: int, state: Array) -> None:
        self.updates[slot] = -1  # an interruption leaves no state under another one's number
        self.states[slot] = state
        self.updates[slot] = update

    def nearest(self, update: int) -> tuple[int, Array | None]:
        """The latest update in the ring that is not after ``update``, and its snapshot; -1 where there is none."""
        if not len(self.updates):
            return -1, None
        slot = update // self.spacing % len(self.updates)
        if self.updates[slot] != update:
            slot = int(np.where(self.updates <= update, self.updates, -1).argmax())
        found = int(self.updates[slot])
        return (found, self.states[slot]) if 0 <= found <= update else (-1, None)


class Thinned:
    """Arrays by update number, recorded in order; when there is no room every second one is dropped and the spacing doubles.

    Args:
        room: how many there are at most.
        shape, dtype: of each.
        spacing: updates from one to the next, as long as there is room.
        known: of the first updates.

    Attributes:
        next: the update whose array is to be recorded next.
    """

    def __init__(
        self, room: int, shape: tuple[int, ...] = (), dtype: DTypeLike = float, spacing: int = 1, known: Sequence[float] = ()
    ) -> None:
        self.arrays = np.empty((0, *shape), dtype)
        self._room, self._stride, self._count, self.next = room, spacing, 0, 0
        for update, array in enumerate(known):
            self.record(update, array)

    def record(self, update: int, array: Array | float) -> None:
        """Note an update's array, as a copy; one that is not the next is left alone."""
        if update != self.next:
            return
        if self._count == self._room:
            kept = self.arrays[::2].copy()
            self.arrays[: len(kept)] = kept
            self._stride, self._count = 2 * self._stride, len(kept)
        if update == self._count * self._stride:
            if self._count == len(self.arrays):
                longer = np.empty((min(max(2 * self._count, 16), self._room), *self.arrays.shape[1:]), self.arrays.dtype)
                longer[: self._count] = self.arrays
                self.arrays = longer
            self.arrays[self._count] = array
            self._count += 1
        self.next = self._count * self._stride

    def forget_from(self, update: int) -> None:
        """Drop the arrays of ``update`` and all later ones."""
        self._count = min(self._count, -(-update // self._stride))
        self.next = self._count * self._stride

    def points(self) -> tuple[Array, Array]:
        """The updates and their arrays, as copies."""
        return np.arange(self._count) * self._stride, self.arrays[: self._count].copy()

    def nearest(self, update: int) -> tuple[int, Array]:
        """The latest update with an array that is not after ``update``, and the array."""
        place = min(update // self._stride, self._count - 1)
        return place * self._stride, self.arrays[place]


class Checkpoints:
    """A store of flat arrays by update number; updates are saved in order, without gaps.

    Args:
        size: numbers in one snapshot.
        dtype: of the snapshots.
        budget: bytes for all of them; at least two snapshots are kept whatever it says, of the start and of the latest goal.
    """

    def __init__(self, size: int, dtype: np.dtype[Any], budget: int) -> None:
        room = max(budget // max(size * dtype.itemsize, 1), 2)
        near = min(room // 2, _NEAR) if room < 2 * _RECENT else 0
        recent = min(room // 2, room - near - 1, _RECENT)
        spacing = 1 if recent == _RECENT else -(-_RECENT // max(recent - 1, 1))
        self._ring = _Ring(recent, spacing, size, dtype)
        self._close = _Ring(near, 1, size, dtype)
        self._distances = {0 if slot == 0 else round(spacing ** (slot / near)): slot for slot in range(near)}
        self._grid = Thinned(min(room - recent - near, _GRID), (size,), dtype, spacing)

    def save(self, update: int, state: Array, goal: int = -1) -> None:
        """Keep the state at the start of an update; ``goal`` is the update that somebody is about to look at."""
        self._ring.save(update, state)
        if (slot := self._distances.get(goal - update)) is not None:
            self._close.put(slot, update, state)
        self._grid.record(update, state)

    def nearest(self, update: int) -> tuple[int, Array]:
        """The latest kept update that is not after ``update``, and its state; update 0 must have been saved."""
        best, state = self._grid.nearest(update)
        for ring in (self._ring, self._close):
            found, snapshot = ring.nearest(update)
            if snapshot is not None and found > best:
                best, state = found, snapshot
        return best, state

    def forget_after(self, update: int) -> None:
        """Drop every snapshot later than ``update``: the future has changed."""
        for ring in (self._ring, self._close):
            ring.updates[ring.updates > update] = -1
        self._grid.forget_from(update + 1)

    @property
    def bytes(self) -> int:
        """Memory in use."""
        rings = sum(ring.states.nbytes + ring.updates.nbytes for ring in (self._ring, self._close))
        return self._grid.arrays.nbytes + rings
