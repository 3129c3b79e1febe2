"""The stages of one gradient update, in order; the backward ones are derived from the nodes, never written.

The walk is that of reverse-mode differentiation (Griewank and Walther, "Evaluating Derivatives" (2008), section 3.2; the
shape of HIPS autograd's): nodes in reverse, one contribution for each argument that has a derivative; a tensor's gradient is
emitted when all of its consumers have contributed, as partials and their sum where there are several.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator
from dataclasses import field
from functools import cached_property

import numpy as np

from bpdebug.core.description import Array
from bpdebug.core.functions import FUNCTIONS
from bpdebug.core.network import Network, Phase
from bpdebug.core.optimizers import CLIPPED_BY, RATE, Rule
from bpdebug.core.parser import Formula
from bpdebug.core.record import Record, replace
from bpdebug.core.texts import OUTERMOST, PHRASES, derivative_of, step_of, value_of
from bpdebug.core.tree import ONE, Binary, Blank, Call, Index, Name, Number, Transpose, Tree, Unary, substitute, total, walk
from bpdebug.core.words import together


class Level(Record):
    """A part of the program that stages belong to: a layer, a module, a call, a loop, or a turn of one.

    Attributes:
        title: what it is called, such as ``forward()``, ``for t in range(T)`` or ``t = 3``.
        line: where it stands in the user's script, or "".
        number: which one of that title; of a turn, which turn from 1.
        turn: whether it is a turn of the loop above it.
    """

    title: str
    line: str = ""
    number: int = 0
    turn: bool = False


class Stage(Record):
    """One line of the program: a formula and where it belongs.

    Attributes:
        name: the tensor that it assigns, and its name as a location.
        formula: what runs.
        phase, layer: where in the update; layer 0 belongs to no layer.
        meaning: one sentence for a learner.
        source: where the rule is to be found.
        operation: the row that it was made from.
        of: for a gradient, the tensor whose gradient it is, else "".
        through: for a part of a gradient, the tensor through which it comes back, else "".
        short: a short form such as ``σ(z1)``, or "".
        original: the stage as the engine derived it, where a user has put his own formula in its place.
        line: where it stands in the user's script, such as ``train.py:47``, or "".
        beside: the other line that belongs to it, where one calls and the other one, in the function, computes; or "".
        path: what it is computed in, the outermost first; where that is empty, its group.
        harmless: whether what is not finite in it is meant, as a mask is, or goes no further: torch divides by zero and puts a 0 there.
        left: whether the formula is left to the user: it runs as it was derived, and is not shown (:attr:`shown`).
    """

    name: str
    formula: Formula
    phase: Phase
    layer: int
    meaning: str
    source: str
    operation: str
    of: str = ""
    through: str = ""
    short: str = ""
    original: Stage | None = field(default=None, repr=False)
    line: str = ""
    beside: str = ""
    path: tuple[Level, ...] = ()
    harmless: bool = False
    left: bool = False

    @property
    def edited(self) -> bool:
        """Whether the formula is the user's."""
        return self.original is not None

    @property
    def replaced(self) -> bool:
        """Whether the user has put his formula in the place of another one, which a script's own line has not."""
        return self.original is not None and self.line == self.original.line

    @property
    def derived(self) -> Formula | None:
        """The formula that the engine derived, where a user has put his own in its place."""
        return self.original.formula if self.original else None

    @cached_property
    def unbounded(self) -> bool:
        """Whether there may be infinite values: its formula says so itself, as a mask does: ``where(mask, s, -inf)``."""
        return self.harmless or any(isinstance(node, Name) and node.name == "inf" for node in walk(self.formula.tree))

    def broken(self, values: Array) -> Array:
        """Which of the numbers that it gives are not finite, other than those of a mask, or harmless ones."""
        if self.harmless:
            return np.zeros(values.shape, bool)
        return np.isnan(values) if self.unbounded else ~np.isfinite(values)

    def with_formula(self, formula: Formula, meaning: str = "") -> Stage:
        """This stage with another formula, the derived one kept beside it; the stage as it was, where they are the same."""
        original = self.original or self
        if formula.tree == original.formula.tree:
            return replace(original, left=False)
        said = (meaning or PHRASES["own"]).format(derived=original.formula.text)
        return replace(original, formula=formula, original=original, meaning=said, short="")

    @cached_property
    def shown(self) -> Stage:
        """The stage as it is shown: blank where it is left to the user, who is not told either what his own formula stands for."""
        if not self.left:
            return self
        if self.original:
            return replace(self, original=self.original.shown, meaning=PHRASES["own for blank"])
        return replace(
            self, formula=Formula.of(Blank("zeros_like", (Name(self.of),))), meaning=PHRASES["left"].format(name=self.name), source=""
        )

    @property
    def blank(self) -> bool:
        """Whether it is shown without its formula, which is left to the user."""
        return isinstance(self.formula.tree, Blank)

    def __str__(self) -> str:
        return f"{self.name} = {self.formula.text}"


