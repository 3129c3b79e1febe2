"""How much of each matrix of an equation is shown, with how many digits, and on how many lines the equation stands.

The axes of an equation are shown alike wherever they occur: of a product ``z = x·W``, the columns of ``x`` and the rows of ``W`` are
the same axis, and where it is too long, both show the same part of it, around the cell that is looked at.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property

from bpdebug.debugger.looking.equation import COLUMN, ROW, Equation, Operand
from bpdebug.debugger.numbers import NumberStyle, Statistics, short
from bpdebug.engine.shapes import shape_text
from bpdebug.ui.draw.matrix_cells import Look, look_of

_DIGITS = (4, 3, 2)
"""Digits after the point, where the user has not said how many."""
_SHELVES = (1, 2, 3, 9)
_TELLING = 4
"""So many places of an axis show how it goes on."""
_TOLD, _WHOLE = 10.0, 1.5
"""What it is worth that axes show how they go on, and that all of them are shown from one end to the other."""
_FEWER_DIGITS, _MORE_SHELVES = 0.7, 1.2
"""What a digit less and a line more cost."""
_CAPTION = 20
_INDENT = 2


@dataclass(frozen=True, eq=False)
class Group:
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


@dataclass(frozen=True, eq=False)
class Window:
    """The part of a matrix that is shown."""

    rows: range
    columns: range
    shape: tuple[int, int]

    @property
    def height(self) -> int:
        """Lines, with those that say that there is more."""
        return len(self.rows) + self.cut_above + self.cut_below

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


@dataclass(frozen=True, eq=False)
class Fit:
    """An equation as it is to be drawn.

    Attributes:
        shelves: the groups that stand side by side, from top to bottom.
        looks: how each group's numbers are written.
        windows: what is shown of each.
    """

    shelves: tuple[tuple[Group, ...], ...]
    looks: Mapping[Group, Look]
    windows: Mapping[Group, Window]

    def width(self, group: Group) -> int:
        """The columns of a group's matrix with its brackets, or of its number."""
        return _width(group, self.looks[group], self.windows[group])

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


def fit(equation: Equation, style: NumberStyle, centres: Mapping[str, int], columns: int, rows: int) -> Fit:
    """The best way to show an equation in that many columns and lines.

    Args:
        equation: what to show.
        style: how numbers are written; with ``auto``, digits may be left out.
        centres: where on each axis the window should be.
        columns, rows: the room.
    """
    groups = groups_of(equation)
    styles = [NumberStyle("auto", digits) for digits in _DIGITS] if style.kind == "auto" else [style]
    found: list[tuple[float, Fit]] = []
    for shelves in _SHELVES:
        for fewer, chosen in enumerate(styles):
            search = _Search(groups, chosen, centres, columns, rows, shelves)
            found.append((search.score - _FEWER_DIGITS * fewer, search.fit))
            if search.score >= _TOLD + _WHOLE - _MORE_SHELVES * (shelves - 1):
                break
        if max(score for score, _ in found) >= _TOLD + _WHOLE - _MORE_SHELVES * shelves:
            break
    return max(found, key=lambda scored: scored[0])[1]


def _width(group: Group, look: Look, window: Window) -> int:
    if group.is_number:
        return max(len(group.number), len(group.operand.caption))
    matrix = 3 + len(window.columns) * (look.width + 1) + 2 * (window.cut_left + window.cut_right)
    return max(matrix, min(len(group.operand.caption), _CAPTION))


class _Search:
    """Shows less and less of the axes until everything fits.

    Attributes:
        fit: the outcome.
        score: how good it is: the most where everything is shown in one line.
    """

    def __init__(
        self, groups: tuple[Group, ...], style: NumberStyle, centres: Mapping[str, int], columns: int, rows: int, most: int
    ) -> None:
        self._groups, self._centres, self._columns, self._rows, self._most = groups, centres, columns, rows, most
        self._looks = {group: look_of(group.known, style, narrowest=2) for group in groups}
        self._lengths = dict(self._axes())
        self._counts = {axis: min(length, self._most_of(axis)) for axis, length in self._lengths.items()}
        self.fit = self._made()
        while self._shrink():
            self.fit = self._made()
        self.score = self._worth() - _MORE_SHELVES * (len(self.fit.shelves) - 1)
        self.score -= 100 * (self._too_wide() or self._too_tall())

    def _worth(self) -> float:
        """How much is shown of the axes."""
        told = [min(self._counts[axis], _TELLING) / min(length, _TELLING) for axis, length in self._lengths.items()]
        whole = [self._counts[axis] == length for axis, length in self._lengths.items()]
        return (_TOLD * sum(told) + _WHOLE * sum(whole)) / len(told) if told else _TOLD + _WHOLE

    def _axes(self) -> Iterator[tuple[str, int]]:
        for group in self._groups:
            if not group.is_number:
                yield from ((axis, length) for axis, length in zip(_axes_of(group), group.shape, strict=True) if axis)

    def _most_of(self, axis: str) -> int:
        """How many places of an axis there is room for at all."""
        across = [self._columns // (self._looks[group].width + 1) for group in self._groups if _axes_of(group)[1] == axis]
        down = [self._rows for group in self._groups if _axes_of(group)[0] == axis]
        return max(1, min(across + down))

    def _made(self) -> Fit:
        windows = {group: self._window(group) for group in self._groups}
        shelves: list[list[Group]] = [[]]
        place = 0
        for group in self._groups:
            width = len(group.before) + _width(group, self._looks[group], windows[group]) + len(group.after)
            if shelves[-1] and place + width > self._columns:
                shelves.append([])
                place = _INDENT
            shelves[-1].append(group)
            place += width
        return Fit(tuple(map(tuple, shelves)), self._looks, windows)

    def _window(self, group: Group) -> Window:
        rows, columns = (self._range(axis, length) for axis, length in zip(_axes_of(group), group.shape, strict=True))
        return Window(rows, columns, group.shape)

    def _range(self, axis: str, length: int) -> range:
        count = min(self._counts.get(axis, length), length)
        start = min(max(self._centres.get(axis, 0) - count // 2, 0), length - count)
        return range(start, start + count)

    def _too_wide(self) -> bool:
        widest = max(len(g.before) + self.fit.width(g) + len(g.after) + _INDENT * bool(g.before) for g in self._groups)
        return len(self.fit.shelves) > self._most or (widest > self._columns and len(self._groups) > 1)

    def _too_tall(self) -> bool:
        return self.fit.total > self._rows

    def _shrink(self) -> bool:
        """Show less of one axis; whether that is needed and possible."""
        wide = [group for group in self._groups if len(self.fit.windows[group].columns) > 1] if self._too_wide() else []
        if wide:
            return self._shorten(max(wide, key=self.fit.width), 1)
        shelf = max(self.fit.shelves, key=self.fit.matrix_height)
        return self._too_tall() and self._shorten(max(shelf, key=lambda group: self.fit.windows[group].height), 0)

    def _shorten(self, group: Group, direction: int) -> bool:
        axis = _axes_of(group)[direction]
        if not axis or self._counts[axis] <= 1:
            return False
        self._counts[axis] -= 1
        return True


def _axes_of(group: Group) -> tuple[str, str]:
    """The axes of a group, where it has more than one place along them."""
    axes = (ROW, COLUMN) if group.is_result else group.operand.axes
    rows, columns = (axis if length > 1 else "" for axis, length in zip(axes, group.shape, strict=True))
    return rows, columns
