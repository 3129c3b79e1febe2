"""One operation of torch's, as the rows of :mod:`bpdebug.frontends.torch_step.rows` see it, and how rows are registered."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from bpdebug.core.record import Record

Shape = tuple[int, ...]


class Called(Record, eq=False):
    """One operation.

    Attributes:
        name: without its namespace, its overload and what says that it works in place.
        given: its arguments as text; those that were left away are missing.
        options: its keywords, as text.
        shapes: of each argument, or None for what is no tensor.
        outs: the shapes of its results.
        raw: the arguments as they were recorded.
        lists: of each argument that is a list, its members as text.
        whole: whether the first result has whole numbers.
        masks: of the arguments and their members that are truth values, how many axes they have.
    """

    name: str
    given: Sequence[str]
    options: Mapping[str, str]
    shapes: Sequence[Shape | None]
    outs: Sequence[Shape]
    raw: Sequence[Any]
    lists: Sequence[Sequence[str]]
    whole: bool
    masks: Mapping[str, int]

    def at(self, place: int, usual: str) -> str:
        """An argument, or what it is where it was left away."""
        return self.given[place] if place < len(self.given) else usual

    def shape(self, place: int) -> Shape:
        """The shape of an argument that is a tensor."""
        return self.shapes[place] or ()

    def rank(self, place: int) -> int:
        """How many axes an argument has."""
        return len(self.shape(place))


Results = Mapping[int, str] | None
"""The formula of each result, by its place; in the order in which they are computed, for later ones may read ``{o1}``, that of place 1."""

ROWS: dict[str, Callable[[Called], Results]] = {}
"""Those that are more than a text, by the operation's name."""


def row(*names: str) -> Callable[[Callable[[Called], Results]], Callable[[Called], Results]]:
    """Register a function as the row of some operations."""

    def add(made: Callable[[Called], Results]) -> Callable[[Called], Results]:
        ROWS.update(dict.fromkeys(names, made))
        return made

    return add


def over(of: Called, place: int = 1) -> str:
    """The axes that an operation folds, and whether they stay."""
    axes = of.raw[place] if len(of.raw) > place and of.raw[place] != [] else None
    axes = tuple(axes) if isinstance(axes, list) else axes
    axes = axes[0] if isinstance(axes, tuple) and len(axes) == 1 else axes
    keep = ", keepdims=True" * (axes is not None and of.at(place + 1, of.options.get("keepdim", "False")) == "True")
    return f", axis={axes}{keep}" if axes is not None else ""


def part(text: str, axis: int, key: str, rank: int) -> str:
    """What lies at a place of one axis, an index or a range."""
    return f"{text}[{', '.join([':'] * (axis % rank) + [key])}]"


__all__ = ["ROWS", "Called", "Results", "Shape", "over", "part", "row"]
