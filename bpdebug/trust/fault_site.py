"""A stage as the catalogue of faults sees it: the node that its formula was made of, and the ways to rewrite a formula."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from functools import cached_property
from types import MappingProxyType
from typing import NamedTuple

from bpdebug.core.network import Node, Phase
from bpdebug.core.operations import ACTIVATIONS, LOSSES
from bpdebug.core.parser import Formula
from bpdebug.core.program import Program
from bpdebug.core.record import Record
from bpdebug.core.schedule import Stage
from bpdebug.core.tree import ONE, Binary, Name, Number, Tree, literal, names, product

M = Name("m")
RATE = Name("learning_rate")
L2 = Name("l2")
HALF, TWO = Number(0.5), Number(2.0)
AFFINE = ("affine", "linear")
AFTER, PREVIOUS, RESHAPED = "after", "previous", "reshaped"
"""The versions of a tensor: as it is after the update, as it was in the update before, with its numbers laid out anew where
they should have been transposed."""


class Rewrite(NamedTuple):
    """A formula with one mistake.

    Attributes:
        tree: the formula.
        evidence: what the mistake is, as the second half of a sentence.
        overrides: tensor to the version of it that is read.
    """

    tree: Tree
    evidence: str
    overrides: Mapping[str, str] = MappingProxyType({})


def meant(stage: Stage) -> Formula:
    """The formula that the engine derived, whatever a user has put in its place."""
    return stage.derived or stage.formula


class Site(Record, eq=False):
    """Where a mistake may be made: a stage of a program, with its formula as it is meant.

    Attributes:
        program, stage: whose stage it is; the gradient of the input, which no update computes, will do too.
    """

    program: Program
    stage: Stage

    @cached_property
    def tree(self) -> Tree:
        """The right formula."""
        return meant(self.stage).tree

    @cached_property
    def node(self) -> Node | None:
        """The node whose value or derivative the stage is; None for a sum over paths and for an update."""
        return next(filter(self._makes, self.program.network.nodes), None)

    def _makes(self, node: Node) -> bool:
        stage = self.stage
        if not stage.of:
            return node.output == stage.name
        consumer = stage.name.partition("@")[2] or node.output
        return stage.operation == node.operation.name and stage.of in node.inputs.values() and consumer == node.output

    @cached_property
    def argument(self) -> str:
        """Which argument of the node the stage is the gradient of, or "" for a value."""
        inputs = self.node.inputs if self.node else {}
        return next((argument for argument, tensor in inputs.items() if tensor == self.stage.of), "")

    def derivative(self, *operations: str) -> Node | None:
        """The node, where the stage is a derivative of one of these operations."""
        return self.node if self.node and self.stage.of and self.node.operation.name in operations else None

    def value(self, *operations: str) -> Node | None:
        """The node, where the stage is the value of one of these operations."""
        return self.node if self.node and not self.stage.of and self.node.operation.name in operations else None

    @property
    def activation(self) -> Node | None:
        """The node, where it is an activation (value or derivative)."""
        return self.node if self.node and self.node.operation.name in ACTIVATIONS else None

    @property
    def loss(self) -> Node | None:
        """The node, where it is the loss of the data (value or derivative)."""
        return self.node if self.node and self.node.operation.name.removesuffix("_from_logits") in LOSSES else None

    @cached_property
    def arriving(self) -> Tree:
        """The gradient that arrives at the node's output."""
        gradient = f"d{self.node.output}" if self.node else ""
        return Name(gradient) if gradient in self.program.index else ONE

    @property
    def updates(self) -> bool:
        """Whether the stage belongs to the optimizer."""
        return self.stage.phase is Phase.UPDATE

    @cached_property
    def earlier(self) -> tuple[str, ...]:
        """The tensors that have a value when the stage runs."""
        place = self.program.index.get(self.stage.name, len(self.program.stages))
        before = [stage.name for stage in self.program.stages[:place] if stage.phase is not Phase.UPDATE or self.updates]
        return tuple(dict.fromkeys(("x", "y", "m", *self.program.persistent, *before)))

    @cached_property
    def reads(self) -> tuple[str, ...]:
        """The tensors that the right formula reads."""
        return names(self.tree)

    @cached_property
    def moves(self) -> tuple[str, ...]:
        """What an update stage goes by: gradients and slots."""
        return tuple(name for name in self.reads if name in self.program.index and name not in (self.stage.name, "t"))

    @cached_property
    def steps(self) -> tuple[str, ...]:
        """Of these the ones to which its step is in proportion; none where it is in proportion to nothing, as Adam's."""
        linear = self.program.rule.name in ("sgd", "momentum", "nesterov")
        return self.moves if linear else tuple(name for name in self.moves if name.startswith("d"))

    @cached_property
    def batch(self) -> frozenset[str]:
        """The tensors that have a row for each sample."""
        forward = [node.output for node in self.program.network.nodes if node.phase is Phase.FORWARD]
        backward = [stage.name for stage in self.program.stages if stage.of in forward]
        return frozenset(("x", "y", *forward, *backward))

    @property
    def sums_samples(self) -> bool:
        """Whether the stage adds up what the samples contribute."""
        gradient = bool(self.derivative(*AFFINE)) and self.argument in ("W", "b")
        return gradient or (self.loss is not None and not self.stage.of)


def one_changed(tree: Tree, change: Callable[[Tree], Iterable[Tree]]) -> Iterator[Tree]:
    """The tree with one of its nodes changed, for each node and each change of it."""
    yield from change(tree)
    for place, child in enumerate(tree.children()):
        for new in one_changed(child, change):
            yield _with_child(tree, place, new)


def _with_child(tree: Tree, place: int, new: Tree) -> Tree:
    places = iter(range(len(tree.children())))
    return tree.rebuilt(lambda child: new if next(places) == place else child)


def undivided(tree: Tree, divisor: Tree) -> Tree:
    """The tree without that factor in any of its divisors."""
    tree = tree.rebuilt(lambda child: undivided(child, divisor))
    if not (isinstance(tree, Binary) and tree.operator == "/"):
        return tree
    if tree.right == divisor:
        return tree.left
    if isinstance(tree.right, Binary) and tree.right.operator == "*" and divisor in (tree.right.left, tree.right.right):
        return Binary("/", tree.left, tree.right.right if tree.right.left == divisor else tree.right.left)
    return tree


def divided(tree: Tree, *by: Tree) -> Tree:
    """The tree over the product of these."""
    return product(tree, over=product(*by))


def is_term(program: Program, name: str) -> bool:
    """Whether a tensor is a part of a sum that users' own code hardly ever has by itself: a path's gradient, a term of the loss."""
    return "@" in name or (name in program.index and name != "loss" and program.stages[program.index[name]].phase is Phase.LOSS)


def outputs_of(program: Program) -> int:
    """How many outputs the network has."""
    return program.layers[-1].layer.units


def over(program: Program) -> Tree:
    """What the loss divides by."""
    loss = program.network.asked
    outputs = literal(outputs_of(program) if loss.outputs == "mean" else 1)
    return product(*([M] if loss.samples == "mean" else []), outputs)


def family(name: str) -> str:
    """What tensors of several layers have in common: ``a`` for ``a1``, ``x`` and ``r2``, ``dz`` for ``dz3``; "" for what has no layer."""
    found = re.fullmatch(r"([A-Za-z]+)\d+", name)
    letters = found[1] if found else ""
    return "a" if letters == "r" or name == "x" else letters
