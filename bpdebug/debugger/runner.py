"""Running to the next stop, forwards and back."""

from __future__ import annotations

from collections.abc import Callable
from copy import copy
from dataclasses import dataclass

from bpdebug.debugger.conditions import Catchpoint, LossRising
from bpdebug.debugger.stops import Hit, Stops, Watchpoint, value_of
from bpdebug.debugger.timeline import Timeline
from bpdebug.engine.description import Array

_SECONDS = 0.004
_LONGEST_WINDOW = 4096


@dataclass(frozen=True)
class Outcome:
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

    def forward(self, t: int, stop: Callable[[], bool]) -> Outcome:
        """Run to clock ``t``, the end of training or the first stop, whichever comes first."""
        timeline, t = self.timeline, min(t, self.timeline.end)
        self._prime()
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
        while timeline.clock < t and not stop():
            program = timeline.program
            checks = self.stops.checks(program)
            struck = timeline.advance_guarded(t, checks, _SECONDS, start if self.stops.catch_nonfinite else None)
            if self.stops.catch_nonfinite and timeline.passed(start):
                timeline.seek(timeline.first_nonfinite or 0)
                return Outcome(nonfinite=True)
            if struck and (outcome := self._look()).stopped:
                return outcome
        return Outcome()

    def _look(self) -> Outcome:
        """Ask the stops about this moment; count, ignore, and drop the temporary ones."""
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

    def _prime(self) -> None:
        """Tell each watchpoint the value at the last of its moments up to now."""
        for watch in [stop for stop in self.stops.enabled() if isinstance(stop, Watchpoint)]:
            watch.last = self._value_before(watch)

    def _value_before(self, watch: Watchpoint) -> Array | None:
        timeline = self.timeline
        if set(watch.formula.names) <= timeline.machine.values().keys():
            return value_of(watch.formula, timeline.machine)
        position = timeline.position
        earlier = (position.update - 1) * position.stages + max(watch.moments(timeline.program))
        if earlier < 0:
            return None
        here = timeline.clock
        timeline.seek(earlier)
        value = value_of(watch.formula, timeline.machine)
        timeline.seek(here)
        return value

    def backward(self, stop: Callable[[], bool]) -> Outcome:
        """Go back to the last moment before now at which a stop strikes, or to the start."""
        timeline = self.timeline
        length = len(timeline.program.stages)
        here = end = timeline.clock
        updates = 1
        while end > 0 and not stop():
            begin = max((end - 1) // length - updates + 1, 0) * length
            found = self._last_between(begin, end)
            if found is not None:
                return self._arrive(found)
            end, updates = begin, min(2 * updates, _LONGEST_WINDOW)
        timeline.seek(here if end > 0 else 0)
        return Outcome()

    def _arrive(self, found: tuple[int, tuple[Hit, ...]]) -> Outcome:
        clock, hits = found
        self.timeline.seek(clock)
        for hit in hits:
            hit.stop.hits += 1
        return Outcome(hits, nonfinite=not hits)

    def _last_between(self, begin: int, end: int) -> tuple[int, tuple[Hit, ...]] | None:
        """The last clock in ``begin`` … ``end - 1`` at which a stop strikes; the session's own stops are not touched."""
        timeline = self.timeline
        trial, warm = self._trial()
        timeline.seek(max(begin - 1 - warm * len(timeline.program.stages), 0))
        runner, found = Runner(timeline, trial), None
        while timeline.clock < end - 1:
            outcome = runner.forward(end - 1, lambda: False)
            if outcome.hits and timeline.clock >= begin:
                own = tuple(Hit(self.stops.find(hit.stop.number), hit.text, hit.data) for hit in outcome.hits)
                found = (timeline.clock, own)
        first = timeline.first_nonfinite
        if self.stops.catch_nonfinite and first is not None and begin <= first < end and (found is None or found[0] <= first):
            return (first, found[1] if found and found[0] == first else ())
        return found

    def _trial(self) -> tuple[Stops, int]:
        """Copies of the stops for a look back, and how many updates they need to see before it."""
        trial, warm = Stops(), 0
        trial.catch_nonfinite = False
        for stop in self.stops.enabled():
            own = copy(stop)
            own.temporary, own.ignore = False, 0
            trial.add(own)
            if isinstance(own, Catchpoint | LossRising):
                warm = max(warm, own.lasting + 1)
        return trial, warm
