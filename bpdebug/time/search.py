"""Looking for the last stop before now, in slices: window after window is run again, each twice as long as the one after it."""

from __future__ import annotations

from collections.abc import Callable

from bpdebug.time.runner import Outcome, Runner
from bpdebug.time.stop import Hit
from bpdebug.time.stops import Stops
from bpdebug.time.timeline import Timeline

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
