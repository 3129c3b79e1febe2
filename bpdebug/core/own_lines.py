"""The user's own backward pass: his lines in the place of what was derived, in the order in which they read each other."""

from __future__ import annotations

import difflib
import re
from collections import Counter
from collections.abc import Mapping

from bpdebug.core.counting import in_samples
from bpdebug.core.errors import FormulaError, LineError, ProgramError
from bpdebug.core.functions import CONSTANTS, FUNCTIONS
from bpdebug.core.network import Phase
from bpdebug.core.parser import Formula, parse
from bpdebug.core.program import Program
from bpdebug.core.record import Record, replace
from bpdebug.core.schedule import Skipped, Stage
from bpdebug.core.shapes import GENERIC_ROWS, check_stage, infer
from bpdebug.core.sources import CHANGED, owner_of, shared_by
from bpdebug.core.statements import Line, Text, parts_of
from bpdebug.core.texts import PHRASES
from bpdebug.core.tree import Name, names, substitute, total, walk
from bpdebug.core.words import suggestion
from bpdebug.core.writing import BLANK

_ALIKE = 0.8
"""How much of a name must be that of another one for it to be taken for a slip."""


def with_own_lines(program: Program, text: str) -> Program:
    """The program with the user's own backward lines.

    A line for a gradient stands for the whole of it: what was derived for its parts goes, and whatever only these read. Other names
    are helpers, stages of their own. The derived formula is kept as :attr:`bpdebug.core.schedule.Stage.original`.

    Raises:
        ProgramError: with all that is wrong with the lines.
    """
    own = _Own(program, Text("backward", text))
    backward, fixed = own.placed(), own.program  # which may take batches of one size only by now
    lines = [line for line in fixed.lines if line.phase is not Phase.UPDATE and line.phase is not Phase.BACKWARD]
    return replace(fixed, lines=(*lines, *backward, *(line for line in fixed.lines if line.phase is Phase.UPDATE)))


class _Written(Record):
    """A line of the user's.

    Attributes:
        name: of the stage that it becomes.
        formula: what it computes, over names of stages.
        place: where the formula stands in the text.
        target: where the name stands.
        comment: what is said of it.
    """

    name: str
    formula: Formula
    place: int
    target: int
    comment: str


