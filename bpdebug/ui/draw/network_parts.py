"""What the pictures of the network show at a moment: the tensor of each layer and of the edges between two, and what is chosen."""

from __future__ import annotations

from collections.abc import Iterable
from functools import cached_property
from math import prod

import numpy as np

from bpdebug.core.cells import Cell, NamedCell
from bpdebug.core.network import LayerNames, Phase
from bpdebug.core.numbers import brief
from bpdebug.core.program import Program
from bpdebug.core.record import Record
from bpdebug.core.tensors import Array, Role
from bpdebug.core.tree import Binary, Call, Name, Transpose, Tree
from bpdebug.look.once import once
from bpdebug.session.view import View
from bpdebug.ui.draw.layers import ANSWERS, BIAS, OUTPUT, TARGET, WEIGHT, is_gradient, is_past, made_of, part_of, values_in
from bpdebug.ui.draw.roles import HEAT_STEPS
from bpdebug.ui.draw.scales import decades

_SAMPLED = 32
"""Rows of a batch whose given numbers are looked at for their width."""


class Scene(Record, eq=False):
    """A view as the network's pictures see it.

    Attributes:
        view: the moment.
    """

    view: View

    @cached_property
    def program(self) -> Program:
        """The stages."""
        return self.view.program

    @cached_property
    def backward(self) -> bool:
        """Whether what comes back is shown: from the backward phase on, to the end of the update."""
        return self.view.position.phase in (Phase.BACKWARD, Phase.UPDATE) and self.view.position.done > 0

    @cached_property
    def name(self) -> str:
        """The selected tensor, or ""."""
        return self.view.name

    def one(self, name: str) -> tuple[int, ...]:
        """The shape of what a tensor has for one sample, the axis of the samples being 1 long."""
        axis = self.program.tensors[name].batch_axis
        return tuple(1 if place == axis else length for place, length in enumerate(self.view.tensors[name].shape))

    def unit_cell(self, name: str, unit: int) -> Cell:
        """The cell of a number, counted from 0, of what a tensor has for the sample in sight."""
        axis, shape = self.program.tensors[name].batch_axis, self.view.tensors[name].shape
        places = enumerate(np.unravel_index(unit, self.one(name)))
        return tuple(min(self.view.sample, shape[at] - 1) if at == axis else int(place) for at, place in places)

    def levels(self, name: str, values: Array, scale: tuple[float, float]) -> Array:
        """The heat of numbers with their signs: of a gradient by their powers of ten on a scale, of any other tensor beside its largest
        number; beyond the steps of heat for what is not finite."""
        values = np.asarray(values, float)  # truth values have no sign
        with np.errstate(all="ignore"):
            shares = np.abs(values) / largest(values_in(self.view, name))
            if is_gradient(self.program, name):
                shares = np.maximum((np.log10(np.abs(values)) - scale[0]) / (scale[1] - scale[0]), 1 / HEAT_STEPS) * (values != 0)
            levels = np.sign(values) * np.rint(HEAT_STEPS * np.minimum(np.nan_to_num(shares), 1))
        return np.where(np.isfinite(values), levels, HEAT_STEPS + 1).astype(int)

    def scale(self, names: Iterable[str]) -> tuple[float, float]:
        """The powers of ten at the ends of the scale that the gradients among some tensors have in common."""
        found = (self.view.tensors.get(name) for name in names if is_gradient(self.program, name))
        return decades(np.array([norm(values) for values in found if values is not None]))


