"""A network as a list of nodes over the operation table; a layer is a function that adds nodes."""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from functools import cached_property

from bpdebug.core.description import Layer, Loss, Scenario
from bpdebug.core.operations import FUSED, OPERATIONS, Operation, loss_row
from bpdebug.core.parser import Formula
from bpdebug.core.record import Record
from bpdebug.core.tensors import LayerNames, Naming
from bpdebug.core.tree import Name, Tree, literal, product, total


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
        layer: from 1; the loss belongs to the last layer.
    """

    output: str
    operation: Operation
    arguments: Mapping[str, str | Tree]
    phase: Phase
    layer: int

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


class Network(Record):
    """The nodes of one forward pass with its loss.

    Attributes:
        nodes: in the order of execution.
        parameters: name to shape, in the order of the layers.
        layers: the tensors of each layer.
        naming: what tensors are called.
        fused: why the output's da stage does not exist, or "".
    """

    nodes: tuple[Node, ...]
    parameters: Mapping[str, tuple[int, int]]
    layers: tuple[LayerNames, ...]
    naming: Naming
    fused: str = ""

    @property
    def prediction(self) -> str:
        """The tensor that the network answers with."""
        return self.layers[-1].output

    @cached_property
    def layer_of(self) -> dict[str, int]:
        """The layer of each value and parameter."""
        own = {name: layer.number for layer in self.layers for name in (layer.weight, layer.bias) if name}
        return {node.output: node.layer for node in self.nodes} | own

    @property
    def loss(self) -> str:
        """The loss."""
        return self.nodes[-1].output


def build(scenario: Scenario) -> Network:
    """The network that a scenario describes."""
    nodes: list[Node] = []
    parameters: dict[str, tuple[int, int]] = {}
    layers: list[LayerNames] = []
    naming, source, width = scenario.naming, scenario.naming.input, len(scenario.inputs)
    for number, layer in enumerate(scenario.layers, 1):
        names = _names(naming, layer, number, source)
        parameters |= {names.weight: (width, layer.units)} | ({names.bias: (1, layer.units)} if names.bias else {})
        nodes += _layer(layer, names)
        layers.append(names)
        source, width = names.output, layer.units
    nodes += _loss(scenario.loss, layers, naming, width)
    fused = FUSED.get(scenario.loss.function, "") if scenario.loss.from_logits else ""
    return Network(tuple(nodes), parameters, tuple(layers), naming, fused)


def _names(naming: Naming, layer: Layer, number: int, source: str) -> LayerNames:
    bias = naming.bias.format(number) if layer.bias else ""
    a, r = naming.a.format(number), naming.sum.format(number)
    return LayerNames(number, source, naming.weight.format(number), bias, naming.z.format(number), a, r if layer.residual else a)


def _layer(layer: Layer, names: LayerNames) -> list[Node]:
    arguments = {"x": names.source, "W": names.weight} | ({"b": names.bias} if names.bias else {})
    activation = OPERATIONS[layer.activation]
    constants = {k: literal(v) for k, v in (dict(activation.constants) | dict(layer.constants)).items()}
    nodes = [
        Node(names.z, OPERATIONS["affine" if names.bias else "linear"], arguments, Phase.FORWARD, names.number),
        Node(names.a, activation, {"z": names.z, **constants}, Phase.FORWARD, names.number),
    ]
    if layer.residual:
        nodes.append(Node(names.output, OPERATIONS["add"], {"a": names.a, "x": names.source}, Phase.FORWARD, names.number))
    return nodes


def _loss(loss: Loss, layers: list[LayerNames], naming: Naming, outputs: int) -> list[Node]:
    over = product(*([Name("m")] if loss.samples == "mean" else []), literal(outputs if loss.outputs == "mean" else 1))
    row = loss_row(loss.function + "_from_logits" * loss.from_logits, literal(loss.factor), over)
    constants = {k: literal(v) for k, v in (dict(row.constants) | dict(loss.constants)).items()}
    arguments, depth = {"a": layers[-1].output, "z": layers[-1].z, "y": naming.target} | constants, len(layers)
    if not loss.l2:
        return [Node(naming.loss, row, arguments, Phase.LOSS, depth)]
    terms = [Node(naming.data_loss, row, arguments, Phase.LOSS, depth)]
    penalty = OPERATIONS["penalty"]
    terms += [Node(naming.penalty.format(layer.number), penalty, {"W": layer.weight}, Phase.LOSS, depth) for layer in layers]
    return [*terms, _sum(naming.loss, [node.output for node in terms], depth)]


def _sum(output: str, terms: list[str], layer: int) -> Node:
    """A node that adds any number of tensors: the one row that is made, since its arity varies."""
    return Node(output, sum_row(output, len(terms)), {f"t{i}": term for i, term in enumerate(terms)}, Phase.LOSS, layer)


def sum_row(output: str, count: int) -> Operation:
    """The row of a sum of ``count`` terms; each passes the gradient on unchanged."""
    add = OPERATIONS["add"]
    terms = [f"t{i}" for i in range(count)]
    forward = Formula.of(total(*map(Name, terms)))
    meaning = "The loss of the data plus the penalty on the weights."
    return Operation("sum", output, forward, dict.fromkeys(terms, Formula.of(Name("g"))), meaning, add.backward_meaning, add.source)
