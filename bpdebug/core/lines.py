"""The front end of formulas: a program of lines, whose forward pass is a node a line; the backward pass is derived from them."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator

from bpdebug.core.derive import derived
from bpdebug.core.description import Lines, Scenario
from bpdebug.core.errors import FormulaError, LineError
from bpdebug.core.network import Network, Node, Phase
from bpdebug.core.operation import Operation
from bpdebug.core.operations import composites
from bpdebug.core.parser import Formula, parse, suggestion
from bpdebug.core.record import Record, replace
from bpdebug.core.shapes import GENERIC_ROWS, Shape, infer, shape_text
from bpdebug.core.spelling import Vocabulary
from bpdebug.core.tree import Name, Tree, literal, substitute

MAXIMUM_LINES = 5000
_TARGET = re.compile(r"\s*([A-Za-z_][\w.]*(\[[^\]=]*\])*)\s*(:[^=]*)?")


class Line(Record):
    """A line of a program as it is written.

    Attributes:
        number: the line of the text on which it begins, from 1.
        targets: the names that it assigns.
        text: what is assigned.
        column: where that begins on its line, from 1.
        comment: what stands behind ``#``, or "".
    """

    number: int
    targets: tuple[str, ...]
    text: str
    column: int
    comment: str = ""


def split(text: str) -> Iterator[Line]:
    """The lines of a program: what stands in brackets goes on, comments and empty lines are left out.

    Raises:
        LineError: for a line that assigns nothing, or too many lines.
    """
    pending, begun, depth = "", 0, 0
    rows = text.splitlines()
    if len(rows) > MAXIMUM_LINES:
        raise LineError(f"the program has {len(rows):,} lines; at most {MAXIMUM_LINES:,} are read", MAXIMUM_LINES + 1)
    for number, row in enumerate(rows, 1):
        code, _, comment = _without_strings(row).partition("#")
        code = row[: len(code)].rstrip()
        if not pending:
            begun = number
        pending += (" " if pending else "") + code
        depth = sum((sign in "([{") - (sign in ")]}") for sign in _without_strings(pending))
        if depth > 0 and number < len(rows):
            continue
        if pending.strip():
            yield _line(begun, pending, comment.strip())
        pending = ""


def _without_strings(text: str) -> str:
    """The text with the letters of strings blanked out."""
    return re.sub(r"(?<![\w')\]])'[^']*'|\"[^\"]*\"", lambda found: "_" * len(found[0]), text)


def _line(number: int, text: str, comment: str) -> Line:
    sign = re.search(r"(?<![=!<>+\-*/@%&|^])=(?!=)", text)
    if not sign or "(" in text[: sign.start()]:
        augmented = re.match(r"\s*([^\s=]+)\s*([+\-*/@]|\*\*)=", text)
        hint = f": write {augmented[1]} = {augmented[1]} {augmented[2]} …" if augmented else ""
        raise LineError(f"expected NAME = FORMULA; found '{text.strip()[:40]}'{hint}", number, len(text) - len(text.lstrip()) + 1)
    left, right = text[: sign.start()], text[sign.end() :]
    targets = tuple(part.strip().strip("()") for part in left.split(",") if part.strip())
    for target in targets:
        if not _TARGET.fullmatch(target):
            raise LineError(f"expected a tensor's name before '='; found '{target}'", number, text.find(target) + 1)
    return Line(number, targets, right.strip(), sign.end() + len(right) - len(right.lstrip()) + 1, comment)


class _Reader:
    """Makes nodes of lines, with every shape known for each number of samples that is tried.

    Attributes:
        nodes: in the order of the lines.
        shapes: the shape of every tensor so far, by the number of samples.
        rows: the numbers of samples: those that occur, and one that no tensor has, unless the program works for this data alone.
        latest: the version of each name that a line reads.
    """

    def __init__(self, scenario: Scenario, lines: Lines) -> None:
        self.scenario, self.lines = scenario, lines
        self.nodes: list[Node] = []
        self.latest: dict[str, str] = {}
        self.versions = Counter[str]()
        self.rows = [*dict.fromkeys((*scenario.plan.sizes, GENERIC_ROWS))]
        self.shapes = {rows: self._given(rows) for rows in self.rows}
        self.assigned: dict[str, Line] = {}

    def _given(self, rows: int) -> dict[str, Shape]:
        lines = self.lines
        shapes: dict[str, Shape] = {name: (rows, *values.shape[1:]) for name, values in self.scenario.data.items()} | {"m": ()}
        shapes |= {name: values.shape for name, values in lines.given.items()} | dict.fromkeys(lines.constants, ())
        return shapes | dict(lines.parameters)

    @property
    def known(self) -> dict[str, Shape]:
        """The shape of every tensor so far, that of the samples being the number that no other axis has, where there is one."""
        return self.shapes[self.rows[-1]]

    def lengths(self, name: str) -> list[Tree] | None:
        """The lengths of a tensor's axes; that of the samples is ``m``."""
        if name not in self.known:
            return None
        few = self.shapes[self.rows[0]][name]
        return [literal(n) if n == other else Name("m") for n, other in zip(few, self.known[name], strict=True)]

    def read(self, line: Line) -> None:
        """Add the node of a line."""
        vocabulary = Vocabulary(frozenset(name for name in self.known if not name.isidentifier()), self.lengths, composites())
        try:
            formula = parse(line.text, vocabulary)
            formula = Formula(formula.text, substitute(formula.tree, {old: Name(new) for old, new in self.latest.items()}))
            found = self._inferred(formula)
        except FormulaError as error:
            raise LineError(error.message, line.number, line.column + error.column - 1) from None
        (target,) = line.targets
        name = self._version(target, line)
        for rows, shape in found.items():
            self.shapes[rows][name] = shape
        self.assigned[name] = line
        row = Operation("line", name, Formula.of(formula.tree), {}, "")
        self.nodes.append(Node(name, row, {read: read for read in formula.names}, Phase.FORWARD, 0, line.comment))

    def _inferred(self, formula: Formula) -> dict[int, Shape]:
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

    def _version(self, target: str, line: Line) -> str:
        if target in self.lines.parameters:
            raise LineError(f"{target} is a parameter: only the update may change it; give the value another name", line.number)
        self.versions[target] += 1 + (target in self.known and target not in self.versions)
        name = target if self.versions[target] == 1 else f"{target}'{self.versions[target]}"
        self.latest[target] = name
        return name

    def loss(self) -> str:
        """The tensor whose gradients are taken.

        Raises:
            LineError: where there is none, or it is more than one number.
        """
        asked, made = self.lines.loss, [node.output for node in self.nodes]
        if not made:
            raise LineError("the program has no line; expected one such as: loss = mean((x @ W - y) ** 2)", 1)
        if asked and asked not in self.latest:
            raise LineError(f"no line computes the loss '{asked}'{suggestion(asked, self.latest) or '; there are ' + ' '.join(made)}", 1)
        name = self.latest.get(asked or "loss", made[-1])
        if self.known[name]:
            remedy = f"write {name} = mean(…) or sum(…)"
            message = f"the loss is one number; {name} is {shape_text(self.known[name])}: {remedy}, or name another line with loss:"
            raise LineError(message, self.assigned[name].number)
        return name

    def between(self, loss: str) -> frozenset[str]:
        """The parameters and values on a path from a parameter to the loss."""
        after, before = set(self.lines.parameters), {loss}
        for node in self.nodes:
            if after.intersection(node.arguments):
                after.add(node.output)
        for node in reversed(self.nodes):
            if node.output in before:
                before.update(node.arguments)
        return frozenset(after & before)


