"""One stage of a worked solution: its formula over shapes, the numbers put in, the result, one cell of it in full."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from bpdebug.core.boxes import BLANK, GAP, NOTHING, QUAD, THIN, Box, Piece, figure, lines, row, to_latex, width
from bpdebug.core.cells import Cell, Term
from bpdebug.core.description import Array, Values
from bpdebug.core.evaluate import assigned
from bpdebug.core.functions import ARITHMETIC
from bpdebug.core.network import Phase
from bpdebug.core.parser import Formula
from bpdebug.core.record import Record
from bpdebug.core.render import Style
from bpdebug.core.shapes import Shapes, infer
from bpdebug.core.tree import Binary, Call, Name, Transpose, Tree, walk
from bpdebug.core.typeset import transposed, typeset, typeset_cell, typeset_name
from bpdebug.export.blocks import Block, Code, Display, Maths, Paragraph
from bpdebug.export.matrices import fits, gaps, matrix, summary
from bpdebug.export.update import WorkedStage
from bpdebug.look.explanation import Explanation, culprit_steps, in_formula, with_numbers
from bpdebug.look.sums import Figures, figures
from bpdebug.time.edits import Edit

WIDTH = 78.0
"""What fits into a line, in digits."""
_MOST_GAPS = 24
"""Cells of a tensor that a student computes; of a larger one a single one."""
_DIGITS, _UPDATE_DIGITS = 4, 6
"""After the decimal point; a step is small beside its parameter."""


class StageWriter(Record):
    """Writes stages.

    Attributes:
        style: the notation and the convention.
        shapes: of every tensor of the update.
    """

    style: Style
    shapes: Shapes

    def name(self, name: str, index: Cell = ()) -> Maths:
        """The name of a tensor or a cell."""
        return Maths(typeset_name(name, self.style, index))

    def listed(self, values: Values) -> Iterator[Block]:
        """Tensors with their names and shapes, as many as a line takes; the large ones with a summary."""
        if values:
            yield _packed([row(self.shaped(name), " = ", self.matrix(value)) for name, value in values.items()])
        for name, value in values.items():
            yield from self.summarised(name, value)

    def matrix(self, value: Array, digits: int = _DIGITS, lit: Cell | None = None) -> Piece:
        """A tensor's numbers."""
        return matrix(value.T, digits, lit and lit[::-1]) if self.style.columns else matrix(value, digits, lit)

    def summarised(self, name: str, value: Array) -> Iterator[Block]:
        """What is to be said of a tensor that is not shown as a whole."""
        if not fits(value):
            yield Paragraph((self.name(name), f": {summary(value.T if self.style.columns else value)}."))

    def shaped(self, name: str) -> Piece:
        """A tensor's name over its shape."""
        return self.with_shape(Name(name)) or typeset_name(name, self.style)

    def with_shape(self, tree: Tree) -> Piece | None:
        """A tensor, perhaps transposed, over its shape; None for anything else."""
        name, turned = _leaf(tree)
        if len(self.shapes.get(name, ())) != 2:
            return None
        high, wide = self.shapes[name][::-1] if turned != self.style.columns else self.shapes[name]
        shown = typeset_name(name, self.style)
        shape = row(THIN, str(high), " × ", str(wide), THIN)
        return Box("under", (shape, transposed(shown) if turned else shown))

    def formula(self, name: str, formula: Formula) -> Display:
        """A stage's formula with the shape under each tensor."""
        right = typeset(formula.tree, self.style, self.shapes, self.with_shape)
        return derivation(self.shaped(name), _sign(name, formula), [right])

    def stretched(self, formula: Formula) -> Iterator[Block]:
        """What is said of a single row that counts for every row, such as a bias."""
        one = "column" if self.style.columns else "row"
        for node in walk(formula.tree):
            if isinstance(node, Binary) and node.operator in ARITHMETIC:
                left, right = (infer(Formula.of(side), self.shapes) for side in (node.left, node.right))
                for side, own, other in ((node.left, left, right), (node.right, right, left)):
                    if isinstance(side, Name) and len(own) == len(other) == 2 and own[0] == 1 < other[0]:
                        yield Paragraph((self.name(side.name), f" has one {one} that is used for each of the {other[0]} {one}s."))

    def numbers(self, step: WorkedStage) -> Iterator[Block]:
        """The numbers put into the formula, and the result."""
        stage, wide = step.stage, max(step.value.shape, default=0) > 6
        digits = _UPDATE_DIGITS - wide if stage.phase is Phase.UPDATE else _DIGITS
        lit = step.explained.index if step.explained and step.value.size > 1 else None
        sign, result = _sign(stage.name, stage.formula), self.matrix(step.value, digits, lit)
        stands = self.stands(stage.name, result, sign)
        if not all(map(fits, (step.value, *step.operands.values()))):
            yield _packed([stands])
            yield from self.summarised(stage.name, step.value)
            return
        operands = {name: step.operands[name] for name in stage.formula.names}
        put_in = typeset(stage.formula.tree, self.style, self.shapes, lambda tree: self.put_in(tree, operands, digits))
        if _algebraic(stage.formula.tree) and max(map(width, lines(put_in, WIDTH))) < WIDTH:
            yield derivation(typeset_name(stage.name, self.style), sign, [put_in, result])
            return
        named = [self.stands(name, self.matrix(value, digits)) for name, value in operands.items() if value.ndim]
        yield _packed([*named, stands])

    def asked(self, step: WorkedStage) -> Iterator[Block]:
        """What a student is to fill in: the result, and how one cell of it is made."""
        stage, value = step.stage, step.value.T if self.style.columns else step.value
        sign, explained = _sign(stage.name, stage.formula), step.explained
        if value.size <= _MOST_GAPS:
            yield _packed([self.stands(stage.name, gaps(value), sign)])
        if explained and explained.formula and value.size > 1:
            first = typeset_cell(explained.formula, self.style, self.shapes)
            yield derivation(typeset_name(stage.name, self.style, explained.index), sign, [first, Box("blank", (GAP,) * 9), BLANK])

    def stands(self, name: str, value: Piece, sign: str = "=") -> Piece:
        """A tensor and its numbers."""
        return row(typeset_name(name, self.style), f" {sign} ", value)

    def put_in(self, tree: Tree, operands: Values, digits: int) -> Piece | None:
        """A tensor's numbers in the place of its name."""
        name, turned = _leaf(tree)
        if name not in operands:
            return None
        value = operands[name]
        return self.matrix(value.T if turned else value, digits) if value.ndim else figure(in_formula(float(value), 8))

    def cell(self, explained: Explanation) -> Iterator[Block]:
        """One cell in full."""
        name = self.name(explained.name, explained.index)
        if explained.term is None or explained.stage is None or explained.formula is None:
            yield Paragraph((name, f": {explained.origin}"))
            return
        if explained.index:
            yield Paragraph((name, " in full:"))
        first = typeset_cell(explained.formula, self.style, self.shapes)
        shown = [explained.term, explained.term.flat()] if any(part.parts for part in explained.term.parts) else [explained.term]
        put_in = [fitted for term in shown if (fitted := self.fitting(term, explained.updated))]
        last = min([found for _, found in put_in] or [explained.figures], key=lambda found: (found.agree, found.result))
        boxes = _different([first, *(box for box, _ in put_in), figure(last.text(explained.value))])
        yield derivation(name.box, _sign(explained.name, explained.stage.formula), boxes, last.sign)
        part, *steps = [typeset_cell(step, self.style) for step in culprit_steps(explained.term, explained.value)] or [first]
        if to_latex(part) != to_latex(first):
            yield Paragraph(("The first part that is not finite:",))
            yield derivation(part, "=", _different([part, *steps])[1:])

    def fitting(self, term: Term, step: bool) -> tuple[Piece, Figures] | None:
        """The numbers of a cell with as many terms as fit into a line, and their digits; None where not even two of them do."""
        for most in (8, 5, 3, 2):
            found = figures(term.brief(most), term.value, step)
            box = typeset_cell(with_numbers(term, found.digits, most), self.style)
            if max(map(width, lines(box, WIDTH - 12))) < WIDTH - 8:
                return box, found
        return None

    def derived(self, step: WorkedStage) -> Iterator[Block]:
        """What the engine derived, beside the user's own formula."""
        derived = step.stage.derived
        if derived is None:
            return
        yield Paragraph(("The derived formula in its place:",))
        yield self.formula(step.stage.name, derived)
        value = self.matrix(assigned(derived, step.operands))
        yield _packed([self.stands(step.stage.name, value, _sign(step.stage.name, derived))])