class Skipped(Record):
    """A stage that one might expect and that does not exist, with the reason; of what is drawn, also by what."""

    name: str
    phase: Phase
    layer: int
    reason: str
    drawn: str = ""

    def __str__(self) -> str:
        return f"{self.name} = {self.drawn}: {self.reason}" if self.drawn else f"{self.name}: skipped, {self.reason}"


def forward_stages(network: Network) -> Iterator[Stage | Skipped]:
    """The nodes' own formulas, and between them what is drawn."""
    drawn = [*network.draws]
    for place, node in enumerate(network.nodes):
        while drawn and drawn[0].place <= place:
            draw = drawn.pop(0)
            yield Skipped(draw.name, node.phase, node.layer, draw.says, str(draw))
        row = node.operation
        meaning = node.comment or (outermost(node.value) if row.name == "line" else value_of(row.name))
        yield Stage(node.output, Formula.of(node.value), node.phase, node.layer, meaning, row.source, row.name, short=node.short)


def outermost(tree: Tree) -> str:
    """One sentence on what a line's value is, by the outermost of what it does."""
    match tree:
        case Binary(sign):
            return OUTERMOST.get(sign, OUTERMOST["cell by cell"]).format(name=sign)
        case Unary("-", operand):
            inner = isinstance(operand, Binary | Call | Index)
            return OUTERMOST["minus"].format(what=outermost(operand).rstrip(".")) if inner else OUTERMOST["negative"]
        case Call(name) if tree.reduces:
            axes = [*map(str, tree.axis)] if isinstance(tree.axis, tuple) else [str(tree.axis)]
            along = OUTERMOST["along" if len(axes) == 1 else "along several"].format(axis=together(axes))
            where = OUTERMOST["all"] if tree.axis is None else along
            return OUTERMOST["fold"].format(name=OUTERMOST.get(name, name), where=where)
        case Call(name):
            return OUTERMOST.get(name, OUTERMOST["laid out" if FUNCTIONS[name].structural else "function"]).format(name=name)
        case Transpose() | Index():
            return OUTERMOST["laid out"]
    return value_of("line")


def backward_stages(network: Network) -> Iterator[Stage | Skipped]:
    """The chain rule, node by node in reverse."""
    layers, consumers = network.layer_of, _consumers(network)
    naming, pending = network.naming, defaultdict[str, list[Stage]](list)
    gradients: dict[str, Tree] = {network.loss: ONE}
    if (name := naming.gradient.format(network.loss)) in network.written:
        gradients[network.loss] = Name(name)
        yield Stage(name, Formula.of(ONE), Phase.BACKWARD, layers[network.loss], PHRASES["of itself"], "", "line", network.loss)
    if network.fused:
        layer = network.nodes[-1].layer
        reason = f"the loss is fused with {network.fused}: its derivative goes straight to {network.layers[-1].z}"
        yield Skipped(naming.gradient.format(network.prediction), Phase.BACKWARD, layer, reason)
    for node in reversed(network.nodes):
        if node.output not in gradients:
            continue
        for name, formula in node.operation.inner:
            inner = Formula.of(node.operation.passed(formula, node.arguments, node.output, gradients[node.output]))
            yield Stage(name, inner, Phase.BACKWARD, node.layer, PHRASES["inner"].format(name=node.output), "", node.operation.name)
        for argument, tensor in node.inputs.items():
            if tensor not in layers:
                continue
            row, name, layer = node.operation, naming.partial.format(tensor, node.output), layers[tensor]
            tree, meaning = row.gradient(argument, node.arguments, node.output, gradients[node.output]), derivative_of(row.name, argument)
            partial = Stage(name, Formula.of(tree), Phase.BACKWARD, layer, meaning, row.source, row.name, tensor, node.output)
            pending[tensor].append(partial)
            if len(pending[tensor]) == consumers[tensor]:
                whole = naming.gradient.format(tensor)
                left_out = isinstance(tree, Number) and bool(network.layers)  # of the terms of a loss, 1
                gradients[tensor] = tree if left_out else Name(whole)
                yield from () if left_out else _whole(pending[tensor], whole)


