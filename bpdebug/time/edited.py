"""A program that runs, under the edits that the user has made on the way."""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache

from bpdebug.core.calendar import Calendar
from bpdebug.core.cells import Cell
from bpdebug.core.machine import Machine
from bpdebug.core.program import Program
from bpdebug.core.record import replace
from bpdebug.core.schedule import Stage
from bpdebug.time.edits import Edit, spans_of, version


@lru_cache(16)
def blanked(program: Program, revealed: frozenset[str]) -> Program:
    """The program as whoever looks sees it: blank where it is left to him, but for what has been revealed."""
    if all(stage.name in revealed or not stage.left for stage in program.stages):
        return program
    lines = (line.shown if isinstance(line, Stage) and line.name not in revealed else line for line in program.lines)
    return replace(program, lines=tuple(lines))


class Edited:
    """A machine with the program that holds at its clock.

    Args:
        program: before any edit.

    Attributes:
        edits: what the user has changed, in order of time; those after the present are replayed when they are passed again.
        disguise: how whoever looks sees a program that runs, where a hunt hides something; else None.
        revealed: the stages that are left to the user, and that he has asked for.
        calendar: how its clock goes, under the edits that have been made.
    """

    def __init__(self, program: Program) -> None:
        self._original = program
        self.calendar = program.calendar
        self.machine = Machine(program)
        self.edits: list[Edit] = []
        self.disguise: Callable[[Program], Program] | None = None
        self.revealed: frozenset[str] = frozenset()
        self._versions: dict[int, Program] = {0: program}

    @property
    def program(self) -> Program:
        """The stages with the formulas that hold now, as they are shown."""
        return self._shown(self.machine.program)

    @property
    def clock(self) -> int:
        """How many stages have been executed."""
        return self.calendar.clock(self.machine.update, self.machine.done)

    def edited_cell(self, name: str, index: Cell, since: int) -> Edit | None:
        """The last edit of a cell from clock ``since`` until now."""
        edits = [e for e in self.edits if e.value is not None and e.name == name and since <= e.t <= self.clock]
        now = Edit(self.clock, name, index, of_data=self._original.takes(name))
        return next((edit for edit in reversed(edits) if edit.index == () or self._cell(edit) == self._cell(now)), None)

    def _cell(self, edit: Edit) -> Cell:
        """Which cell an edit is of; of the batch, which of the data."""
        return edit.place(self._original) if edit.of_data else edit.index

    def take_edits(self, edits: list[Edit]) -> None:
        """At the start: edits that are made again when their moments are passed."""
        self.hold(edits)
        self.apply_edits()

    def hold(self, edits: list[Edit]) -> None:
        """Have these edits, of which nothing is done yet."""
        spans = spans_of(self._original, edits) if any(edit.value is None for edit in edits) else self._original.calendar.spans
        self.edits, self._spans = edits, spans
        self._versions = {0: replace(self._original, spans=spans) if spans else self._original}
        self.calendar = Calendar(self._original.updates, len(self._original.index), spans)

    def program_at(self, t: int) -> Program:
        """The program with the formulas and the data that hold at clock ``t`` (-1: before any edit), as it is shown."""
        return self._shown(self.version_at(t))

    def _shown(self, program: Program) -> Program:
        return self.disguise(program) if self.disguise else blanked(program, self.revealed)

    def version_at(self, t: int) -> Program:
        """The program that runs at clock ``t``; each version is made once."""
        count = sum(edit.of_program and edit.t <= t for edit in self.edits)
        if count not in self._versions:
            self._versions[count] = version(self._versions[0], self.edits, t)
        return self._versions[count]

    def apply_edits(self) -> None:
        """Do again what was edited at this clock."""
        for edit in self.edits:
            if edit.t == self.clock:
                self.machine.adopt(self.version_at(edit.t))
                edit.apply(self.machine)
