"""The front end of formulas: a program of lines, whose forward pass is a node a line; the backward pass is derived from them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterator, Mapping
from math import prod

import numpy as np

from bpdebug.core.derive import derived
from bpdebug.core.description import Lines, Scenario
from bpdebug.core.errors import FormulaError, LineError, ProgramError, SetupError
from bpdebug.core.functions import CONSTANTS, FUNCTIONS
from bpdebug.core.misfits import shape_text
from bpdebug.core.network import Network, Node, Phase
from bpdebug.core.operation import Operation
from bpdebug.core.optimizers import rule_of
from bpdebug.core.parser import Formula, parse
from bpdebug.core.record import replace
from bpdebug.core.shapes import GENERIC_ROWS, Shape, infer
from bpdebug.core.spelling import Vocabulary
from bpdebug.core.statements import Line, Text, is_name, parts_of
from bpdebug.core.structure import Form, form_of, kind_of
from bpdebug.core.tree import ONE, Name, Number, substitute, walk
from bpdebug.core.words import nearest, suggestion

MAXIMUM_NUMBERS = 2**27
"""Numbers that one tensor may hold."""
Found = tuple[Formula, Mapping[int, Shape]]


class _LostError(Exception):
    """A line that reads what another line, which is wrong, was to make."""


class _Reader:
    """Makes nodes of lines, with every shape known for each number of samples that is tried.

    Attributes:
        nodes: in the order of the lines.
        shapes: the shape of every tensor so far, by the number of samples.
        rows: the numbers of samples: those that occur, and one that no tensor has, unless the program works for this data alone.
        latest: the version of each name that a line reads.
        places: where in the text each tensor is assigned.
        errors: what is wrong, line by line.
        lost: the names whose lines are wrong, so that nothing is said of those who read them.
    """

    def __init__(self, scenario: Scenario, lines: Lines) -> None:
        self.scenario, self.lines, self.text = scenario, lines, Text("program", lines.program)
        self.nodes: list[Node] = []
        self.latest: dict[str, str] = {}
        self.versions = Counter[str]()
        self.places: dict[str, int] = {}
        self.errors: list[SetupError] = []
        self.lost: set[str] = set()
        self.rows = [*dict.fromkeys((*scenario.plan.sizes, GENERIC_ROWS))]
        self.shapes = {rows: self._given(rows) for rows in self.rows}
        self.first: dict[str, int] = {}

    def _given(self, rows: int) -> dict[str, Shape]:
        lines = self.lines
        shapes: dict[str, Shape] = {name: form_of(values, rows) for name, values in self.scenario.data.items()}
        shapes["m"] = Form.of((), "i", rows)
        rule = rule_of(self.scenario.optimizer.name, self.scenario.optimizer.constants)
        shapes |= dict.fromkeys((*rule.constants, *["t"] * rule.counts), ())
        shapes |= {name: form_of(np.asarray(value)) for name, value in (*lines.given.items(), *lines.constants.items())}
        return shapes | dict(lines.parameters)

    @property
    def known(self) -> dict[str, Shape]:
        """The shape of every tensor so far, that of the samples being the number that no other axis has, where there is one."""
        return self.shapes[self.rows[-1]]

    def read_all(self) -> None:
        """Read every line.

        Raises:
            ProgramError: with all that is wrong.
        """
        try:
            lines = [*self.text.lines()]
        except LineError as error:
            raise ProgramError((error,)) from None
        self.first = {name: line.number for line in reversed(lines) for name, _ in line.targets}
        self.errors += _objections(self.scenario, self.lines)
        for line in lines:
            self.read(line)
        if self.errors:
            raise ProgramError(tuple(self.errors))

    def read(self, line: Line) -> None:
        """Add the nodes of a line; what is wrong with it is noted."""
        found = list[Found]()
        try:
            self.errors += line.errors
            found = [self._found(*part) for part in parts_of(line)]
            for name, place in line.targets if found else ():
                self._check_target(name, place)
        except LineError as error:
            self.errors.append(error)
            found = []
        except _LostError:
            found = []
        if found:
            for (name, place), (formula, shapes) in zip(line.targets, found, strict=True):
                self._add(self._version(name), place, formula, shapes, line.comment)
        else:
            self.lost.update(name for name, _ in line.targets)

    def _found(self, text: str, place: int) -> Found:
        """The formula at a place, and its shape for each number of samples."""
        vocabulary = Vocabulary(frozenset(name for name in self.known if not name.isidentifier()))
        try:
            formula = parse(text, vocabulary)
            self._check_names(formula)
            formula = Formula(formula.text, substitute(formula.tree, {old: Name(new) for old, new in self.latest.items()}))
            shapes = self._inferred(formula)
        except FormulaError as error:
            raise self.text.error(error.message, place + error.column - 1) from None
        for shape in shapes.values() if GENERIC_ROWS not in shapes else [shapes[rows] for rows in self.scenario.plan.sizes]:
            if prod(shape) > MAXIMUM_NUMBERS:
                raise self.text.error(too_large(shape), place)
        return formula, shapes

    def _check_names(self, formula: Formula) -> None:
        """Refuse names that nothing gives."""
        given = {*self.known, *self.lost, *CONSTANTS, *FUNCTIONS}
        for node in walk(formula.tree):
            if isinstance(node, Name) and node.name not in given:
                raise FormulaError(self._missing(node.name), formula.text, node.column)
        if self.lost.intersection(formula.names):
            raise _LostError

    def _missing(self, name: str) -> str:
        """What is said of a name that has no value when it is read."""
        if name in self.first:
            return f"{name} is read before line {self.first[name]} of the program computes it"
        naming = self.scenario.naming
        if name in (naming.input, naming.target):
            return f"{name} is read, and data: gives none: add {'inputs' if name == naming.input else 'targets'} there"
        near = nearest(name, [*self.latest, *self.known])
        return f"{name} is read but nowhere given: add {name} to parameters: shapes" + (f", or did you mean '{near}'?" if near else "")

    def _inferred(self, formula: Formula) -> Mapping[int, Shape]:
        """The shape for each number of samples; a program that needs the very samples that it has is no longer tried with others."""
        found = {rows: infer(formula, self.shapes[rows]) for rows in self.scenario.plan.sizes}
        if self.rows[-1] not in found:
            try:
                found[self.rows[-1]] = infer(formula, self.known)
            except FormulaError:
                if len(found) > 1:
                    raise
                self.rows.pop()
        return found

    def _check_target(self, target: str, place: int) -> None:
        if target in self.lines.parameters:
            raise self.text.error(f"{target} is a parameter: only the update may change it; give the value another name", place)
        whole = target.partition("[")[0]
        if whole != target and whole in self.known:
            message = f"a line assigns a whole tensor, and {whole} is one: write {whole} = where(…) or {whole} = add_at({whole}, …)"
            raise self.text.error(message, place)

    def _version(self, target: str) -> str:
        """What a tensor that is assigned under that name is called."""
        self.versions[target] += 1 + (target in self.known and target not in self.versions)
        name = self.latest[target] = target if self.versions[target] == 1 else f"{target}'{self.versions[target]}"
        self.lost.discard(target)
        return name

    def _add(self, name: str, place: int, formula: Formula, found: Mapping[int, Shape], comment: str) -> None:
        for rows, shape in found.items():
            self.shapes[rows][name] = shape
        self.places[name] = place
        row = Operation("line", name, Formula.of(formula.tree), {}, "")
        self.nodes.append(Node(name, row, {read: read for read in formula.names}, Phase.FORWARD, 0, comment))

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
            place, given = self.places.get(name), _path_of(self.scenario, self.lines, name)
            self.errors.append(SetupError(message, given) if place is None else self.text.error(message, place))
        if self.errors:
            raise ProgramError(tuple(self.errors))

    def between(self, loss: str, also: Collection[str]) -> frozenset[str]:
        """The parameters, other tensors whose gradients are asked for, and values on a path from one of them to the loss."""
        after, before = {*self.lines.parameters, *also}, {loss}
        for node in self.nodes:
            if after.intersection(node.arguments) and kind_of(self.known[node.output]) == "f":  # whole numbers do not move a little
                after.add(node.output)
        for node in reversed(self.nodes):
            if node.output in before:
                before.update(node.arguments)
        return frozenset(after & before)


def read_lines(scenario: Scenario, lines: Lines) -> Network:
    """The network of a scenario that is written in lines.

    Raises:
        SetupError: for what is wrong with the lines, or with what is given beside them.
    """
    reader, naming = _Reader(scenario, lines), scenario.naming
    reader.read_all()
    loss = reader.loss()
    written = frozenset(name for line in Text("backward", lines.backward).lines() for name, _ in line.targets)
    also = tuple(name for name in {*scenario.data, *lines.given} if naming.gradient.format(name) in written)
    between = reader.between(loss, also)
    phase, nodes = Phase.FORWARD, list[Node]()
    for node in reader.nodes:
        phase = Phase.LOSS if node.output == loss else phase
        gradient = naming.gradient.format(node.output)
        arriving = ONE if node.output == loss and gradient not in written else Name(gradient)
        stops = kind_of(reader.known[node.output]) != "f"  # and says so
        row = reader.derived(node, between, arriving) if stops or node.output in between else node.operation
        nodes.append(replace(node, operation=row, phase=phase))
    if reader.errors:
        raise ProgramError(tuple(reader.errors))
    reader.check_derived({naming.gradient.format(name): f"the gradient of {name}" for name in between})
    reader.check_derived({name: f"a part of {node.output}" for node in nodes for name, _ in node.operation.inner})
    return Network(
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
    )


def _path_of(scenario: Scenario, lines: Lines, name: str) -> tuple[str, ...]:
    """The keys under which a tensor is given."""
    if name in lines.parameters:
        return ("parameters", "values" if name in scenario.values else "shapes", name)
    return ("tensors" if name in lines.given else "constants", name)


def _objections(scenario: Scenario, lines: Lines) -> Iterator[SetupError]:
    """What is wrong with the names and sizes of what is given."""
    rule = rule_of(scenario.optimizer.name, scenario.optimizer.constants)
    taken = {"m": "the number of samples in the batch"} | dict.fromkeys(scenario.data, "what data: gives")
    taken |= dict.fromkeys(rule.constants, "a constant of the optimizer") | ({"t": "the number of the update"} if rule.counts else {})
    shapes = [name for name in lines.parameters if name not in scenario.values]
    sections = {("parameters", "shapes"): shapes, ("parameters", "values"): scenario.values, ("tensors",): lines.given}
    for path, name in ((path, name) for path, names in (sections | {("constants",): lines.constants}).items() for name in names):
        if name in taken:
            yield SetupError(f"{name} is {taken[name]} already: choose another name", (*path, name))
        elif not is_name(name):
            yield SetupError(f"a tensor cannot be called '{name}'; expected letters, digits and _, such as W1", (*path, name))
        elif "shapes" in path and prod(lines.parameters[name]) > MAXIMUM_NUMBERS:
            yield SetupError(f"{name}: {too_large(lines.parameters[name])}", (*path, name))
        taken[name] = f"given under {path[-1]}:"


def too_large(shape: Shape) -> str:
    """What is said of a tensor that is too large."""
    return f"this is {shape_text(shape)}, {prod(shape):,} numbers; a tensor has at most {MAXIMUM_NUMBERS:,}"


def _drawn(reader: _Reader) -> list[str]:
    """The parameters that start at random: those of two axes and more, as weights do; the others start at 0, as biases do."""
    return [name for name, shape in reader.lines.parameters.items() if len(shape) > 1]
