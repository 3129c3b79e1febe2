"""How much of each matrix of an equation is shown, with how many digits, and on how many lines the equation stands.

The axes of an equation are shown alike wherever they occur: of a product ``z = x·W``, the columns of ``x`` and the rows of ``W`` are
the same axis, and where it is too long, both show the same part of it, around the cell that is looked at.
"""

from __future__ import annotations

from collections.abc import Mapping

from bpdebug.core.numbers import NumberStyle
from bpdebug.core.record import replace
from bpdebug.look.equation import COLUMN, ROW, Equation
from bpdebug.ui.draw.equation_parts import Fit, Group, Window, axes_of, groups_of, lengths_of
from bpdebug.ui.draw.matrix_cells import look_of

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
_INDENT = 2


def fit(equation: Equation, style: NumberStyle, centres: Mapping[str, int], columns: int, rows: int) -> tuple[float, Fit]:
    """The best way to show an equation in that many columns and lines, after how good it is.

    Args:
        equation: what to show.
        style: how numbers are written; with ``auto``, digits may be left out.
        centres: where on each axis the window should be.
        columns, rows: the room.
    """
    groups = groups_of(equation)
    styles = [NumberStyle("auto", digits) for digits in _DIGITS] if style.kind == "auto" else [style]
    looks = [(chosen, False) for chosen in styles] + [(styles[-1], True)]
    found: list[tuple[float, Fit]] = []
    for shelves in _SHELVES:
        for fewer, (chosen, tight) in enumerate(looks):
            search = _Search(groups, chosen, centres, columns, rows, shelves, tight)
            found.append((search.score - _FEWER_DIGITS * fewer, search.fit))
            if search.score >= _TOLD + _WHOLE - _MORE_SHELVES * (shelves - 1):
                break
        if max(score for score, _ in found) >= _TOLD + _WHOLE - _MORE_SHELVES * shelves:
            break
    return max(found, key=lambda scored: scored[0])


class _Search:
    """Shows less and less of the axes until everything fits.

    Args:
        groups, style, centres, columns, rows: as in :func:`fit`.
        most: shelves.
        tight: whether to do without blanks.

    Attributes:
        fit: the outcome.
        score: how good it is: the most where everything is shown in one line.
    """

    def __init__(
        self,
        groups: tuple[Group, ...],
        style: NumberStyle,
        centres: Mapping[str, int],
        columns: int,
        rows: int,
        most: int,
        tight: bool,
    ) -> None:
        self._groups, self._centres, self._columns, self._rows, self._most = groups, centres, columns, rows, most
        self._tight = tight
        self._looks = {group: look_of(group.known, style, narrowest=2) for group in groups}
        self._lengths = dict(lengths_of(groups))
        self._summed = {axis for axis, length in self._lengths.items() if axis not in (ROW, COLUMN) and length <= _SUMMED}
        self._counts = {axis: min(length, self._most_of(axis)) for axis, length in self._lengths.items()}
        self.fit = self._made()
        while self._shrink():
            self.fit = self._made()
        self.score = self._worth() - _MORE_SHELVES * (len(self.fit.shelves) - 1)
        self.score -= 100 * (self._too_wide() or self._too_tall())

    def _worth(self) -> float:
        """How much is shown of the axes, the most of those along which is summed."""
        weights = {axis: _SUMMED_WEIGHT if axis in self._summed else 1 for axis in self._lengths}
        shown = sum(weight * self._worth_of(axis) for axis, weight in weights.items())
        return shown / sum(weights.values()) if weights else _TOLD + _WHOLE

    def _worth_of(self, axis: str) -> float:
        count, length = self._counts[axis], self._lengths[axis]
        more = _SUMMED_WHOLE * (axis in self._summed)
        return (_TOLD - more) * min(count, _TELLING) / min(length, _TELLING) + (_WHOLE + more) * (count == length)

    def _most_of(self, axis: str) -> int:
        """How many places of an axis there is room for at all."""
        across = [self._columns // (self._looks[group].width + 1) for group in self._groups if axes_of(group)[1] == axis]
        down = [self._rows for group in self._groups if axes_of(group)[0] == axis]
        return max(1, min(across + down))

    def _made(self) -> Fit:
        windows = {group: self._window(group) for group in self._groups}
        shelves: list[list[Group]] = [[]]
        place = 0
        fit = Fit((), self._looks, windows, self._tight)
        for group in self._groups:
            width = len(fit.sign(group.before)) + fit.width(group) + len(fit.sign(group.after))
            if shelves[-1] and place + width > self._columns:
                shelves.append([])
                place = _INDENT
            shelves[-1].append(group)
            place += width
        return replace(fit, shelves=tuple(map(tuple, shelves)))

    def _window(self, group: Group) -> Window:
        rows, columns = (self._range(axis, length) for axis, length in zip(axes_of(group), group.shape, strict=True))
        return Window(rows, columns, group.shape)

    def _range(self, axis: str, length: int) -> range:
        count = min(self._counts.get(axis, length), length)
        start = min(self._centres.get(axis, 0) // count * count, length - count)
        return range(start, start + count)

    def _too_wide(self) -> bool:
        sign, width = self.fit.sign, self.fit.width
        widest = max(len(sign(g.before)) + width(g) + len(sign(g.after)) + _INDENT * bool(g.before) for g in self._groups)
        return len(self.fit.shelves) > self._most or (widest > self._columns and len(self._groups) > 1)

    def _too_tall(self) -> bool:
        return self.fit.total > self._rows

    def _shrink(self) -> bool:
        """Show less of one axis, of one that is summed last; whether that is needed and possible."""
        if self._too_wide():
            groups = sorted(self._groups, key=self.fit.width, reverse=True)
            return any(self._shorten(axes_of(group)[1], summed) for summed in (False, True) for group in groups)
        return self._too_tall() and any(self._lower(summed) for summed in (False, True))

    def _lower(self, summed: bool) -> bool:
        """Take a row from the tallest shelf whose height is one of the axes that are summed, or of the others."""
        for shelf in sorted(self.fit.shelves, key=self.fit.matrix_height, reverse=True):
            tallest = [group for group in shelf if self.fit.windows[group].height == self.fit.matrix_height(shelf)]
            axes = [axes_of(group)[0] for group in tallest]
            if bool(self._summed.intersection(axes)) == summed and any(self._shorten(axis, summed) for axis in axes):
                return True
        return False

    def _shorten(self, axis: str, summed: bool) -> bool:
        if not axis or self._counts[axis] <= 1 or (axis in self._summed) != summed:
            return False
        self._counts[axis] -= 1
        return True