class Parts(Scene, eq=False):
    """A view as the picture of neurons sees it. Layer 0 is the input; the edges of layer k lead into it."""

    @cached_property
    def depth(self) -> int:
        """How many layers there are, without the input."""
        return len(self.program.layers)

    def names(self, layer: int) -> LayerNames:
        """The tensors of a layer."""
        return self.program.layers[layer - 1]

    def widest(self, name: str, room: int) -> int:
        """Columns that given numbers, which may have so many, need."""
        values = values_in(self.view, name)
        return 0 if values is None else max(len(brief(float(value), room)) for value in values[:_SAMPLED].ravel())

    @cached_property
    def direction(self) -> int:
        """Which way the numbers go: 1 forward, -1 back, 0 where the weights are changed."""
        if not self.view.position.done:
            return 1
        return {Phase.BACKWARD: -1, Phase.UPDATE: 0}.get(Phase(self.view.position.phase), 1)

    @cached_property
    def selected(self) -> tuple[str, int, Cell]:
        """What part of which layer the selected tensor is, and its cell; the part is "" where nothing is selected."""
        return (*part_of(self.program, self.name), self.view.selected[1] if self.view.selected else ())

    @cached_property
    def gradient_selected(self) -> bool:
        """Whether the selected cell is that of a gradient."""
        return is_gradient(self.program, self.name)

    @cached_property
    def stage(self) -> tuple[str, int]:
        """What part of which layer the stage that has just run has computed; the loss is the target's."""
        name = self.view.position.stage or ""
        return (TARGET, self.depth) if name and self.view.position.phase == Phase.LOSS else part_of(self.program, name)

    @cached_property
    def given_by_sample(self) -> float | None:
        """What the sample in sight gives to the selected cell, if that is a plain sum over the samples; else None."""
        if self.selected[0] not in (WEIGHT, BIAS) or not self.gradient_selected or self.name not in self.view.tensors:
            return None
        rows = [self.row(operand) for operand in _over_samples(self.program.stage(self.name).formula.tree)]
        factors = [float(row[place]) for row, place in zip(rows, self.selected[2][-len(rows) :], strict=False) if row is not None]
        return prod(factors) if factors and len(factors) == len(rows) else None

    def units(self, layer: int) -> int:
        """How many neurons a layer has."""
        return self.names(layer).layer.units if layer else len(self.program.inputs)

    def tensor(self, layer: int) -> str:
        """What the neurons of a layer show: the selected tensor where it is theirs, before the selected weights or their gradient what
        these are multiplied with, else the last one of the phase."""
        if layer == 0:
            return self.program.input
        part, of, _ = self.selected
        if of == layer and part in ANSWERS and self.name in self.view.tensors:
            return self.name
        names, gradients = [getattr(self.names(layer), part) for part in ANSWERS], self.program.gradients
        if self.backward and (part, of) != (WEIGHT, layer + 1):
            names = [gradients[name] for name in reversed(names) if name in gradients]
        return next((name for name in names if values_in(self.view, name) is not None), str(names[0]))

    def beside(self, layer: int) -> list[str]:
        """What stands below the neurons of a layer besides, the first wanted most: the answer where they show what comes back, the bias,
        or what is selected of it."""
        answers = [getattr(self.names(layer), part) for part in ANSWERS] if is_gradient(self.program, self.tensor(layer)) else []
        bias = self.name if self.selected[:2] == (BIAS, layer) else self.names(layer).bias
        names = [next((name for name in answers if values_in(self.view, name) is not None), ""), bias]
        return list(filter(None, reversed(names) if bias in (self.name, self.view.position.stage) else names))

    def letters(self, name: str) -> str:
        """How what stands below a neuron is called in little room."""
        if part_of(self.program, name)[0] != BIAS:
            return "a"
        slots = dict(zip(made_of(self.program, self.program.tensors[name].of, Role.SLOT), self.program.rule.slots, strict=False))
        return f"{'d' if is_gradient(self.program, name) else slots.get(name, '')}b"

    def row(self, name: str) -> Array | None:
        """The numbers of a tensor for the sample in sight, one a neuron; None where it is not computed yet."""
        values = values_in(self.view, name)
        return None if values is None else values[min(self.view.sample, len(values) - 1)]

    def cell(self, name: str, unit: int) -> NamedCell | None:
        """The cell of a neuron in a tensor, or None where that has no value."""
        values = None if is_past(self.view, name) else self.view.tensors.get(name)
        return None if values is None else (name, (min(self.view.sample, len(values) - 1), unit))

    def edges(self, layer: int) -> str:
        """What the edges into a layer show: the weights, or the selected tensor where it is theirs."""
        return self.name if self.selected[:2] == (WEIGHT, layer) and self.name in self.view.tensors else self.names(layer).weight

    @cached_property
    def active(self) -> int:
        """The layer into which the edges lead that the last stage used; 0 where it used none."""
        part, layer = self.stage
        if part in ("", BIAS, TARGET):
            return 0
        return layer + 1 if part in ANSWERS and self.direction < 0 and layer < self.depth else layer

    def to_come(self, name: str, unit: int) -> bool:
        """Whether a neuron's number lies ahead while the cells of its tensor are walked through."""
        walked, cell = self.view.equation, self.cell(name, unit)
        inside = walked is not None and walked.inside and self.name == name == walked.stage.name
        return inside and cell is not None and cell[1] > self.selected[2]

    def chosen(self, layer: int) -> tuple[Array, Array]:
        """Which edges into a layer make or are the selected cell, and which pass it on (on the way back: which it comes from, and which
        it goes on along), as masks of the shape of the weights."""
        main, more = (np.zeros((self.units(layer - 1), self.units(layer)), bool) for _ in range(2))
        part, of, index = self.selected
        around = part and part_of(self.program, self.program.tensors[self.name].through)[0] == OUTPUT
        if part in ("", TARGET) or around:
            return main, more
        into, out = (more, main) if self.gradient_selected and part not in (WEIGHT, BIAS) else (main, more)
        if of == layer and part != BIAS:
            into[index if part == WEIGHT else (slice(None), index[-1])] = True
        if of == layer - 1:
            out[index[-1]] = True
        return main, more

    def is_chosen(self, layer: int, unit: int) -> bool:
        """Whether a neuron is the selected one, or at an end of the selected weight."""
        part, of, index = self.selected
        if part == WEIGHT:
            return (layer, unit) in ((of - 1, index[0]), (of, index[-1]))
        return bool(part) and of == layer and index[-1] == unit

    def emphasis(self, name: str, unit: int) -> str:
        """The role of a neuron's number in a tensor: that of the cell cursor, that of another number of the selected neuron or of a
        factor of the selected cell, or ""."""
        (chosen, _, index), (part, of) = self.selected, part_of(self.program, name)
        if self.name == name and index[-1] == unit and chosen != WEIGHT:
            return "cursor"
        factor = self.gradient_selected and name == self.tensor(of) if chosen == WEIGHT else chosen != TARGET
        return "lit" if factor and part not in (BIAS, TARGET) and self.is_chosen(of, unit) else ""


def heat_role(level: int) -> str:
    """The role of a number with such a heat."""
    return "bad" if level > HEAT_STEPS else f"heat:{level:+d}"


def norm(values: Array) -> float:
    """The length of a tensor as a vector."""
    return once(values, "norm", lambda: float(np.linalg.norm(np.asarray(values, float))))


def largest(values: Array | None) -> float:
    """The largest finite size, for the heat; 1 where there is none."""
    if values is None:
        return 1.0
    return once(values, "largest", lambda: float(np.abs(values).max(where=np.isfinite(values), initial=0.0)) or 1.0)


def _over_samples(tree: Tree) -> tuple[str, ...]:
    """The tensors whose rows, a sample each, make a gradient when they are multiplied and summed: of weights two, of biases one."""
    match tree:
        case Binary("@", Transpose(Name(first)), Name(second)):
            return first, second
        case Call("sum", (Name(name),), axis=0):
            return (name,)
    return ()
