"""How much of each matrix of an equation is shown, with how many digits, and on how many lines the equation stands.

The axes of an equation are shown alike wherever they occur: of a product ``z = x·W``, the columns of ``x`` and the rows of ``W`` are
the same axis, and where it is too long, both show the same part of it, around the cell that is looked at.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from functools import cached_property

from bpdebug.core.misfits import shape_text
from bpdebug.core.numbers import NumberStyle, Statistics, written
from bpdebug.core.record import Record
from bpdebug.look.equation import COLUMN, ROW, Axes, Equation, Operand
from bpdebug.ui.draw.matrix_block import look_of

_DIGITS = (4, 3, 2)
"""Digits after the point, where the user has not said how many."""
_SHELVES = (1, 2, 3, 9)
_SUMMED, _SUMMED_WEIGHT, _SUMMED_WHOLE = 8, 4, 3.0
"""An axis of so many places along which is summed is shown whole, if that can be, since all of it makes the number: how much more it
is worth, and how much of that only when it is whole."""
_TELLING = 4
"""So many places of an axis show how it goes on."""
_TOLD, _WHOLE = 10.0, 2.5
"""What it is worth that axes show how they go on, and that all of them are shown from one end to the other."""
_FEWER_DIGITS, _MORE_SHELVES = 0.4, 1.2
"""What a digit less and a line more cost."""
INDENT, _CAPTION = 2, 20
"""Columns before all shelves but the first, and those that a name may make a matrix wider."""

Window = tuple[range, range]
"""The rows and the columns of a matrix that are shown; its brackets say where there is more, so that it takes the same room wherever
it stands."""


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

    @cached_property
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
        return written(float(self.operand.value), 5 if self.operand.caption else 10)

    @property
    def shape_text(self) -> str:
        """Its shape, for the caption."""
        part = self.operand.part
        lengths = part.lengths if self.operand.name else self.shape
        return "" if self.is_number else f" {part.subscript if self.operand.name and part.others else shape_text(lengths)}"

    @cached_property
    def axes(self) -> Axes:
        """Its axes, where it has more than one place along them."""
        axes = (ROW, COLUMN) if self.is_result else self.operand.axes
        rows, columns = (axis if length > 1 else "" for axis, length in zip(axes, self.shape, strict=True))
        return rows, columns


def fit(equation: Equation, style: NumberStyle, centres: Mapping[str, int], columns: int, rows: int) -> Fit:
    """The best way to show an equation in that many columns and lines.

    Args:
        equation: what to show.
        style: how numbers are written; with ``auto``, digits may be left out.
        centres: where on each axis the window should be.
        columns, rows: the room.
    """
    groups = _groups(equation)
    styles = [NumberStyle("auto", digits) for digits in _DIGITS] if style.kind == "auto" else [style]
    looks = [(chosen, False) for chosen in styles] + [(styles[-1], True)]
    found: list[tuple[float, Fit]] = []
    for shelves in _SHELVES:
        best = _TOLD + _WHOLE - _MORE_SHELVES * (shelves - 1)
        for fewer, (chosen, tight) in enumerate(looks):
            made = Fit(groups, chosen, centres, (columns, rows), shelves, tight)
            found.append((made.score - _FEWER_DIGITS * fewer, made))
            if made.score >= best:
                break
        if max(score for score, _ in found) >= best - _MORE_SHELVES:
            break
    return max(found, key=lambda scored: scored[0])[1]


def _groups(equation: Equation) -> tuple[Group, ...]:
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


class Fit:
    """An equation as it is to be drawn: less and less of its axes, until everything fits.

    Args:
        groups, style, centres: as in :func:`fit`.
        room: columns and rows.
        most: shelves.
        tight: whether to do without blanks beside signs and brackets.

    Attributes:
        shelves: the groups that stand side by side, from top to bottom.
        looks: how each group's numbers are written.
        windows: what is shown of each.
        gap: what is between a bracket and the numbers in it.
        score: how good it is: the most where everything is shown in one line.
    """

    def __init__(
        self, groups: tuple[Group, ...], style: NumberStyle, centres: Mapping[str, int], room: tuple[int, int], most: int, tight: bool
    ) -> None:
        self._groups, self._centres, self._room, self._most, self._tight = groups, centres, room, most, tight
        self.gap = "" if tight else " "
        self.looks = {group: look_of(group.known, style, narrowest=2) for group in groups}
        matrices = [group for group in groups if not group.is_number]
        self._lengths = {axis: length for group in matrices for axis, length in zip(group.axes, group.shape, strict=True) if axis}
        self._summed = {axis for axis, length in self._lengths.items() if axis not in (ROW, COLUMN) and length <= _SUMMED}
        self._counts = {axis: min(length, self._most_of(axis)) for axis, length in self._lengths.items()}
        self._lay_out()
        while self._shrink():
            self._lay_out()
        self.score = self._worth() - _MORE_SHELVES * (len(self.shelves) - 1) - 100 * (self._too_wide() or self._too_tall())

    def width(self, group: Group) -> int:
        """The columns of a group's matrix with its brackets and the arrows beside it, or of its number."""
        if group.is_number:
            return max(len(group.number), len(group.operand.caption))
        matrix = 1 + len(self.windows[group][1]) * (self.looks[group].width + 1) + 2 * len(self.gap)
        return max(matrix + (group.operand.folded == 1), min(len(group.operand.caption), _CAPTION))

    def signs(self, group: Group) -> tuple[str, str]:
        """What stands before and after a group."""
        return (group.before.replace(" ", ""), group.after.replace(" ", "")) if self._tight else (group.before, group.after)

    @property
    def columns(self) -> int:
        """The columns of the widest shelf, with that by which the last caption may be longer than its matrix."""
        return max(INDENT * (shelf is not self.shelves[0]) + sum(map(self._span, shelf)) for shelf in self.shelves) + 1

    def _span(self, group: Group) -> int:
        """The columns of a group with its signs."""
        return len("".join(self.signs(group))) + self.width(group)

    def matrix_height(self, shelf: Iterable[Group]) -> int:
        """The lines of the tallest matrix."""
        return max(len(self.windows[group][0]) for group in shelf)

    def height(self, shelf: tuple[Group, ...]) -> int:
        """The lines of a shelf: captions, matrices, arrows."""
        return 1 + self.matrix_height(shelf) + any(group.operand.folded == 0 for group in shelf)

    def _worth(self) -> float:
        """How much is shown of the axes, the most of those along which is summed."""
        shown, weights = 0.0, 0
        for axis, length in self._lengths.items():
            weight, more = (_SUMMED_WEIGHT, _SUMMED_WHOLE) if axis in self._summed else (1, 0.0)
            count = self._counts[axis]
            shown += weight * ((_TOLD - more) * min(count, _TELLING) / min(length, _TELLING) + (_WHOLE + more) * (count == length))
            weights += weight
        return shown / weights if weights else _TOLD + _WHOLE

    def _most_of(self, axis: str) -> int:
        """How many places of an axis there is room for at all."""
        columns, rows = self._room
        across = [columns // (self.looks[group].width + 1) for group in self._groups if group.axes[1] == axis]
        return max(1, min(across + [rows for group in self._groups if group.axes[0] == axis]))

    def _lay_out(self) -> None:
        """The windows of the groups, and the groups on their shelves."""
        self.windows = {group: (self._range(group, 0), self._range(group, 1)) for group in self._groups}
        shelves: list[tuple[Group, ...]] = [()]
        place = 0
        for group in self._groups:
            if shelves[-1] and place + self._span(group) > self._room[0]:
                shelves.append(())
                place = INDENT
            shelves[-1] += (group,)
            place += self._span(group)
        self.shelves = tuple(shelves)

    def _range(self, group: Group, side: int) -> range:
        axis, length = group.axes[side], group.shape[side]
        count = min(self._counts.get(axis, length), length)
        start = min(self._centres.get(axis, 0) // count * count, length - count)
        return range(start, start + count)

    def _too_wide(self) -> bool:
        widest = max(self._span(group) + INDENT * bool(group.before) for group in self._groups)
        return len(self.shelves) > self._most or (widest > self._room[0] and len(self._groups) > 1)

    def _too_tall(self) -> bool:
        return sum(map(self.height, self.shelves)) > self._room[1]

    def _shrink(self) -> bool:
        """Show less of one axis, of one that is summed last; whether that is needed and possible."""
        if self._too_wide():
            groups = sorted(self._groups, key=self.width, reverse=True)
            return any(self._shorten(group.axes[1], summed) for summed in (False, True) for group in groups)
        return self._too_tall() and any(self._lower(summed) for summed in (False, True))

    def _lower(self, summed: bool) -> bool:
        """Take a row from the tallest shelf whose height is one of the axes that are summed, or of the others."""
        for shelf in sorted(self.shelves, key=self.matrix_height, reverse=True):
            axes = [group.axes[0] for group in shelf if len(self.windows[group][0]) == self.matrix_height(shelf)]
            if bool(self._summed.intersection(axes)) == summed and any(self._shorten(axis, summed) for axis in axes):
                return True
        return False

    def _shorten(self, axis: str, summed: bool) -> bool:
        if not axis or self._counts[axis] <= 1 or (axis in self._summed) != summed:
            return False
        self._counts[axis] -= 1
        return True
