"""What a file is compared with: the program as it is meant, and the values from which the update starts."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import field

import numpy as np

from bpdebug.core.description import Array, Debug, Scenario, Training
from bpdebug.core.evaluate import assigned
from bpdebug.core.layers import make_program
from bpdebug.core.network import Phase
from bpdebug.core.program import Program
from bpdebug.core.record import Record, replace
from bpdebug.core.schedule import Stage
from bpdebug.time.timeline import Timeline
from bpdebug.trust.digits import ROUNDINGS, Format, Printed
from bpdebug.trust.names import file_name

_NUDGE = 1e-8
_NUDGES = 4
_LITTLE, _UNEVEN = 0.01, 5.0
"""A second nudge, as a share of the first; and by which factor what follows from the two may differ from that share."""
Change = Callable[[str, Array], Array]
Moved = tuple[float, Array]
_NOTHING: Moved = (0.0, np.zeros(()))


class Scene(Record, eq=False):
    """One update, in double precision.

    Attributes:
        meant: a program for the scenario's batch; its derivatives are the derived ones, if its forward formulas are.
        update: its number.
        state: what it starts from: the batch ``x y m``, parameters, slots, constants.
        before: the same of the update before, or nothing.
        notes: which formulas count.
        previous: every tensor of a user's own update before, where he has shown it.
        printed: how what he has brought along from there was printed, by its name.
    """

    meant: Program
    update: int
    state: Mapping[str, Array]
    before: Mapping[str, Array]
    notes: tuple[str, ...]
    previous: Mapping[str, Array] = field(default_factory=dict)
    printed: Mapping[str, Format] = field(default_factory=dict)

    @property
    def rows(self) -> int:
        """The samples of the batch."""
        return len(self.state[self.meant.input])

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
    state = _state(timeline, update)
    kept = [stage for stage in program.stages if stage.edited]
    if own := " ".join(stage.name for stage in kept if stage.phase in (Phase.FORWARD, Phase.LOSS)):
        notes = [f"forward formulas were edited ({own}): the program counts as it stands; check tells whether it is right"]
    else:
        derived = [stage for stage in kept if stage.phase is Phase.BACKWARD]
        notes = [f"{s.name} has a formula of its own in this session ({s.formula.text}); the derived one counts" for s in derived]
        kept = [stage for stage in kept if stage not in derived]
    meant = _edited(make_program(_of_batch(program, state)), kept)
    return Scene(meant, update, state, _state(timeline, update - 1) if update else {}, tuple(notes))


def _state(timeline: Timeline, update: int) -> dict[str, Array]:
    """Copies of what an update starts from; constants as the scenario has them, not as single precision rounds them."""
    program = timeline.program
    with timeline.at(timeline.calendar.clock(update)) as machine:
        values = {name: np.array(value, np.float64) for name, value in machine.values().items()}
    exact = {name: np.array(number) for name, number in program.constants.items() if program.dtype.type(number) == values[name]}
    return values | exact


def _of_batch(program: Program, state: Mapping[str, Array]) -> Scenario:
    x, y = state[program.input], state[program.target]
    return replace(program.scenario, x=x, y=y, training=Training(1), precision="float64", formulas={}, values={}, debug=Debug())


def _edited(program: Program, stages: Iterable[Stage]) -> Program:
    """The program with the formulas of those stages that are the user's."""
    for stage in stages:
        program = program.with_formula(stage.name, stage.formula.text) if stage.edited else program
    return program


def rounding(program: Program, start: Mapping[str, Array], right: Mapping[str, Array], printed: Printed) -> dict[str, Array]:
    """How far each cell may be off for every relative error of 1 in a single rounding: a scenario that cancels large numbers has a right
    to it.

    The update runs a few times with every result nudged at random (Parker, "Monte Carlo Arithmetic" (1997)); where numbers were printed,
    also from what they may have been before.
    """

    def begun(nudge: Change) -> dict[str, Array]:
        return {name: nudge(name, value) for name, value in start.items()}

    by_rounding = _moved(lambda nudge: program.run(begun(nudge), change=nudge), right, program)
    spread = dict.fromkeys(right, _NOTHING)
    if printed.formats:
        spread = _moved(lambda nudge: program.run(begun(nudge)), right, printed)
    return {name: _together(printed, file_name(program, name), right[name], by_rounding[name], spread[name]) for name in right}


def sensitivity(program: Program, stage: Stage, values: Mapping[str, Array], result: Array, printed: Printed) -> Array:
    """The same for one stage whose operands have been rounded."""
    name, right = stage.name, {stage.name: result}

    def run(nudge: Change) -> dict[str, Array]:
        return {name: assigned(stage.formula, {operand: nudge(operand, values[operand]) for operand in stage.formula.names})}

    spread = _moved(run, right, printed)[name] if printed.formats else _NOTHING
    return _together(printed, file_name(program, name), result, _moved(run, right, program)[name], spread)


def _together(printed: Printed, name: str, right: Array, by_rounding: Moved, spread: Moved) -> Array:
    """Roundings and printing, in numbers of roundings; what jumps does so by itself, however many roundings there are."""
    jumps = np.maximum(by_rounding[1], spread[1]) / (ROUNDINGS * printed.eps)
    return np.asarray(printed.more * by_rounding[0] / _NUDGE + printed.roundings(name, right, 2 * spread[0]) + jumps)


def _moved(run: Callable[[Change], Mapping[str, Array]], right: Mapping[str, Array], by: Program | Printed) -> dict[str, Moved]:
    """How far tensors move when what is computed is nudged: the most of all cells that move in proportion to the nudge, and cell by cell
    what does not: a number at a corner falls on its other side."""
    most, jumps = dict.fromkeys(right, 0.0), {name: np.zeros(value.shape) for name, value in right.items()}
    for seed in range(_NUDGES):
        whole, little = (run(_nudging(by, seed, size)) for size in (1.0, _LITTLE))
        for name, value in right.items():
            far, near = np.abs(whole[name] - value), np.abs(little[name] - value)
            known = np.isfinite(far)
            even = known & (far >= near / _LITTLE / _UNEVEN) & (far <= near / _LITTLE * _UNEVEN)
            most[name] = max(most[name], float(np.max(far, initial=0.0, where=even)))
            jumps[name] = np.maximum(jumps[name], np.where(known & ~even, far, 0.0))
    return {name: (most[name], jumps[name]) for name in right}


def _nudging(by: Program | Printed, seed: int, size: float) -> Change:
    """A nudge of a size, in directions that are the same for every size."""
    generator = np.random.default_rng(seed)

    def nudge(name: str, value: Array) -> Array:
        moved = by.nudged(generator, name, value) if isinstance(by, Printed) else _nudged(by, generator, name, value)
        return moved if size == 1.0 else value + size * (moved - value)

    return nudge


def _nudged(program: Program, generator: np.random.Generator, name: str, value: Array) -> Array:
    """The value with a relative error, if it is one that is computed or measured."""
    exact = name in (program.target, "m") or name in program.constants
    return value if exact else value * (1 + _NUDGE * generator.standard_normal(value.shape))
