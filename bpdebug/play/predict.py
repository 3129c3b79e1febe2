"""Predict, then see: before each single step a question about the next stage, and after it whether the answer was right."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping

import numpy as np

from bpdebug.core.cells import Cell, cell_name
from bpdebug.core.description import Array
from bpdebug.core.errors import BpdebugError
from bpdebug.core.misfits import shape_text
from bpdebug.core.parser import Formula
from bpdebug.core.record import Record
from bpdebug.core.schedule import Stage
from bpdebug.core.shapes import Shape, infer
from bpdebug.core.sources import is_layout, operands_of
from bpdebug.core.tree import Binary, Call
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


def why_shape(formula: Formula, shapes: Mapping[str, Shape]) -> str:
    """Why the value of a formula has its shape, in a sentence."""
    tree = formula.tree
    if isinstance(tree, Binary) and tree.operator != "@":
        tree = next((part for part in (tree.left, tree.right) if isinstance(part, Binary) and part.operator == "@"), tree)
    operands = [infer(Formula(formula.text, part), shapes) for part in (operands_of(tree) if is_layout(tree) else tree.children())]
    if isinstance(tree, Call) and tree.reduces:
        rank = len(operands[0])
        folded, several = tree.folded(rank), rank > len(("rows", "columns"))
        names = {0: ("the samples", "one row"), 1: ("each row", "one column")} if rank > 1 and not several else {}
        over, left = names.get(folded[0], ("", "")) if len(folded) == 1 else ("", "")
        if len(folded) == rank:
            over, left = "all cells", "one number"
        over = over or f"axis {' and '.join(map(str, folded))}"
        return f"the {tree.function} over {over} leaves {left or shape_text(infer(formula, shapes))}"
    if isinstance(tree, Binary) and tree.operator == "@":
        given, inner = " @ ".join(map(shape_text, operands)), operands[0][-1]
        if any(len(shape) != len(("rows", "columns")) for shape in operands):
            return f"{given}: the {inner} of the last axis on the left are added up; axes before the last two stay"
        return f"{given}: the rows of the left by the columns of the right, added up over the {inner} between"
    if is_layout(tree):
        return f"the cells of {' and '.join(map(shape_text, operands))} are laid out anew"
    return "cell by cell: the shape is that of the operands, a single row or number counting for each of theirs"


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
