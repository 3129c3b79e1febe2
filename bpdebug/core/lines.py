"""The front end of formulas: a program of lines, whose forward pass is a node a line; the backward pass is derived from them."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping, Sequence

from bpdebug.core.derive import derived, reached
from bpdebug.core.description import Lines, Scenario
from bpdebug.core.errors import FormulaError, LineError, ProgramError, SetupError
from bpdebug.core.line_reader import LineReader, path_of
from bpdebug.core.misfits import shape_text
from bpdebug.core.network import Network, Node, Phase
from bpdebug.core.operation import Operation
from bpdebug.core.optimizers import rule_of
from bpdebug.core.record import replace
from bpdebug.core.shapes import GENERIC_ROWS
from bpdebug.core.statements import Text
from bpdebug.core.structure import kind_of
from bpdebug.core.tree import ONE, Name, Number
from bpdebug.core.words import suggestion


class _Reader(LineReader):
    """Derives the backward pass of lines that are read."""

    def loss(self) -> str:
        """The tensor whose gradients are taken.

        Raises:
            LineError: where there is none, or it is more than one number.
        """
        asked, made = self.lines.loss, [node.output for node in self.nodes]
        if not made:
            raise LineError("the program has no line; expected one such as: loss = mean((x @ W - y) ** 2)", 1)
        if asked and asked not in self.latest:
            hint = suggestion(asked, self.latest) or "; there are " + " ".join(self.latest)
            raise SetupError(f"no line computes the loss '{asked}'{hint}", ("loss",))
        name = self.latest.get(asked or "loss", made[-1])
        if shape := self.shapes[self.rows[0]][name]:
            remedy = f"write {name} = mean(…) or sum(…)"
            message = f"the loss is one number; {name} is {shape_text(shape)}: {remedy}, or name another line with loss:"
            raise self.text.error(message, self.places[name])
        return name

    def derived(self, node: Node, between: frozenset[str], arriving: Name | Number) -> Operation:
        """The row of a node with its gradients over what arrives, parameters first, as one writes them; what has none is noted."""
        read = [*node.arguments]
        wanted = sorted(between.intersection(read), key=lambda name: (name not in self.lines.parameters, read.index(name)))
        try:
            made = derived(node.output, node.operation.forward, self.known, wanted, arriving)
        except FormulaError as error:
            self.errors.append(self.text.error(error.message, self.places[node.output]))
            return node.operation
        found = {"gradients": made.gradients, "blocked": made.blocked, "inner": made.inner, "arriving": getattr(arriving, "name", "")}
        return replace(node.operation, **found)

    def check_derived(self, names: Mapping[str, str]) -> None:
        """Refuse tensors of the program that have the name of something derived.

        Raises:
            ProgramError: with the place of each.
        """
        for name in (name for name in names if name in self.known):
            message = f"{names[name]} is called {name}, and so is a tensor of the program: give one of them another name"
            place, given = self.places.get(name), path_of(self.scenario, self.lines, name)
            self.errors.append(SetupError(message, given) if place is None else self.text.error(message, place))
        if self.errors:
            raise ProgramError(tuple(self.errors))

    def between(self, loss: str, also: Collection[str]) -> tuple[frozenset[str], frozenset[str]]:
        """The parameters, other tensors whose gradients are asked for, and values on a path from one of them to the loss; and all that
        is read on the way to the loss."""
        after, before = {*self.lines.parameters, *also}, {loss}
        for node in self.nodes:
            if kind_of(self.known[node.output]) == "f" and after & reached(node.value):  # whole numbers do not move a little
                after.add(node.output)
        for node in reversed(self.nodes):
            if node.output in before:
                before.update(node.arguments)
        return frozenset(after & before), frozenset(before)


def read_lines(scenario: Scenario, lines: Lines) -> tuple[Network, Scenario]:
    """The network of a scenario that is written in lines, and the scenario with the lines that layers stand for.

    Raises:
        SetupError: for what is wrong with the lines, or with what is given beside them.
    """
    reader, naming = _Reader(scenario, lines), scenario.naming
    reader.read_all()
    loss = reader.loss()
    written = frozenset(name for line in Text("backward", lines.backward).lines() for name, _ in line.targets)
    own = naming.gradient.format(loss)
    written |= {own} & {*re.findall(r"[\w.']+", lines.backward)}  # also where it is read alone
    also = tuple(name for name in {*scenario.data, *lines.given} if naming.gradient.format(name) in written)
    between, before = reader.between(loss, also)
    phase, nodes = Phase.FORWARD, list[Node]()
    for node in reader.nodes:
        phase = Phase.LOSS if node.output == loss else phase
        gradient = naming.gradient.format(node.output)
        arriving = ONE if node.output == loss and gradient not in written else Name(gradient)
        passes = node.output in before and not between.isdisjoint(node.arguments)  # or stops a gradient, and says so
        row = reader.derived(node, between, arriving) if passes else node.operation
        nodes.append(replace(node, operation=row, phase=phase))
    if reader.errors:
        raise ProgramError(tuple(reader.errors))
    reader.check_derived({naming.gradient.format(name): f"the gradient of {name}" for name in between})
    reader.check_derived({name: f"a part of {node.output}" for node in nodes for name, _ in node.operation.inner})
    clipping = rule_of(scenario.optimizer).clipping({name: naming.gradient.format(name) for name in reader.lines.parameters}, naming)
    reader.check_derived({name: "what clips the gradients" for name, *_ in clipping})
    network = Network(
        tuple(nodes),
        reader.lines.parameters,
        {name: (number, scenario.initializer) for number, name in enumerate(_drawn(reader), 1)},
        (),
        naming,
        scenario.loss,
        loss,
        reader.rows[-1] == GENERIC_ROWS,
        also,
        written,
        _groups([*reader.lines.parameters, *(node.output for node in nodes), *(draw.name for draw in reader.draws)]),
        tuple(reader.draws),
    )
    if reader.unfolded:
        scenario = replace(scenario, values=reader.values, lines=replace(reader.lines, program=_written_out(reader, nodes), loss=loss))
    return network, scenario


def _written_out(reader: _Reader, nodes: Sequence[Node]) -> str:
    """The program with the lines that its layers stand for."""
    said = [(place + 0.5, node.output, node.operation.forward.text, node.comment) for place, node in enumerate(nodes)]
    said += [(draw.place, draw.name, f"{draw}", draw.comment) for draw in reader.draws]
    ordered = sorted(said, key=lambda line: line[0])
    return "\n".join(f"{name} = {value}" + f"   # {comment}" * bool(comment) for _, name, value, comment in ordered)


def _groups(names: Sequence[str]) -> dict[str, str]:
    """The part of the model that a tensor belongs to: ``h`` that of ``h.mu``, and of ``h`` itself."""
    groups = {name: name.rpartition(".")[0] for name in names if "." in name}
    return groups | {name: name for name in groups.values() if name in names}


def _drawn(reader: _Reader) -> list[str]:
    """The parameters that start at random: those of two axes and more, as weights do; the others start at 0, as biases do."""
    return [name for name, shape in reader.lines.parameters.items() if len(shape) > 1 and name not in reader.values]
