"""Snapshots of the persistent tensors at update boundaries, under a byte budget: dense for the recent past, thinned before.

A part of the budget is a grid over the whole run, whose spacing doubles when it is full; another is a ring over the last
thousand updates, as dense as it can be. The state at any update is the nearest snapshot before it, run forward (the time
travel of ocamldebug).
"""

from __future__ import annotations

from typing import Any

import numpy as np

from bpdebug.engine.description import Array

_RECENT = 1024
"""Updates that the ring covers."""
_GRID = 16384
"""Snapshots of the grid at most: of 10⁶ updates every 64th, so that any of them is near."""


_NEAR = 16
"""Snapshots of the very last updates, where the ring does not hold each of them."""


class _Ring:
    """The latest snapshots of every ``spacing``-th update."""

    def __init__(self, room: int, spacing: int, size: int, dtype: np.dtype[Any]) -> None:
        self.spacing = spacing
        self.states = np.empty((room, size), dtype)
        self.updates = np.full(room, -1, np.int64)

    def save(self, update: int, state: Array) -> None:
        place, between = divmod(update, self.spacing)
        if not between and len(self.updates):
            slot = place % len(self.updates)
            self.states[slot] = state
            self.updates[slot] = update

    def nearest(self, update: int) -> int:
        """The latest update in the ring that is not after ``update``, or -1."""
        if not len(self.updates):
            return -1
        found = int(self.updates[update // self.spacing % len(self.updates)])
        return found if found == update else int(np.where(self.updates <= update, self.updates, -1).max())

    def state(self, update: int) -> Array:
        """The snapshot of an update that is in the ring."""
        state: Array = self.states[update // self.spacing % len(self.updates)]
        return state


class Checkpoints:
    """A store of flat arrays by update number; updates are saved in order, without gaps.

    Args:
        size: numbers in one snapshot.
        dtype: of the snapshots.
        budget: bytes for all of them; at least sixteen snapshots are kept whatever it says.
    """

    def __init__(self, size: int, dtype: np.dtype[Any], budget: int) -> None:
        room = max(budget // max(size * dtype.itemsize, 1), 16)
        recent = min(room // 2, _RECENT)
        spacing = -(-_RECENT // recent)
        near = min(room // 4, _NEAR) if spacing > 1 else 0
        self._ring = _Ring(recent, spacing, size, dtype)
        self._close = _Ring(near, 1, size, dtype)
        self._grid_room = min(room - recent - near, _GRID)
        self._grid = np.empty((0, size), dtype)
        self._stride, self._count, self._next = spacing, 0, 0

    @property
    def near(self) -> int:
        """How many updates before a goal are worth saving with ``near``."""
        return len(self._close.updates)

    def save(self, update: int, state: Array, near: bool = False) -> None:
        """Keep the state at the start of an update; ``near`` says that somebody is about to look at it or just before it."""
        self._ring.save(update, state)
        if near:
            self._close.save(update, state)
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
            room = min(max(2 * self._count, 16), self._grid_room)
            self._grid = np.concatenate([self._grid, np.empty((room - self._count, self._grid.shape[1]), self._grid.dtype)])
        self._grid[self._count] = state
        self._count += 1

    def nearest(self, update: int) -> tuple[int, Array]:
        """The latest kept update that is not after ``update``, and its state; update 0 must have been saved."""
        place = min(update // self._stride, self._count - 1)
        best, state = place * self._stride, self._grid[place]
        for ring in (self._ring, self._close):
            if (found := ring.nearest(update)) > best:
                best, state = found, ring.state(found)
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
