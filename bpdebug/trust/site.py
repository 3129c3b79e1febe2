"""A stage as the catalogue of mistakes sees it: the node that its formula was made of, and a formula with a mistake in it."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from functools import cached_property

from bpdebug.core.network import Node, Phase
from bpdebug.core.operations import ACTIVATIONS, LOSSES, OPERATIONS
from bpdebug.core.parser import Formula
from bpdebug.core.program import Program
from bpdebug.core.record import Record, replace
from bpdebug.core.schedule import Stage
from bpdebug.core.shapes import GENERIC_ROWS, Shapes
from bpdebug.core.tensors import Role
from bpdebug.core.tree import ONE, Binary, Call, Index, Name, Transpose, Tree, literal, names, substitute, walk
from bpdebug.core.writing import to_text
from bpdebug.trust.factors import outputs_of

M = Name("m")

AFTER, PREVIOUS, RESHAPED, TURNED, SHIFTED, LAGGING = "after", "previous", "reshaped", "turned", "shifted", "lagging"
"""The versions of a tensor: as it is after the update, as it was in the update before, with its numbers laid out anew where
they should have been transposed, a window taken from its other end, and each row where the one before it or after it belongs."""
_WINDOWS = "sliding_window_view"
_LONGEST = 60
"""Characters of a formula within a sentence."""
_FADING = ("beta1", "beta2")
"""The constants by which an optimizer's running means fade."""


class Mistake(Record, eq=False):
    """A stage's formula with one mistake in it.

    Attributes:
        kind: the row of the catalogue.
        tree: the wrong formula.
        says: what the mistake is, as the second half of a sentence; a letter in braces stands for a part.
        overrides: tensor to the version of it that is read.
        parts: the parts of the formula that it names.
    """

    kind: str
    tree: Tree
    says: str
    overrides: Mapping[str, str] = {}
    parts: Mapping[str, Tree] = {}

    @cached_property
    def evidence(self) -> str:
        """What the mistake is, with its parts spelled out, unless they are long."""
        texts = {letter: to_text(part) for letter, part in self.parts.items()}
        shown = {letter: text if len(text) <= _LONGEST else "a part" for letter, text in texts.items()}
        sums = [letter for letter, part in self.parts.items() if isinstance(part, Binary) and part.operator in "+-"]
        within = rf"(?<=[-*/] )\{{[{''.join(sums)}]\}}|\{{[{''.join(sums)}]\}}(?= [*/])"
        return (re.sub(within, r"(\g<0>)", self.says) if sums else self.says).format(**shown) if self.parts else self.says

    @cached_property
    def formula(self) -> Formula:
        """The wrong formula with its text."""
        return Formula.of(self.tree)

    @property
    def reading(self) -> tuple[Tree, tuple[tuple[str, str], ...]]:
        """What gives its numbers."""
        return self.tree, tuple(self.overrides.items())


