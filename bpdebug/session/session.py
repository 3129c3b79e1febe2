"""A debugging session: one scenario, one moment, and commands."""

from __future__ import annotations

from collections.abc import Callable, Collection
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from bpdebug.core.cells import Cell, NamedCell
from bpdebug.core.description import Array, Scenario
from bpdebug.core.errors import BpdebugError, SetupError, presentable
from bpdebug.core.layers import make_program
from bpdebug.core.numbers import AUTO
from bpdebug.core.program import Program
from bpdebug.core.shapes import Shapes
from bpdebug.files import append_file, write_file
from bpdebug.look.cursor import Cursor
from bpdebug.look.displays import Displays, value_of
from bpdebug.look.equation import Equation, equation_of
from bpdebug.look.explanation import Explanation
from bpdebug.look.health import HealthLog
from bpdebug.look.surface import Surface, SurfaceLog, surface_of
from bpdebug.play.hunt import Hunt, admitted, game_of
from bpdebug.play.predict import Predictions, Question
from bpdebug.session.journey import Journey
from bpdebug.session.stop_lines import stop_blocks
from bpdebug.session.table import find_command
from bpdebug.session.view import View, make_view
from bpdebug.time.edits import stale
from bpdebug.time.moves import Move
from bpdebug.time.position import Position, position_at
from bpdebug.time.results import Result
from bpdebug.time.stops import Breakpoint, Stops
from bpdebug.time.tasks import Stopper, Task
from bpdebug.time.timeline import DEFAULT_BUDGET, Timeline

if TYPE_CHECKING:
    from bpdebug.play.tour import Tour
    from bpdebug.trust.report import Report

_MOST_STOPS = 100_000
"""How often commands that are attached to stops may go on by themselves."""


