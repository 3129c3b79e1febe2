"""Every intermediate tensor of a stretch of updates: one copy an update, looked at afterwards."""

from __future__ import annotations

from bpdebug.debugger.timeline import Timeline
from bpdebug.engine.description import Array
from bpdebug.engine.record import Record
from bpdebug.engine.workspace import Workspace

MOST_BYTES = 256 * 2**20
"""What a recording may take; longer stretches begin later."""


class Recorded(Record, eq=False):
    """One update: everything that it has computed, and the parameters after it.

    Attributes:
        update: its number.
        work: whose layout the copies have.
        flat, kept: the copies.
        begun: the parameters when the update before was complete.
    """

    update: int
    work: Workspace
    flat: Array
    kept: Array
    begun: Array

    def values(self) -> dict[str, Array]:
        """The tensors by name, as views of the copies; the batch itself is not recorded."""
        return self.work.named(self.flat, self.kept)

    def before(self) -> dict[str, Array]:
        """The same with the parameters as they were when the update began (but for what was edited at that very moment)."""
        return self.work.named(self.flat, self.begun)


def record(timeline: Timeline, count: int) -> list[Recorded]:
    """Run the last ``count`` completed updates again and copy what each computes; the present stays what it is.

    Args:
        timeline: what is recorded.
        count: how many updates before the present one, at most; fewer where they would take more than :data:`MOST_BYTES`.
    """
    here, length, machine = timeline.clock, len(timeline.program.stages), timeline.machine
    size = (machine.last_workspace().flat.nbytes + machine.persistent_flat.nbytes) or 1
    last = here // length
    first = max(last - min(count, max(MOST_BYTES // size, 1)), 0)
    copies: list[tuple[Workspace, Array, Array, Array]] = []

    def copy() -> None:
        work, begun = machine.last_workspace(), copies[-1][2] if copies else start
        copies.append((work, work.flat.copy(), machine.persistent_flat.copy(), begun))

    timeline.seek(first * length)
    start = machine.persistent_flat.copy()
    timeline.visit = copy
    try:
        timeline.advance(last * length)
    finally:
        timeline.visit = None
        timeline.seek(here)
    return [Recorded(update, *made) for update, made in enumerate(copies, first)]
