"""What is drawn anew in each update, such as the mask of dropout: keyed by seed, update and number of the line, so that any
update is the same again, whatever its tensors are called.

A line of a program that calls one of these, ``mask = bernoulli(h, 0.8)``, makes no stage: the tensor is given, as the batch is, before
the update begins. Evaluation puts in its place what it is on average.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Mapping
from typing import Any

import numpy as np

from bpdebug.core.errors import FormulaError
from bpdebug.core.evaluate import evaluate
from bpdebug.core.parser import Formula, parse
from bpdebug.core.record import Record
from bpdebug.core.standins import Vocabulary
from bpdebug.core.statements import split_at_commas
from bpdebug.core.tensors import Array
from bpdebug.core.words import suggestion

_KEY = 0xD12A
"""Keeps these generators apart from those of the initial values and of the shuffles under the same seed."""


class Recipe(Record):
    """A way to draw.

    Attributes:
        usage: what a line looks like; each argument after the tensor is a number or the name of a constant.
        draw: an array, from a generator, its shape and the numbers.
        mean: what each cell is on average, from the numbers.
        says: what each cell is, with the numbers in braces.
    """

    usage: str
    draw: Callable[..., Any]
    mean: Callable[..., float]
    says: str

    @property
    def count(self) -> int:
        """How many numbers it takes."""
        return self.usage.count(",")


DRAWS: dict[str, Recipe] = {
    "bernoulli": Recipe(
        "bernoulli(h, 0.8)", lambda g, shape, keep: g.random(shape) < keep, lambda keep: keep, "1 with probability {}, else 0"
    ),
    "normal": Recipe(
        "normal(h, 0, 1)",
        lambda g, shape, mean, std: mean + std * g.standard_normal(shape),
        lambda mean, std: mean,
        "normal with mean {} and standard deviation {}",
    ),
    "uniform": Recipe(
        "uniform(h, 0, 1)",
        lambda g, shape, low, high: low + (high - low) * g.random(shape),
        lambda low, high: (low + high) / 2,
        "uniform from {} to {}",
    ),
}
"""The ways to draw; none of them fails, whatever the numbers."""
_CALL = re.compile(rf"(?<![\w.])({'|'.join(DRAWS)})\(")


class Draw(Record):
    """A tensor that is drawn anew in each update.

    Attributes:
        name: what it is called.
        recipe: how, a name of :data:`DRAWS`.
        like: the tensor whose shape it has.
        numbers: what the recipe takes, over the names of constants.
        number: of those that draw, counted from 0.
        place: before which of the lines that compute something it stands.
        comment: what its author says of it.
    """

    name: str
    recipe: str
    like: str
    numbers: tuple[Formula, ...]
    number: int = 0
    place: int = 0
    comment: str = ""

    def __str__(self) -> str:
        return f"{self.recipe}({', '.join([self.like, *self._written])})"

    @property
    def _written(self) -> list[str]:
        return [number.text for number in self.numbers]

    @property
    def says(self) -> str:
        """What it is, in words."""
        return f"drawn anew in each update, {DRAWS[self.recipe].says.format(*self._written)}"

    def values(self, seed: int, update: int, shape: tuple[int, ...], constants: Mapping[str, Any]) -> Array:
        """What it is in an update."""
        generator = np.random.default_rng([seed, _KEY, update, self.number])
        return np.asarray(DRAWS[self.recipe].draw(generator, shape, *self._given(constants)))

    def mean(self, constants: Mapping[str, Any]) -> float:
        """What a cell is on average: what evaluation takes for it, so that ``h * mask / keep`` is h."""
        return float(DRAWS[self.recipe].mean(*self._given(constants)))

    def _given(self, constants: Mapping[str, Any]) -> list[float]:
        known = {name: np.asarray(constants[name], float) for number in self.numbers for name in number.names}
        return [float(evaluate(number, known)) for number in self.numbers]


def is_drawn(text: str) -> bool:
    """Whether a line asks for a draw."""
    return bool(_CALL.search(text))


def draw_of(name: str, text: str, tensors: Collection[str], constants: Mapping[str, float], vocabulary: Vocabulary) -> Draw | None:
    """The draw that a line asks for; None for a line that computes something.

    Args:
        name, text: what it assigns, and what it assigns to it.
        tensors: whose shape may be taken.
        constants: the names that its numbers may be made of.
        vocabulary: the names that are no names to Python.

    Raises:
        FormulaError: with the column, for a call that is not as :attr:`Recipe.usage` shows.
    """
    if not (found := _CALL.search(text)):
        return None
    recipe, column = DRAWS[found[1]], found.start() + 1
    if found.start() or not text.endswith(")"):
        raise FormulaError(f"what is drawn stands on a line of its own: mask = {recipe.usage}", text, column)
    parts = [*split_at_commas(text[found.end() : -1], found.end())]
    if len(parts) != 1 + recipe.count:
        raise FormulaError(f"expected {name} = {recipe.usage}", text, column)
    (like, place), *rest = ((part.strip(), place + len(part) - len(part.lstrip()) + 1) for part, place in parts)
    if like not in tensors:
        raise FormulaError(f"expected the tensor whose shape is taken, as in {recipe.usage}{suggestion(like, tensors)}", text, place)
    numbers = tuple(_number(part, text, place, constants, vocabulary) for part, place in rest)
    draw = Draw(name, found[1], like, numbers)
    if found[1] == "bernoulli" and not 0 <= (keep := draw.mean(constants)) <= 1:
        raise FormulaError(f"expected a probability from 0 to 1; found {keep:g}", text, rest[0][1])
    return draw


def _number(part: str, text: str, place: int, constants: Mapping[str, float], vocabulary: Vocabulary) -> Formula:
    """A formula over constants alone."""
    try:
        formula = parse(part, vocabulary)
    except FormulaError as error:
        raise FormulaError(error.message, text, place + error.column - 1) from None
    if strange := [name for name in formula.names if name not in constants]:
        raise FormulaError(f"expected a number, or a name under constants:; found {strange[0]}", text, place)
    return formula
