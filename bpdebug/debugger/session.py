"""A debugging session: one scenario, one moment, and commands."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from bpdebug.debugger.commands import find_command
from bpdebug.debugger.explanation import Explanation, explain, not_there
from bpdebug.debugger.moves import Move, describe_stop
from bpdebug.debugger.position import Position
from bpdebug.debugger.results import Result
from bpdebug.debugger.timeline import DEFAULT_BUDGET, Timeline
from bpdebug.debugger.view import View, make_view
from bpdebug.engine.cells import Cell
from bpdebug.engine.description import Array, Scenario
from bpdebug.engine.errors import BpdebugError
from bpdebug.engine.evaluate import evaluate
from bpdebug.engine.program import Program, make_program
from bpdebug.engine.shapes import infer


class Session:
    """What the app, the command line and a test harness drive, all with the same commands.

    Args:
        scenario: from :func:`bpdebug.load_scenario`, or built by hand.
        budget: bytes for checkpoints.

    Raises:
        SetupError: where the scenario contradicts itself.
    """

    def __init__(self, scenario: Scenario, budget: int = DEFAULT_BUDGET) -> None:
        self.timeline = Timeline(make_program(scenario), budget)
        self.before: dict[str, Array] = self.values()

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
        command, arguments = find_command(text)
        answer = command.run(self, arguments)
        return self._move(answer, stop) if isinstance(answer, Move) else answer

    def _move(self, move: Move, stop: Callable[[], bool]) -> Result:
        before = self.values()
        start = self.position
        hit = False
        if move.target >= start.t and not move.jump:
            hit = self.timeline.run(move.target, stop)
        else:
            self.timeline.seek(move.target)
        self.before = before
        return describe_stop(self.timeline, move, start, hit)

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
        return make_view(self.timeline, self.before)
