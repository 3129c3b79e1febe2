"""What all reasons to stop have in common."""

from __future__ import annotations

from copy import copy
from dataclasses import dataclass, field
from typing import Self

import numpy as np

from bpdebug.core.cells import NamedCell
from bpdebug.core.description import Array
from bpdebug.core.evaluate import evaluate
from bpdebug.core.fast import Check
from bpdebug.core.machine import Machine
from bpdebug.core.parser import Formula
from bpdebug.core.program import Program
from bpdebug.core.record import Record
from bpdebug.time.timeline import Timeline

_COMMANDS = {"breakpoint": "break", "watchpoint": "watch", "catchpoint": "catch"}


class Hit(Record):
    """A stop that has struck.

    Attributes:
        stop: which.
        text: what happened, with the values.
        data: the same for programs.
    """

    stop: Stop
    text: str
    data: dict[str, object] = field(default_factory=dict)


@dataclass(kw_only=True)
class Stop:
    """What all reasons to stop have in common.

    Attributes:
        number: by which it is named, counted from 1.
        text: as it was asked for.
        enabled: whether it is looked at.
        temporary: whether it goes away when it strikes.
        hits: how often it has struck, also when that was ignored.
        ignore: how many more times not to stop.
        commands: what to carry out when it stops.
    """

    number: int
    text: str
    enabled: bool = True
    temporary: bool = False
    hits: int = 0
    ignore: int = 0
    commands: tuple[str, ...] = ()

    kind = "stop"

    @property
    def note(self) -> str:
        """What a list of stops adds, or ""."""
        return ""

    @property
    def command(self) -> str:
        """The command that sets it."""
        return "tbreak" if self.temporary else _COMMANDS[self.kind]

    def moments(self, program: Program) -> frozenset[int]:
        """In which moments of an update it is looked at: how many stages have run (0: at its start)."""
        raise NotImplementedError

    @property
    def cell(self) -> NamedCell | None:
        """The cell to look at where it strikes, or None."""
        return None

    def check(self) -> Check:
        """What is compiled into the update."""
        raise NotImplementedError

    def fits(self, program: Program) -> bool:
        """Whether what it speaks of is there in a version of the program that may have other stages."""
        formula = self.check().formula if program.spans else None
        return formula is None or program.tensors.keys() >= {*formula.names}

    def recall(self, timeline: Timeline) -> None:
        """Remember what it would have seen up to now, if it needs to."""

    def due(self, timeline: Timeline) -> int | None:
        """The next clock at which it reviews what has run, where it is a stop that does."""
        return None

    def review(self, timeline: Timeline) -> tuple[int, str] | None:
        """The first clock up to now at which to stop, and what to say; the timeline stays where it is."""
        return None

    def ran(self, seconds: float, updates: float) -> None:
        """Take note of what running has taken of the processor's time, where it reviews what has run."""

    def rest(self, timeline: Timeline) -> None:
        """Take note of where a run, or a slice of it, has ended."""

    def for_search(self) -> Self:
        """A copy for a look back."""
        own = copy(self)
        own.temporary, own.ignore = False, 0
        return own

    def strikes(self, machine: Machine) -> str:
        """Whether this moment is one to stop at: what to say, or ""."""
        raise NotImplementedError


def hit_of(stop: Stop, text: str) -> Hit:
    """That a stop has struck."""
    return Hit(stop, text, {"number": stop.number, "kind": stop.kind, "what": stop.text})


def value_of(formula: Formula, machine: Machine) -> Array:
    """A formula's value at this moment."""
    return np.array(evaluate(formula, machine.values(), machine.program.dtype))
