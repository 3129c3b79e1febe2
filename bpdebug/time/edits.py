"""Changes that the user makes on the way, the moments at which he made them, and a program that runs under them."""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache

import numpy as np

from bpdebug.core.calendar import Calendar, Span, laid
from bpdebug.core.cells import Cell, cell_name, check_cell
from bpdebug.core.errors import BpdebugError
from bpdebug.core.machine import Machine
from bpdebug.core.numbers import written
from bpdebug.core.program import Program
from bpdebug.core.record import Record, replace
from bpdebug.core.schedule import Stage
from bpdebug.core.tensors import Role


class Edit(Record):
    """One change.

    Attributes:
        t: the clock at which it was made; the state at that clock has it already.
        name: the tensor, or the stage.
        index: the cell (every cell of a tensor where it is empty), for a value.
        value: the number, or None where a formula was replaced.
        formula: the new formula, for a stage.
        of_data: whether the tensor is the batch's, or given whole.

    A cell of the batch stands for its sample of the data, in every batch from then on; what is given whole is another one from then on.
    """

    t: int
    name: str
    index: Cell = ()
    value: float | None = None
    formula: str = ""
    of_data: bool = False

    def __str__(self) -> str:
        if self.value is None:
            return f"formula {self.name} = {self.formula}"
        return f"set {cell_name(self.name, self.index)} = {self.value!r}"

    @property
    def of_program(self) -> bool:
        """Whether it changes the program (its formulas, or the data that it is given), not the state alone."""
        return self.value is None or self.of_data

    def place(self, program: Program) -> Cell:
        """Of a cell of the batch: its sample and its column in the data."""
        if self.name not in program.data:
            return self.index
        return (int(program.batches.samples(program.calendar.update(self.t))[self.index[0]]), *self.index[1:])

    def changed(self, program: Program) -> Program:
        """The program after it."""
        if self.value is None:
            return program.with_formula(self.name, self.formula)
        return program.with_number(self.name, self.place(program), self.value) if self.of_program else program

    def apply(self, machine: Machine) -> None:
        """Put a value in its place; what is the program's is there already."""
        if self.value is not None and not self.of_program:
            machine.put(self.name, self.index, self.value)


def check_value(machine: Machine, name: str, index: Cell, value: float) -> None:
    """Refuse a value that cannot be set now.

    Raises:
        BpdebugError: where the tensor has no such cell, holds no such numbers, or is the number of samples.
    """
    program = machine.program
    if program.tensors[name].role is Role.COUNT:
        settable = f"{', '.join(program.data)}, parameters, constants and computed tensors can be set"
        raise BpdebugError(f"{name} is the number of samples in the batch; {settable}")
    if index or name in program.data:
        check_cell(name, index, machine.values()[name].shape)
    kind = machine.values()[name].dtype
    if kind.kind == "b" and value not in (0, 1):
        raise BpdebugError(f"{name} holds truth values, which are set to 0 or 1; found {written(value)}")
    whole = value.is_integer() and np.iinfo(np.int64).min <= value < np.iinfo(np.int64).max
    if kind.kind in "iu" and not whole and not (program.takes(name) and _may_be_any(program, name, value)):
        raise BpdebugError(f"{name} holds whole numbers{', which count or pick cells' * program.takes(name)}; found {written(value)}")


def _may_be_any(program: Program, name: str, value: float) -> bool:
    """Whether a tensor of whole numbers may hold others: none of them says which cell is meant, or how many there are."""
    try:
        return abs(value) < np.iinfo(np.int64).max and bool(program.with_number(name, (), value).layout)
    except BpdebugError:
        return False


def spans_of(program: Program, edits: list[Edit]) -> tuple[Span, ...]:
    """Where updates begin to have other stages, with those before any edit; nothing where all have the same."""
    spans = program.calendar.spans
    for edit in edits:
        update = replace(program, spans=spans).calendar.update(edit.t)
        changed = edit.changed(program) if edit.value is None else program
        if [*changed.index] != [*program.index]:
            stretches = {span.update: span.index for span in spans} or {0: program.index}
            later = {first: changed.index if index else index for first, index in stretches.items() if first > update}
            spans = laid({n: index for n, index in stretches.items() if n < update} | {update: changed.index} | later)
        program = changed
    return spans


def version(program: Program, edits: list[Edit], t: int) -> Program:
    """The program with the formulas and the data that hold at clock ``t``."""
    for edit in edits:
        if edit.t <= t:
            program = edit.changed(program)
    return program


def stale(program: Program, edits: list[Edit], update_start: int, t: int) -> frozenset[str]:
    """The tensors of this update that were computed from something that has been edited since."""
    found: set[str] = set()
    for edit in edits:
        if not update_start <= edit.t <= t:
            continue
        done, place = edit.t - update_start, program.index.get(edit.name, -1)
        made_at = place if place < done else -1
        own = {edit.name} if edit.value is not None or made_at >= 0 else set()
        dirty = set(own)
        for stage in program.stages[made_at + 1 : done]:
            if dirty & set(stage.formula.names):
                dirty.add(stage.name)
        found |= dirty - own if edit.value is not None else dirty
    return frozenset(found)


def as_number(text: str) -> float:
    """The number that a value is set to.

    Raises:
        BpdebugError: for anything that is none.
    """
    try:
        return float(np.float64(text.replace("_", "?").strip().replace("−", "-")))
    except ValueError:
        raise BpdebugError(f"a number is expected; found '{text.strip()}'") from None


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
