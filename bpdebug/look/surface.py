"""What the network answers with the present parameters: over the plane or line of its inputs, and for the samples.

The answers come from the program's own forward stages, run on other inputs, so that a formula of the user's shows its effect.
"""

from __future__ import annotations

from functools import cached_property
from itertools import pairwise
from math import isqrt
from operator import is_not

import numpy as np

from bpdebug.core.description import Array
from bpdebug.core.machine import Machine
from bpdebug.core.program import Program
from bpdebug.core.record import Record
from bpdebug.time.timeline import Timeline

MOST_SAMPLES = 512
_WORK = 20_000_000
"""Multiplications that the answers to one picture may take."""
_MARGIN = 0.15
"""How far the picture goes beyond the data, as a share of its range."""
_NEAR = 0.1
"""A target that near to 0 or 1 stands for a class."""
_TIE = 64
"""Outputs are equal where so many units of rounding are between them."""


class Surface(Record, eq=False):
    """Answers.

    Attributes:
        prediction: the tensor that the network answers with.
        task: ``binary`` (one output on either side of ``middle``), ``classes`` (the largest output wins) or ``numbers``.
        labels: the names of the outputs; for ``binary`` of its two sides, the lower first.
        middle: what separates the two sides; for ``numbers``, the middle of what occurs.
        reach: how far from the middle the outputs go.
        samples: which rows of the data were asked, all where they are not too many; those of the present batch first.
        x, y: their inputs and targets.
        outputs: what the network answers to them, (samples, outputs).
        axes: the grid's values of each input; none where there are more than two inputs.
        grid: what the network answers there: (outputs, values of the input) or (outputs, values of the second, values of the first);
            None where there is no grid, or a formula of the user's reads the targets, which are known at the samples only.
    """

    prediction: str
    task: str
    labels: tuple[str, ...]
    middle: float
    reach: float
    samples: Array
    x: Array
    y: Array
    outputs: Array
    axes: tuple[Array, ...] = ()
    grid: Array | None = None

    @cached_property
    def error(self) -> Array:
        """How far each sample's answer is from its target: the largest distance of its outputs."""
        distance: Array = np.abs(self.outputs - self.y).max(axis=1, initial=0.0)
        return distance

    @cached_property
    def mean_error(self) -> float:
        """The mean distance of an output from its target."""
        return float(np.abs(self.outputs - self.y).mean())

    @cached_property
    def worst(self) -> Array:
        """The places of the samples, the one that is furthest off first."""
        return np.argsort(-np.nan_to_num(self.error, nan=np.inf), kind="stable")

    @cached_property
    def decided(self) -> Array:
        """The place of each answer's label; for ``numbers`` all 0."""
        return self.decide(self.outputs)

    @cached_property
    def wanted(self) -> Array:
        """The place of each target's label."""
        return self.decide(self.y)

    @cached_property
    def right(self) -> Array | None:
        """Which samples are on the right side; for ``numbers`` there are no sides."""
        return None if self.task == "numbers" else np.asarray((self.decided == self.wanted) & self.told)

    @cached_property
    def told(self) -> Array:
        """Which samples' answers stand for a label: they are finite, and no tie within rounding."""
        ordered = np.sort(self.outputs, axis=1)
        beside = self.middle if self.task == "binary" else ordered[:, -2] if self.task == "classes" else np.inf
        near = np.abs(ordered[:, -1] - beside) <= _TIE * np.finfo(self.outputs.dtype).eps * np.abs(beside)
        return np.asarray(np.isfinite(self.outputs).all(axis=1) & ~near)

    @cached_property
    def confusion(self) -> Array:
        """How often each answer was given to the samples of each label: (labels, labels), without those that stand for none."""
        counts = np.zeros((len(self.labels), len(self.labels)), int)
        np.add.at(counts, (self.wanted[self.told], self.decided[self.told]), 1)
        return counts

    def decide(self, outputs: Array) -> Array:
        """The place of the label that outputs (in the last axis) stand for."""
        if self.task == "classes":
            return np.asarray(np.argmax(outputs, axis=-1))
        return np.asarray((outputs[..., 0] > self.middle) & (self.task == "binary"), int)


