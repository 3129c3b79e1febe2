"""What a file is compared with: the program as it is meant, and the values from which the update starts."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import field

import numpy as np

from bpdebug.core.description import Array, Debug, Scenario, Training, Values
from bpdebug.core.layers import make_program
from bpdebug.core.network import Phase
from bpdebug.core.program import Program
from bpdebug.core.record import Record, replace
from bpdebug.core.schedule import Stage
from bpdebug.time.timeline import Timeline
from bpdebug.trust.digits import Format

_NEARLY = 0.02
"""Numbers that are as close as this to the scenario's, relative to the largest, are those in fewer digits."""


class Scene(Record, eq=False):
    """One update, in double precision.

    Attributes:
        meant: a program for the scenario's batch; its derivatives are the derived ones, if its forward formulas are.
        update: its number.
        state: what it starts from: the batch ``x y m``, parameters, slots, constants.
        before: the same of the update before, or nothing.
        notes: which formulas count.
        previous: every tensor of a user's own update before, where he has shown it.
        earlier: the right gradients of his updates before, from the first file on.
        printed: how what he has brought along from there was printed, by its name.
    """

    meant: Program
    update: int
    state: Values
    before: Values
    notes: tuple[str, ...]
    previous: Values = field(default_factory=dict)
    earlier: tuple[Values, ...] = ()
    printed: Mapping[str, Format] = {}

    @property
    def rows(self) -> int:
        """The samples of the batch."""
        return int(self.state["m"])

    def program(self, rows: int) -> Program:
        """The program for a batch of another size."""
        if rows == self.rows:
            return self.meant
        batch = {name: np.resize(self.state[name], (rows, *self.state[name].shape[1:])) for name in self.meant.data}
        return _edited(make_program(_of_batch(self.meant, batch)), self.meant.stages)


def scene_of(timeline: Timeline, ahead: int = 0) -> Scene:
    """The present update of a timeline, which stays where it is (at the end of training, the last update), or one that follows.

    A formula of the forward pass, of the loss or of the optimizer that is the user's says what he wants; one of the backward pass
    is somebody's derivation, and the derived one counts. But no derivation is known to us for forward formulas of the user's.
    """
    program = timeline.program
    update = min(timeline.position.update + ahead, program.updates - 1)
    state = state_at(timeline, update)
    kept = [stage for stage in program.stages if stage.edited]
    if own := " ".join(stage.name for stage in kept if stage.phase in (Phase.FORWARD, Phase.LOSS)):
        notes = [f"forward formulas were edited ({own}): the program counts as it stands; check tells whether it is right"]
    else:
        derived = [stage for stage in kept if stage.phase is Phase.BACKWARD]
        notes = [f"{s.name} has a formula of its own in this session ({s.formula.text}); the derived one counts" for s in derived]
        kept = [stage for stage in kept if stage not in derived]
    meant = _edited(make_program(_of_batch(program, state)), kept)
    return Scene(meant, update, state, state_at(timeline, update - 1) if update else {}, tuple(notes))


def state_at(timeline: Timeline, update: int) -> dict[str, Array]:
    """Copies of what an update starts from; constants as the scenario has them, not as single precision rounds them."""
    program = timeline.program
    with timeline.at(timeline.calendar.clock(update)) as machine:
        values = {name: np.array(value, np.float64 if value.dtype.kind == "f" else None) for name, value in machine.values().items()}
    exact = {name: np.array(number) for name, number in program.constants.items() if program.dtype.type(number) == values[name]}
    return values | exact


def _of_batch(program: Program, state: Values) -> Scenario:
    x, y = state.get(program.input, program.scenario.x), state.get(program.target, program.scenario.y)
    return replace(program.scenario, x=x, y=y, training=Training(1), precision="float64", formulas={}, values={}, debug=Debug())


def _edited(program: Program, stages: Iterable[Stage]) -> Program:
    """The program with the formulas of those stages that are the user's."""
    for stage in stages:
        program = program.with_formula(stage.name, stage.formula.text) if stage.edited else program
    return program


def typed(scene: Scene, given: Values) -> list[str]:
    """What somebody may have typed with few digits: no slots and later parameters, which updates have computed, no constants, of which a
    small one may be printed as 0, and nothing that is nearly what the scenario has."""
    typed = [*scene.meant.data, *scene.meant.parameters] if not scene.update else [*scene.meant.data]
    return [name for name in typed if name in given and not _nearly(given[name], scene.state[name])]


def _nearly(array: Array, state: Array) -> bool:
    if array.shape != state.shape or not array.size or np.array_equal(array, state):
        return False
    return float(np.abs(array - state).max()) <= _NEARLY * float(np.abs(state).max())
