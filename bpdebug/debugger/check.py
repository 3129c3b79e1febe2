"""The gradient check: every derivative of an update against central differences of the loss.

Each tensor that has a derivative stage, intermediate ones too, is nudged cell by cell, and what is downstream of it runs again
with the program's own forward formulas. The first wrong stage in backward order is the culprit; those after it inherit its error
(Goodfellow et al., "Deep Learning" (2016), section 11.5; CS231n, "Gradient checks").
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from bpdebug.debugger.timeline import Timeline
from bpdebug.engine.cells import Cell
from bpdebug.engine.description import Array
from bpdebug.engine.machine import Machine
from bpdebug.engine.network import Phase
from bpdebug.engine.program import Program
from bpdebug.engine.schedule import Stage

STEP = 1e-5
MOST_CELLS = 400
"""Cells of one tensor that are nudged; of a larger one a sample is, which is said."""
_GOOD, _WRONG = 1e-6, 1e-4
_NOISE = 1e-9
"""What rounding leaves of a difference quotient, relative to the loss: 2e-16 / 1e-5, with room to spare."""


@dataclass(frozen=True)
class Verdict:
    """What the check says of one stage.

    Attributes:
        stage: the derivative stage.
        status: ``good``, ``wrong``, ``unsure`` (between the two), ``kink`` (wrong only where the loss has a corner), ``noise`` (too small
            for differences to tell).
        error: the largest relative error; where it is, what the stage says there, and what the differences say.
        cells, checked: how many cells the tensor has, and how many were nudged.
        kinks: cells at which the slopes to the left and to the right differ.
    """

    stage: Stage
    status: str
    error: float
    cell: Cell
    ours: float
    numeric: float
    cells: int
    checked: int
    kinks: int


def check(timeline: Timeline, only: str = "") -> list[Verdict]:
    """Check the derivatives of the present update, in backward order.

    Args:
        timeline: where we are; it stays there.
        only: one derivative stage's name, or "" for all.
    """
    probe = _Probe(timeline)
    stages = [s for s in probe.program.stages if s.of and "@" not in s.name and only in ("", s.name)]
    with np.errstate(all="ignore"):
        return [probe.verdict(stage) for stage in stages]


def culprit(verdicts: list[Verdict]) -> Verdict | None:
    """The first wrong stage, or None."""
    return next((verdict for verdict in verdicts if verdict.status == "wrong"), None)


@dataclass(frozen=True)
class _Compared:
    """One cell: what the stage says, what the differences say, the relative error, what of it rounding does not explain, and
    whether that is because the loss has a corner there."""

    cell: Cell
    ours: float
    numeric: float
    error: float
    excess: float
    corner: bool


class _Probe:
    """A machine of its own, in double precision, that has computed the present update up to its gradients."""

    def __init__(self, timeline: Timeline) -> None:
        program = timeline.program
        self.program: Program = replace(program, scenario=replace(program.scenario, precision="float64"))
        here, length = timeline.clock, len(program.stages)
        update = min(here // length, program.scenario.updates - 1)
        timeline.seek(update * length)
        state = timeline.machine.persistent_flat.astype(np.float64)
        timeline.seek(here)
        self.machine = Machine(self.program)
        self.machine.start(update, state)
        self.last = self.program.index["loss"]
        while self.program.stages[self.machine.done].phase is not Phase.UPDATE:
            self.machine.step()
        self.values: dict[str, Array] = {name: value.copy() for name, value in self.machine.values().items()}
        self.loss = float(self.values["loss"])

    def _run(self, tensor: str) -> float:
        """The loss after everything downstream of a tensor has run again."""
        first = -1 if tensor in self.program.persistent else self.program.index[tensor]
        routines: list[Any] = self.machine.routines()
        for routine in routines[first + 1 : self.last + 1]:
            routine()
        return float(self.machine.buffer("loss"))

    def _nudged(self, tensor: str, cell: Cell, by: float) -> float:
        buffer = self.machine.buffer(tensor)
        buffer[cell] = self.values[tensor][cell] + by
        loss = self._run(tensor)
        buffer[cell] = self.values[tensor][cell]
        return loss

    def verdict(self, stage: Stage) -> Verdict:
        """Nudge every cell (or a sample) of the tensor that a stage is the derivative of."""
        ours = self.values[stage.name]
        places = [tuple(int(i) for i in np.unravel_index(flat, ours.shape)) for flat in _sample(ours.size)]
        found = [self._compare(stage, place) for place in places]
        self._run(stage.of)
        worst = max(found, key=lambda one: (not one.corner, one.excess, one.error))
        kinks = sum(one.corner for one in found)
        status = self._status(found)
        return Verdict(stage, status, worst.error, worst.cell, worst.ours, worst.numeric, ours.size, len(places), kinks)

    def _compare(self, stage: Stage, cell: Cell) -> _Compared:
        up, down = self._nudged(stage.of, cell, STEP), self._nudged(stage.of, cell, -STEP)
        numeric, ours = (up - down) / (2 * STEP), float(self.values[stage.name][cell])
        size, distance = max(abs(numeric), abs(ours)), abs(ours - numeric)
        error, excess = (distance / size, max(distance - self._floor, 0.0) / size) if size else (0.0, 0.0)
        if not np.isfinite(distance):
            error = excess = np.inf
        right, left = (up - self.loss) / STEP, (self.loss - down) / STEP
        corner = abs(right - left) > 0.01 * max(abs(right), abs(left)) + 1e-4 * max(abs(self.loss), 1.0)
        return _Compared(cell, ours, numeric, error, excess, excess > _GOOD and corner)

    @property
    def _floor(self) -> float:
        return _NOISE * max(abs(self.loss), 1.0)

    def _status(self, found: list[_Compared]) -> str:
        excess = max((one.excess for one in found if not one.corner), default=0.0)
        if excess > _GOOD:
            return "wrong" if excess > _WRONG else "unsure"
        if any(one.corner for one in found):
            return "kink"
        return "noise" if 0 < max(abs(one.numeric) for one in found) < 10 * self._floor else "good"


def _sample(size: int) -> Array:
    """Which cells are nudged: all, or a fixed sample of a large tensor."""
    if size <= MOST_CELLS:
        return np.arange(size)
    return np.sort(np.random.default_rng(0).choice(size, MOST_CELLS, replace=False))
