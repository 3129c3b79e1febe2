"""A debugging session: one scenario, one moment, and commands."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np

from bpdebug.debugger.commands import find_command
from bpdebug.debugger.displays import Displays
from bpdebug.debugger.edits import stale
from bpdebug.debugger.explanation import Explanation, explain, not_there, operand_origin
from bpdebug.debugger.moves import Move, describe_stop
from bpdebug.debugger.position import Position, position_at
from bpdebug.debugger.results import Result
from bpdebug.debugger.runner import Outcome, Runner
from bpdebug.debugger.script import write_beside
from bpdebug.debugger.stops import Breakpoint, Hit, Stops
from bpdebug.debugger.timeline import DEFAULT_BUDGET, Timeline
from bpdebug.debugger.view import View, make_view
from bpdebug.engine.cells import Cell
from bpdebug.engine.description import Array, Scenario
from bpdebug.engine.errors import BpdebugError, SetupError
from bpdebug.engine.evaluate import evaluate
from bpdebug.engine.program import Program, make_program
from bpdebug.engine.shapes import infer

_MOST_STOPS = 100_000
"""How often commands that are attached to stops may go on by themselves."""


class Session:
    """What the app, the command line and a test harness drive, all with the same commands.

    Args:
        scenario: from :func:`bpdebug.load_scenario`, or built by hand.
        budget: bytes for checkpoints.

    Attributes:
        timeline: the program in time.
        before: copies of the values at the stop before, for what has changed.
        selected: the cell under the cursor, as (tensor, index).
        operand: which operand of the selected cell ``origin`` goes to.
        pending: a move that was stopped early.
        stops: breakpoints, watchpoints and catchpoints.
        displays: expressions shown at every stop, by number.
        bookmarks: named moments, as clocks.
        depth: how many scripts are being carried out, one called by the other.
        trail: the moments and cells that ``origin`` has jumped away from.

    Raises:
        SetupError: where the scenario contradicts itself.
    """

    def __init__(self, scenario: Scenario, budget: int = DEFAULT_BUDGET) -> None:
        self.timeline = Timeline(make_program(scenario), budget)
        self.before: dict[str, Array] = self.values()
        self.selected: tuple[str, Cell] | None = None
        self.operand = 0
        self.pending: Move | None = None
        self.trail: list[tuple[int, tuple[str, Cell] | None]] = []
        self.stops = Stops()
        self.displays = Displays()
        self.bookmarks: dict[str, int] = {}
        self.depth = 0
        self._transcript: Path | None = None
        self._hits: tuple[Hit, ...] = ()
        self._runner = Runner(self.timeline, self.stops)
        self._start = self.position
        self._goal: tuple[str, Cell] | None = None
        self._set_stops(scenario)

    def _set_stops(self, scenario: Scenario) -> None:
        """Set the stops that the scenario asks for."""
        for key, command, texts in (("breakpoints", "break", scenario.debug.breakpoints), ("watches", "watch", scenario.debug.watches)):
            for place, text in enumerate(texts):
                try:
                    self.execute(f"{command} {text}")
                except BpdebugError as error:
                    raise SetupError(str(error), ("debug", key, place)) from None

    @property
    def program(self) -> Program:
        """The stages of an update."""
        return self.timeline.program

    @property
    def position(self) -> Position:
        """The present moment."""
        return self.timeline.position

    def execute(self, text: str, stop: Callable[[], bool] = lambda: False) -> Result:
        """Carry out one command, such as ``step 3`` or ``print a2``.

        Args:
            text: as typed at the prompt.
            stop: asked every few milliseconds during a long move; where it says yes, the move ends early.

        Raises:
            BpdebugError: where the command cannot be carried out; nothing has changed then.
        """
        try:
            result = self._once(text, stop)
        except BpdebugError as error:
            self._note(text, str(error))
            raise
        for _ in range(_MOST_STOPS):
            moved, result = self._with_commands(result, stop)
            if not moved:
                break
        self._note(text, result.text)
        return result

    def transcribe(self, path: Path) -> None:
        """Write every command from now on and its answer to a file.

        Raises:
            BpdebugError: where the file cannot be written.
        """
        self._transcript = path
        write_beside(path, "")

    def _note(self, text: str, answer: str) -> None:
        if self._transcript and not self.depth:
            with self._transcript.open("a", encoding="utf-8") as file:
                file.write(f"(bpdebug) {text.strip()}\n{answer}\n" if answer else f"(bpdebug) {text.strip()}\n")

    def _once(self, text: str, stop: Callable[[], bool]) -> Result:
        command, arguments = find_command(text)
        answer = command.run(self, arguments)
        return self._move(answer, stop) if isinstance(answer, Move) else answer

    def _with_commands(self, result: Result, stop: Callable[[], bool]) -> tuple[bool, Result]:
        """Carry out what is attached to the stops that have struck, up to the first move; whether there was one."""
        texts = [text for hit in self._hits for text in hit.stop.commands] if result.stops else []
        lines, answers = [result.text], []
        for text in texts:
            try:
                answer = self._once(text, stop)
            except BpdebugError as error:
                answer = Result("error", f"{text}: {error}", {"message": str(error)})
            lines.append(answer.text)
            if answer.type == "stop":
                return True, replace(answer, text="\n".join(lines[-100:]))
            answers.append({"command": text, "type": answer.type, **answer.data})
        return False, Result(result.type, "\n".join(lines), {**result.data, "commands": answers}) if texts else result

    def _move(self, move: Move, stop: Callable[[], bool]) -> Result:
        self.before, self._start = self.values(), self.position
        self.pending = move
        return self.resume(stop)

    def resume(self, stop: Callable[[], bool] = lambda: False) -> Result:
        """Go on with a move that was stopped early; :attr:`pending` tells whether there is one."""
        move = self.pending
        if move is None:
            raise BpdebugError("there is nothing to go on with")
        outcome = Outcome()
        if move.search:
            outcome = self._runner.backward(stop)
        elif move.jump or move.target < self.position.t:
            self.timeline.seek(move.target, stop)
        else:
            outcome = self._runner.forward(move.target, stop)
        self._hits = outcome.hits
        result = describe_stop(self.timeline, move, self._start, outcome)
        if result.data["reason"] != "interrupted":
            self.pending = None
        self.follow()
        self.displays.remember(self)
        shown = self.displayed()
        return replace(result, text="\n".join([result.text, *shown]), data={**result.data, **({"displays": shown} if shown else {})})

    def displayed(self) -> list[str]:
        """The displays with their values; one that cannot be computed now says so."""
        return self.displays.lines(self)

    def after_edit(self) -> None:
        """The future has changed."""
        self.trail.clear()
        self.follow()

    def stale(self) -> frozenset[str]:
        """The tensors of this update that were computed before something they depend on was edited."""
        position = self.position
        return stale(self.program, self.timeline.edits, position.update * position.stages, position.t)

    def place_of(self, t: int) -> str:
        """A clock as a location."""
        position = position_at(self.program, t)
        if position.stage:
            return f"{position.update}:{position.stage}"
        return "end" if position.at_end else f"update {position.update}" if t else "start"

    def follow(self) -> None:
        """Select a cell of the stage that has just run, in the row and column of the cell selected before."""
        self.operand = 0
        if self._goal:
            self.selected, self._goal = self._goal, None
            return
        values, name = self.timeline.machine.values(), self._to_follow()
        if name not in values:
            self.selected = None
            return
        old = self.selected[1] if self.selected else ()
        shape = values[name].shape
        self.selected = (name, tuple(min(place, length - 1) for place, length in zip((*old, 0, 0), shape, strict=False)))

    def _to_follow(self) -> str:
        """The tensor to look at: what has just been computed, also where that was the last stage of an update."""
        position = self.position
        if position.stage:
            return position.stage
        last = self.program.stages[-1].name
        return last if position.update and last in self.program.persistent else ""

    def select(self, name: str, index: Cell) -> None:
        """Put the cell cursor on a cell.

        Raises:
            BpdebugError: where there is no such cell.
        """
        self.explain(name, index)
        self.selected, self.operand = (name, index), 0

    def follow_origin(self, name: str | None = None, index: Cell = ()) -> int:
        """Select the cell to look at next on the way back to where a number comes from, and note the way.

        Args:
            name, index: the cell; by default the selected one, or where its stage has just run, its first operand.

        Returns:
            The clock from which it is seen.
        """
        if name is not None:
            given = self.explain(name, index)
            return self._leave_for((name, index), self.position.t if given.t is None else given.t)
        if self.selected is None:
            raise BpdebugError("no cell is selected")
        explained = self.explain(*self.selected)
        if explained.t not in (None, self.position.t):
            return self._leave_for(self.selected, explained.t or 0)
        if not explained.operands:
            raise BpdebugError(f"no stage has computed {explained.cell}. {explained.origin}")
        target = explained.operands[self.operand % len(explained.operands)]
        return self._leave_for(target, operand_origin(self.timeline, explained, target[0]))

    def _leave_for(self, target: tuple[str, Cell], clock: int) -> int:
        self.trail.append((self.position.t, self.selected))
        self._goal = target
        return clock

    def leave_origin(self) -> int:
        """Take the last origin back: select its cell again.

        Returns:
            The clock at which it was asked for.
        """
        if not self.trail:
            raise BpdebugError("there is nowhere to return to: Enter (origin) has not been used since")
        clock, self._goal = self.trail.pop()
        return clock

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
        return np.array(evaluate(formula, values, self.program.scenario.dtype))

    def explain(self, name: str, index: Cell) -> Explanation:
        """Where a cell's present value comes from."""
        return explain(self.timeline, name, index)

    def view(self) -> View:
        """The present moment as the panes see it, frozen."""
        explanation = self.explain(*self.selected) if self.selected else None
        view = make_view(self.timeline, self.before, self.selected, explanation)
        return replace(
            view,
            operand=self.operand,
            stale=self.stale(),
            marks=self._marks(),
            displays=tuple(self.displays.pictures(self)),
            bookmarks=dict(self.bookmarks),
        )

    def _marks(self) -> dict[str, bool]:
        """The stages after which a breakpoint stops, and whether one of them is enabled."""
        places: dict[str, bool] = {}
        for stop in self.stops.all.values():
            for done in stop.moments(self.program) - {0} if isinstance(stop, Breakpoint) else ():
                name = self.program.stages[done - 1].name
                places[name] = places.get(name, False) or stop.enabled
        return places
