"""Running to the next stop."""

from __future__ import annotations

from collections.abc import Callable
from time import perf_counter

import numpy as np

from bpdebug.core.record import Record
from bpdebug.core.workspace import Checks
from bpdebug.time.stops import Hit, Stops
from bpdebug.time.timeline import Timeline

_SECONDS = 0.004


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
        timeline = self.timeline
        fixed = self.stops.next_clock(timeline.program, timeline.clock)
        goal = t if fixed is None else min(t, fixed)
        if not self.stops.checks(timeline.program):
            if self._plain(goal, stop):
                return Outcome(nonfinite=True)
        else:
            outcome = self._guarded(goal, stop)
            if outcome.stopped:
                return outcome
        return self._look() if timeline.clock == fixed else Outcome()

    def _plain(self, t: int, stop: Callable[[], bool]) -> bool:
        if self.stops.catch_nonfinite:
            return self.timeline.run(t, stop)
        self.timeline.seek(t, stop)
        return False

    def _guarded(self, t: int, stop: Callable[[], bool]) -> Outcome:
        timeline, start = self.timeline, self.timeline.clock
        while timeline.clock < t:
            checks = self.stops.checks(timeline.program)
            struck = self._advance(t, checks, start if self.stops.catch_nonfinite else None)
            if self.stops.catch_nonfinite and timeline.passed(start):
                timeline.seek(timeline.first_nonfinite or 0)
                return Outcome(nonfinite=True)
            if struck and (outcome := self._look()).stopped:
                return outcome
            if stop():
                break
        return Outcome()

    def _advance(self, t: int, checks: Checks, start: int | None) -> bool:
        """Run forward for a slice, towards ``t`` or the next edit; whether one of the compiled checks has struck."""
        timeline, deadline = self.timeline, perf_counter() + _SECONDS
        goal = min([edit.t for edit in timeline.edits if timeline.clock < edit.t <= t], default=t)
        timeline.expect(timeline.calendar.update(goal))
        struck = False
        with np.errstate(all="ignore"):
            while not struck and timeline.clock < goal and perf_counter() < deadline and not (start is not None and timeline.passed(start)):
                if timeline.machine.done or timeline.calendar.update(goal) == timeline.machine.update:
                    timeline.step()
                    struck = timeline.machine.done in checks
                else:
                    struck = self._update(checks)
        if timeline.clock == goal:
            timeline.apply_edits()
        return struck

    def _update(self, checks: Checks) -> bool:
        """An update from its start; whether a check has struck before its end."""
        timeline, machine = self.timeline, self.timeline.machine
        if machine.run_guarded(checks):
            timeline.completed()
            timeline.look_for_nonfinite()
            return False
        if timeline.first_nonfinite is None and not all(np.isfinite(value).all() for value in machine.values().values()):
            done, start = machine.done, timeline.calendar.clock(machine.update)
            timeline.approach(start)
            timeline.advance(start + done)
        return True

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
