"""Right, and yet it does not learn: a table of reasons, each looked for when it is asked for, by ``health`` and by ``catch``.

Nothing of this is computed while a training runs, but for a look now and then where a stop asks for it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field

import numpy as np

from bpdebug.core.machine import Machine
from bpdebug.core.program import Program
from bpdebug.core.record import Record
from bpdebug.core.tensors import Array
from bpdebug.look.finding import OVER, SHARE, Finding
from bpdebug.time.stop import Stop
from bpdebug.time.timeline import Timeline

Look = Callable[[Program, Mapping[str, Array], int, float | None], Iterable[Finding]]
"""What is to be said of a program whose parameters and constants are these, before an update of that number, where a value is beyond a
threshold (None: the usual one)."""


class Obstacle(Record):
    """One row.

    Attributes:
        name: of the findings, and as a condition to stop at.
        threshold: with which their value is compared, usually.
        help: one line.
        look: finds it.
        every: how many updates lie between two looks of a stop, so that they take a quarter of the time at most.
    """

    name: str
    threshold: float
    help: str
    look: Look
    every: int = 64


def _limits(program: Program, persistent: Mapping[str, Array], _: int, threshold: float | None) -> Iterable[Finding]:
    from bpdebug.look.limits import limits  # noqa: PLC0415 - a start does without

    return limits(program, persistent, SHARE if threshold is None else threshold)


def _copies(program: Program, persistent: Mapping[str, Array], update: int, threshold: float | None) -> Iterable[Finding]:
    from bpdebug.look.copies import copies  # noqa: PLC0415 - a start does without

    return copies(program, persistent, update, threshold or 0.0)


def _step(program: Program, persistent: Mapping[str, Array], update: int, threshold: float | None) -> Iterable[Finding]:
    from bpdebug.look.curvature import long_step  # noqa: PLC0415 - a start does without

    found = long_step(program, persistent, update, threshold)
    return [found] if found else []


_WHAT_CANNOT_BE = {
    "linear": "a larger share of the loss is out of reach of a network that is linear up to its output",
    "no-bias": "a larger share of the loss is out of reach of a network without a bias",
    "contradiction": "a larger share of the loss comes from samples with the same inputs and different targets",
    "out-of-range": "a larger share of the loss comes from targets that the last activation cannot give",
}
OBSTACLES: dict[str, Obstacle] = {
    row.name: row
    for row in (
        *(Obstacle(name, SHARE, text, _limits) for name, text in _WHAT_CANNOT_BE.items()),
        Obstacle("squashed-twice", 0, "the loss takes for sums what has been through sigmoid or softmax", _limits),
        Obstacle("flat", 0, "the loss is the same whatever the parameters are", _limits),
        Obstacle("copies", 0, "more hidden units than that are copies of others", _copies),
        Obstacle("long-step", OVER, "the step is so many times the limit that the curvature sets", _step, 256),
    )
}


def obstacles(program: Program, persistent: Mapping[str, Array], update: int) -> tuple[Finding, ...]:
    """All that is found, in the order of the table."""
    looks = dict.fromkeys(row.look for row in OBSTACLES.values())
    with np.errstate(all="ignore"):
        return tuple(finding for look in looks for finding in look(program, persistent, update, None))


@dataclass(kw_only=True)
class Obstructed(Stop):
    """Stops when an obstacle first appears, or appears again: it is looked for after the first update, and then every so many.

    Attributes:
        row: what is looked for.
        threshold: where another one than the usual is asked for.
        held: whether it was there at the last look.
    """

    row: Obstacle
    threshold: float | None = None
    held: bool = False
    _next: int = field(default=0, repr=False)
    _seen: tuple[object, ...] = field(default=(), repr=False, compare=False)

    kind = "catchpoint"

    @property
    def note(self) -> str:
        """How often it looks."""
        return f"looked for after update 1 and every {self.row.every}"

    def moments(self, program: Program) -> frozenset[int]:
        """None: it reviews updates that are complete."""
        return frozenset()

    def recall(self, timeline: Timeline) -> None:
        """Know again what it saw at the last look up to now."""
        update, every = timeline.machine.update, self.row.every
        last = update - update % every or min(update, 1)
        seen = (timeline, last, *(edit for edit in timeline.edits if edit.t <= timeline.clock))
        if seen != self._seen:
            with timeline.at(timeline.calendar.clock(last)) as machine:
                self.held, self._seen = bool(last and self._found(machine)), seen
        self._next = self._after(update)

    def due(self, timeline: Timeline) -> int:
        """The clock of the next look."""
        return timeline.calendar.clock(self._next)

    def review(self, timeline: Timeline, seconds: float) -> tuple[int, str] | None:
        """The finding, where it is time for a look, and there was none at the last."""
        if timeline.clock < self.due(timeline):
            return None
        before, found = self.held, self._found(timeline.machine)
        self.held, self._next = bool(found), self._after(timeline.machine.update)
        return (timeline.clock, f"{self.text}: {found}") if found and not before else None

    def _after(self, update: int) -> int:
        return 1 if update < 1 else update + self.row.every - update % self.row.every

    def _found(self, machine: Machine) -> str:
        with np.errstate(all="ignore"):
            found = self.row.look(machine.program, machine.persistent, machine.update, self.threshold)
            return next((finding.why for finding in found if finding.name == self.row.name), "")
