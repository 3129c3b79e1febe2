"""Every intermediate tensor of a stretch of updates: one copy an update, looked at afterwards."""

from __future__ import annotations

from collections.abc import Generator
from math import inf

from bpdebug.core.description import Array
from bpdebug.core.record import Record
from bpdebug.core.workspace import Workspace
from bpdebug.time.tasks import whole
from bpdebug.time.timeline import Timeline

MOST_BYTES = 256 * 2**20
"""What a recording may take; longer stretches begin later."""


class Recorded(Record, eq=False):
    """One update: everything that it has computed, and the parameters after it.

    Attributes:
        update: its number.
        work: whose layout the copies have.
        flat, kept: the copies.
        apart: those of what is no part of either.
        begun: the parameters when the update before was complete.
    """

    update: int
    work: Workspace
    flat: Array
    kept: Array
    begun: Array
    apart: dict[str, Array]

    def values(self) -> dict[str, Array]:
        """The tensors by name, as views of the copies; the batch itself is not recorded."""
        return self.work.named(self.flat, self.kept) | self.apart

    def before(self) -> dict[str, Array]:
        """The same with the parameters as they were when the update began (but for what was edited at that very moment)."""
        return self.work.named(self.flat, self.begun) | self.apart


def record(timeline: Timeline, count: int) -> list[Recorded]:
    """What :func:`recording` comes to, in one piece."""
    return whole(recording(timeline, count))


def recording(timeline: Timeline, count: int, end: int | None = None, seconds: float = inf) -> Generator[str, None, list[Recorded]]:
    """Run completed updates again and copy what each computes; the present stays what it is, also between two slices.

    Args:
        timeline: what is recorded.
        count: how many updates, at most; fewer where they would take more than :data:`MOST_BYTES`.
        end: the update before which they end, by default the present one.
        seconds: of a slice.
    """
    calendar, machine = timeline.calendar, timeline.machine
    size = (machine.last_workspace().flat.nbytes + machine.persistent_flat.nbytes) or 1
    last = machine.update if end is None else end
    first = at = max(last - min(count, max(MOST_BYTES // size, 1)), 0)
    copies: list[tuple[Workspace, Array, Array, Array, dict[str, Array]]] = []

    def copy() -> None:
        work, begun = machine.last_workspace(), copies[-1][2] if copies else start
        apart = {name: work.tensors[name].copy() for name in work.apart}
        copies.append((work, work.flat.copy(), machine.persistent_flat.copy(), begun, apart))

    while True:
        with timeline.at(calendar.clock(at)):
            start = machine.persistent_flat.copy()
            timeline.visit = copy
            try:
                timeline.advance(calendar.clock(last), seconds)
            finally:
                timeline.visit, at = None, machine.update
        if at == last:
            return [Recorded(update, *made) for update, made in enumerate(copies, first)]
        yield f"running update {at} again"
