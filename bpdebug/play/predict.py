"""Predict, then see: before each single step a question about the next stage, and after it whether the answer was right."""

from __future__ import annotations

import math
import re
from collections.abc import Callable
from typing import TYPE_CHECKING

import numpy as np

from bpdebug.core.cells import Cell, cell_name
from bpdebug.core.description import Array
from bpdebug.core.numbers import exact, short
from bpdebug.core.record import Record, replace
from bpdebug.core.schedule import Stage
from bpdebug.core.shapes import Shape, shape_text
from bpdebug.session.moves import Move, by_stages
from bpdebug.session.table import CommandError
from bpdebug.time.edits import as_number
from bpdebug.time.results import Result

if TYPE_CHECKING:
    from bpdebug.session.session import Session

NEAR = 0.02 * (1 + 1e-9)
"""How far from a value an answer may be, relatively; the same two significant digits are near enough, too."""
_ZERO = 1e-12
"""What is called 0 beside the largest cell of its tensor: the rounding error of numbers that cancel."""


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


def question_of(stage: Stage, shape: Shape, seed: int, t: int) -> Question:
    """The question about a stage; the same for the same seed and clock."""
    generator = np.random.default_rng((abs(seed), t))
    kind = ("sign", "value", "shape")[int(generator.integers(3 if shape else 2))]
    cell = tuple(int(generator.integers(length)) for length in shape) if kind != "shape" else ()
    asked = {
        "shape": f"Which shape has {stage.name}? (such as 4x1)",
        "sign": f"Which sign has {cell_name(stage.name, cell)}? (+, - or 0)",
        "value": f"What is {cell_name(stage.name, cell)}? (within 2 %)",
    }
    return Question(t, stage.name, cell, kind, f"next: {stage}. {asked[kind]}")


def read_answer(kind: str, text: str) -> Shape | float:
    """What an answer says: a shape, or a number (for a sign, one that has it; NaN has a sign of its own).

    Raises:
        BpdebugError: where it says nothing of the kind.
    """
    readers: dict[str, Callable[[str], Shape | float]] = {"shape": _shape, "sign": _sign, "value": as_number}
    return readers[kind](text.strip())


def _shape(text: str) -> Shape:
    found = re.fullmatch(r"[(\[]?\s*(\d{1,9})\s*[x×*,\s]\s*(\d{1,9})\s*[)\]]?", text)
    if not found:
        raise CommandError(f"a shape such as 4x1 is expected; found '{text}'")
    return int(found[1]), int(found[2])


_SIGNS = {"+": 1.0, "plus": 1.0, "positive": 1.0, "-": -1.0, "−": -1.0, "minus": -1.0, "negative": -1.0}
_SIGNS |= {"0": 0.0, "zero": 0.0, "nan": math.nan}


def _sign(text: str) -> float:
    if text.lower() not in _SIGNS:
        raise CommandError(f"a sign is expected: +, - or 0; found '{text}'")
    return _SIGNS[text.lower()]


def is_right(question: Question, answer: Shape | float, tensor: Array) -> bool:
    """Whether an answer is near enough to what the stage has computed."""
    if isinstance(answer, tuple):
        return answer == tensor.shape
    actual = float(tensor[question.cell])
    if math.isnan(actual) or math.isnan(answer):
        return math.isnan(actual) and math.isnan(answer)
    if answer == 0:
        return abs(actual) <= _ZERO * float(np.abs(tensor[np.isfinite(tensor)]).max(initial=0))
    return answer == (actual > 0) - (actual < 0) if question.kind == "sign" else _near(answer, actual)


def _near(answer: float, actual: float) -> bool:
    return answer == actual or abs(answer - actual) <= NEAR * abs(actual) < math.inf or f"{answer:.1e}" == f"{actual:.1e}"


def open_question(session: Session) -> Question | None:
    """The question that waits for an answer at this moment."""
    question = session.predictions.question
    return question if question and question.t == session.position.t else None


def single_step(session: Session) -> Result | Move:
    """The next stage, or, where predicting is on, first the question about it; asked again, the stage without an answer."""
    position, predictions = session.position, session.predictions
    move = Move(by_stages(position, 1), "step")
    if not predictions.on or position.next is None:
        return move
    if open_question(session):
        session.predictions = replace(predictions, question=None)
        return replace(move, tell=lambda result: replace(result, text=f"the question is skipped\n{result.text}"))
    question = question_of(session.program.stages[position.done], _next_shape(session), session.program.scenario.seed, position.t)
    session.predictions = replace(predictions, question=question)
    text = f"{question.prompt}\n'answer …' runs the stage; 'step' skips the question"
    return Result("question", text, {"question": _data(question) | {"prompt": question.prompt}})


def _data(question: Question) -> dict[str, object]:
    return {"name": question.stage, "index": list(question.cell), "kind": question.kind}


def _next_shape(session: Session) -> Shape:
    return session.timeline.machine.shapes()[session.program.stages[session.position.done].name]


def answer_with(session: Session, text: str) -> Move:
    """Take an answer, run the stage, and tell whether it was right.

    Raises:
        BpdebugError: where nothing is asked, or the answer is not of the kind that is asked for.
    """
    question = open_question(session)
    if question is None:
        raise CommandError("nothing is asked: after 'predict on', a single step asks about the next stage")
    answer = read_answer(question.kind, text)
    return Move(by_stages(session.position, 1), "step", tell=_judge(session, question, answer, text.strip()))


def _judge(session: Session, question: Question, answer: Shape | float, text: str) -> Callable[[Result], Result]:
    def tell(result: Result) -> Result:
        tensor, before = session.timeline.machine.tensor(question.stage), session.predictions
        right = is_right(question, answer, tensor)
        session.predictions = replace(before, right=before.right + right, answered=before.answered + 1, question=None)
        said = _actual(question, tensor)
        verdict = f"right: {said}" if right else f"wrong: {said}, not {text}"
        actual = list(tensor.shape) if question.kind == "shape" else exact(tensor[question.cell])
        data = _data(question) | {"given": text, "right": right, "actual": actual}
        lines = [verdict, *_why(session, question), result.text]
        return replace(result, text="\n".join(lines), data={**result.data, "answer": data, "tally": session.predictions.tally})

    return tell


def _actual(question: Question, tensor: Array) -> str:
    if question.kind == "shape":
        return f"{question.stage} is {shape_text(tensor.shape)}"
    return f"{cell_name(question.stage, question.cell)} = {short(float(tensor[question.cell]), 6)}"


def _why(session: Session, question: Question) -> list[str]:
    """The shapes that go in, or where the number comes from."""
    stage, shapes = session.program.stage(question.stage), session.timeline.machine.shapes()
    if question.kind == "shape":
        return [", ".join(f"{name} {shape_text(shapes[name])}" for name in stage.formula.names)]
    known = question.stage in session.timeline.machine.values()
    return session.explain(question.stage, question.cell).lines() if known else []


def script_lines(session: Session) -> list[str]:
    """The commands that set the predicting to where it is; the last of a script, since a step may ask from there on."""
    predictions = session.predictions
    if not predictions.on and not predictions.answered:
        return []
    state = f"predict {'on' if predictions.on else 'off'} {predictions.tally}".strip()
    return [state] + ["step"] * (open_question(session) is not None)