class Site(Record, eq=False):
    """Where a mistake may be made: a stage of a program, with its formula as it is meant.

    Attributes:
        program, stage: whose stage it is; the gradient of the input, which no update computes, will do too.
        rows: the samples of the batch, where mistakes have to fit no other one.
    """

    program: Program
    stage: Stage
    rows: int = 0

    @cached_property
    def tree(self) -> Tree:
        """The right formula: the one that was derived, whatever a user has put in its place."""
        return (self.stage.derived or self.stage.formula).tree

    @cached_property
    def penalties(self) -> frozenset[str]:
        """The terms of the loss that are penalties on weights."""
        return frozenset(node.output for node in self.program.network.nodes if node.operation.name == "penalty")

    @cached_property
    def families(self) -> dict[str, tuple[str, ...]]:
        """A tensor to its family: inputs, activations and sums are one, weights another, the gradients of each, the optimizer's slots."""
        program, parts = self.program, ("output", "weight", "bias", "z", "a")
        own = {getattr(layer, part): part for layer in program.layers for part in parts} | dict.fromkeys(self.penalties, "penalty")
        found: dict[str, tuple[str, ...]] = {name: (part,) for name, part in (own | dict.fromkeys(_FADING, "fading")).items()}
        found |= {gradient: ("gradient", own[of]) for of, gradient in program.gradients.items() if of in own}
        slots = [(letter, slot) for letter in program.rule.slots for slot in program.letters[letter]]
        found |= {slot: (letter, own[of]) for letter, slot in slots if (of := program.slots[slot]) in own}
        return found | dict.fromkeys([program.input, *(layer.output for layer in program.layers)], ("a",))

    @cached_property
    def node(self) -> Node | None:
        """The node whose value or derivative the stage is; None for a sum over paths and for an update."""
        nodes, stage = self.program.network.nodes, self.stage
        if not stage.of:
            return next((node for node in nodes if node.output == stage.name), None)
        users = [node for node in nodes if node.operation.name == stage.operation and stage.of in node.inputs.values()]
        return next((node for node in users if (stage.through or node.output) == node.output), None)

    @cached_property
    def argument(self) -> str:
        """Which argument of the node the stage is the gradient of, or "" for a value."""
        inputs = self.node.inputs if self.node else {}
        return next((argument for argument, tensor in inputs.items() if tensor == self.stage.of), "")

    @property
    def affine(self) -> bool:
        """Whether it is a derivative of a layer's weighted sum."""
        return self.node is not None and bool(self.stage.of) and self.node.operation.name in ("affine", "linear")

    @cached_property
    def activation(self) -> Node | None:
        """The node, where it is an activation (value or derivative), or a line that calls one."""
        made = activation_of(self.node) if self.node else None
        return made if made and isinstance(made.arguments["z"], str) else None

    @property
    def loss(self) -> Node | None:
        """The node, where it is the loss of the data (value or derivative)."""
        return self.node if self.node and is_data_loss(self.node) else None

    @cached_property
    def arriving(self) -> Tree:
        """The gradient that arrives at the node's output."""
        gradient = self.program.gradients.get(self.node.output) if self.node else None
        return Name(gradient) if gradient else ONE

    @property
    def updates(self) -> bool:
        """Whether the stage belongs to the optimizer."""
        return self.stage.phase is Phase.UPDATE

    @cached_property
    def parameter(self) -> str:
        """The parameter that an update stage belongs to, or ""."""
        tensor = self.program.tensors.get(self.stage.name)
        if tensor is None or not self.updates:
            return ""
        return tensor.name if tensor.role is Role.PARAMETER else tensor.of

    @cached_property
    def earlier(self) -> tuple[str, ...]:
        """The tensors that have a value when the stage runs."""
        program = self.program
        stages = program.stages[: program.index.get(self.stage.name)]
        before = [stage.name for stage in stages if stage.phase is not Phase.UPDATE or self.updates]
        return tuple(dict.fromkeys((*program.sources, M.name, *program.persistent, *before)))

    @cached_property
    def _shapes(self) -> tuple[Shapes, ...]:
        """The tensors' shapes for this batch and for any."""
        other = GENERIC_ROWS if self.program.network.generic else self.program.batches.largest
        return tuple(self.program.shapes(rows) for rows in (self.rows, other) if rows)

    @property
    def shapes(self) -> Shapes:
        """The tensors' shapes for this batch."""
        return self._shapes[0]

    def fitting(self, old: str, new: str) -> Tree | None:
        """A tensor as it may stand in another one's place, turned round where it has to be; None where it does not fit."""
        for shapes in self._shapes:
            one, other = shapes.get(old), shapes.get(new)
            if one == other:
                return Name(new)
            if one and other and one == other[::-1]:
                return Transpose(Name(new))
        return Name(new) if self.families.get(old, "old") == self.families.get(new, "new") else None

    def square(self, name: str) -> bool:
        """Whether a matrix of as many rows as columns can be told from none that is laid out anew."""
        return self._shapes[0].get(name, ())[::-1] == self._shapes[0].get(name)

    def role(self, name: str) -> Role | None:
        """What a tensor is to the training."""
        return self.program.tensors[name].role if name in self.program.tensors else None

    @cached_property
    def reads(self) -> tuple[str, ...]:
        """The tensors that the right formula reads."""
        return names(self.tree)

    @cached_property
    def moves(self) -> tuple[str, ...]:
        """What an update stage goes by: gradients and slots."""
        return tuple(name for name in self.reads if name != self.stage.name and self.role(name) in (Role.GRADIENT, Role.SLOT))

    @property
    def asked(self) -> tuple[str, str]:
        """Whether the loss is a sum or a mean over samples, and over the outputs of each; of a line as it stands there."""
        program = self.program
        if program.layers:
            return program.network.asked.samples, program.network.asked.outputs
        nodes = [*walk(program.stage(program.loss).formula.tree)]
        whole = any(isinstance(node, Call) and (node.function, node.axis) == ("mean", None) for node in nodes)
        return "mean" if whole or M in nodes else "sum", "mean" if whole else "sum"

    @property
    def sums_samples(self) -> bool:
        """Whether the stage adds up what the samples contribute."""
        line = not self.program.layers and self.stage.of in self.program.parameters
        return line or (self.affine and self.argument in ("W", "b")) or (self.loss is not None and not self.stage.of)

    @cached_property
    def windows(self) -> list[str]:
        """What the formula reads of windows, of their gradients, and of the kernels that they are multiplied by."""
        nodes, gradients = self.program.network.nodes, self.program.gradients
        made = [node for node in nodes if any(isinstance(part, Call) and part.function == _WINDOWS for part in walk(node.value))]
        found = {node.output for node in made if isinstance(node.value, Call) and node.value.function == _WINDOWS}
        used = [node for node in nodes if node in made or found & {*names(node.value)}]
        kernels = {name for node in used for name in names(node.value) if name in self.program.parameters}
        return [name for name in self.reads if name in found | {gradients.get(one) for one in found} | kernels]

    @property
    def outputs(self) -> int:
        """How many outputs there are."""
        return outputs_of(self.program)

    def of_samples(self, first: int | None, end: int | None) -> Tree:
        """The formula over some of the samples."""
        batch = [name for name in self.reads if name in self.program.sampled]
        return self.put({name: Index(Name(name), ((first, end, None),)) for name in batch})

    def put(self, changes: Mapping[str, Tree]) -> Tree:
        """The formula with other tensors, or formulas, in the place of some."""
        return substitute(self.tree, changes)

    def scaled(self, change: Callable[[Tree], Tree]) -> Tree | None:
        """The formula with its size changed: that of a gradient or a loss, or of an update's step; None in the forward pass, and for the
        penalty, whose factors are a fault of their own."""
        if not self.updates:
            return None if self.stage.phase is Phase.FORWARD or self.stage.operation == "penalty" else change(self.tree)
        bent = any(isinstance(node, Call) for node in walk(self.tree))  # in proportion to no slot, as Adam's
        steps = [name for name in self.moves if not bent or self.role(name) is Role.GRADIENT]
        return self.put({name: change(Name(name)) for name in steps}) if steps else None


def activation_of(node: Node) -> Node | None:
    """A node as one of an activation: it is, or it is a line that calls one."""
    match node.value:
        case Call(name, (z,)) if node.operation.name == "line" and name in ACTIVATIONS:
            arguments = {**constants_of(name), "z": z.name if isinstance(z, Name) else z}
            return replace(node, operation=OPERATIONS[name], arguments=arguments)
    return node if node.operation.name in ACTIVATIONS else None


def constants_of(name: str) -> dict[str, Tree]:
    """The usual constants of a row."""
    return {constant: literal(value) for constant, value in OPERATIONS[name].constants.items()}


def is_data_loss(node: Node) -> bool:
    """Whether a node is the loss of the data, to which penalties may be added."""
    return node.operation.name.removesuffix("_from_logits") in LOSSES


def is_term(program: Program, name: str) -> bool:
    """Whether a tensor is what users' own code hardly ever has by itself: a path's gradient, a term of the loss, an inner value."""
    tensor = program.tensors.get(name)
    stage = program.stage(name) if name in program.index and name != program.loss else None
    inner = stage and (stage.phase is Phase.LOSS or (stage.phase is Phase.BACKWARD and not stage.of))
    return bool(inner) or (tensor is not None and bool(tensor.through))