class Session:
    """What the app, the command line and a test harness drive, all with the same commands.

    Args:
        scenario: from :func:`bpdebug.load_scenario`, or built by hand.
        budget: bytes for checkpoints.

    Attributes:
        check: what the last check has found, or None.
        timeline: the program in time.
        cursor: the cell that is looked at.
        stops: breakpoints, watchpoints and catchpoints.
        displays: expressions shown at every stop, by number.
        journey: the moves through time.
        comparison: what the last comparison with the user's own numbers has found, or None.
        number_style: how numbers in tables are written.
        surface_of: what the surface shows, the answers or the loss over two cells.
        loss_scale: of the loss curve: ``log``, ``linear`` or ``auto``.
        tour: how far the guided tour is, where it is being taken.
        bookmarks: named moments, as clocks.
        depth: how many scripts are being carried out, one called by the other.
        predictions: whether single steps ask for a prediction, and the tally.
        hunts: the rounds of the hunt so far, the present one last.
        kept: the stops and displays as they came back at the start, or were kept last.
        read_ahead: what the scenario's file holds now, where that was read before it is asked for.
        rescued: the file that each unforeseen exception, by type and text, has had this session written to.

    Raises:
        SetupError: where the scenario contradicts itself.
    """

    def __init__(self, scenario: Scenario, budget: int = DEFAULT_BUDGET) -> None:
        self._budget = budget
        self.timeline = Timeline(make_program(scenario), budget)
        self.cursor, self.stops, self.displays = Cursor(self.timeline), Stops(), Displays()
        self.journey = Journey(self.cursor, self.stops, self.displays)
        self.check: Report | None = None
        self.comparison: Report | None = None
        self.number_style = AUTO
        self.tour: Tour | None = None
        self.loss_scale = "auto"
        self.surface_of: Callable[[Timeline], Surface] = surface_of
        self._health, self._surface = HealthLog(), SurfaceLog()
        self.bookmarks: dict[str, int] = {}
        self.depth, self._frame, self._command = 0, (0, 0), ""
        self.predictions = Predictions()
        self.hunts: tuple[Hunt, ...] = ()
        self.read_ahead: Scenario | None = None
        self.rescued: dict[tuple[type, str], Path] = {}
        self._transcript: Path | None = None
        for key, command, texts in (("breakpoints", "break", scenario.debug.breakpoints), ("watches", "watch", scenario.debug.watches)):
            for place, text in enumerate(texts):
                try:
                    self.execute(f"{command} {text}")
                except BpdebugError as error:
                    raise SetupError(str(error), ("debug", key, place)) from None
        self.kept = stop_blocks(self.stops, self.displays)
        if getattr(scenario, "traceback", ""):  # a script that has raised an exception
            self.timeline.seek(self.timeline.end - 1)  # the last of what it has computed is next; at the end itself all is gone
            self.cursor.follow()

    def begin(self, program: Program) -> None:
        """Stand at the start of another program with the same stages; stops, displays and bookmarks stay."""
        self.surface_of = surface_of
        self.stand_on(Timeline(program, self._budget))
        self.after_edit()

    def stand_on(self, timeline: Timeline) -> None:
        """Travel on another timeline; what was under way is forgotten."""
        self.timeline = timeline
        self.cursor.begin(timeline)
        self.journey = Journey(self.cursor, self.stops, self.displays)

    @property
    def program(self) -> Program:
        """The stages of an update."""
        return self.timeline.program

    @property
    def position(self) -> Position:
        """The present moment."""
        return self.timeline.position

    @property
    def selected(self) -> NamedCell | None:
        """The cell under the cursor, as (tensor, index), or None."""
        return self.cursor.selected

    @property
    def shapes(self) -> Shapes:
        """The shape of every tensor, for the present batch."""
        return self.timeline.machine.shapes()

    def explain(self, name: str, index: Cell) -> Explanation:
        """Where a cell's present value comes from."""
        return self.cursor.explain(name, index)

    def values(self) -> dict[str, Array]:
        """Copies of the tensors that have a value now."""
        return {name: value.copy() for name, value in self.timeline.machine.values().items()}

    def value(self, expression: str) -> Array:
        """The present value of an expression over the tensors, such as ``a2`` or ``max(abs(dz2))``.

        Raises:
            BpdebugError: where it does not parse or fit, or a tensor is not computed yet.
        """
        return value_of(self.timeline, expression)

    @property
    def frame(self) -> int:
        """Which frame is selected, the innermost being 0, as it is again after every move."""
        return self._frame[1] if self._frame[0] == self.position.t else 0

    @frame.setter
    def frame(self, level: int) -> None:
        self._frame = self.position.t, level

    @property
    def question(self) -> Question | None:
        """What ``step`` has asked and ``answer`` has not answered yet."""
        return self.predictions.waiting(self.timeline.clock)

    def execute(self, text: str, stop: Stopper = lambda: False) -> Result:
        """Carry out one command, such as ``step 3`` or ``print a2``.

        Args:
            text: as typed at the prompt.
            stop: asked every few milliseconds during a long move; where it says yes, the move ends early.

        Raises:
            BpdebugError: where the command cannot be carried out; nothing has changed then.
        """
        self._command = text
        try:
            result = self._once(text, stop)
        except BpdebugError as error:
            self._note(text, str(error))
            raise
        return self._settle(result, stop)

    @np.errstate(all="ignore")
    def resume(self, stop: Stopper = lambda: False) -> Result:
        """Go on with a command that was stopped early; :attr:`Journey.pending` tells whether there is one."""
        return self._settle(self.journey.go_on(stop), stop)

    def _settle(self, result: Result, stop: Stopper) -> Result:
        """Carry out what the stops that have struck are followed by; what is not finished is neither noted nor counted."""
        wrong = False
        for _ in range(_MOST_STOPS):
            moved, result = (False, result) if self.journey.pending else self._with_commands(result, stop)
            wrong = wrong or result.wrong
            if not moved:
                break
        result = result.also(result.text, ok=False) if wrong and not result.wrong else result
        if not self.journey.pending:
            self._note(self._command, result.text)
            if self.tour and not self.tour.look(self.cursor, self.stops, self.check):
                self.tour = None
        return result

    def transcribe(self, path: Path) -> None:
        """Write every command from now on and its answer to a file.

        Raises:
            BpdebugError: where the file cannot be written.
        """
        self._transcript = path
        write_file(path, "")

    def _note(self, text: str, answer: str) -> None:
        if self._transcript and not self.depth:
            path, self._transcript = self._transcript, None  # it ends where it cannot be written
            append_file(path, f"(bpdebug) {text.strip()}\n{answer}" + "\n" * bool(answer))
            self._transcript = path

    def _once(self, text: str, stop: Stopper) -> Result:
        command, arguments = find_command(text)
        self.journey.leave()
        with np.errstate(all="ignore"):  # what is not finite is shown; NumPy need not warn of it
            if self.hunts:
                arguments, self.hunts = admitted(self.hunts, command.name, arguments)
            answer = command.run(self, arguments)
            return self.journey.set_out(answer, stop) if isinstance(answer, Move | Task) else answer

    def _with_commands(self, result: Result, stop: Stopper) -> tuple[bool, Result]:
        """Carry out what is attached to the stops that have struck, up to the first move; whether there was one."""
        texts = [text for hit in self.journey.hits for text in hit.stop.commands] if result.stops else []
        lines, answers = [result.text], list[dict[str, Any]]()
        for text in texts:
            try:
                answer = self._once(text, stop)
            except BpdebugError as error:
                answer = Result("error", presentable(f"{text}: {error}"), {"message": str(error)})
            lines.append(answer.text)
            if answer.type == "stop":
                return True, answer.also("\n".join(lines[-100:]), commands=answers)
            answers.append({"command": text, "type": answer.type, **answer.data})
        return False, result.also("\n".join(lines), commands=answers) if texts else result

    def after_edit(self) -> None:
        """The future has changed, and what was checked or compared may have."""
        self.check = self.comparison = self.journey.effect = None
        self.cursor.trail.clear()
        self.cursor.follow()

    def stale(self) -> frozenset[str]:
        """The tensors of this update that were computed before something they depend on was edited."""
        position = self.position
        return stale(self.program, self.timeline.edits, position.calendar.clock(position.update), position.t)

    def place_of(self, t: int) -> str:
        """A clock as a location."""
        position = position_at(self.program, t)
        if position.stage:
            return f"{position.update}:{position.stage}"
        return "end" if position.at_end else f"update {position.update}" if t else "start"

    @np.errstate(all="ignore")
    def view(self, panes: Collection[str] = ()) -> View:
        """The present moment as the panes see it, frozen.

        Args:
            panes: those that are shown; what only ``health``, ``surface`` and ``equation`` need is worked out for them alone.
        """
        cursor, selected = self.cursor, self.cursor.selected
        return make_view(
            self.timeline,
            before=self.journey.before,
            selected=selected,
            explanation=self.explain(*selected) if selected else None,
            operand=cursor.operand,
            sample=cursor.sample,
            group=cursor.group,
            folds=cursor.open_folds,
            crumbs=cursor.crumbs,
            stale=self.stale(),
            marks=self._marks(),
            displays=tuple(self.displays.pictures(self.timeline)),
            bookmarks=dict(self.bookmarks),
            game=game_of(self.hunts),
            check=self.check,
            comparison=self.comparison,
            style=cursor.style,
            stopped=self.journey.stopped,
            effect=self.journey.effect,
            number_style=self.number_style,
            loss_scale=self.loss_scale,
            health=self._health.health(self.timeline) if "health" in panes else None,
            surface=self._surface.surface(self.timeline, self.surface_of) if "surface" in panes else None,
            equation=self._equation() if "equation" in panes else None,
            axes=dict(cursor.axes),
            tour=(self.tour.heading, self.tour.text) if self.tour else None,
        )

    def _equation(self) -> Equation | None:
        cursor = self.cursor
        return equation_of(self.timeline, cursor.selected, cursor.style, cursor.inside == self.position.t, cursor.axes)

    def _marks(self) -> dict[str, str]:
        """The stages after which a breakpoint stops, and of which kind the one is that stops most often."""
        places: dict[str, str] = {}
        for stop in [stop for stop in self.stops.all.values() if isinstance(stop, Breakpoint)]:
            for done in stop.moments(self.program) - {0}:
                name = self.program.stages[done - 1].name
                kind = "once" if stop.temporary else "sometimes" if stop.condition or stop.location.update is not None else "always"
                places[name] = min(places.get(name, KINDS[-1]), kind if stop.enabled else KINDS[-1], key=KINDS.index)
        return places


KINDS = ("always", "sometimes", "once", "disabled")
"""How often a breakpoint stops: in every update, where a condition or its location allows it, for the last time, or not at all."""
