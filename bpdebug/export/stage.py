"""One stage of a worked solution: its formula over shapes, the numbers put in, the result, one cell of it in full."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence

from bpdebug.core.cells import Cell, Term, cell_name
from bpdebug.core.description import Array
from bpdebug.core.evaluate import assigned
from bpdebug.core.functions import ARITHMETIC
from bpdebug.core.network import Phase
from bpdebug.core.numbers import short
from bpdebug.core.parser import Formula
from bpdebug.core.record import Record
from bpdebug.core.render import Style, render, render_name
from bpdebug.core.render_names import latex_number
from bpdebug.core.schedule import Stage
from bpdebug.core.shapes import Shape, infer
from bpdebug.core.tree import Binary, Call, Name, Transpose, Tree, walk
from bpdebug.export.blocks import Block, Code, Display, Maths, Paragraph
from bpdebug.export.maths import lines, read, width
from bpdebug.export.matrices import fits, matrix, summary
from bpdebug.export.update import WorkedStage
from bpdebug.look.explanation import Explanation, digits_of, put_in
from bpdebug.time.edits import Edit

WIDTH = 78.0
"""What fits into a line, in digits."""
_DIGITS, _UPDATE_DIGITS = 4, 6
"""After the decimal point; a step is small beside its parameter."""


class StageWriter(Record):
    """Writes stages.

    Attributes:
        style: the notation and the convention; its form is LaTeX.
        shapes: of every tensor of the update.
    """

    style: Style
    shapes: Mapping[str, Shape]

    def name(self, name: str) -> Maths:
        """The name of a tensor or a cell."""
        return Maths(render_name(name, self.style))

    def turned(self, value: Array) -> Array:
        """A tensor as the convention has it."""
        return value.T if self.style.columns else value

    def listed(self, values: Mapping[str, Array]) -> Iterator[Block]:
        """Tensors with their names and shapes, as many as a line takes; the large ones with a summary."""
        texts = [f"{self.shaped(name)} = {self.matrix(value)}" for name, value in values.items()]
        yield Display(tuple(_packed(texts)))
        for name, value in values.items():
            yield from self.summarised(name, value)

    def matrix(self, value: Array, digits: int = _DIGITS, lit: Cell | None = None) -> str:
        """A tensor's numbers."""
        return matrix(self.turned(value), digits, lit[::-1] if lit and self.style.columns else lit)

    def summarised(self, name: str, value: Array) -> Iterator[Block]:
        """What is to be said of a tensor that is not shown as a whole."""
        if not fits(value):
            yield Paragraph((self.name(name), f": {summary(self.turned(value))}."))

    def shaped(self, name: str) -> str:
        """A tensor's name over its shape."""
        return self.with_shape(Name(name)) or render_name(name, self.style)

    def with_shape(self, tree: Tree) -> str | None:
        """A tensor, perhaps transposed, over its shape; None for anything else."""
        name, transposed = _leaf(tree)
        if len(self.shapes.get(name, ())) != 2:
            return None
        shape = self.shapes[name][::-1] if transposed != self.style.columns else self.shapes[name]
        shown = render_name(name, self.style)
        shown = rf"{{{shown}}}^{{\top}}" if transposed else shown
        return rf"\underset{{\,{shape[0]} \times {shape[1]}\,}}{{{shown}}}"

    def formula(self, name: str, formula: Formula) -> Display:
        """A stage's formula with the shape under each tensor."""
        right = render(formula.tree, self.style, self.shapes, self.with_shape)
        return aligned(self.shaped(name), _sign(name, formula), [right])

    def stretched(self, formula: Formula) -> Iterator[Block]:
        """What is said of a single row that counts for every row, such as a bias."""
        for name, rows in _stretched(formula.tree, self.shapes):
            one, all_ = ("column", "columns") if self.style.columns else ("row", "rows")
            yield Paragraph((self.name(name), f" has one {one}, which counts for each of the {rows} {all_}."))

    def numbers(self, step: WorkedStage) -> Iterator[Block]:
        """The numbers put into the formula, and the result."""
        stage, digits = step.stage, _DIGITS
        if stage.phase is Phase.UPDATE:
            digits = _UPDATE_DIGITS if max(step.value.shape, default=0) <= 6 else _UPDATE_DIGITS - 1
        lit = step.explained.index if step.explained and step.value.size > 1 else None
        left, sign = render_name(stage.name, self.style), _sign(stage.name, stage.formula)
        result = self.matrix(step.value, digits, lit)
        if not all(map(fits, (step.value, *step.operands.values()))):
            yield Display((f"& {left} {sign} {result}",))
            yield from self.summarised(stage.name, step.value)
            return
        operands = {name: step.operands[name] for name in stage.formula.names}
        put_in = render(stage.formula.tree, self.style, self.shapes, lambda tree: self.put_in(tree, operands, digits))
        if _algebraic(stage.formula.tree) and max(width(read(line)) for line in lines(put_in, WIDTH)) < WIDTH:
            yield aligned(left, sign, [put_in, result])
            return
        tensors = {name: value for name, value in operands.items() if value.ndim}
        named = [f"{render_name(name, self.style)} = {self.matrix(value, digits)}" for name, value in tensors.items()]
        yield Display(tuple(_packed([*named, f"{left} {sign} {result}"])))

    def put_in(self, tree: Tree, operands: Mapping[str, Array], digits: int) -> str | None:
        """A tensor's numbers in the place of its name."""
        name, transposed = _leaf(tree)
        if name not in operands:
            return None
        value = operands[name]
        if value.ndim:
            return self.matrix(value.T if transposed else value, digits)
        text = latex_number(short(float(value), 8))
        return f"({text})" if text.startswith("-") else text

    def cell(self, explained: Explanation) -> Iterator[Block]:
        """One cell in full."""
        if explained.term is None or explained.stage is None:
            yield Paragraph((self.name(explained.cell), f": {explained.origin}"))
            return
        if explained.index:
            yield Paragraph((self.name(explained.cell), " in full:"))
        name = render_name(cell_name(explained.name, explained.index), self.style)
        own = explained.name in explained.stage.formula.names
        steps = [explained.symbolic, *self.put_in_steps(explained.term, explained.stage), latex_number(short(explained.value, 8))]
        yield aligned(name, r"\leftarrow" if own else "=", list(dict.fromkeys(steps)))
        if explained.culprit and not explained.culprit.startswith(f"{explained.symbolic} = "):
            part, *steps = explained.culprit.split(" = ")
            yield Paragraph(("Not finite first:",))
            yield aligned(part, "=", steps)

    def put_in_steps(self, term: Term, stage: Stage) -> list[str]:
        """The numbers put in, and then the values of the parts."""
        flat = [term.flat()] if any(part.parts for part in term.parts) else []
        return [text for one in (term, *flat) if (text := self.fitting(one, digits_of(stage)))]

    def fitting(self, term: Term, digits: int) -> str:
        """The numbers of a cell with as many terms as fit into a line; "" where not even two of them do."""
        for most in (8, 5, 3, 2):
            text = put_in(term, self.style, digits, most)
            if max(width(read(line)) for line in lines(text, WIDTH - 12)) < WIDTH - 8:
                return text
        return ""

    def derived(self, step: WorkedStage) -> Iterator[Block]:
        """What the engine derived, beside the user's own formula."""
        derived = step.stage.derived
        if derived is None:
            return
        yield Paragraph(("Derived is, in its place:",))
        yield self.formula(step.stage.name, derived)
        name, sign = render_name(step.stage.name, self.style), _sign(step.stage.name, derived)
        yield Display((f"& {name} {sign} {self.matrix(assigned(derived, step.operands))}",))


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
    return r"\leftarrow" if name in formula.names else "="