def surface_of(timeline: Timeline) -> Surface:
    """The answers with the present parameters; the present stays what it is."""
    machine, program = timeline.machine, timeline.program
    chosen = _chosen(machine)
    given = {name: np.asarray(data[chosen], program.dtype) for name, data in program.data.items()}
    task, labels = task_of(program)
    outputs, axes, grid = answers(machine, given), _axes(program), None
    shown = [program.data[program.target], outputs]
    if axes:
        points = np.stack(np.meshgrid(*axes), axis=-1)
        found = answers(machine, {program.input: points.reshape(-1, len(axes)).astype(program.dtype)})
        grid = np.ascontiguousarray(found.T).reshape(-1, *points.shape[:-1])
        shown.append(grid)
    finite = np.concatenate([part[np.isfinite(part)] for part in shown])
    low, high = (float(finite.min()), float(finite.max())) if finite.size else (0.0, 1.0)
    if task == "binary":
        low, high = (0.0 if labels[0] == "0" else -1.0), 1.0
    middle, reach = low / 2 + high / 2, (high / 2 - low / 2) or 1.0
    x, y = given[program.input], given[program.target]
    return Surface(program.prediction, task, labels, middle, reach, chosen, x, y, outputs, axes, grid)


class SurfaceLog:
    """The last answers, worked out anew only where parameters, formulas or data may be others."""

    def __init__(self) -> None:
        self._known: tuple[tuple[int, int], tuple[object, ...], Surface] | None = None

    def surface(self, timeline: Timeline) -> Surface | None:
        """The answers with the present parameters; None of a program that has no answers."""
        if not timeline.program.prediction:
            return None
        program, position = timeline.program, timeline.position
        first = min((program.index[name] for name in program.persistent if name in program.index), default=0)
        made_of, moment, known = (program, *timeline.edits), (position.update, max(position.done - first, 0)), self._known
        if not known or known[0] != moment or len(known[1]) != len(made_of) or any(map(is_not, known[1], made_of)):
            self._known = known = moment, made_of, surface_of(timeline)
        return known[2]


def task_of(program: Program) -> tuple[str, tuple[str, ...]]:
    """What the targets ask for, and the labels: see :class:`Surface`."""
    y, last = program.data[program.target], program.layers[-1].layer
    names = program.outputs or tuple(map(str, range(y.shape[1])))
    lows = (-1.0, 0.0) if last.activation == "tanh" else (0.0, -1.0)
    for low in lows if y.shape[1] == 1 else ():
        two = (np.abs(y - low) < _NEAR) | (np.abs(y - 1) < _NEAR)
        if two.all() and (last.activation in ("sigmoid", "tanh") or np.ptp(y) > _NEAR):
            return "binary", (f"{low:g}".replace("-", "−"), "1")
    one_hot = ((np.abs(y) < _NEAR) | (np.abs(y - 1) < _NEAR)).all() and ((y > 0.5).sum(axis=1) == 1).all()
    return ("classes" if one_hot and y.shape[1] > 1 else "numbers"), names


def answers(machine: Machine, given: dict[str, Array]) -> Array:
    """What the present parameters answer to these inputs, with targets where the user's formulas read it."""
    program = machine.program
    values = {"m": np.array(machine.batches.size(machine.update), program.dtype)} | machine.persistent | given
    return program.run(values, program.index[program.prediction] + 1)[program.prediction]


def _cost(program: Program) -> int:
    """Multiplications for one sample, roughly; a function value counts for twenty."""
    widths = [len(program.inputs), *(names.layer.units for names in program.layers)]
    return sum(before * after + 20 * after for before, after in pairwise(widths))


def _chosen(machine: Machine) -> Array:
    """The samples to ask: all, or where they are too many the present batch and others evenly spaced."""
    total = machine.batches.total
    room = min(max(_WORK // _cost(machine.program), 16), MOST_SAMPLES)
    if total <= room:
        return np.arange(total)
    batch = machine.batches.samples(machine.update)[:room]
    spread = np.linspace(0, total - 1, max(room - len(batch), 1)).astype(int)
    return np.concatenate([batch, np.setdiff1d(spread, batch)])[:room]


def _axes(program: Program) -> tuple[Array, ...]:
    """The grid's values of each input, from a little below the data to a little above."""
    count = len(program.inputs)
    if count > 2 or any(program.target in stage.formula.names for stage in program.stages[: program.index[program.prediction] + 1]):
        return ()
    room = _WORK // _cost(program)
    points = min(max(room, 33), 257) if count == 1 else min(max(isqrt(room), 9), 65)
    axes: list[Array] = []
    for values in program.data[program.input].T:
        low, high = float(values.min()), float(values.max())
        margin = _MARGIN * (high - low) or max(0.5 * abs(low), 1.0)
        axes.append(np.linspace(low - margin, high + margin, points))
    return tuple(axes)