class _Own:
    """The lines of a program's backward section."""

    def __init__(self, program: Program, text: Text) -> None:
        self.program, self.text, self.errors = program, text, list[LineError]()
        self.derived = {stage.name: stage for stage in program.stages if stage.phase is Phase.BACKWARD}
        self.gradients = {name: of for of, name in program.gradients.items()}
        self.lost: set[str] = set()
        try:
            lines = [*text.lines()]
        except LineError as error:
            raise ProgramError((error,)) from None
        self.times = Counter(name for line in lines for name, _ in line.targets)
        self.seen, self.latest = Counter[str](), dict[str, str]()
        self.written: dict[str, _Written] = {}
        self.owners = dict[str, str]()
        again = [stage.name for stage in program.stages if stage.phase in (Phase.FORWARD, Phase.LOSS) and re.search(r"\w'\d+$", stage.name)]
        self.versions = {name.rpartition("'")[0]: name for name in again}  # of a name the last one, as in Python
        self.versions |= {f"{name}'1": name for name in self.versions}
        self.left: dict[str, int] = {}
        for line in lines:
            self._read(line)
        self._refuse_unread()
        if self.errors:
            raise ProgramError(tuple(self.errors))

    def _read(self, line: Line) -> None:
        self.errors += line.errors
        try:
            parts, name = [*parts_of(line)], self.latest.get(line.targets[0][0], "")
            if line.changes and name and (other := shared_by(name, self.owners)):
                raise self.text.error(CHANGED.format(line.targets[0][0], other), line.targets[0][1])
            if [text.strip() for text, _ in parts] == [BLANK]:
                self.left[line.targets[0][0]] = line.targets[0][1]
                return
            formulas = [(self._formula(*part), part[1]) for part in parts]
        except LineError as error:
            self.errors.append(error)
            formulas = []
        if not formulas:
            self.lost.update(name for name, _ in line.targets)
        for (target, place), (formula, start) in zip(line.targets, formulas, strict=False):
            name = self._called(target)
            self.written[name] = _Written(name, formula, start, place, line.comment)
            self.owners[name] = owner_of(name, formula, self.owners)
            self.latest[target] = name

    def _called(self, target: str) -> str:
        """The name of the stage that a line becomes: the last one for a gradient is the gradient."""
        self.seen[target] += 1
        if target in self.derived:
            earlier = self.times[target] - self.seen[target]
            return f"{target}'{'0' * self.seen[target]}" if earlier else target
        count = self.seen[target] + (target in self.program.tensors)
        return target if count == 1 else f"{target}'{count}"

    def _formula(self, text: str, place: int) -> Formula:
        known = {*self.program.tensors, *self.times, *self.written, *self.versions}
        try:
            formula = parse(text, replace(self.program.vocabulary, joined=frozenset(name for name in known if not name.isidentifier())))
            for node in walk(formula.tree):
                if isinstance(node, Name) and node.name not in (*known, *CONSTANTS, *FUNCTIONS):
                    hint = suggestion(node.name, known) or "; a line reads tensors of the program, gradients and what other lines compute"
                    raise FormulaError(f"there is no tensor '{node.name}'{hint}", formula.text, node.column)
        except FormulaError as error:
            raise self.text.error(error.message, place + error.column - 1) from None
        tree = substitute(formula.tree, {old: Name(new) for old, new in (self.versions | self.latest).items()})
        return Formula(" ".join(formula.text.split()), tree) if tree == formula.tree else Formula.of(tree)

    def _refuse_unread(self) -> None:
        """Refuse lines that stand for no gradient and are read by none, and names that are slips for a gradient's."""
        read = {name for line in self.written.values() for name in line.formula.names}
        if self.errors:  # a line that is wrong may be the one that reads it
            words = Counter(re.findall(r"[\w.]+", self.text.text))
            read |= {name for name in self.written if words[name] > self.times[name]}
        self.errors += [self.text.error(self._not_read(name), place) for name, place in self.left.items() if name not in self.derived]
        for line in self.written.values():
            if line.name not in self.derived and (line.name not in read or self._slip(line.name)):
                self.errors.append(self.text.error(self._not_read(line.name), line.target))

    def _slip(self, name: str) -> str:
        """The gradient that is meant by a name that is nearly its own, or ""."""
        prefix = self.program.network.naming.gradient.partition("{")[0]
        if not name.startswith(prefix) or name.removeprefix(prefix) in self.program.tensors:
            return ""
        others = [gradient for gradient in self.gradients if gradient not in self.written]
        return next(iter(difflib.get_close_matches(name, others, 1, _ALIKE)), "")

    def _not_read(self, name: str) -> str:
        if (again := name.partition("'")[0]) in self.derived and name not in self.times:
            return f"{again} is computed once more further down, by a line that does not read this one: leave one of them out"
        name = again if name not in self.times else name
        prefix, known = self.program.network.naming.gradient.partition("{")[0], " ".join(self.gradients)
        of = name.removeprefix(prefix)
        if name in self.program.parameters:
            return f"{name} is a parameter: the optimizer updates it, by its gradient {self.program.gradients.get(name, '')}".rstrip()
        if of == name:
            return f"{name} is read by no line: a line is a gradient ({known}), or a value that another line reads"
        if of in self.program.tensors:
            return f"{of} has no gradient: no path of derivatives leads from it to {self.program.loss}; gradients are {known}"
        meant = self._slip(name)
        hint = f"did you mean {meant}?" if meant else suggestion(name, self.gradients).removeprefix("; ") or f"gradients are {known}"
        return f"there is no tensor {of} whose gradient {name} would be; {hint}"

    def placed(self) -> list[Stage | Skipped]:
        """The backward pass: each stage after those that it reads, else in the derived order.

        Raises:
            ProgramError: where lines read each other in a circle, or a shape does not fit.
        """
        stages = self.derived | {name: replace(self._whole(name), left=True) for name in self.left}
        stages |= {name: self._stage(line) for name, line in self.written.items()}
        order = dict[str, Stage | Skipped]()
        for line in self.program.lines:
            if isinstance(line, Skipped) and line.phase is Phase.BACKWARD:
                order[line.name] = line
            elif line.name in self.gradients:
                self._place(line.name, stages, order, ())
        ordered = [stage for stage in order.values() if isinstance(stage, Stage)]
        for rows in self.program.batches.sizes:
            self._refuse(self._misfits(ordered, rows))
        if self.program.network.generic and self._misfits(ordered, GENERIC_ROWS):
            own = {name: line.formula for name, line in self.written.items()}
            counting = in_samples(own, self.program.batches.sizes, lambda put: not self._misfits(ordered, GENERIC_ROWS, put))
            if counting:
                self.written = {name: replace(line, formula=counting[name]) for name, line in self.written.items()}
            else:  # they fit the batches that there are, and no other ones are computed
                self.program = replace(self.program, network=replace(self.program.network, generic=False))
            return self.placed()
        before, kept = set[str](), list[Stage | Skipped]()
        for stage in order.values():
            kept.append(self._kept(stage, before) if isinstance(stage, Stage) else stage)
            before.add(stage.name)
        return kept

    def _place(self, name: str, stages: Mapping[str, Stage], order: dict[str, Stage | Skipped], path: tuple[str, ...]) -> None:
        if name in path:
            circle = path[path.index(name) :]
            line = next(self.written[part] for part in reversed(circle) if part in self.written)
            told = f"{line.name} reads itself" if len(circle) == 1 else f"{' reads '.join((*circle, name))} again"
            raise ProgramError((self.text.error(f"{told}: one of them has to be computed first", line.target),))
        if name in order:
            return
        for read in stages[name].formula.names:
            if read in stages:
                self._place(read, stages, order, (*path, name))
        order[name] = stages[name]

    def _stage(self, line: _Written) -> Stage:
        """The stage of a line; what was derived in its place is kept with it."""
        if line.name not in self.derived:
            return Stage(line.name, line.formula, Phase.BACKWARD, 0, line.comment or PHRASES["helper"], "", "line")
        return self._whole(line.name).with_formula(line.formula, line.comment.replace("{", "{{").replace("}", "}}"))

    def _whole(self, name: str) -> Stage:
        """A gradient as it was derived, of several parts as their sum."""
        derived = self.derived[name]
        parts = [stage for stage in self.derived.values() if stage.of == derived.of and stage.through] if not derived.through else []
        if parts:
            derived = replace(derived, formula=Formula.of(total(*(part.formula.tree for part in parts))), operation="line")
        return derived

    def _kept(self, stage: Stage, before: set[str]) -> Stage:
        """A stage whose derived formula reads no helper that is not computed by then."""
        if stage.original is None:
            return stage
        helpers = {name: inner.formula.tree for name, inner in self.derived.items() if name not in self.gradients and name not in before}
        tree = stage.original.formula.tree
        while helpers.keys() & {*names(tree)}:
            tree = substitute(tree, helpers)
        original = replace(stage.original, formula=Formula.of(tree))
        return replace(stage, original=original, meaning=stage.meaning.replace(stage.original.formula.text, original.formula.text))

    def _refuse(self, errors: list[LineError]) -> None:
        if errors:
            raise ProgramError(tuple(errors))

    def _misfits(self, order: list[Stage], rows: int, formulas: Mapping[str, Formula] = {}) -> list[LineError]:
        """The lines that do not fit so many samples, with other formulas in the place of their own."""
        shapes, errors = self.program.shapes(rows), list[LineError]()
        for stage in order:
            line, formula = self.written.get(stage.name), formulas.get(stage.name, stage.formula)
            try:
                if line and stage.name in self.derived:
                    check_stage(stage.name, formula, shapes, ())
                elif line:
                    shapes[stage.name] = infer(formula, shapes)
            except FormulaError as error:
                errors += [self.text.error(error.message, line.place + error.column - 1)] if line else []
                shapes[stage.name] = shapes.get(stage.name, ())
        return errors
