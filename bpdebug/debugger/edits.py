"""Changes that the user makes on the way, and the moments at which he made them."""

from __future__ import annotations

import numpy as np

from bpdebug.engine.cells import Cell, cell_name
from bpdebug.engine.errors import BpdebugError
from bpdebug.engine.machine import Machine
from bpdebug.engine.program import Program
from bpdebug.engine.record import Record
from bpdebug.engine.shapes import shape_text


class Edit(Record):
    """One change.

    Attributes:
        t: the clock at which it was made; the state at that clock has it already.
        name: the tensor, or the stage.
        index: the cell (every cell of a tensor where it is empty), for a value.
        value: the number, or None where a formula was replaced.
        formula: the new formula, for a stage.
    """

    t: int
    name: str
    index: Cell = ()
    value: float | None = None
    formula: str = ""

    def __str__(self) -> str:
        if self.value is None:
            return f"formula {self.name} = {self.formula}"
        return f"set {cell_name(self.name, self.index)} = {self.value!r}"

    def apply(self, machine: Machine) -> None:
        """Put a value in its place; formulas are the program's."""
        if self.value is not None:
            with np.errstate(over="ignore"):  # too large for single precision is inf
                machine.values()[self.name][self.index or ...] = self.value


def check_value(machine: Machine, name: str, index: Cell) -> None:
    """Refuse a value that cannot be set now.

    Raises:
        BpdebugError: where the tensor is the batch, or has no such cell.
    """
    if name in ("x", "y", "m"):
        raise BpdebugError(f"{name} comes from the scenario's data; parameters, constants and computed tensors can be set")
    tensor = machine.values()[name]
    inside = len(index) == tensor.ndim and all(0 <= at < length for at, length in zip(index, tensor.shape, strict=False))
    if index and not inside:
        shape = shape_text(tensor.shape)
        raise BpdebugError(f"{cell_name(name, index)} is outside {name}, which is {shape}; rows and columns count from 0")


def version(program: Program, edits: list[Edit], t: int) -> Program:
    """The program with the formulas that hold at clock ``t``."""
    for edit in edits:
        if edit.value is None and edit.t <= t:
            program = program.with_formula(edit.name, edit.formula)
    return program


def stale(program: Program, edits: list[Edit], update_start: int, t: int) -> frozenset[str]:
    """The tensors of this update that were computed from something that has been edited since."""
    found: set[str] = set()
    for edit in edits:
        if update_start <= edit.t <= t:
            found |= _stale_by(program, edit, edit.t - update_start)
    return frozenset(found)


def _stale_by(program: Program, edit: Edit, done: int) -> set[str]:
    """What one edit has made stale of the ``done`` stages that had run."""
    place = program.index.get(edit.name, -1)
    made_at = place if place < done else -1
    dirty = {edit.name}
    if edit.value is None:
        dirty = {edit.name} if made_at >= 0 else set()
    for stage in program.stages[made_at + 1 : done]:
        if dirty & set(stage.formula.names):
            dirty.add(stage.name)
    return dirty - ({edit.name} if edit.value is not None else set())


def as_number(text: str) -> float:
    """The number that a value is set to.

    Raises:
        BpdebugError: for anything that is none.
    """
    try:
        return float(np.float64(text.replace("_", "?").strip().replace("−", "-")))
    except ValueError:
        raise BpdebugError(f"a number is expected; found '{text.strip()}'") from None
