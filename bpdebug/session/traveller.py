"""Moving through a program in time, under stops: setting out, going on, arriving, or giving up."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import numpy as np

from bpdebug.core.description import Array
from bpdebug.core.errors import BpdebugError
from bpdebug.core.evaluate import evaluate
from bpdebug.core.record import replace
from bpdebug.core.shapes import infer
from bpdebug.look.displays import Displays
from bpdebug.look.explanation import not_there
from bpdebug.session.cursor import CellCursor
from bpdebug.session.moves import Move, describe_stop
from bpdebug.time.results import Result
from bpdebug.time.runner import Outcome, Runner
from bpdebug.time.search import LastStop
from bpdebug.time.stops import Hit, Stops
from bpdebug.time.tasks import Task
from bpdebug.time.timeline import Timeline


class Traveller(CellCursor):
    """A cell under a cursor, and the moves that carry it through time.

    Args:
        timeline: the program in time.

    Attributes:
        stops: breakpoints, watchpoints and catchpoints.
        displays: expressions shown at every stop, by number.
        before: the values at the stop before, for what has changed.
        pending: a move, or a command's work, that was stopped early.
        inside: the clock after the stage whose cells ``into`` is walking through, or None.
        stopped: why the last move ended where it did, where there was a reason, else "".
    """

    def __init__(self, timeline: Timeline) -> None:
        super().__init__(timeline)
        self.stops = Stops()
        self.displays = Displays()
        self.start_over(timeline)

    def start_over(self, timeline: Timeline) -> None:
        """Stand at the start of a timeline; what was under way is forgotten."""
        self.timeline = timeline
        self.before: Mapping[str, Array] = timeline.machine.moment()
        self.pending: Move | Task | None = None
        self.inside: int | None = None
        self.stopped = ""
        self._search: LastStop | None = None
        self._hits: tuple[Hit, ...] = ()
        self._start = self.position
        self._goal = None
        self._runner = Runner(timeline, self.stops)

    @property
    def searching(self) -> bool:
        """Whether a search for the last stop is under way: the program then stands where the search is, not where the user is."""
        return self._search is not None

    def values(self) -> dict[str, Array]:
        """Copies of the tensors that have a value now."""
        return {name: value.copy() for name, value in self.timeline.machine.values().items()}

    def value(self, expression: str) -> Array:
        """The value of an expression over the tensors, such as ``a2`` or ``max(abs(dz2))``.

        Raises:
            BpdebugError: where it does not parse or fit, or a tensor is not computed yet.
        """
        formula = self.program.parse(expression)
        values, shapes = self.timeline.machine.values(), self.timeline.machine.shapes()
        for name in formula.names:
            if name in shapes and name not in values:
                raise BpdebugError(not_there(self.timeline, name))
        infer(formula, shapes)
        return np.array(evaluate(formula, values, self.program.dtype))

    def displayed(self) -> list[str]:
        """The displays with their values; one that cannot be computed now says so."""
        return self.displays.lines(self)

    def set_out(self, way: Move | Task, stop: Callable[[], bool]) -> Result:
        """Begin a move or a command's work, and do as much of it as ``stop`` allows."""
        if isinstance(way, Move):
            self.before, self._start, self.inside = self.timeline.machine.moment(), self.position, None
        self.pending = way
        return self.go_on(stop)

    def go_on(self, stop: Callable[[], bool]) -> Result:
        """Go on with what is pending."""
        way = self.pending
        if way is None:
            raise BpdebugError("there is nothing to go on with")
        if isinstance(way, Task):
            return self._work(way, stop)
        outcome = self._back(stop) if way.search else self._onward(way, stop)
        if self._search:
            return Result("progress", self._search.said)
        return self._arrive(way, outcome)

    def _work(self, task: Task, stop: Callable[[], bool]) -> Result:
        self.pending = None
        answer = task.go_on(stop)
        if answer is None:
            self.pending = task
            return Result("progress", task.said)
        return answer

    def _onward(self, move: Move, stop: Callable[[], bool]) -> Outcome:
        if move.jump or move.target < self.position.t:
            self.timeline.seek(move.target, stop)
            return Outcome()
        return self._runner.forward(move.target, stop)

    def _back(self, stop: Callable[[], bool]) -> Outcome:
        """Search on for the last stop."""
        self._search = self._search or LastStop(self.timeline, self.stops)
        outcome = self._search.go_on(stop)
        if outcome:
            self._search = None
        return outcome or Outcome()

    def _arrive(self, move: Move, outcome: Outcome) -> Result:
        """What is said and shown where a move has ended, be it early."""
        self._hits = outcome.hits
        result = describe_stop(self.timeline, move, self._start, outcome)
        if result.data["reason"] != "interrupted":
            self.pending = None
        self.follow()
        self._look_at(move, outcome)
        self.stopped = result.text.rpartition("\n")[0] if outcome.stopped else ""
        result = move.tell(result) if move.tell and not self.pending else result
        self.displays.remember(self)
        shown = self.displayed()
        return replace(result, text="\n".join([result.text, *shown]), data={**result.data, **({"displays": shown} if shown else {})})

    def _look_at(self, move: Move, outcome: Outcome) -> None:
        """Select the cell that was asked for, or that was the reason to stop; a short batch may not have it."""
        arrived = [move.cell] if self.position.t == move.target and not outcome.hits else []
        for cell in [*(hit.stop.cell for hit in outcome.hits), *arrived]:
            tensor = self.timeline.machine.values().get(cell[0]) if cell else None
            if cell and tensor is not None and all(map(int.__lt__, cell[1], tensor.shape)):
                self.select(*cell)
                return

    def leave(self) -> str:
        """Give up what is not finished: a search goes back to where it began, a run stays where it is.

        Returns:
            What was given up, in a clause; "" where there was nothing.
        """
        pending, search = self.pending, self._search
        self.pending = self._search = None
        if search:
            search.leave()
            self.follow()
            return f"stopped {search.said}"
        if isinstance(pending, Task):
            pending.close()
            return f"stopped: {pending.said}"
        return f"stopped in update {self.position.update}" if pending else ""
