"""The cell that is looked at: how it follows the program, and the way back to where its number comes from."""

from __future__ import annotations

import numpy as np

from bpdebug.core.cells import Cell, NamedCell
from bpdebug.core.description import Array
from bpdebug.core.errors import BpdebugError
from bpdebug.core.program import Program
from bpdebug.core.record import replace
from bpdebug.look.explanation import UNICODE, Explanation, explain
from bpdebug.look.folds import Fold, Key, Rows, folds_of, opened, rows_of
from bpdebug.look.groups import group_of, groups_of, reads
from bpdebug.look.seen import operand_origin
from bpdebug.look.slices import Chosen
from bpdebug.time.position import Position
from bpdebug.time.timeline import Timeline


class Cursor:
    """A cell under a cursor, in a program in time.

    Args:
        timeline: the program in time.

    Attributes:
        selected: the cell, as (tensor, index), or None.
        operand: which of its operands ``origin`` goes to.
        group: the group of the program to look at (:mod:`bpdebug.look.groups`).
        row: the row of the batch to look at where the selected tensor has none of its own: see :attr:`sample`.
        chosen: whether the user has chosen it, or a cell: no other is looked at in its place then.
        style: how formulas are written.
        axes: which two axes the user wants to see of a tensor with more of them, and of its gradients.
        trail: the moments and cells that ``origin`` has jumped away from.
        reached: the moment and the cell that it has jumped to.
        chosen_folds: the folds of the listing that the user wants open, and closed.
        inside: the clock after the stage whose cells ``into`` is walking through, or None.
    """

    def __init__(self, timeline: Timeline) -> None:
        self.begin(timeline)
        self.selected: NamedCell | None = None
        self.operand = self.row = 0
        self.chosen = False
        self.group = groups_of(timeline.program)[0]
        self.style = replace(UNICODE, lexicon=timeline.program.lexicon)
        self.axes: dict[str, Chosen] = {}
        self.chosen_folds: dict[Key, bool] = {}
        self.trail: list[tuple[int, NamedCell | None]] = []
        self.reached: tuple[int, NamedCell | None] = 0, None

    def begin(self, timeline: Timeline) -> None:
        """Follow another timeline; what was asked for in the one before is forgotten."""
        self.timeline = timeline
        self.inside: int | None = None
        self._goal: NamedCell | None = None
        self._began: tuple[NamedCell | None, int] | None = None

    @property
    def program(self) -> Program:
        """The stages of an update."""
        return self.timeline.program

    @property
    def position(self) -> Position:
        """The present moment."""
        return self.timeline.position

    @property
    def sample(self) -> int:
        """The row of the batch that is looked at: that of the selected cell, or where its tensor has no samples, the one before."""
        name, index = self.selected or ("", ())
        axis = self.program.tensors[name].batch_axis if name in self.program.tensors else None
        row = self.row if axis is None else index[axis]
        machine = self.timeline.machine
        return min(row, machine.batches.size(machine.update) - 1)

    @property
    def open_folds(self) -> frozenset[Key]:
        """The folds of the listing that are open."""
        return opened(self.program, self.chosen_folds, self.position.done)

    @property
    def rows(self) -> Rows:
        """The rows of the listing."""
        return rows_of(self.program, self.open_folds)

    def hiding(self, name: str) -> Fold | None:
        """The outermost closed fold that a stage is in."""
        shown = self.open_folds
        return next((fold for fold in self._around(name) if fold.key not in shown), None)

    def holding(self, name: str) -> Fold | None:
        """The innermost open fold of several stages that a stage is in."""
        hiding = self.hiding(name)
        above = [fold for fold in self._around(name) if hiding is None or fold.key[1] < hiding.key[1]]
        return next((fold for fold in above[::-1] if fold.end > fold.first + 1), None)

    def _around(self, name: str) -> tuple[Fold, ...]:
        place = self.program.index.get(name)
        return () if place is None else folds_of(self.program).around[place]

    def reveal(self, name: str) -> None:
        """Open all that hides a stage."""
        while hiding := self.hiding(name):
            self.chosen_folds[hiding.key] = True

    def explain(self, name: str, index: Cell) -> Explanation:
        """Where a cell's present value comes from."""
        return explain(self.timeline, name, index, self.style)

    def follow(self, on_the_way: bool = False) -> None:
        """Select a cell of the stage that has just run, in the row and column of the cell selected before; what is looked at on the way
        of a move leaves no trace in where it ends."""
        if self._began:
            (self.selected, self.row), self._began = self._began, None
        if on_the_way:
            self._began = self.selected, self.row
        self.operand, self.row = 0, self.sample
        if self._goal:
            self.selected, self._goal = self._goal, None
            self.reveal(self.selected[0])
        else:
            self._look_at_next()
            if self.timeline.first_nonfinite == self.position.t:
                self._look_at_culprit()
        self._look_at(group_of(self.program, self.position.stage or ""))

    def _look_at_next(self) -> None:
        """Select a cell of the stage that has just run, also where that was the last one of an update."""
        values, last = self.timeline.machine.values(), self.program.stages[-1].name
        name = self.position.stage or (last if self.position.update and last in self.program.persistent else "")
        if name not in values:
            self.selected = None
            return
        first, shape = self.selected is None, values[name].shape
        old = self.program.tensors[name].at_sample(self.selected[1] if self.selected else (), self.row)
        self.selected = (name, tuple(min(place, length - 1) for place, length in zip((*old, *(0,) * len(shape)), shape, strict=False)))
        if first and not self.chosen and values[name].size:
            self._look_at_largest(values[name])

    def _look_at_largest(self, value: Array) -> None:
        """Where nothing has been looked at before, do not begin with a 0: select the largest number in its place, and look at the sample
        that has most to do with it."""
        name, index = self.selected or ("", ())
        if not value[index]:
            sizes = np.abs(np.nan_to_num(value))
            index = tuple(map(int, np.unravel_index(sizes.argmax(), value.shape)))
        self.selected = name, index
        self._look_at_first_sample(name, index)

    def _look_at_culprit(self) -> None:
        """Where what has just been computed is the first that is not finite, select such a cell of it, and look at the sample behind it."""
        name, index = self.selected or ("", ())
        bad = np.argwhere(~np.isfinite(self.timeline.machine.values()[name])).tolist() if name else []
        if bad and list(index) not in bad:
            self.selected = (name, tuple(bad[0]))
        if bad:
            self._look_at_first_sample(*self.selected or (name, index))

    def _look_at_first_sample(self, name: str, index: Cell) -> None:
        """Of a cell that has no sample, look at that of the first of its operands that has one."""
        if name not in self.program.sampled:
            tensors = self.program.tensors
            rows = (cell[axis] for of, cell in self.explain(name, index).operands if (axis := tensors[of].batch_axis) is not None)
            self.row = next(rows, self.row)

    def _look_at(self, group: str) -> None:
        """Look at a group, unless the selected tensor is neither its own nor what it reads: then at the tensor's."""
        name = self.selected[0] if self.selected else ""
        own = group_of(self.program, name) or groups_of(self.program)[0]
        self.group = group if group and (not name or group == own or name in reads(self.program, group)) else own

    def select(self, name: str, index: Cell) -> None:
        """Put the cell cursor on a cell.

        Raises:
            BpdebugError: where there is no such cell.
        """
        self.explain(name, index)
        self.reveal(name)
        self.row, self._began = self.sample, None
        self.selected, self.operand, self.chosen = (name, index), 0, True
        self._look_at(self.group)

    def look_at_sample(self, row: int) -> None:
        """Look at a row of the batch; the cell cursor goes there, where its tensor has samples."""
        self.row, self.chosen, self._began = row, True, None
        name, index = self.selected or ("", ())
        if name in self.program.sampled:
            self.select(name, self.program.tensors[name].at_sample(index, row))

    def stay(self) -> None:
        """Stand where a move has been left, as where one has ended."""
        self._began = None

    def follow_origin(self, name: str | None = None, index: Cell = ()) -> int:
        """Select the cell to look at next on the way back to where a number comes from, and note the way.

        Args:
            name, index: the cell; by default the selected one, or where its stage has just run, its first operand.

        Returns:
            The clock from which it is seen.
        """
        target = self.selected if name is None else (name, index)
        if target is None:
            raise BpdebugError("no cell is selected")
        explained = self.explain(*target)
        clock = self.position.t if explained.t is None else explained.t
        if name is None and clock == self.position.t:
            if not explained.operands:
                raise BpdebugError(f"no stage has computed {explained.cell}. {explained.origin}")
            target = explained.operands[self.operand % len(explained.operands)]
            clock = operand_origin(self.timeline, explained.t, target[0])
        self.trail.append((self.position.t, self.selected))
        self._goal = target
        self.reached = clock, target
        return clock

    def leave_origin(self) -> int:
        """Take the last origin back: select its cell again.

        Returns:
            The clock at which it was asked for.
        """
        if not self.trail:
            raise BpdebugError("there is nowhere to return to: Enter (origin) has not been used since")
        self.reached = clock, self._goal = self.trail.pop()
        return clock

    @property
    def crumbs(self) -> tuple[NamedCell, ...]:
        """The cells on the way that ``origin`` has gone, the first and the present one included, as long as that is where one is."""
        if not self.trail or self.reached != (self.position.t, self.selected):
            return ()
        return tuple(cell for _, cell in (*self.trail, self.reached) if cell)
