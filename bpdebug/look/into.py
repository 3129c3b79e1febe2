"""Walking through the cells that a stage has computed, one by one, as gdb steps into a call."""

from __future__ import annotations

from itertools import accumulate
from math import prod

import numpy as np

from bpdebug.core.cells import Cell
from bpdebug.core.program import Program
from bpdebug.core.record import Record
from bpdebug.look.cursor import Cursor


class Stand(Record):
    """A cell in the walk.

    Attributes:
        t: the clock after the cell's stage.
        number: the cell's place in its tensor, row by row from 0.
        cells: how many cells the tensor has.
        name, index: the cell; no name where the stage's values are gone with its update.
    """

    t: int
    number: int = 0
    cells: int = 1
    name: str = ""
    index: Cell = ()


def walk(cursor: Cursor, count: int) -> Stand:
    """The cell that is ``count`` cells further (or back, where it is negative).

    Outside of a stage, the way forward goes to the first cell of the next one, and the way back to the last cell of the one that
    has just run. It ends with the training and begins before the first stage.
    """
    position, track = cursor.position, _Track(cursor.program)
    update, done = position.update, position.done
    here = track.bounds(update)[done] - (count > 0)
    if cursor.inside == position.t and position.t:
        update, done = position.calendar.ran(position.t)
        here, name = track.bounds(update)[done], cursor.program.stages[done].name
        shape = cursor.timeline.machine.shapes()[name]
        if cursor.selected and cursor.selected[0] == name and shape:
            here += int(np.ravel_multi_index(cursor.selected[1], shape))
    stand = track.stand(update, here + count)
    stuck = count < 0 and not stand.name and stand.t == position.t
    return track.stand(update, here + count - 1) if stuck else stand


class _Track:
    """The cells of all stages of all updates, one after the other."""

    def __init__(self, program: Program) -> None:
        self._program, self._bounds = program, dict[int, list[int]]()

    def bounds(self, update: int) -> list[int]:
        """How many cells of an update come before each of its stages, and how many there are."""
        rows, stages = self._program.batches.size(update), self._program.stages
        if rows not in self._bounds:
            shapes = self._program.shapes(rows)
            sizes = [prod(shapes[stage.name]) for stage in stages]
            if stages[-1].name not in self._program.persistent:
                sizes[-1] = 1
            self._bounds[rows] = [0, *accumulate(sizes)]
        return self._bounds[rows]

    def stand(self, update: int, place: int) -> Stand:
        """The cell at a place in an update; places may lie before or after it."""
        while place < 0:
            if update == 0:
                return Stand(0)
            update -= 1
            place += self.bounds(update)[-1]
        stages, updates = self._program.stages, self._program.updates
        while update < updates and place >= self.bounds(update)[-1]:
            place -= self.bounds(update)[-1]
            update += 1
        if update >= updates:
            return Stand(self._program.calendar.end)
        bounds = self.bounds(update)
        done = next(stage for stage, end in enumerate(bounds[1:]) if place < end)
        t, number, name = self._program.calendar.clock(update, done + 1), place - bounds[done], stages[done].name
        if done + 1 == len(stages) and name not in self._program.persistent:
            return Stand(t)
        shape = self._program.shapes(self._program.batches.size(update))[name]
        return Stand(t, number, prod(shape), name, tuple(int(i) for i in np.unravel_index(number, shape)) if shape else ())