def _consumers(network: Network) -> Counter[str]:
    """How many nodes pass a gradient to each tensor: those from which a path of derivatives leads to the loss."""
    live, counts = {network.loss}, Counter[str]()
    for node in reversed(network.nodes):
        if node.output in live:
            used = [tensor for tensor in node.inputs.values() if tensor in network.layer_of]
            live.update(used)
            counts.update(used)
    return counts


def _whole(partials: list[Stage], name: str) -> Iterator[Stage]:
    """The gradient of a tensor: the only part of it, or all parts and their sum."""
    first = partials[0]
    if len(partials) == 1:
        yield replace(first, name=name, through="")
        return
    yield from partials
    used = together([partial.through for partial in partials])
    yield Stage(
        name,
        Formula.of(total(*(Name(partial.name) for partial in partials))),
        Phase.BACKWARD,
        first.layer,
        PHRASES["several"].format(name=first.of, users=used),
        "the chain rule for several paths: Goodfellow et al., Deep Learning (2016), eq. 6.45",
        "sum",
        first.of,
    )


KEPT = "kept"
"""The operation of a stage that carries what no optimizer changes, such as a running mean, to the next update."""


def update_stages(network: Network, rule: Rule, frozen: tuple[str, ...]) -> Iterator[Stage | Skipped]:
    """The optimizer's steps for each parameter, after all gradients are known."""
    reached = _consumers(network)
    free = [parameter for parameter in network.parameters if parameter not in frozen and parameter in reached]
    if rule.counts and free:
        count = Formula.of(Binary("+", Name("t"), ONE))
        yield Stage("t", count, Phase.UPDATE, 0, PHRASES["count"], rule.source, "count")
    if rule.schedule and free:
        said = PHRASES["schedule"].format(name=rule.schedule.name)
        yield Stage(RATE, rule.schedule.rate, Phase.UPDATE, 0, said, rule.schedule.source, "schedule")
    for name, tree, what, of in rule.clipping({name: network.naming.gradient.format(name) for name in free}, network.naming):
        meaning, source = " ".join(PHRASES[f"clip {one}"] for one in what.split()), "; ".join(CLIPPED_BY[kind] for kind in rule.clip)
        yield Stage(name, Formula.of(tree), Phase.UPDATE, network.layer_of.get(of, 0), meaning, source, "clip")
    for parameter in network.parameters:
        layer = network.layer_of[parameter]
        if parameter in frozen:
            yield Skipped(parameter, Phase.UPDATE, layer, f"{parameter} is frozen")
            continue
        if parameter not in reached:
            yield Skipped(
                parameter,
                Phase.UPDATE,
                layer,
                f"no path of derivatives leads from {parameter} to {network.loss}{network.obstacle(parameter)}",
            )
            continue
        named = {letter: Name(name) for letter, name in rule.letters(parameter, network.naming).items()}
        for target, formula in rule.steps:
            step = Formula.of(substitute(formula.tree, named))
            yield Stage(named[target].name, step, Phase.UPDATE, layer, step_of(rule.name, target), rule.source, rule.name)
