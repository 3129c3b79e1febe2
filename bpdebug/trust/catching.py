"""The stop at the first wrong derivative, ``catch wrong``: the check again and again while a program runs.

A check costs what many updates cost, so it is made once running has taken enough of the processor's time to pay for it; where it finds
something, the first update at which that is wrong lies between the last look and this one, and is found by halving: the state of any
update can be had again, bit for bit.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from math import ceil
from time import process_time
from typing import Self

from bpdebug.core.numbers import short
from bpdebug.core.program import Program
from bpdebug.time.edits import Edit
from bpdebug.time.stop import Stop
from bpdebug.time.tasks import whole
from bpdebug.time.timeline import Timeline
from bpdebug.trust.check import check

_SHARE = 3
"""Running takes at least that many times the time of looking, so that looking takes at most a quarter of all."""

Moment = tuple[int, str]


@dataclass(kw_only=True)
class Wrong(Stop):
    """Stops at the first stage that the check accuses, and then at each that it has not accused before.

    Attributes:
        anew: whether what is wrong already where a run begins is a reason to stop; in a search for the last stop it is none.
        every: how many updates lie between two looks.
        look, update: what a look and an update have taken last, in seconds of the processor.
        known: the stages that have been told of.
        seen: the last update that was looked at.
        ahead: a moment at which to stop, found already, and what to say then.
    """

    anew: bool = True
    every: int = 1
    look: float = 0.0
    update: float = 0.0
    known: frozenset[str] = frozenset()
    seen: int = -1
    ahead: Moment | None = None
    _credit: float = field(default=0.0, repr=False)
    _stretch: tuple[float, float] = field(default=(0.0, 0.0), repr=False)
    _begun: int = field(default=0, repr=False)
    _rested: tuple[Timeline | None, int, tuple[Edit, ...]] = field(default=(None, 0, ()), repr=False, compare=False)

    kind = "catchpoint"

    @property
    def note(self) -> str:
        """How often it looks, and why not more often."""
        if not self.update:
            return "at most a quarter of the time goes into looking"
        times = f"a look takes {_time(self.look)}, an update {_time(self.update)}"
        return f"looked at every {self.every} update{'s' * (self.every != 1)}: {times}"

    def moments(self, program: Program) -> frozenset[int]:
        """None: it reviews updates, and what it finds lies before now."""
        return frozenset()

    def for_search(self) -> Self:
        """As every stop; what was wrong already where a part of the way begins is told of before it."""
        own = super().for_search()
        own.anew = False
        return own

    def recall(self, timeline: Timeline) -> None:
        """Go on from where the run before has ended; after an edit, or further back, whatever is wrong is news."""
        rested, clock, edits = self._rested
        if rested is timeline and edits == (*timeline.edits,) and clock == timeline.clock:
            return
        update, _ = timeline.calendar.under_way(timeline.clock)
        self._begun, self.seen, self.ahead = timeline.clock, update - 1, None
        if rested is not timeline or edits != (*timeline.edits,) or clock > timeline.clock:
            self.known = self._accused(timeline, max(timeline.clock - 1, 0)) if timeline.clock and not self.anew else frozenset()

    def rest(self, timeline: Timeline) -> None:
        """Remember where a run, or a slice of it, has ended."""
        self._rested = timeline, timeline.clock, (*timeline.edits,)

    def ran(self, seconds: float, updates: float) -> None:
        """Running pays for looking."""
        self._credit += seconds / _SHARE
        self._stretch = self._stretch[0] + seconds, self._stretch[1] + updates

    def due(self, timeline: Timeline) -> int:
        """The clock of what was found ahead, or of the next look: as soon as that is paid for, and the look at which a run ends too."""
        if self.ahead:
            return self.ahead[0]
        (seconds, updates), lacking = self._stretch, _SHARE * (2 * self.look - self._credit)
        if self.look and seconds:
            self.update = seconds / updates
            run = timeline.calendar.under_way(timeline.clock)[0] - self.seen
            self.every = max(1, run + max(0, ceil(lacking / self.update)))
        return timeline.calendar.clock(self.seen + self.every)

    def review(self, timeline: Timeline) -> Moment | None:
        """Look at the present update; the first moment up to now at which something new was wrong."""
        here, (update, _) = timeline.clock, timeline.calendar.under_way(timeline.clock)
        if not self.ahead and update != self.seen:
            self._look(timeline, update)
        if self.ahead is None or self.ahead[0] > here:
            return None
        found, self.ahead = self.ahead, None
        return found

    def _look(self, timeline: Timeline, update: int) -> None:
        """Look at an update; where something new is wrong in it, find the first update in which it is."""
        accused, self._stretch = self._accused(timeline, timeline.clock), (0.0, 0.0)
        if new := accused - self.known:
            self.ahead = self._first(timeline, update, new)
        else:
            self.known = accused
        self.seen = timeline.calendar.ran(self.ahead[0])[0] if self.ahead else update

    def _first(self, timeline: Timeline, update: int, new: frozenset[str]) -> Moment | None:
        """Where something new is wrong first, from the update after the last look to this one, in which it is."""
        calendar, clock, before = timeline.calendar, timeline.clock, self.seen
        while update - before > 1:
            middle = (before + update) // 2
            there = self._accused(timeline, calendar.clock(middle)) - self.known
            if there:
                update, clock, new = middle, calendar.clock(middle), there
            else:
                before = middle
        with timeline.at(clock):
            report, program = whole(check(timeline)), timeline.program
        moments = (calendar.clock(update, program.index[name] + 1) for name in new)
        ahead = [moment for moment in moments if moment > self._begun]  # what a run begins behind comes in the next update
        if not ahead:
            return None
        self.known = frozenset(finding.name for finding in report.accused)
        return min(ahead), "\n".join([f"{self.text}: {report.conclusion()[0]}", *report.conclusion()[1:]])

    def _accused(self, timeline: Timeline, clock: int) -> frozenset[str]:
        """The stages that the check accuses in the update of a clock; during a hunt it would tell what is to be found."""
        if timeline.disguise:
            return frozenset()
        began = process_time()
        with timeline.at(clock):
            accused = frozenset(finding.name for finding in whole(check(timeline, named=False)).accused)
        self.look = process_time() - began
        self._credit -= self.look
        return accused


def _time(seconds: float) -> str:
    return f"{short(1000 * seconds, 2)} ms"
