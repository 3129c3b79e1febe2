"""The forward pass and the loss as a list of nodes over the operation table: what a front end makes, and the rest is derived from."""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from functools import cached_property

import numpy as np

from bpdebug.core.description import Array, Initializer, Layer, Loss
from bpdebug.core.draws import Draw
from bpdebug.core.errors import SetupError
from bpdebug.core.operation import Operation
from bpdebug.core.operations import OPERATIONS
from bpdebug.core.parser import Formula
from bpdebug.core.products import product
from bpdebug.core.record import Record, replace
from bpdebug.core.render import Style, render
from bpdebug.core.tensors import Naming
from bpdebug.core.tree import Call, Name, Tree, Written, total


class Phase(StrEnum):
    """The four parts of a gradient update, in order."""

    FORWARD = "forward"
    LOSS = "loss"
    BACKWARD = "backward"
    UPDATE = "update"


class Node(Record):
    """One operation applied to named tensors.

    Attributes:
        output: the tensor that it makes.
        operation: its row.
        arguments: the row's argument names to tensors (or literals).
        phase: forward or loss.
        layer: from 1; the loss belongs to the last layer; 0 for none.
        comment: what its author says of it, or "".
    """

    output: str
    operation: Operation
    arguments: Mapping[str, str | Tree]
    phase: Phase
    layer: int
    comment: str = ""

    @property
    def value(self) -> Tree:
        """The forward tree."""
        return self.operation.value(self.arguments)

    @property
    def inputs(self) -> dict[str, str]:
        """The arguments that have a derivative, in the order of the row's gradients, to their tensors."""
        return {a: t for a in self.operation.gradients if isinstance(t := self.arguments[a], str)}

    @property
    def short(self) -> str:
        """The row's symbol over these arguments, such as ``σ(z1)``; "" where the row has none."""
        return self.operation.symbol.format(**self.arguments) if self.operation.symbol else ""


class LayerNames(Record):
    """The tensors of one layer.

    Attributes:
        number: from 1.
        layer: what the scenario says of it.
        source: what comes in.
        weight, bias: its parameters; no bias is "".
        z, a: the weighted sums, and their activations.
        output: what goes out: the activations, or with a residual connection their sum with what came in.
    """

    number: int
    layer: Layer
    source: str
    weight: str
    bias: str
    z: str
    a: str
    output: str


class Network(Record):
    """The nodes of one forward pass with its loss.

    Attributes:
        nodes: in the order of execution.
        parameters: name to shape, in the order of the layers.
        drawn: for each parameter whose start is drawn, its layer and how; the others, the biases, start at 0.
        layers: the tensors of each layer.
        naming: what tensors are called.
        asked: the loss as the scenario has it.
        loss: the tensor whose gradients are taken.
        generic: whether any number of samples fits.
        also: given tensors whose gradients are asked for.
        written: the gradients that have lines of the user's own.
        parts: the part of the model, beside layers, that a value or a parameter belongs to.
        draws: what is drawn anew in each update.
    """

    nodes: tuple[Node, ...]
    parameters: Mapping[str, tuple[int, ...]]
    drawn: Mapping[str, tuple[int, Initializer]]
    layers: tuple[LayerNames, ...]
    naming: Naming
    asked: Loss
    loss: str
    generic: bool = True
    also: tuple[str, ...] = ()
    written: frozenset[str] = frozenset()
    parts: Mapping[str, str] = {}
    draws: tuple[Draw, ...] = ()

    @cached_property
    def fused(self) -> str:
        """The activation that the loss has within itself, so that the output has no gradient of its own, or ""."""
        return next((node.operation.fuses for node in self.nodes if node.operation.fuses), "")

    @property
    def prediction(self) -> str:
        """The tensor that the network answers with, or ""."""
        return self.layers[-1].output if self.layers else ""

    @cached_property
    def layer_of(self) -> dict[str, int]:
        """The layer of each value and parameter."""
        own = {name: layer.number for layer in self.layers for name in (layer.weight, layer.bias) if name}
        return dict.fromkeys((*self.parameters, *self.also), 0) | {node.output: node.layer for node in self.nodes} | own

    @cached_property
    def groups(self) -> dict[str, str]:
        """The part of the model that a tensor belongs to, where it is no layer: also of what a line computes on the way back."""
        inner = {name: node.output for node in self.nodes for name, _ in node.operation.inner if node.output in self.parts}
        return {**self.parts, **{name: self.parts[output] for name, output in inner.items()}}

    def group_of(self, layer: int) -> str:
        """The path of what belongs to a layer, as it is typed and shown; "" for 0, no layer."""
        return f"layer {layer}" if layer else ""

    def obstacle(self, tensor: str) -> str:
        """What stops every gradient on the way to a tensor, such as ``": argmax has no derivative"``; "" where nothing does."""
        after = {tensor}
        for node in self.nodes:
            for argument in (name for name, read in node.arguments.items() if read in after):
                if argument in node.operation.blocked:
                    return f": {node.operation.blocked[argument]}"
                after.add(node.output)
        return ""

    def check_targets(self, targets: Array) -> None:
        """Refuse targets for which the loss has no derivative of the form that it has.

        Raises:
            SetupError: with the keys of the targets.
        """
        if self.fused == "softmax" and not np.allclose(targets.sum(axis=1), 1.0, atol=1e-6):
            raise SetupError("from_logits needs targets that add up to 1 in each row, such as one-hot classes", ("data", "targets"))


def loss_row(name: str, factor: Tree, over: Tree) -> Operation:
    """The row of a whole loss: ``factor`` times the sum of the terms, divided by ``over``."""
    row = OPERATIONS[name]
    forward = product(factor, Call("sum", (row.forward.tree,)), over=over)
    gradients = {k: Formula.of(product(factor, Name("g"), rule.tree, over=over)) for k, rule in row.gradients.items()}
    symbol = row.symbol and render(product(factor, Call("sum", (Written("…"),)), over=over), Style("unicode"), {"m": ()}).replace(
        "(…)", f" {row.symbol}"
    )
    return replace(row, forward=Formula.of(forward), gradients=gradients, symbol=symbol)


def sum_row(output: str, count: int) -> Operation:
    """The row of a sum of ``count`` terms; each passes the gradient on unchanged."""
    terms = [f"t{i}" for i in range(count)]
    forward = Formula.of(total(*map(Name, terms)))
    return Operation("sum", output, forward, dict.fromkeys(terms, Formula.of(Name("g"))), OPERATIONS["add"].source)
