"""Running to the next stop."""

from __future__ import annotations

from collections.abc import Callable

from bpdebug.core.record import Record
from bpdebug.time.stops import Hit, Stops
from bpdebug.time.timeline import Timeline


class Outcome(Record):
    """Why a run has ended.

    Attributes:
        hits: the stops that struck.
        nonfinite: whether the first non-finite value was reached.
    """

    hits: tuple[Hit, ...] = ()
    nonfinite: bool = False

    @property
    def stopped(self) -> bool:
        """Whether there was a reason to stop on the way."""
        return bool(self.hits) or self.nonfinite


class Runner:
    """Runs a timeline under the stops of a session.

    Args:
        timeline: what runs.
        stops: what to stop at.
    """

    def __init__(self, timeline: Timeline, stops: Stops) -> None:
        self.timeline, self.stops = timeline, stops
        self._looked = -1

    def forward(self, t: int, stop: Callable[[], bool]) -> Outcome:
        """Run to clock ``t``, the end of training or the first stop, whichever comes first."""
        timeline, t = self.timeline, min(t, self.timeline.end)
        self._looked = -1
        for remembering in self.stops.enabled():
            remembering.recall(timeline)
        while timeline.clock < t:
            outcome = self._piece(t, stop)
            if outcome.stopped or stop():
                return outcome
        return Outcome()

    def _piece(self, t: int, stop: Callable[[], bool]) -> Outcome:
        """A stretch in which only the compiled checks can strike, and what is to be looked at at its end."""
        timeline, stops = self.timeline, self.stops
        fixed = stops.next_clock(timeline.program, timeline.clock)
        goal = t if fixed is None else min(t, fixed)
        while timeline.clock < goal:
            checks = stops.checks(timeline.program)
            if timeline.run(goal, stop, checks, stops.catch_nonfinite):
                return Outcome(nonfinite=True)
            struck = timeline.machine.done in checks
            if struck and (outcome := self._look()).stopped:
                return outcome
            if not struck or stop():
                break
        return self._look() if timeline.clock == fixed else Outcome()

    def _look(self) -> Outcome:
        """Ask the stops about this moment, once; count, ignore, and drop the temporary ones."""
        if self._looked == self.timeline.clock:
            return Outcome()
        self._looked = self.timeline.clock
        kept = []
        for hit in self.stops.look(self.timeline.machine):
            hit.stop.hits += 1
            if hit.stop.ignore > 0:
                hit.stop.ignore -= 1
                continue
            kept.append(hit)
            if hit.stop.temporary and hit.stop.number in self.stops.all:
                self.stops.remove(hit.stop.number)
        return Outcome(tuple(kept))
