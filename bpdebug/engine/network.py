"""A network as a list of nodes over the operation table; a layer is a function that adds nodes."""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum

from bpdebug.engine.description import Layer, Loss, Scenario
from bpdebug.engine.operations import FUSED, OPERATIONS, Operation, loss_row
from bpdebug.engine.parser import Formula
from bpdebug.engine.record import Record
from bpdebug.engine.tree import Name, Tree, literal, product, total


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
        prediction: the tensor that the network answers with.
        fused: why the output's da stage does not exist, or "".
    """

    nodes: tuple[Node, ...]
    parameters: Mapping[str, tuple[int, int]]
    prediction: str
    fused: str = ""


def build(scenario: Scenario) -> Network:
    """The network that a scenario describes."""
    nodes: list[Node] = []
    parameters: dict[str, tuple[int, int]] = {}
    source, width = "x", len(scenario.inputs)
    for number, layer in enumerate(scenario.layers, 1):
        parameters |= _parameters(layer, number, width)
        made = _layer(layer, number, source)
        nodes += made
        source, width = made[-1].output, layer.units
    depth = len(scenario.layers)
    weights = [name for name in parameters if name.startswith("W")]
    nodes += _loss(scenario.loss, source, depth, width, weights)
    fused = FUSED.get(scenario.loss.function, "") if scenario.loss.from_logits else ""
    return Network(tuple(nodes), parameters, source, fused)


def _parameters(layer: Layer, number: int, width: int) -> dict[str, tuple[int, int]]:
    bias = {f"b{number}": (1, layer.units)} if layer.bias else {}
    return {f"W{number}": (width, layer.units)} | bias


def _layer(layer: Layer, number: int, source: str) -> list[Node]:
    z, a, r = f"z{number}", f"a{number}", f"r{number}"
    arguments = {"x": source, "W": f"W{number}"} | ({"b": f"b{number}"} if layer.bias else {})
    activation = OPERATIONS[layer.activation]
    constants = {k: literal(v) for k, v in (dict(activation.constants) | dict(layer.constants)).items()}
    nodes = [
        Node(z, OPERATIONS["affine" if layer.bias else "linear"], arguments, Phase.FORWARD, number),
        Node(a, activation, {"z": z, **constants}, Phase.FORWARD, number),
    ]
    if layer.residual:
        nodes.append(Node(r, OPERATIONS["add"], {"a": a, "x": source}, Phase.FORWARD, number))
    return nodes


def _loss(loss: Loss, prediction: str, depth: int, outputs: int, weights: list[str]) -> list[Node]:
    over = product(*([Name("m")] if loss.samples == "mean" else []), literal(outputs if loss.outputs == "mean" else 1))
    row = loss_row(loss.function + "_from_logits" * loss.from_logits, literal(loss.factor), over)
    constants = {k: literal(v) for k, v in (dict(row.constants) | dict(loss.constants)).items()}
    arguments = {"a": prediction, "z": f"z{depth}", "y": "y"} | constants
    if not loss.l2:
        return [Node("loss", row, arguments, Phase.LOSS, depth)]
    terms = [Node("data_loss", row, arguments, Phase.LOSS, depth)]
    terms += [Node(f"penalty{w[1:]}", OPERATIONS["penalty"], {"W": w}, Phase.LOSS, depth) for w in weights]
    return [*terms, _sum("loss", [node.output for node in terms], depth)]


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
