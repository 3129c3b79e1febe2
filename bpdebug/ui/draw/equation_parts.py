"""What an equation is drawn from: its operands with their signs, the part of each that is shown, and how they stand on lines."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from functools import cached_property

from bpdebug.core.numbers import Statistics, short
from bpdebug.core.record import Record
from bpdebug.core.shapes import shape_text
from bpdebug.look.equation import COLUMN, ROW, Equation, Operand
from bpdebug.ui.draw.matrix_cells import Look

_CAPTION = 20


class Group(Record, eq=False):
    """An operand with the sign before it (and the last one's parenthesis after it).

    Attributes:
        before, after: the signs.
        operand: the matrix or number.
        is_result: whether it is what the equation computes.
    """

    before: str
    operand: Operand
    after: str = ""
    is_result: bool = False

    @property
    def shape(self) -> tuple[int, int]:
        """Rows and columns; a number has one of each."""
        rows, columns = self.operand.value.shape or (1, 1)
        return rows, columns

    @property
    def is_number(self) -> bool:
        """Whether it is drawn without brackets."""
        return not self.operand.value.ndim

    @cached_property
    def known(self) -> Statistics:
        """Its smallest and largest numbers."""
        return Statistics(self.operand.value)

    @cached_property
    def number(self) -> str:
        """The text of a single number."""
        return short(float(self.operand.value), 5 if self.operand.caption else 10).replace("-", "−")

    @cached_property
    def shape_text(self) -> str:
        """Its shape, for the caption."""
        return "" if self.is_number else f" {shape_text(self.shape)}"


class Window(Record, eq=False):
    """The part of a matrix that is shown; its brackets say where there is more, so that it takes the same room wherever it stands."""

    rows: range
    columns: range
    shape: tuple[int, int]

    @property
    def height(self) -> int:
        """Lines."""
        return len(self.rows)

    @property
    def cut_above(self) -> bool:
        """Whether there are rows above it."""
        return self.rows.start > 0

    @property
    def cut_below(self) -> bool:
        """Whether there are rows below it."""
        return self.rows.stop < self.shape[0]

    @property
    def cut_left(self) -> bool:
        """Whether there are columns to the left of it."""
        return self.columns.start > 0

    @property
    def cut_right(self) -> bool:
        """Whether there are columns to the right of it."""
        return self.columns.stop < self.shape[1]


class Fit(Record, eq=False):
    """An equation as it is to be drawn.

    Attributes:
        shelves: the groups that stand side by side, from top to bottom.
        looks: how each group's numbers are written.
        windows: what is shown of each.
        tight: whether there is no room for blanks beside signs and brackets.
    """

    shelves: tuple[tuple[Group, ...], ...]
    looks: Mapping[Group, Look]
    windows: Mapping[Group, Window]
    tight: bool = False

    def width(self, group: Group) -> int:
        """The columns of a group's matrix with its brackets, or of its number."""
        return _width(group, self.looks[group], self.windows[group], self.tight)

    def sign(self, text: str) -> str:
        """A sign before or after a group."""
        return text.replace(" ", "") if self.tight else text

    @property
    def gap(self) -> str:
        """What is between a bracket and the numbers in it."""
        return "" if self.tight else " "

    def matrix_height(self, shelf: Iterable[Group]) -> int:
        """The lines of the tallest matrix."""
        return max(self.windows[group].height for group in shelf)

    def height(self, shelf: Iterable[Group]) -> int:
        """The lines of a shelf: captions, matrices, arrows."""
        groups = tuple(shelf)
        return 1 + self.matrix_height(groups) + any(group.operand.folded == 0 for group in groups)

    @property
    def total(self) -> int:
        """The lines of all shelves."""
        return sum(map(self.height, self.shelves))


def groups_of(equation: Equation) -> tuple[Group, ...]:
    """The result, and each operand with its sign."""
    groups, before = [Group("", equation.result, is_result=True)], f" {equation.sign} "
    for piece in equation.pieces:
        if isinstance(piece, str):
            before += piece
        else:
            groups.append(Group(before, piece))
            before = ""
    last = groups[-1]
    return (*groups[:-1], Group(last.before, last.operand, before, last.is_result))


def lengths_of(groups: Iterable[Group]) -> Iterator[tuple[str, int]]:
    """The axes and how long they are."""
    for group in groups:
        if not group.is_number:
            yield from ((axis, length) for axis, length in zip(axes_of(group), group.shape, strict=True) if axis)


def axes_of(group: Group) -> tuple[str, str]:
    """The axes of a group, where it has more than one place along them."""
    axes = (ROW, COLUMN) if group.is_result else group.operand.axes
    rows, columns = (axis if length > 1 else "" for axis, length in zip(axes, group.shape, strict=True))
    return rows, columns


def _width(group: Group, look: Look, window: Window, tight: bool) -> int:
    if group.is_number:
        return max(len(group.number), len(group.operand.caption))
    matrix = 1 + len(window.columns) * (look.width + 1) + (0 if tight else 2)
    return max(matrix, min(len(group.operand.caption), _CAPTION))
