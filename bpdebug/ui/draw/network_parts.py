"""What the drawing of the network shows at a moment: the tensor of each layer and of the edges between two, and what is lit."""

from __future__ import annotations

from functools import cached_property
from math import prod

import numpy as np

from bpdebug.core.cells import Cell
from bpdebug.core.network import LayerNames, Phase
from bpdebug.core.program import Program
from bpdebug.core.record import Record
from bpdebug.core.tensors import Array, Role
from bpdebug.core.tree import Binary, Call, Name, Transpose, Tree
from bpdebug.session.view import View
from bpdebug.ui.draw.layers import ANSWERS, BIAS, INPUT, OUTPUT, TARGET, WEIGHT, is_gradient, is_past, made_of, part_of, values_in
from bpdebug.ui.draw.network_text import given_text
from bpdebug.ui.draw.scales import decades

_SAMPLED = 32
"""Rows of a batch whose given numbers are looked at for their width."""


class Parts(Record, eq=False):
    """A view as the network's drawing sees it. Layer 0 is the input; the edges of layer k lead into it.

    Attributes:
        view: the moment.
    """

    view: View

    @cached_property
    def program(self) -> Program:
        """The stages."""
        return self.view.program

    @cached_property
    def depth(self) -> int:
        """How many layers there are, without the input."""
        return len(self.program.layers)

    def names(self, layer: int) -> LayerNames:
        """The tensors of a layer."""
        return self.program.layers[layer - 1]

    @cached_property
    def widest_input(self) -> int:
        """Columns that the numbers of the inputs need."""
        return self._widest(self.program.input, 6)

    @cached_property
    def widest_target(self) -> int:
        """Columns that the targets need."""
        return self._widest(self.program.target, 5)

    def _widest(self, name: str, room: int) -> int:
        values = values_in(self.view, name)
        return 0 if values is None else max(len(given_text(float(value), room)) for value in values[:_SAMPLED].ravel())

    @cached_property
    def backward(self) -> bool:
        """Whether the neurons show what comes back: from the backward phase on, to the end of the update."""
        return self.view.position.phase in (Phase.BACKWARD, Phase.UPDATE) and self.view.position.done > 0

    @cached_property
    def direction(self) -> int:
        """Which way the numbers go: 1 forward, -1 back, 0 where the weights are changed."""
        if not self.view.position.done:
            return 1
        return {Phase.BACKWARD: -1, Phase.UPDATE: 0}.get(Phase(self.view.position.phase), 1)

    @cached_property
    def name(self) -> str:
        """The selected tensor, or ""."""
        return self.view.selected[0] if self.view.selected else ""

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
    def lit(self) -> int:
        """The layer whose neurons the last stage has computed; -1 for none."""
        return self.stage[1] if self.stage[0] in ANSWERS else -1

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
        """What the neurons of a layer show: the selected tensor where it is theirs, before the selected gradient of weights what that
        is multiplied with, else the last one of the phase."""
        if layer == 0:
            return self.program.input
        part, of, _ = self.selected
        if of == layer and part in ANSWERS and self.name in self.view.tensors:
            return self.name
        names = self._usual(layer)
        return next((name for name in names if values_in(self.view, name) is not None), names[0])

    def _usual(self, layer: int) -> list[str]:
        """What a layer computes in this phase, the last first; before the selected gradient of weights always its answers."""
        names, gradients = [getattr(self.names(layer), part) for part in ANSWERS], self.program.gradients
        back = self.backward and not (self.gradient_of_weights and self.selected[1] == layer + 1)
        return [gradients[name] for name in reversed(names) if name in gradients] if back else names

    @cached_property
    def gradient_of_weights(self) -> bool:
        """Whether the selected cell is that of a gradient of weights."""
        return self.selected[0] == WEIGHT and self.gradient_selected

    @cached_property
    def deltas(self) -> Array:
        """The norms of the gradients of the weighted sums, from layer 1; NaN where it is not computed."""
        return self._norms([self.program.gradients.get(names.z, "") * self.backward for names in self.program.layers])

    def _norms(self, names: list[str]) -> Array:
        found = [self.view.tensors.get(name) for name in names]
        return np.array([np.nan if values is None else float(np.sqrt(np.vdot(values, values))) for values in found])

    @cached_property
    def decades(self) -> tuple[float, float]:
        """The powers of ten at the ends of the scale that the gradients have in common which the layers show."""
        names = map(self.tensor, range(1, self.depth + 1))
        return decades(self._norms([name for name in names if is_gradient(self.program, name)]))

    def bias(self, layer: int) -> str:
        """What stands below the neurons of a layer: the biases, or the selected tensor where it belongs to them."""
        return self.name if self.selected[:2] == (BIAS, layer) else self.names(layer).bias

    def letters_of_bias(self, name: str) -> str:
        """How biases, or a tensor that belongs to them, are called in little room."""
        slots = dict(zip(made_of(self.program, self.program.tensors[name].of, Role.SLOT), self.program.rule.slots, strict=False))
        return f"{'d' if is_gradient(self.program, name) else slots.get(name, '')}b"

    def complete(self, layer: int) -> bool:
        """Whether what a layer shows is the last that it computes in this phase, as far as it goes."""
        return layer == 0 or values_in(self.view, self._usual(layer)[0]) is not None

    def row(self, name: str) -> Array | None:
        """The numbers of a tensor for the sample in sight, one a neuron; None where it is not computed yet."""
        values = values_in(self.view, name)
        return None if values is None else values[min(self.view.sample, len(values) - 1)]

    def cell(self, name: str, unit: int) -> tuple[str, Cell] | None:
        """The cell of a neuron in a tensor, or None where that has no value."""
        values = None if is_past(self.view, name) else self.view.tensors.get(name)
        return None if values is None else (name, (min(self.view.sample, len(values) - 1), unit))

    def edges(self, layer: int) -> str:
        """What the edges into a layer show: the weights, or the selected tensor where it is theirs."""
        return self.name if self.selected[:2] == (WEIGHT, layer) and self.name in self.view.tensors else self.names(layer).weight

    @cached_property
    def active(self) -> int:
        """The layer into which the edges lead that the last stage used; 0 before there is one, -1 where it used none."""
        if self.stage[0] == BIAS:
            return -1
        return self._edges_of(*self.stage, self.direction) if self.stage[0] else 0

    def idle(self, layer: int) -> Array:
        """Which neurons before a layer give nothing to it on the way forward, whatever their weights are, as they are exactly 0."""
        values = self.row(self.tensor(layer - 1))
        if values is None or self.direction < 1 or not self.stage[0] or self.edges(layer) != self.names(layer).weight:
            return np.zeros(self.units(layer - 1), bool)
        return np.asarray(values == 0)

    def to_come(self, name: str, unit: int) -> bool:
        """Whether a neuron's number lies ahead while the cells of its tensor are walked through."""
        walked, cell = self.view.equation, self.cell(name, unit)
        inside = walked is not None and walked.inside and self.name == name == walked.stage.name
        return inside and cell is not None and cell[1] > self.selected[2]

    def _edges_of(self, part: str, layer: int, direction: int) -> int:
        """The edges on the side of a layer from which its numbers come."""
        back = part == INPUT or (part in ANSWERS and direction < 0 and layer < self.depth)
        return layer + 1 if back else layer

    def chosen_edges(self, layer: int) -> tuple[int | None, int | None] | None:
        """Which of the edges into a layer make or use the selected cell: from which neuron (None: from all) to which;
        None where none does, as what comes back around a residual layer."""
        part, of, index = self.selected
        if part == WEIGHT:
            return (index[0], index[1]) if of == layer else None
        around = part and part_of(self.program, self.program.tensors[self.name].through)[0] == OUTPUT
        if part in ("", BIAS, TARGET) or around or self._edges_of(part, of, -1 if self.gradient_selected else 1) != layer:
            return None
        return (None, index[1]) if of == layer else (index[1], None)

    def chosen_unit(self, layer: int) -> int | None:
        """The neuron of a layer that the selected cell belongs to."""
        part, of, index = self.selected
        return index[-1] if part not in ("", WEIGHT, TARGET) and of == layer else None

    def emphasis(self, name: str, unit: int) -> str:
        """The role of a neuron's number in a tensor: that of the cell cursor, that of another number of the selected neuron or of a
        factor of the selected cell, or ""."""
        (chosen, layer, index), (part, of) = self.selected, part_of(self.program, name)
        if self.gradient_of_weights:
            return "lit" if name == self.tensor(of) and (of, unit) in ((layer - 1, index[0]), (layer, index[1])) else ""
        if chosen in ("", WEIGHT) or index[-1] != unit:
            return ""
        return "cursor" if self.name == name else "lit" if of == layer and TARGET not in (chosen, part) and part != BIAS else ""


def _over_samples(tree: Tree) -> tuple[str, ...]:
    """The tensors whose rows, a sample each, make a gradient when they are multiplied and summed: of weights two, of biases one."""
    match tree:
        case Binary("@", Transpose(Name(first)), Name(second)):
            return first, second
        case Call("sum", (Name(name),), axis=0):
            return (name,)
    return ()