def _stretched(tree: Tree, shapes: Mapping[str, Shape]) -> Iterator[tuple[str, int]]:
    """The tensors of one row that are paired with several rows, and how many these are."""
    for node in walk(tree):
        if isinstance(node, Binary) and node.operator in ARITHMETIC:
            left, right = (infer(Formula.of(side), shapes) for side in (node.left, node.right))
            for side, own, other in ((node.left, left, right), (node.right, right, left)):
                if isinstance(side, Name) and len(own) == len(other) == 2 and own[0] == 1 < other[0]:
                    yield side.name, other[0]


def aligned(left: str, sign: str, steps: Sequence[str]) -> Display:
    """``left`` and what it is equal to, step by step; short steps share a line, long ones are broken."""
    rows, room = [f"{left} &"], WIDTH - width(read(left))
    for number, step in enumerate(steps):
        parts = lines(step, WIDTH - 12)
        needed = max(width(read(part)) for part in parts) + 3
        if number and (needed > room or len(parts) > 1):
            rows, room = [*rows, "&"], WIDTH - 12
        rows[-1] += f"{'=' if number else sign} {parts[0]} "
        rows += [rf"&\quad {part} " for part in parts[1:]]
        room = room - needed if len(parts) == 1 else 0.0
    return Display(tuple(row.strip() for row in rows))


def _packed(texts: Sequence[str]) -> list[str]:
    """Short formulas, as many as a line takes."""
    rows: list[str] = []
    for text in texts:
        longer = rf"{rows[-1]} \qquad {text}" if rows else ""
        if rows and width(read(longer)) <= WIDTH:
            rows[-1] = longer
        else:
            rows.append(text)
    return [f"& {row}" for row in rows]
