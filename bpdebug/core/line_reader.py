"""The lines of a program, each made a node, with every shape known; layers that they call are written out."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from itertools import islice
from math import prod

import numpy as np

from bpdebug.core.description import Lines, Scenario
from bpdebug.core.draws import Draw, draw_of, is_drawn
from bpdebug.core.errors import FormulaError, LineError, ProgramError, SetupError
from bpdebug.core.evaluate import evaluate
from bpdebug.core.foreign import LAYER_NAMES
from bpdebug.core.functions import CONSTANTS, FUNCTIONS
from bpdebug.core.misfits import shape_text
from bpdebug.core.network import Node, Phase
from bpdebug.core.operation import Operation
from bpdebug.core.optimizers import OWN, rule_of
from bpdebug.core.parser import Formula, parse
from bpdebug.core.places import check_places, check_truths
from bpdebug.core.record import replace
from bpdebug.core.shapes import GENERIC_ROWS, Shape, in_general, infer
from bpdebug.core.sources import CHANGED, owner_of, shared_by
from bpdebug.core.standins import Vocabulary
from bpdebug.core.statements import Line, Text, is_name, parts_of
from bpdebug.core.structure import Form, form_of, kind_of, size_of
from bpdebug.core.tree import Name, substitute, walk
from bpdebug.core.unfolding import calls_layer, unfold
from bpdebug.core.words import nearest, suggestion

MAXIMUM_NUMBERS = 2**27
"""Numbers that one tensor may hold."""
Found = tuple[Formula, Mapping[int, Form]]


class _LostError(Exception):
    """A line that reads what another line, which is wrong, was to make."""


class LineReader:
    """Makes nodes of lines, with every shape known for each number of samples that is tried.

    Attributes:
        nodes: in the order of the lines.
        draws: what lines draw.
        shapes: the shape of every tensor so far, by the number of samples.
        rows: the numbers of samples: those that occur, and one that no tensor has, unless the program works for this data alone.
        latest: the version of each name that a line reads.
        places: where in the text each tensor is assigned.
        errors: what is wrong, line by line.
        lost: the names whose lines are wrong, so that nothing is said of those who read them.
        number_now: the line that is read.
        whole: what is given, and whole numbers that are made of that alone, of all samples.
        values: what parameters start as, where that is said, here or by a layer.
        owners: of each line the tensor whose array it may be.
        unfolded: whether a line has called a layer.
        asked: the parameters that layers have asked for.
    """

    def __init__(self, scenario: Scenario, lines: Lines) -> None:
        self.scenario, self.lines, self.text = scenario, lines, Text("program", lines.program)
        self.values, self.unfolded, self.asked = dict(scenario.values), False, set[str]()
        self.nodes: list[Node] = []
        self.draws: list[Draw] = []
        self.latest: dict[str, str] = {}
        self.versions = Counter[str]()
        self.places: dict[str, int] = {}
        self.errors: list[SetupError] = []
        self.lost: set[str] = set()
        self.rows = [*dict.fromkeys((*scenario.plan.sizes, GENERIC_ROWS))]
        self.shapes = {rows: self._given(rows) for rows in self.rows}
        self.first: dict[str, int] = {}
        self.whole, self.number_now = {**scenario.data, **lines.given}, 0
        self.owners = dict[str, str]()
        self._vocabulary, self._named = Vocabulary(), 0

    def _given(self, rows: int) -> dict[str, Shape]:
        lines = self.lines
        shapes: dict[str, Shape] = {name: form_of(values, rows) for name, values in self.scenario.data.items()}
        shapes["m"] = Form.of((), "i", rows)
        rule = rule_of(self.scenario.optimizer)
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
        self.errors += (objections := [*_objections(self.scenario, self.lines)])
        self.lost.update(str(error.path[-1]) for error in objections)
        for line in lines:
            self.read(line)
        if self.errors:
            raise ProgramError(tuple(self.errors))
        self._refuse_unasked()
        if self.errors:
            raise ProgramError(tuple(self.errors))

    def _refuse_unasked(self) -> None:
        """Note parameters that are declared for a layer which does not have them: slips, for which it has made its own."""
        groups = {name.rpartition(".")[0] for name in self.asked}
        for name in self.lines.parameters.keys() - self.asked:
            if (group := name.rpartition(".")[0]) in groups and not any(name in node.arguments for node in self.nodes):
                own = sorted(asked for asked in self.asked if asked.startswith(f"{group}."))
                message = f"{group} has no parameter {name}{suggestion(name, own) or '; it has ' + ' '.join(own)}"
                self.errors.append(SetupError(message, path_of(self.scenario, self.lines, name)))

    def read(self, line: Line) -> None:
        """Add the nodes of a line; what is wrong with it is noted."""
        self.errors += line.errors
        self.number_now = line.number
        try:
            if len(line.targets) == len(line.parts) == 1 and calls_layer(line.parts[0][0]):
                self.unfolded = True
                self._check_target(*line.targets[0])
                unfold(self, line.targets[0][0], *line.parts[0], line.comment)
                return
            parts = [(text, range(place, place + len(text) + 1)) for text, place in parts_of(line)]
            for name, place in line.targets if parts else ():
                self._check_target(name, place, line.changes)
            if len(parts) == 1 and self._drawn(line.targets[0][0], *parts[0], line.comment):
                return
            found = [self._found(*part) for part in parts]
        except (LineError, _LostError) as error:
            self.errors += [error] if isinstance(error, LineError) else []
            found = []
        for (name, place), (formula, shapes) in zip(line.targets, found, strict=False):
            self._add(name, place, formula, shapes, line.comment)
        if not found:
            self.lost.update(name for name, _ in line.targets)

    def assign(self, target: str, text: str, places: Sequence[int], comment: str) -> None:
        """Add the node of one line, or what it draws where that is not given; see :class:`bpdebug.core.unfolding.Host`."""
        if not self._drawn(target, text, places, comment):
            self._add(target, places[0], *self._found(text, places), comment)

    def _drawn(self, target: str, text: str, places: Sequence[int], comment: str) -> bool:
        """Add what a line draws; whether it does."""
        try:
            draw = draw_of(target, text, {*self.known, *self.lost}, self.lines.constants, self.vocabulary) if is_drawn(text) else None
        except FormulaError as error:
            raise self._misplaced(error, places) from None
        if draw is None or ("." in target and target in self.lines.given):  # a layer's own mask, which is given
            return draw is not None
        if draw.like in self.lost:
            raise _LostError
        like, name = self.latest.get(draw.like, draw.like), self.called(target)
        self.draws.append(replace(draw, name=name, like=like, number=len(self.draws), place=len(self.nodes), comment=comment))
        self._name(target, places[0], {rows: Form.of(shapes[like], "f") for rows, shapes in self.shapes.items()})
        return True

    def _misplaced(self, error: FormulaError, places: Sequence[int]) -> LineError:
        """What is wrong with a formula whose letters stand at these places."""
        return self.text.error(error.message, places[min(error.column, len(places)) - 1])

    def declared(self, name: str, start: str) -> bool:
        """Whether a parameter of a layer is there; see :class:`bpdebug.core.unfolding.Host`."""
        if name in self.lines.parameters and name not in self.values and start != "drawn":
            self.values[name] = getattr(np, start)(self.lines.parameters[name])
        self.asked.add(name)
        return name in self.known

    def declare(self, name: str, start: str, shape: Shape) -> None:
        """Make a parameter of a layer; see :class:`bpdebug.core.unfolding.Host`."""
        self.lines = replace(self.lines, parameters={**self.lines.parameters, name: tuple(shape)})
        for shapes in self.shapes.values():
            shapes[name] = tuple(shape)
        self.declared(name, start)

    def shapes_of(self, text: str) -> list[Form]:
        """The shape of a formula, for each number of samples that is tried; see :class:`bpdebug.core.unfolding.Host`."""
        return [*self._found(text, [0])[1].values()]

    @property
    def vocabulary(self) -> Vocabulary:
        """The names so far that are no names to Python."""
        more = [*islice(self.known, self._named, None)]
        self._named += len(more)
        self._vocabulary.add(name for name in more if not name.isidentifier())
        return self._vocabulary

    def _found(self, text: str, places: Sequence[int]) -> Found:
        """The formula whose letters stand at some places, and its shape for each number of samples."""
        try:
            formula = parse(text, self.vocabulary)
            self._check_names(formula)
            formula = Formula(formula.text, substitute(formula.tree, {n: Name(self.latest[n]) for n in formula.names if n in self.latest}))
            shapes = self._inferred(formula)
            if rule_of(self.scenario.optimizer) is not OWN:  # what a script has computed is as it is
                check_truths(formula, self.shapes[self.scenario.plan.sizes[0]])
            if self.rows[-1] == GENERIC_ROWS or self.scenario.plan.sizes == (len(self.scenario.x),):
                check_places(formula, self.shapes[self.scenario.plan.sizes[0]], self.known, self.whole)
        except FormulaError as error:
            raise self._misplaced(error, places) from None
        for shape in shapes.values() if GENERIC_ROWS not in shapes else [shapes[rows] for rows in self.scenario.plan.sizes]:
            if size_of(shape) > MAXIMUM_NUMBERS:
                raise self.text.error(too_large(shape), places[0])
        return formula, shapes

    def _check_names(self, formula: Formula) -> None:
        """Refuse names that nothing gives."""
        given = (self.known, self.lost, CONSTANTS, FUNCTIONS)
        for node in walk(formula.tree):
            if isinstance(node, Name) and not any(node.name in names for names in given):
                raise FormulaError(self._missing(node.name), formula.text, node.column)
        if self.lost.intersection(formula.names):
            raise _LostError

    def _missing(self, name: str) -> str:
        """What is said of a name that has no value when it is read."""
        if name in LAYER_NAMES:
            return f"{name} is a layer: write {name}(…)"
        if self.first.get(name) == self.number_now:
            return f"{name} reads itself, and no line above gives it a value: each update computes everything anew"
        if name in self.first:
            return f"{name} is read before line {self.first[name]} of the program computes it"
        naming = self.scenario.naming
        if name in (naming.input, naming.target):
            return f"{name} is read, and data: gives none: add {'inputs' if name == naming.input else 'targets'} there"
        near = nearest(name, [*self.latest, *self.known])
        return f"{name} is read but nowhere given: add {name} to parameters: shapes" + (f", or did you mean '{near}'?" if near else "")

    def _inferred(self, formula: Formula) -> Mapping[int, Form]:
        """The shape for each number of samples; a program that needs the very samples that it has is no longer tried with others."""
        first, *others = self.scenario.plan.sizes
        found = {first: infer(formula, self.shapes[first])}
        for rows in (*others, *{self.rows[-1]}.difference(self.scenario.plan.sizes)):
            try:
                found[rows] = infer(formula, self.shapes[rows])
            except FormulaError as error:
                if not others:
                    self.rows.pop()
                    break
                message = f"{in_general(error.message)} (batches of {first} samples and of {others[0]}: a line has to fit both)"
                raise FormulaError(message, error.text, error.column) from None
        return found

    def _check_target(self, target: str, place: int, changes: bool = False) -> None:
        if target in self.lines.parameters:
            raise self.text.error(f"{target} is a parameter: only the update may change it; give the value another name", place)
        other = shared_by(self.latest.get(target, target), self.owners) or target * (target not in self.latest)
        if changes and target in self.known and other:
            raise self.text.error(CHANGED.format(target, other), place)
        whole = target.partition("[")[0]
        if whole != target and whole in self.known:
            message = f"a line assigns a whole tensor, and {whole} is one: write {whole} = where(…) or {whole} = add_at({whole}, …)"
            raise self.text.error(message, place)

    def called(self, target: str) -> str:
        """What a tensor that is assigned under that name next is called."""
        count = self.versions[target] + 1 + (target in self.known and target not in self.versions)
        return target if count == 1 else f"{target}'{count}"

    def _add(self, target: str, place: int, formula: Formula, found: Mapping[int, Form], comment: str) -> None:
        name = self._name(target, place, found)
        if self.whole.keys() >= {*formula.names} and kind_of(self.known[name]) == "i":
            self.whole[name] = evaluate(formula, self.whole)
        self.owners[name] = owner_of(name, formula, self.owners)
        row = Operation("line", name, Formula.of(formula.tree), {}, "")
        self.nodes.append(Node(name, row, {read: read for read in formula.names}, Phase.FORWARD, 0, comment))

    def _name(self, target: str, place: int, found: Mapping[int, Shape]) -> str:
        """Have a tensor of those shapes, and what it is called."""
        name = self.called(target)
        self.versions[target] += 1 + (target in self.known and target not in self.versions)
        self.latest[target] = name
        self.lost.discard(target)
        for rows, shape in found.items():
            self.shapes[rows][name] = shape
        self.places[name] = place
        return name


def path_of(scenario: Scenario, lines: Lines, name: str) -> tuple[str, ...]:
    """The keys under which a tensor is given."""
    if name in lines.parameters:
        return ("parameters", "values" if name in scenario.values else "shapes", name)
    return ("tensors" if name in lines.given else "constants", name)


def _objections(scenario: Scenario, lines: Lines) -> Iterator[SetupError]:
    """What is wrong with the names and sizes of what is given."""
    rule = rule_of(scenario.optimizer)
    taken = {"m": "the number of samples in the batch"} | dict.fromkeys(scenario.data, "what data: gives")
    taken |= dict.fromkeys(rule.constants, "a constant of the optimizer") | ({"t": "the number of the update"} if rule.counts else {})
    shapes = [name for name in lines.parameters if name not in scenario.values]
    sections = {("parameters", "shapes"): shapes, ("parameters", "values"): scenario.values, ("tensors",): lines.given}
    for path, name in ((path, name) for path, names in (sections | {("constants",): lines.constants}).items() for name in names):
        if name in taken:
            yield SetupError(f"{name} is {taken[name]} already: choose another name", (*path, name))
        elif not is_name(name) and rule is not OWN:  # a version of a tensor is given where a recorded script does what no formula says
            yield SetupError(f"a tensor cannot be called '{name}'; expected letters, digits and _, such as W1", (*path, name))
        elif "shapes" in path and prod(lines.parameters[name]) > MAXIMUM_NUMBERS:
            yield SetupError(f"{name}: {too_large(lines.parameters[name])}", (*path, name))
        taken[name] = f"given under {path[-1]}:"


def too_large(shape: Shape) -> str:
    """What is said of a tensor that is too large."""
    return f"this is {shape_text(shape)}, {prod(shape):,} numbers; a tensor has at most {MAXIMUM_NUMBERS:,}"
