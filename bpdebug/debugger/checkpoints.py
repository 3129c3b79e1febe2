"""Snapshots of the persistent tensors at update boundaries, under a byte budget: dense for the recent past, thinned before.

Half of the budget is a grid over the whole run, whose spacing doubles when it is full; the other half is a ring of the most
recent updates. The state at any update is the nearest snapshot before it, run forward (the time travel of ocamldebug).
"""

from __future__ import annotations

from typing import Any

import numpy as np

from bpdebug.engine.description import Array

_MAXIMUM_RECENT = 1024


class Checkpoints:
    """A store of flat arrays by update number; updates are saved in order, without gaps.

    Args:
        size: numbers in one snapshot.
        dtype: of the snapshots.
        budget: bytes for all of them; at least sixteen snapshots are kept whatever it says.
    """

    def __init__(self, size: int, dtype: np.dtype[Any], budget: int) -> None:
        room = max(budget // max(size * dtype.itemsize, 1), 16)
        recent = min(room // 2, _MAXIMUM_RECENT)
        self._grid_room = room - recent
        self._grid = np.empty((0, size), dtype)
        self._ring = np.empty((recent, size), dtype)
        self._updates = np.full(recent, -1, np.int64)
        self._stride, self._count = 1, 0

    def save(self, update: int, state: Array) -> None:
        """Keep the state at the start of an update."""
        slot = update % len(self._ring)
        self._ring[slot] = state
        self._updates[slot] = update
        if update == self._count * self._stride:
            self._save_to_grid(state)

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
        slot = update % len(self._ring)
        if self._updates[slot] != update:
            slot = int(np.argmax(np.where(self._updates <= update, self._updates, -1)))
        place = min(update // self._stride, self._count - 1)
        recent = int(self._updates[slot])
        if place * self._stride < recent <= update:
            return recent, self._ring[slot]
        return place * self._stride, self._grid[place]

    def forget_after(self, update: int) -> None:
        """Drop every snapshot later than ``update``: the future has changed."""
        self._updates[self._updates > update] = -1
        self._count = min(self._count, update // self._stride + 1)

    @property
    def bytes(self) -> int:
        """Memory in use."""
        return self._grid.nbytes + self._ring.nbytes + self._updates.nbytes
