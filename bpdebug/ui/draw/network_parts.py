"""What the drawing of the network shows at a moment: the tensor of each layer and of the edges between two, and what is lit."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cached_property
from math import prod

import numpy as np

from bpdebug.core.cells import Cell
from bpdebug.core.description import Array
from bpdebug.core.network import LayerNames, Phase
from bpdebug.core.record import Record
from bpdebug.core.render import render_name
from bpdebug.core.tensors import Role
from bpdebug.core.tree import Binary, Call, Name, Transpose, Tree
from bpdebug.session.view import View
from bpdebug.ui.draw.layers import (
    ANSWERS,
    BIAS,
    INPUT,
    OUTPUT,
    TARGET,
    WEIGHT,
    is_gradient,
    made_of,
    part_of,
)
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
    def depth(self) -> int:
        """How many layers there are, without the input."""
        return len(self.view.program.layers)

    def names(self, layer: int) -> LayerNames:
        """The tensors of a layer."""
        return self.view.program.layers[layer - 1]

    def has_bias(self, layer: int) -> bool:
        """Whether a layer has biases."""
        return bool(layer and self.names(layer).bias)

    @cached_property
    def tensors(self) -> Mapping[str, Array]:
        """What has a value; at the start of an update also what the one before has left behind."""
        past = self.view.finished
        return (
            {**self.view.tensors, **{name: past.tensors[name] for name in past.tensors if self.is_past(name)}}
            if past
            else self.view.tensors
        )

    def is_past(self, name: str) -> bool:
        """Whether a tensor's numbers are those of the update before."""
        here = bool(self.view.selected and self.view.selected[0] == name)
        return bool(self.view.finished and name in self.view.finished.tensors and not here)

    @cached_property
    def widest_input(self) -> int:
        """Columns that the numbers of the inputs need."""
        return _widest(self.tensors[self.tensor(0)], 6)

    @cached_property
    def widest_target(self) -> int:
        """Columns that the targets need."""
        return _widest(self.tensors[self.view.program.target], 5)

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
    def selected(self) -> tuple[str, int, Cell]:
        """What part of which layer the selected tensor is, and its cell; the part is "" where nothing is selected."""
        if self.view.selected is None:
            return "", 0, ()
        return (*part_of(self.view.program, self.view.selected[0]), self.view.selected[1])

    @cached_property
    def stage(self) -> tuple[str, int]:
        """What part of which layer the stage that has just run has computed; the loss is the target's."""
        name = self.view.position.stage or ""
        return (TARGET, self.depth) if name and self.view.position.phase == Phase.LOSS else part_of(self.view.program, name)

    @cached_property
    def lit(self) -> int:
        """The layer whose neurons the last stage has computed; -1 for none."""
        return self.stage[1] if self.stage[0] in (*ANSWERS, INPUT) else -1

    @cached_property
    def given_by_sample(self) -> float | None:
        """What the sample in sight gives to the selected cell, if that is a plain sum over the samples; else None."""
        name, index = self.view.selected or ("", ())
        if self.selected[0] not in (WEIGHT, BIAS) or not self.gradient_selected or name not in self.view.tensors:
            return None
        rows = [self.row(operand) for operand in _over_samples(self.view.program.stage(name).formula.tree)]
        factors = [float(row[place]) for row, place in zip(rows, index[-len(rows) :], strict=True) if row is not None] if rows else []
        return prod(factors) if factors and len(factors) == len(rows) else None

    def units(self, layer: int) -> int:
        """How many neurons a layer has."""
        program = self.view.program
        return program.layers[layer - 1].layer.units if layer else len(program.inputs)

    def tensor(self, layer: int) -> str:
        """What the neurons of a layer show: the selected tensor where it is theirs, before the selected gradient of weights what that
        is multiplied with, else the last one of the phase."""
        if layer == 0:
            return self.view.program.input
        letter, of, _ = self.selected
        name = self.view.selected[0] if self.view.selected else ""
        if of == layer and letter in ANSWERS and name in self.view.tensors:
            return name
        names = self._usual(layer)
        return next((name for name in names if name in self.tensors), names[0])

    def _usual(self, layer: int) -> list[str]:
        """What a layer computes in this phase, the last first."""
        names, gradients = [getattr(self.names(layer), part) for part in ANSWERS], self.view.program.gradients
        back = self.backward and not self._is_factor(layer)
        return [gradients[name] for name in reversed(names) if name in gradients] if back else names

    def _is_factor(self, layer: int) -> bool:
        """Whether the selected gradient of weights is a product with what the layer answers."""
        return self.gradient_of_weights and self.selected[1] == layer + 1

    @cached_property
    def gradient_of_weights(self) -> bool:
        """Whether the selected cell is that of a gradient of weights."""
        return self.selected[0] == WEIGHT and self.gradient_selected

    @cached_property
    def gradient_selected(self) -> bool:
        """Whether the selected cell is that of a gradient."""
        return bool(self.view.selected and is_gradient(self.view.program, self.view.selected[0]))

    @cached_property
    def norms(self) -> Array:
        """The norms of the gradients that the layers show, from layer 1; NaN where there is none."""
        names = [self.tensor(layer) for layer in range(1, self.depth + 1)]
        return self._norms([name if is_gradient(self.view.program, name) else "" for name in names])

    @cached_property
    def deltas(self) -> Array:
        """The norms of the gradients of the weighted sums, from layer 1; NaN where it is not computed."""
        gradients = self.view.program.gradients
        return self._norms([gradients.get(names.z, "") * self.backward for names in self.view.program.layers])

    def _norms(self, names: list[str]) -> Array:
        found = [self.view.tensors.get(name) for name in names]
        return np.array([np.nan if values is None else float(np.sqrt(np.vdot(values, values))) for values in found])

    @cached_property
    def decades(self) -> tuple[float, float]:
        """The powers of ten at the ends of their common scale."""
        return decades(self.norms)

    def bias(self, layer: int) -> str:
        """What stands below the neurons of a layer: the biases, or the selected tensor where it belongs to them."""
        letter, of, _ = self.selected
        return self.view.selected[0] if self.view.selected and (letter, of) == (BIAS, layer) else self.names(layer).bias

    def letters_of_bias(self, name: str) -> str:
        """How biases, or a tensor that belongs to them, are called in little room."""
        program = self.view.program
        of = program.tensors[name].of if name in program.tensors else ""
        slots = dict(zip(made_of(program, of, Role.SLOT), program.rule.slots, strict=False)) if of else {}
        return f"{'d' if is_gradient(program, name) else slots.get(name, '')}b"

    def heading(self, layer: int) -> str:
        """The name of what a layer shows, in the chosen notation."""
        return render_name(self.tensor(layer), self.view.style)

    def complete(self, layer: int) -> bool:
        """Whether what a layer shows is the last that it computes in this phase, as far as it goes."""
        return layer == 0 or self._usual(layer)[0] in self.tensors

    def row(self, name: str) -> Array | None:
        """The numbers of a tensor for the sample in sight, one a neuron; None where it is not computed yet."""
        values = self.tensors.get(name)
        return None if values is None else values[min(self.view.sample, len(values) - 1)]

    def cell(self, name: str, unit: int) -> tuple[str, Cell] | None:
        """The cell of a neuron in a tensor, or None where that has no value."""
        values = None if self.is_past(name) else self.view.tensors.get(name)
        return None if values is None else (name, (min(self.view.sample, len(values) - 1), unit))

    def edges(self, layer: int) -> str:
        """What the edges into a layer show: the weights, or the selected tensor where it is theirs."""
        letter, of, _ = self.selected
        if letter == WEIGHT and of == layer and self.view.selected and self.view.selected[0] in self.view.tensors:
            return self.view.selected[0]
        return self.names(layer).weight

    def shortcut(self, layer: int) -> str:
        """What goes around a residual layer: its input, or on the way back the gradient of its sum."""
        return self.view.program.gradients[self.names(layer).output] if self.backward else self.tensor(layer - 1)

    @cached_property
    def active(self) -> int:
        """The layer into which the edges lead that the last stage used; 0 before there is one, -1 where it used none."""
        if self.stage[0] == BIAS:
            return -1
        return self._edges_of(*self.stage, self.direction) if self.stage[0] else 0

    def idle(self, layer: int) -> Array:
        """Which neurons before a layer give nothing to it on the way forward, whatever their weights are, as they are exactly 0."""
        values = self.row(self.tensor(layer - 1))
        unused = values is None or self.direction < 1 or not self.stage[0] or self.edges(layer) != self.names(layer).weight
        return np.zeros(self.units(layer - 1), bool) if unused or values is None else np.asarray(values == 0)

    def to_come(self, name: str, unit: int) -> bool:
        """Whether a neuron's number lies ahead while the cells of its tensor are walked through."""
        walked, selected = self.view.equation, self.view.selected
        if walked is None or not walked.inside or selected is None or not selected[0] == name == walked.stage.name:
            return False
        return (min(self.view.sample, self.tensors[name].shape[0] - 1), unit) > selected[1]

    def _edges_of(self, letter: str, layer: int, direction: int) -> int:
        """The edges on the side of a layer from which its numbers come."""
        back = letter == INPUT or (letter in ANSWERS and direction < 0 and layer < self.depth)
        return layer + 1 if back else layer

    def chosen_edges(self, layer: int) -> tuple[int | None, int | None] | None:
        """Which of the edges into a layer make or use the selected cell: from which neuron (None: from all) to which;
        None where none does."""
        letter, of, index = self.selected
        if letter in ("", BIAS, TARGET) or not self.view.selected or self._goes_around:
            return None
        if letter == WEIGHT:
            return (index[0], index[1]) if of == layer else None
        if self._edges_of(letter, of, -1 if self.gradient_selected else 1) != layer:
            return None
        return (None, index[1]) if of == layer else (index[1], None)

    @cached_property
    def _goes_around(self) -> bool:
        """Whether the selected cell is what comes back around a residual layer."""
        program, name = self.view.program, self.view.selected[0] if self.view.selected else ""
        through = program.tensors[name].through if name in program.tensors else ""
        return part_of(program, through)[0] == OUTPUT

    def chosen_unit(self, layer: int) -> int | None:
        """The neuron of a layer that the selected cell belongs to."""
        letter, of, index = self.selected
        return index[-1] if letter not in ("", WEIGHT, TARGET) and of == layer else None

    def emphasis(self, name: str, unit: int) -> str:
        """The role of a neuron's number in a tensor: that of the cell cursor, that of another number of the selected neuron or of a
        factor of the selected cell, or ""."""
        letter, layer, index = self.selected
        if self.gradient_of_weights:
            of = part_of(self.view.program, name)[1]
            return "lit" if name == self.tensor(of) and (of, unit) in ((layer - 1, index[0]), (layer, index[1])) else ""
        if letter in ("", WEIGHT) or index[-1] != unit:
            return ""
        if self.view.selected and self.view.selected[0] == name:
            return "cursor"
        part, of = part_of(self.view.program, name)
        return "lit" if of == layer and TARGET not in (letter, part) and part != BIAS else ""


def _over_samples(tree: Tree) -> tuple[str, ...]:
    """The tensors whose rows, a sample each, make a gradient when they are multiplied and summed: of weights two, of biases one."""
    match tree:
        case Binary("@", Transpose(Name(first)), Name(second)):
            return first, second
        case Call("sum", (Name(name),), axis=0):
            return (name,)
    return ()


def _widest(values: Array, room: int) -> int:
    return max(len(given_text(float(value), room)) for value in values[:_SAMPLED].ravel())
