"""Moving through a program in time, under stops: setting out, going on, arriving, or giving up."""

from __future__ import annotations

from bpdebug.core.description import Values
from bpdebug.core.errors import BpdebugError
from bpdebug.look.cursor import Cursor
from bpdebug.look.displays import Displays
from bpdebug.look.effect import Effect, effect_of
from bpdebug.session.arrival import describe_stop, with_effect
from bpdebug.time.moves import Move
from bpdebug.time.results import Result
from bpdebug.time.runner import LastStop, Outcome, Runner
from bpdebug.time.stop import Hit
from bpdebug.time.stops import Stops
from bpdebug.time.tasks import Stopper, Task


class Journey:
    """The moves that carry a cursor through time, and other work that takes long.

    Args:
        cursor: what is carried; its timeline is travelled.
        stops: what to stop at.
        displays: what is shown on arrival.

    Attributes:
        before: the values at the stop before, for what has changed.
        pending: a move, or a command's work, that was stopped early.
        stopped: why the last move ended where it did, where there was a reason, else "".
        hits: the stops that have ended it.
        effect: what the update has done that the last move has completed, or None.
    """

    def __init__(self, cursor: Cursor, stops: Stops, displays: Displays) -> None:
        self.timeline, self._cursor, self._stops, self._displays = cursor.timeline, cursor, stops, displays
        self.before: Values = self.timeline.machine.moment()
        self.pending: Move | Task | None = None
        self.stopped = ""
        self.hits: tuple[Hit, ...] = ()
        self.effect: Effect | None = None
        self._search: LastStop | None = None
        self._start = self.timeline.position
        self._runner = Runner(self.timeline, stops)

    @property
    def searching(self) -> bool:
        """Whether a search for the last stop is under way: the program then stands where the search is, not where the user is."""
        return self._search is not None

    def set_out(self, way: Move | Task, stop: Stopper) -> Result:
        """Begin a move or a command's work, and do as much of it as ``stop`` allows."""
        if isinstance(way, Move):
            self.before, self._start, self._cursor.inside = self.timeline.machine.moment(), self.timeline.position, None
            self.effect = None
            self._cursor.stay()
        self.pending = way
        return self.go_on(stop)

    def go_on(self, stop: Stopper) -> Result:
        """Go on with what is pending."""
        way = self.pending
        if way is None:
            raise BpdebugError("there is nothing to go on with")
        if isinstance(way, Task):
            self.pending = None
            answer = way.go_on(stop)
            if answer is None:
                self.pending = way
                return Result("progress", way.said)
            return answer
        if way.search:
            self._search = self._search or LastStop(self.timeline, self._stops)
            found = self._search.go_on(stop)
            if not found:
                return Result("progress", self._search.said)
            self._search = None
            return self._arrive(way, found)
        if way.jump or way.target < self.timeline.clock:
            self.timeline.seek(way.target, stop)
            return self._arrive(way, Outcome())
        return self._arrive(way, self._runner.forward(way.target, stop))

    def _arrive(self, move: Move, outcome: Outcome) -> Result:
        """What is said and shown where a move has ended, be it early."""
        self.hits = outcome.hits
        result = describe_stop(self.timeline, move, self._start, outcome)
        forward = not move.jump and not move.search and self._start.t < self.timeline.clock
        self.effect = effect_of(self.timeline) if forward else None
        if result.data["reason"] != "interrupted":
            self.pending = None
        self._cursor.follow(on_the_way=self.pending is not None)
        # the cell that was asked for, or that was the reason to stop; a short batch may not have it
        values = self.timeline.machine.values()
        for cell in [hit.stop.cell for hit in outcome.hits] or [move.cell] * (self.timeline.clock == move.target):
            if cell and cell[0] in values and all(map(int.__lt__, cell[1], values[cell[0]].shape)):
                self._cursor.select(*cell)
                break
        if outcome.stopped:
            self._cursor.reveal(self.timeline.position.stage or "")
        self.stopped = result.text.rpartition("\n")[0] if outcome.stopped else ""
        result = with_effect(result, self.effect)
        result = move.tell(result) if move.tell and not self.pending else result
        self._displays.remember(self.timeline)
        shown = self._displays.lines(self.timeline)
        return result.also("\n".join([result.text, *shown]), displays=shown) if shown else result

    def leave(self) -> str:
        """Give up what is not finished: a search goes back to where it began, a run stays where it is.

        Returns:
            What was given up, in a clause; "" where there was nothing.
        """
        pending, search = self.pending, self._search
        self.pending = self._search = None
        if search:
            search.leave()
            self._cursor.follow()
            return f"stopped {search.said}"
        if isinstance(pending, Task):
            pending.close()
            return f"stopped: {pending.said}"
        return f"stopped in update {self.timeline.position.update}" if pending else ""
