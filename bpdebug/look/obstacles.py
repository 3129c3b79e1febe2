"""Right, and yet it does not learn: a table of reasons, each looked for when it is asked for, by ``health`` and by ``catch``.

Nothing of this is computed while a training runs, but for a look now and then where a stop asks for it.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from bpdebug.core.machine import Machine
from bpdebug.core.program import Program
from bpdebug.core.record import Record
from bpdebug.core.tensors import Values
from bpdebug.look.finding import OVER, SHARE, Finding
from bpdebug.time.stop import Stop
from bpdebug.time.timeline import Timeline


class Obstacle(Record):
    """One row.

    Attributes:
        name: of the findings, and as a condition to stop at.
        threshold: with which their value is compared, usually.
        help: one line.
        layered: whether only a chain of layers with a loss of the table can be told of.
        every: how many updates lie between two looks of a stop, so that they take a quarter of the time at most.
    """

    name: str
    threshold: float
    help: str
    layered: bool = True
    every: int = 64


OBSTACLES: dict[str, Obstacle] = {
    row.name: row
    for row in (
        Obstacle("linear", SHARE, "a larger share of what there is to learn is out of reach of a network that is linear up to its output"),
        Obstacle("no-bias", SHARE, "a larger share of what there is to learn is out of reach of a network without a bias"),
        Obstacle("contradiction", SHARE, "a larger share of it is out of reach, since samples with the same inputs have different targets"),
        Obstacle("shuffled", 0.2, "a larger share of shuffles leaves the targets in as good an order beside the inputs", layered=False),
        Obstacle("out-of-range", SHARE, "a larger share of it is out of reach, since the last activation cannot give the targets"),
        Obstacle("squashed-twice", 0, "the loss takes for sums what has been through sigmoid or softmax"),
        Obstacle("copies", 0, "more hidden units than that are copies of others", layered=False),
        Obstacle("long-step", OVER, "the step is so many times the limit that the curvature sets", False, 256),
    )
}


def obstacles(program: Program, persistent: Values, update: int, name: str = "", threshold: float | None = None) -> tuple[Finding, ...]:
    """All that is found, in the order of the table.

    Args:
        program: of which something is to be said.
        persistent: its parameters and constants.
        update: the number of the update that comes next.
        name: of one row, where only that is looked for.
        threshold: another one than the usual.
    """
    from bpdebug.look.copies import copies  # noqa: PLC0415 - a start does without
    from bpdebug.look.curvature import long_step, started  # noqa: PLC0415 - a start does without
    from bpdebug.look.limits import limits  # noqa: PLC0415 - a start does without
    from bpdebug.look.shuffled import shuffled  # noqa: PLC0415 - a start does without

    found = list[Finding]()
    with np.errstate(all="ignore"):
        if program.layers and (not name or OBSTACLES[name].layered):
            found += limits(program, SHARE if threshold is None else threshold)
        if name in ("", "shuffled") and not any(finding.name == "contradiction" for finding in found):
            disordered = shuffled(program, OBSTACLES["shuffled"].threshold if threshold is None else threshold)
            found += disordered if disordered and not started(program, persistent, update)[2] else ()
        if name in ("", "copies"):
            found += copies(program, persistent, update, threshold or 0.0)
        if name in ("", "long-step"):
            found += long_step(program, persistent, update, threshold)
    return tuple(finding for finding in found if name in ("", finding.name))


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

    def review(self, timeline: Timeline) -> tuple[int, str] | None:
        """The finding, where it is time for a look, and there was none at the last."""
        if timeline.clock < self.due(timeline):
            return None
        before, found = self.held, self._found(timeline.machine)
        self.held, self._next = bool(found), self._after(timeline.machine.update)
        return (timeline.clock, f"{self.text}: {found}") if found and not before else None

    def _after(self, update: int) -> int:
        return 1 if update < 1 else update + self.row.every - update % self.row.every

    def _found(self, machine: Machine) -> str:
        found = obstacles(machine.program, machine.persistent, machine.update, self.row.name, self.threshold)
        return found[0].why if found else ""