def by_hand(edits: Iterable[Edit], when: str) -> Iterator[Block]:
    """What the user changed."""
    for edit in edits:
        yield Paragraph((f"{when}, by hand: ", Code(str(edit))))


def _leaf(tree: Tree) -> tuple[str, bool]:
    """The name of a tensor, and whether it is transposed; "" for anything else."""
    inner = tree.operand if isinstance(tree, Transpose) else tree
    return (inner.name, inner is not tree) if isinstance(inner, Name) else ("", False)


def _algebraic(tree: Tree) -> bool:
    """Whether matrices can be written in the places of the names as they are multiplied and added by hand."""
    apart = [node for node in walk(tree) if isinstance(node, Call) or (isinstance(node, Binary) and node.operator not in "+-*@")]
    return all(isinstance(node, Call) and node.function == "sum" for node in apart)


def _sign(name: str, formula: Formula) -> str:
    """A parameter is assigned; everything else is equal to its formula."""
    return "←" if name in formula.names else "="


def _different(boxes: Iterable[Piece]) -> list[Piece]:
    """The boxes, each that looks the same once."""
    return list({to_latex(box): box for box in boxes}.values())


def derivation(left: Piece, sign: str, steps: Sequence[Piece], last: str = "=") -> Display:
    """``left`` and what it is equal to, step by step, at last perhaps nearly; short steps share a line, long ones are broken."""
    rows, room = list[tuple[Piece, Piece]]([(left, NOTHING)]), WIDTH - width(left)
    for number, step in enumerate(steps):
        parts = lines(step, WIDTH - 12)
        needed = max(map(width, parts)) + 3
        if number and (needed > room or len(parts) > 1):
            rows, room = [*rows, (NOTHING, NOTHING)], WIDTH - 12
        first, before = rows[-1]
        between = sign if not number else last if number == len(steps) - 1 else "="
        rows[-1] = first, row(before, f" {between} ", parts[0])
        rows += [(NOTHING, row(QUAD, part)) for part in parts[1:]]
        room = room - needed if len(parts) == 1 else 0.0
    return Display(tuple(rows))


def _packed(boxes: Sequence[Piece]) -> Display:
    """Short formulas, as many as a line takes."""
    rows: list[Piece] = []
    for box in boxes:
        longer = row(rows[-1], f" {GAP} ", box) if rows else box
        if rows and width(longer) <= WIDTH:
            rows[-1] = longer
        else:
            rows.append(box)
    return Display(tuple((NOTHING, found) for found in rows))
