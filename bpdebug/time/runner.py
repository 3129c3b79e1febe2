"""Running to the next stop, and looking for the last one before now, in slices: window after window is run again, each twice as long as the
one after it."""

from __future__ import annotations

from collections.abc import Callable
from time import process_time

from bpdebug.core.record import Record
from bpdebug.time.stop import Hit, Stop, hit_of
from bpdebug.time.stops import Stops
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
        self._reviewing: list[Stop] = []

    def forward(self, t: int, stop: Callable[[], bool]) -> Outcome:
        """Run to clock ``t``, the end of training or the first stop, whichever comes first."""
        timeline, t = self.timeline, min(t, self.timeline.end)
        self._looked = -1
        for remembering in self.stops.fitting(timeline.program):
            remembering.recall(timeline)
        self._reviewing = [reviewing for reviewing in self.stops.enabled() if reviewing.due(timeline) is not None]
        while timeline.clock < t:
            outcome = self._piece(t, stop)
            if outcome.stopped or (stop() and timeline.clock < t):
                break
        else:
            outcome = self._review(in_any_case=True)
        for reviewing in self._reviewing:
            reviewing.rest(timeline)
        return outcome

    def _piece(self, t: int, stop: Callable[[], bool]) -> Outcome:
        """A stretch in which only the compiled checks can strike, and what is to be looked at at its end."""
        timeline, stops = self.timeline, self.stops
        if (outcome := self._review()).stopped:
            return outcome
        fixed = stops.next_clock(timeline.program, timeline.clock)
        turn = timeline.calendar.turn(timeline.clock)  # from there the stops have other places
        goal = min(clock for clock in (t, fixed, turn, *(reviewing.due(timeline) for reviewing in self._reviewing)) if clock is not None)
        while timeline.clock < goal:
            checks, clock, began = stops.checks(timeline.program), timeline.clock, process_time()
            bad = timeline.run(goal, stop, checks, stops.catch_nonfinite)
            for reviewing in self._reviewing:
                reviewing.ran(process_time() - began, timeline.calendar.in_updates(timeline.clock - clock))
            if bad:
                return Outcome(nonfinite=True)
            struck = timeline.machine.done in checks
            if struck and (outcome := self._look()).stopped:
                return outcome
            if not struck or stop():
                break
        return self._look() if timeline.clock == fixed else Outcome()

    def _look(self) -> Outcome:
        """Ask the stops about this moment, once."""
        if self._looked == self.timeline.clock:
            return Outcome()
        self._looked = self.timeline.clock
        hits = self.stops.look(self.timeline.machine)
        if any(not hit.stop.ignore for hit in hits) and (outcome := self._review(in_any_case=True)).stopped:
            return outcome  # what was to stop here comes after it
        return self._counted(hits)

    def _review(self, in_any_case: bool = False) -> Outcome:
        """Ask the stops that review what has run, those that are due or all; go back to the first moment that one has found."""
        found = list[tuple[int, Hit]]()
        for stop in self._reviewing:
            due = stop.due(self.timeline)
            if in_any_case or (due is not None and due <= self.timeline.clock):
                moment = stop.review(self.timeline)
                found += [(moment[0], hit_of(stop, moment[1]))] if moment else []
        if not found:
            return Outcome()
        first = min(clock for clock, _ in found)
        self.timeline.seek(first)
        return self._counted([hit for clock, hit in found if clock == first])

    def _counted(self, hits: list[Hit]) -> Outcome:
        """Count, ignore, and drop the temporary ones."""
        kept = []
        for hit in hits:
            hit.stop.hits += 1
            if hit.stop.ignore > 0:
                hit.stop.ignore -= 1
                continue
            kept.append(hit)
            if hit.stop.temporary and hit.stop.number in self.stops.all:
                self.stops.remove(hit.stop.number)
        return Outcome(tuple(kept))


_LONGEST = 4096
"""Updates of a window."""


class LastStop:
    """The way back to the last moment before now at which a stop strikes, or to the start of training.

    Args:
        timeline: what is searched; in between it stands where the search is.
        stops: of the session; they are not touched before the end.
    """

    def __init__(self, timeline: Timeline, stops: Stops) -> None:
        self.timeline, self.stops = timeline, stops
        self.here = self._end = timeline.clock
        self._updates = 1
        self._open()

    @property
    def said(self) -> str:
        """How far back the search is."""
        return f"searching back: update {self.timeline.calendar.update(self._begin)}"

    def leave(self) -> None:
        """Go back to where the search began."""
        self.timeline.seek(self.here)

    def go_on(self, stop: Callable[[], bool]) -> Outcome | None:
        """Search on.

        Args:
            stop: asked every few milliseconds; where it says yes, this slice ends.

        Returns:
            What was found, the timeline standing there; None where it is not finished.
        """
        while self._end > 0:
            if not self._scan(stop):
                return None
            if found := self._last():
                return self._arrive(*found)
            self._end, self._updates = self._begin, min(2 * self._updates, _LONGEST)
            self._open()
        self.timeline.seek(0)
        return Outcome()

    def _open(self) -> None:
        """Make the next window: the clocks from ``_begin`` to before ``_end``."""
        calendar = self.timeline.calendar
        self._begin = calendar.clock(max(calendar.update(self._end - 1) - self._updates + 1, 0))
        trial = Stops()  # copies of the stops for a look back
        trial.catch_nonfinite = False
        for stop in self.stops.enabled():
            trial.add(stop.for_search())
        self._runner = Runner(self.timeline, trial)
        self._at_begin = False
        self._struck: tuple[int, tuple[Hit, ...]] | None = None

    def _scan(self, stop: Callable[[], bool]) -> bool:
        """Run through the window and keep the last stop that strikes; whether its end is reached."""
        timeline, first, last = self.timeline, max(self._begin - 1, 0), self._end - 1
        if not self._at_begin:
            timeline.seek(first, stop)
            self._at_begin = timeline.clock == first
        while self._at_begin and timeline.clock < last:
            outcome = self._runner.forward(last, stop)
            if outcome.hits and timeline.clock >= self._begin:
                self._struck = (timeline.clock, outcome.hits)
            if stop():
                break
        return self._at_begin and timeline.clock >= last

    def _last(self) -> tuple[int, tuple[Hit, ...]] | None:
        """The last stop of the window; a first non-finite value is one, and has no hits."""
        first, found = self.timeline.first_nonfinite, self._struck
        if self.stops.catch_nonfinite and first is not None and self._begin <= first < self._end and (found is None or found[0] <= first):
            return first, (found[1] if found and found[0] == first else ())
        return found

    def _arrive(self, clock: int, found: tuple[Hit, ...]) -> Outcome:
        self.timeline.seek(clock)
        hits = tuple(Hit(self.stops.find(hit.stop.number), hit.text, hit.data) for hit in found)
        for hit in hits:
            hit.stop.hits += 1
            if hit.stop.temporary:
                self.stops.remove(hit.stop.number)
        return Outcome(hits, nonfinite=not hits)
