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
        self._looked = -1

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

    def _prime(self) -> None:
        """Tell each watchpoint the value at the last of its moments up to now, and what counts updates in a row those before."""
        self._looked = -1
        for stop in self.stops.enabled():
            if isinstance(stop, Watchpoint):
                stop.last = self._value_before(stop)
            elif isinstance(stop, LossRising) or (isinstance(stop, Catchpoint) and stop.lasting > 1):
                self._recall(stop)

    def _recall(self, stop: Catchpoint | LossRising) -> None:
        timeline, here = self.timeline, self.timeline.clock
        length = len(timeline.program.stages)
        (done,) = stop.moments(timeline.program)
        stop.forget()
        for update in range(max(here // length - stop.lasting - 2, 0), (here - done) // length + 1):
            timeline.seek(update * length + done)
            stop.strikes(timeline.machine)
        timeline.seek(here)

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
        answer = _Answer(stop)
        while end > 0 and not answer():
            begin = max((end - 1) // length - updates + 1, 0) * length
            found = self._last_between(begin, end, answer)
            if found is not None and not answer.yes:
                return self._arrive(found)
            end, updates = end if answer.yes else begin, min(2 * updates, _LONGEST_WINDOW)
        timeline.seek(here if end > 0 else 0)
        return Outcome()

    def _arrive(self, found: tuple[int, tuple[Hit, ...]]) -> Outcome:
        clock, hits = found
        self.timeline.seek(clock)
        for hit in hits:
            hit.stop.hits += 1
            if hit.stop.temporary:
                self.stops.remove(hit.stop.number)
        return Outcome(hits, nonfinite=not hits)

    def _last_between(self, begin: int, end: int, stop: Callable[[], bool]) -> tuple[int, tuple[Hit, ...]] | None:
        """The last clock in ``begin`` … ``end - 1`` at which a stop strikes; the session's own stops are not touched."""
        timeline, trial = self.timeline, self._trial()
        timeline.seek(max(begin - 1, 0), stop)
        runner, found = Runner(timeline, trial), None
        while timeline.clock < end - 1 and not stop():
            outcome = runner.forward(end - 1, stop)
            if outcome.hits and timeline.clock >= begin:
                own = tuple(Hit(self.stops.find(hit.stop.number), hit.text, hit.data) for hit in outcome.hits)
                found = (timeline.clock, own)
        first = timeline.first_nonfinite
        if self.stops.catch_nonfinite and first is not None and begin <= first < end and (found is None or found[0] <= first):
            return (first, found[1] if found and found[0] == first else ())
        return found

    def _trial(self) -> Stops:
        """Copies of the stops for a look back."""
        trial = Stops()
        trial.catch_nonfinite = False
        for stop in self.stops.enabled():
            own = copy(stop)
            own.temporary, own.ignore = False, 0
            trial.add(own)
        return trial


class _Answer:
    """A question that is answered yes for good once it has been."""

    def __init__(self, ask: Callable[[], bool]) -> None:
        self._ask, self.yes = ask, False

    def __call__(self) -> bool:
        self.yes = self.yes or self._ask()
        return self.yes
