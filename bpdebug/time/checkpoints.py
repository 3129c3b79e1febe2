"""Snapshots of the persistent tensors at update boundaries, under a byte budget: dense for the recent past, thinned before.

A part of the budget is a grid over the whole run, whose spacing doubles when it is full; another is a ring over the last
thousand updates, as dense as it can be. The state at any update is the nearest snapshot before it, run forward (the time
travel of ocamldebug).
"""

from __future__ import annotations

from typing import Any

import numpy as np

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
        self._grid_room = min(room - recent - near, _GRID)
        self._grid = np.empty((0, size), dtype)
        self._stride, self._count, self._next = spacing, 0, 0

    def save(self, update: int, state: Array, goal: int = -1) -> None:
        """Keep the state at the start of an update; ``goal`` is the update that somebody is about to look at."""
        self._ring.save(update, state)
        if (slot := self._distances.get(goal - update)) is not None:
            self._close.put(slot, update, state)
        if update == self._next:
            self._save_to_grid(state)
            self._next = self._count * self._stride

    def _save_to_grid(self, state: Array) -> None:
        if self._count == self._grid_room:
            kept = self._grid[: self._count : 2]
            self._grid[: len(kept)] = kept.copy()
            self._stride, self._count = 2 * self._stride, len(kept)
            if self._grid_room % 2:
                return
        if self._count == len(self._grid):
            longer = np.empty((min(max(2 * self._count, 16), self._grid_room), self._grid.shape[1]), self._grid.dtype)
            longer[: self._count] = self._grid[: self._count]
            self._grid = longer
        self._grid[self._count] = state
        self._count += 1

    def nearest(self, update: int) -> tuple[int, Array]:
        """The latest kept update that is not after ``update``, and its state; update 0 must have been saved."""
        place = min(update // self._stride, self._count - 1)
        best, state = place * self._stride, self._grid[place]
        for ring in (self._ring, self._close):
            found, snapshot = ring.nearest(update)
            if snapshot is not None and found > best:
                best, state = found, snapshot
        return best, state

    def forget_after(self, update: int) -> None:
        """Drop every snapshot later than ``update``: the future has changed."""
        for ring in (self._ring, self._close):
            ring.updates[ring.updates > update] = -1
        self._count = min(self._count, update // self._stride + 1)
        self._next = self._count * self._stride

    @property
    def bytes(self) -> int:
        """Memory in use."""
        rings = sum(ring.states.nbytes + ring.updates.nbytes for ring in (self._ring, self._close))
        return self._grid.nbytes + rings
