"""Predict, then see: before each single step a question about the next stage, and after it whether the answer was right."""

from __future__ import annotations

import math
import re

import numpy as np

from bpdebug.core.cells import Cell, cell_name
from bpdebug.core.description import Array
from bpdebug.core.errors import BpdebugError
from bpdebug.core.functions import FUNCTIONS
from bpdebug.core.misfits import shape_text
from bpdebug.core.parser import Formula
from bpdebug.core.record import Record
from bpdebug.core.schedule import Stage
from bpdebug.core.shapes import Shape, Shapes, infer
from bpdebug.core.sources import is_layout, operands_of
from bpdebug.core.tree import Binary, Call, Index, Leaf, Operation, View, is_product
from bpdebug.core.words import together
from bpdebug.time.edits import as_number

NEAR = 0.02 * (1 + 1e-9)
"""How far from a value an answer may be, relatively; the same two significant digits are near enough, too."""
_ZERO = 1e-12
"""What is called 0 beside the largest cell of its tensor: the rounding error of numbers that cancel."""
_SIGNS = {"+": 1.0, "plus": 1.0, "positive": 1.0, "-": -1.0, "−": -1.0, "minus": -1.0, "negative": -1.0}
_SIGNS |= {"0": 0.0, "zero": 0.0, "nan": math.nan}


class Question(Record):
    """What is asked about the stage that runs next.

    Attributes:
        t: the clock at which it is asked.
        stage, cell: what it is about; the cell is () for a shape, and for a single number.
        kind: ``shape``, ``sign`` or ``value``.
        prompt: the question in words.
    """

    t: int
    stage: str
    cell: Cell
    kind: str
    prompt: str


class Predictions(Record):
    """How the predicting goes.

    Attributes:
        on: whether single steps ask.
        right, answered: the tally.
        question: the one that was asked last and is not answered yet.
    """

    on: bool = False
    right: int = 0
    answered: int = 0
    question: Question | None = None

    @property
    def tally(self) -> str:
        """``3/5``, or "" before the first answer."""
        return f"{self.right}/{self.answered}" if self.answered else ""

    def waiting(self, t: int) -> Question | None:
        """The question that waits for an answer at a moment."""
        return self.question if self.question and self.question.t == t else None

    def commands(self, t: int) -> list[str]:
        """The commands that set the predicting to where it is; the last of a script, since a step may ask from there on."""
        if not self.on and not self.answered:
            return []
        return [f"predict {'on' if self.on else 'off'} {self.tally}".strip()] + ["step"] * (self.waiting(t) is not None)


def question_of(stage: Stage, shape: Shape, seed: int, t: int) -> Question:
    """The question about a stage; the same for the same seed and clock."""
    generator = np.random.default_rng((abs(seed), t))
    kind = ("sign", "value", "shape")[int(generator.integers(3 if shape else 2))]
    kind = kind if all(shape) else "shape"
    cell = tuple(int(generator.integers(length)) for length in shape) if kind != "shape" else ()
    asked = {
        "shape": f"What is the shape of {stage.name}? (such as 4x1)",
        "sign": f"What sign does {cell_name(stage.name, cell)} have? (+, - or 0)",
        "value": f"What is {cell_name(stage.name, cell)}? (within 2 %)",
    }
    return Question(t, stage.name, cell, kind, f"next: {stage}. {asked[kind]}")


def why_shape(formula: Formula, shapes: Shapes) -> str:
    """Why the value of a formula has its shape, in a sentence."""
    tree = formula.tree
    if isinstance(tree, Binary) and tree.operator != "@":
        tree = next((part for part in (tree.left, tree.right) if is_product(part)), tree)
    parts = operands_of(tree) if is_layout(tree) else tree.children()[:1] if isinstance(tree, Call) and tree.reduces else tree.children()
    operands = [infer(Formula(formula.text, part), shapes) for part in parts if isinstance(part, Leaf | Operation | View)]
    given = together([*map(shape_text, [shape for shape in operands if shape] or operands)]) or "what its argument says"
    made = shape_text(infer(formula, shapes))
    if isinstance(tree, Call) and tree.reduces:
        return f"the {tree.function} over {_folded(tree, len(operands[0]), made)}"
    if is_product(tree):
        given, inner = " @ ".join(map(shape_text, operands)), operands[0][-1]
        if any(len(shape) != len(("rows", "columns")) for shape in operands):
            return f"{given}: the {inner} of the last axis on the left are added up; axes before the last two stay"
        return f"{given}: the rows of the left by the columns of the right, added up over the {inner} between"
    if is_layout(tree):
        repeated = isinstance(tree, Call) and tree.function == "broadcast_to"
        return f"the cells of {given} are {'picked' if isinstance(tree, Index) else 'repeated' if repeated else 'laid out anew'}"
    if isinstance(tree, Call) and not FUNCTIONS[tree.function].cellwise:
        return f"{tree.function} {'leaves the shape as it is' if infer(formula, shapes) in operands else f'makes {made} of {given}'}"
    return "cell by cell: the shape is that of the operands, a single row or number counting for each of theirs"


def _folded(tree: Call, rank: int, made: str) -> str:
    """What a sum or its like goes over, and what it leaves."""
    folded = tree.folded(rank)
    if len(folded) == rank:
        return "all cells leaves one number"
    if rank == len(("rows", "columns")) and folded == (0,):
        return "the samples leaves one row"
    if rank == len(("rows", "columns")):
        return f"each row leaves {'one column' if tree.keepdims else 'one number a row, ' + made}"
    return f"ax{'e' if len(folded) > 1 else 'i'}s {together([*map(str, folded)])} leaves {made}"


def read_answer(kind: str, text: str) -> Shape | float:
    """What an answer says: a shape, or a number (for a sign, one that has it; NaN has a sign of its own).

    Raises:
        BpdebugError: where it says nothing of the kind.
    """
    text = text.strip()
    if kind == "value":
        return as_number(text)
    if kind == "sign":
        if text.lower() not in _SIGNS:
            raise BpdebugError(f"a sign is expected: +, - or 0; found '{text}'")
        return _SIGNS[text.lower()]
    if not re.fullmatch(r"[(\[]?\s*\d{1,9}(\s*[x×*,\s]\s*\d{1,9})*\s*,?\s*[)\]]?", text):
        raise BpdebugError(f"a shape such as 4x1 is expected; found '{text}'")
    return tuple(map(int, re.findall(r"\d+", text)))


def is_right(question: Question, answer: Shape | float, tensor: Array) -> bool:
    """Whether an answer is near enough to what the stage has computed."""
    if isinstance(answer, tuple):
        return answer == tensor.shape
    actual = float(tensor[question.cell])
    if math.isnan(actual) or math.isnan(answer):
        return math.isnan(actual) and math.isnan(answer)
    if answer == 0:
        return abs(actual) <= _ZERO * float(np.abs(tensor[np.isfinite(tensor)]).max(initial=0))
    if question.kind == "sign":
        return answer == (actual > 0) - (actual < 0)
    return answer == actual or abs(answer - actual) <= NEAR * abs(actual) < math.inf or f"{answer:.1e}" == f"{actual:.1e}"
