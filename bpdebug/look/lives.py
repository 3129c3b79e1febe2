"""How long each tensor of an update must be kept: from the statement that makes it to the last one that reads it."""

from __future__ import annotations

from functools import cached_property
from math import prod

import numpy as np

from bpdebug.core.program import Program
from bpdebug.core.record import Record
from bpdebug.core.shapes import Shapes
from bpdebug.core.tensors import Role
from bpdebug.look.once import once


class Life(Record):
    """A tensor that an update computes and forgets.

    Attributes:
        name: the tensor.
        first, last: the places of the stage that makes it and of the last one that reads it; the same where none does.
        reads: the places of all that read it.
    """

    name: str
    first: int
    last: int
    reads: frozenset[int]

    def touched(self, first: int, end: int) -> bool:
        """Whether one of the stages from a place on to before another makes or reads it."""
        return any(first <= place < end for place in (self.first, *self.reads))


class Lives(Record, eq=False):
    """All of them, in the order in which they are made."""

    program: Program

    @cached_property
    def all(self) -> tuple[Life, ...]:
        """The tensors."""
        read: dict[str, set[int]] = {stage.name: set() for stage in self.program.stages if stage.name not in self.program.persistent}
        for place, stage in enumerate(self.program.stages):
            for name in stage.formula.names:
                read.get(name, set()).add(place)
        places = self.program.index
        return tuple(Life(name, places[name], max(found, default=places[name]), frozenset(found)) for name, found in read.items())

    @cached_property
    def columns(self) -> dict[str, int]:
        """A column for each, which it shares with none that lives at the same time; gradients of parameters, which all live until the
        update, have none, nor has what nothing reads."""
        taken, columns = list[int](), dict[str, int]()
        for life in self.all:
            tensor = self.program.tensors[life.name]
            if not life.reads or (tensor.role is Role.GRADIENT and tensor.of in self.program.persistent):
                continue
            column = next((column for column, until in enumerate(taken) if until < life.first), len(taken))
            taken[column:] = [life.last, *taken[column + 1 :]]
            columns[life.name] = column
        return columns

    def alive(self, place: int) -> list[Life]:
        """Those with a column that live when a stage runs."""
        return self._alive[place] if place < len(self._alive) else []

    @cached_property
    def _alive(self) -> list[list[Life]]:
        found: list[list[Life]] = [[] for _ in self.program.stages]
        for life in self.all:
            for place in range(life.first, life.last + 1) if life.name in self.columns else ():
                found[place].append(life)
        return found

    def kept(self, done: int) -> list[str]:
        """The tensors that are kept when so many stages have run: those that a later one reads."""
        return [life.name for life in self.all if life.first < done <= life.last]

    def sizes(self, shapes: Shapes) -> list[int]:
        """How many cells are kept when so many stages have run, from none to all."""
        changes = np.zeros(len(self.program.stages) + 2, int)
        for life in self.all:
            changes[[life.first + 1, life.last + 1]] += prod(shapes[life.name]) * np.array([1, -1]) * (life.last > life.first)
        return [int(size) for size in np.cumsum(changes)[:-1]]


def lives_of(program: Program) -> Lives:
    """The lives of a program's tensors."""
    return once(program, "lives", lambda: Lives(program))