def read_lines(scenario: Scenario, lines: Lines) -> Network:
    """The network of a scenario that is written in lines.

    Raises:
        LineError: for what is wrong with a line.
    """
    reader, naming = _Reader(scenario, lines), scenario.naming
    for line in split(lines.program):
        reader.read(line)
    loss = reader.loss()
    between = reader.between(loss)
    for name in between:
        if (gradient := naming.gradient.format(name)) in reader.known:
            message = f"the gradient of {name} is called {gradient}, and so is a tensor of the program: give one of them another name"
            raise LineError(message, reader.assigned[gradient].number if gradient in reader.assigned else 1)
    phase, nodes = Phase.FORWARD, list[Node]()
    for node in reader.nodes:
        phase = Phase.LOSS if node.output == loss else phase
        made = derived(node.output, node.operation.forward, reader.known, between) if node.output in between else None
        row = replace(node.operation, gradients=made.gradients, inner=made.inner) if made else node.operation
        nodes.append(replace(node, operation=row, phase=phase))
    return Network(
        tuple(nodes),
        reader.lines.parameters,
        {name: (number, scenario.initializer) for number, name in enumerate(_drawn(reader), 1)},
        (),
        naming,
        scenario.loss,
        loss,
        reader.rows[-1] == GENERIC_ROWS,
    )


def _drawn(reader: _Reader) -> list[str]:
    """The parameters that start at random: those of two axes and more, as weights do; the others start at 0, as biases do."""
    return [name for name, shape in reader.lines.parameters.items() if len(shape) > 1]
