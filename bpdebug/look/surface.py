"""What the network answers with the present parameters: over the plane or line of its inputs, and for the samples.

The answers come from the program's own forward stages, run on other inputs, so that a formula of the user's shows its effect.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cached_property, lru_cache
from math import isqrt
from operator import is_not
from typing import cast

import numpy as np

from bpdebug.core.description import Array, Values
from bpdebug.core.errors import FormulaError, SetupError
from bpdebug.core.evaluate import evaluate
from bpdebug.core.machine import Machine
from bpdebug.core.network import Phase
from bpdebug.core.parser import Formula
from bpdebug.core.program import Program
from bpdebug.core.record import Record
from bpdebug.core.tree import Binary, Name, Tree, names, walk
from bpdebug.look.answer import Answer, answer_of, reached
from bpdebug.look.aside import work_of
from bpdebug.time.parts import activation_of
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
        prediction: what the network answers with, a tensor or a formula.
        task: ``binary`` (one output on either side of ``middle``), ``classes`` (the largest output wins) or ``numbers``.
        labels: the names of the outputs; for ``binary`` of its two sides, the lower first.
        middle: what separates the two sides; for ``numbers``, the middle of what occurs.
        reach: how far from the middle the outputs go.
        samples: which rows of the data were asked, all where they are not too many; those of the present batch first.
        x, y: their inputs and targets.
        outputs: what the network answers to them, (samples, outputs).
        inputs: what the inputs are called.
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
    inputs: tuple[str, ...] = ()
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
    def shares(self) -> bool:
        """Whether each sample's outputs are shares of 1, as probabilities are."""
        return bool((self.outputs >= 0).all() and np.allclose(self.outputs.sum(axis=1), 1))

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
    """The answers with the present parameters; the present stays what it is.

    Raises:
        SetupError: where the program has no answer that can be told.
    """
    machine, program = timeline.machine, timeline.program
    answer = answer_of(program)
    if isinstance(answer, str):
        raise SetupError(answer)
    chosen = _chosen(machine)
    given = {name: np.asarray(data[chosen], program.kind(name)) for name, data in program.data.items()}
    outputs, y = (_found(machine, given, tree) for tree in (answer.value, answer.target))
    x = given.get(program.input, np.empty((len(chosen), 0))).reshape(len(chosen), -1)
    if answer.places:
        outputs, y = outputs.reshape(-1, outputs.shape[-1]), np.eye(outputs.shape[-1])[y.reshape(-1).astype(int)]
        chosen, x = (np.repeat(part, len(y) // len(chosen), axis=0) for part in (chosen, x))
    outputs, y = (np.asarray(part, program.dtype).reshape(len(chosen), -1) for part in (outputs, y))
    every = program.data[program.target] if answer.target == Name(program.target) and not answer.places else y
    task, labels = _task(program, answer, every.reshape(len(every), -1))
    axes, grid = _axes(program, answer), np.empty(0)
    if axes:
        points = np.stack(np.meshgrid(*axes), axis=-1)
        given = _at(program, points.reshape(-1, len(axes)).astype(program.dtype))
        found = _found(machine, given, answer.value).reshape(points[..., 0].size, -1)
        grid = np.ascontiguousarray(found.T).reshape(-1, *points.shape[:-1])
    shown = np.concatenate([every.ravel(), outputs.ravel(), grid.ravel()])
    finite = shown[np.isfinite(shown)]
    low, high = (float(finite.min()), float(finite.max())) if finite.size else (0.0, 1.0)
    if task == "binary" and answer.score:
        high = float(np.abs(finite).max(initial=1.0))
        low = -high
    elif task == "binary":
        low, high = (0.0 if labels[0] == "0" else -1.0), 1.0
    inputs = program.inputs or tuple(f"{program.input}[:,{column}]" for column in range(x.shape[1]))
    middle, reach = low / 2 + high / 2, (high / 2 - low / 2) or 1.0
    return Surface(answer.text, task, labels, middle, reach, chosen, x, y, outputs, inputs, axes, grid if axes else None)


class SurfaceLog:
    """The last answers, worked out anew only where parameters, formulas or data may be others."""

    def __init__(self) -> None:
        self._known: tuple[tuple[int, int], tuple[object, ...], Surface] | None = None

    def surface(self, timeline: Timeline, of: Callable[[Timeline], Surface] = surface_of) -> Surface | None:
        """The answers with the present parameters, or another surface; None of a program whose answers cannot be told."""
        if of is surface_of and isinstance(answer_of(timeline.program), str):
            return None
        program, position = timeline.program, timeline.position
        first = min((program.index[name] for name in program.persistent if name in program.index), default=0)
        made_of, moment, known = (program, of, *timeline.edits), (position.update, max(position.done - first, 0)), self._known
        if not known or known[0] != moment or len(known[1]) != len(made_of) or any(map(is_not, known[1], made_of)):
            self._known = known = moment, made_of, of(timeline)
        return known[2]


def _task(program: Program, answer: Answer, y: Array) -> tuple[str, tuple[str, ...]]:
    """What the targets ask for, and the labels: see :class:`Surface`."""
    labels, made = program.outputs or tuple(map(str, range(y.shape[1]))), answer.value
    made = program.stage(made.name).formula.tree if isinstance(made, Name) else made
    bent = (activation_of(made) or ("",))[0]
    for low in ((-1.0, 0.0) if bent == "tanh" else (0.0, -1.0)) if y.shape[1] == 1 else ():
        two = (np.abs(y - low) < _NEAR) | (np.abs(y - 1) < _NEAR)
        if two.all() and (answer.score or bent in ("sigmoid", "tanh") or np.ptp(y) > _NEAR):
            return "binary", (f"{low:g}".replace("-", "−"), "1")
    one_hot = ((np.abs(y) < _NEAR) | (np.abs(y - 1) < _NEAR)).all() and ((y > 0.5).sum(axis=1) == 1).all()
    return ("classes" if one_hot and y.shape[1] > 1 else "numbers"), labels


def _found(machine: Machine, given: Values, tree: Tree) -> Array:
    """What a formula over the forward pass is with the present parameters for these inputs, with targets where it reads them."""
    program, formula = machine.program, Formula.of(tree)
    values = {"m": np.array(machine.batches.size(machine.update), program.dtype)} | machine.persistent | dict(program.fixed) | dict(given)
    values |= program.evaluated(len(next(iter(given.values()), np.empty(1))), values)
    ends = [program.index[name] + 1 for name in formula.names if name in program.index and name not in program.persistent]
    return np.asarray(evaluate(formula, values | program.run(values, max(ends, default=0))))


def _at(program: Program, points: Array) -> dict[str, Array]:
    """What is given where the inputs are these points; targets, which no answer there reads, are some."""
    given = {name: np.resize(data, (len(points), *data.shape[1:])).astype(program.kind(name)) for name, data in program.data.items()}
    return given | {program.input: points.reshape(given[program.input].shape)}


def _cost(program: Program) -> int:
    """Multiplications for the answer to one sample, roughly."""
    rows = program.batches.largest
    sizes = {name: np.broadcast_to(0.0, shape) for name, shape in program.shapes(rows).items()}
    return max(int(sum(work_of(stage, sizes) for stage in program.stages[: program.end_of(Phase.FORWARD)]) / rows), 1)


def _chosen(machine: Machine) -> Array:
    """The samples to ask: all, or where they are too many the present batch and others evenly spaced; where samples are answered
    together, the present batch."""
    total, own = machine.batches.total, machine.samples
    room = min(max(_WORK // _cost(machine.program), 16), MOST_SAMPLES)
    if not by_sample(machine.program):
        return own
    if total <= room:
        return np.arange(total)
    batch = own[:room]
    spread = np.linspace(0, total - 1, max(room - len(batch), 1)).astype(int)
    return np.concatenate([batch, np.setdiff1d(spread, batch)])[:room]


@lru_cache(8)
def by_sample(program: Program) -> bool:
    """Whether each sample is answered by itself, wherever in the batch it stands: not so by the batch's own mean, or with a given mask for
    each sample. It is tried, with the same sample in all places."""
    if program.layers or not program.input:
        return True
    rows, generator = max(program.batches.largest, 3 if program.network.generic else 1), np.random.default_rng(23)
    given = _at(program, np.resize(program.batch(0)[program.input], (rows, *program.data[program.input].shape[1:])))
    x, answer = given[program.input], answer_of(program)
    if x.dtype.kind == "f":
        given[program.input] = x = x + generator.standard_normal(x.shape)
    drawn = {name: value + generator.standard_normal(value.shape) * (name in program.parameters) for name, value in program.initial.items()}
    values = drawn | dict(program.fixed) | {"m": np.array(float(rows))} | given
    values |= program.evaluated(rows, values)
    upto, formula = program.end_of(Phase.LOSS), Formula.of(cast(Answer, answer).value)
    tried = (values, values | {program.input: np.repeat(x[:1], rows, axis=0)})
    try:
        alone, alike = (np.asarray(evaluate(formula, made | program.run(made, upto))) for made in tried)
    except FormulaError:  # other numbers do not fit
        return False
    return rows > 1 and bool(np.allclose(alike, alike[:1], equal_nan=True) and np.allclose(alone[0], alike[0], equal_nan=True))


def _moves(program: Program, x: Array) -> bool:
    """Whether inputs may be any numbers between those of the data: whole ones that are only counted with, and pick no cells."""
    parents = (node for stage in program.stages for node in walk(stage.formula.tree) if Name(program.input) in node.children())
    return x.dtype.kind == "f" or all(isinstance(node, Binary) and node.operator in "+-*/@" for node in parents)


def _axes(program: Program, answer: Answer) -> tuple[Array, ...]:
    """The grid's values of each input, from a little below the data to a little above."""
    x = program.data.get(program.input, np.empty((0, 0)))
    count, read = x[:1].size, reached(program, {program.target})
    if not 1 <= count <= 2 or not _moves(program, x) or read.intersection(names(answer.value)):
        return ()
    if not (program.layers or (program.network.generic and by_sample(program))):
        return ()
    room = _WORK // _cost(program)
    points = min(max(room, 33), 257) if count == 1 else min(max(isqrt(room), 9), 65)
    axes: list[Array] = []
    for values in x.reshape(len(x), -1).T:
        low, high = float(values.min()), float(values.max())
        margin = _MARGIN * (high - low) or max(0.5 * abs(low), 1.0)
        axes.append(np.linspace(low - margin, high + margin, points))
    return tuple(axes)
