"""The network of a handout: a circle a unit, a line a weight, as geometry for whoever draws it, and as text."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from typing import NamedTuple

import numpy as np

from bpdebug.core.description import Array, Values
from bpdebug.core.program import Program
from bpdebug.core.record import Record
from bpdebug.export.matrices import LARGEST, SHOWN

MOST_COLUMNS = 9
"""Layers, and the inputs, of which there is a drawing."""
RADIUS, _STEP = 9.0, 30.0
_BUS = {"lud": "┤", "rud": "├", "lrud": "┼", "ud": "│", "ld": "┐", "lu": "┘", "rd": "┌", "ru": "└", "lrd": "┬", "lru": "┴", "lr": "─"}


class Column(Record, eq=False):
    """The inputs, or the units of a layer.

    Attributes:
        caption: what stands below, in two lines.
        labels: one a circle; "⋮" where some are left out.
        weight: the name of the weights that lead here, or "".
        weights: their numbers, a row for each circle before and a column for each here; 0 beside what is left out.
    """

    caption: tuple[str, str]
    labels: tuple[str, ...]
    weight: str = ""
    weights: Array | None = None


class Line(NamedTuple):
    """A weight as a line between the rims of two circles: its width is from 0 to 1, and its weight may be negative."""

    begin: tuple[float, float]
    end: tuple[float, float]
    width: float
    negative: bool


class Drawing(Record, eq=False):
    """A network from left to right."""

    columns: tuple[Column, ...]

    @property
    def height(self) -> float:
        """That of the tallest column."""
        return _STEP * max(len(column.labels) for column in self.columns)

    def circles(self, gap: float) -> Iterator[tuple[int, str, float, float]]:
        """Column, label and centre of each circle; y grows downwards."""
        for number, column in enumerate(self.columns):
            top = (self.height - _STEP * (len(column.labels) - 1)) / 2
            yield from ((number, label, number * gap, top + _STEP * row) for row, label in enumerate(column.labels))

    def captions(self, gap: float, step: float) -> Iterator[tuple[str, float, float]]:
        """What stands below each column, a line a text."""
        for number, column in enumerate(self.columns):
            yield from ((text, number * gap, self.height + step * row) for row, text in enumerate(column.caption))

    def lines(self, gap: float) -> Iterator[Line]:
        """The weights; the largest of each layer is as wide as a line may be."""
        places = [[(x, y) for at, _, x, y in self.circles(gap) if at == number] for number in range(len(self.columns))]
        for number, column in enumerate(self.columns):
            largest = 0.0 if column.weights is None else float(np.abs(column.weights).max())
            for (row, unit), weight in np.ndenumerate(column.weights) if column.weights is not None and 0 < largest < math.inf else ():
                (x, y), (right, below) = places[number - 1][row], places[number][unit]
                rim = RADIUS / math.hypot(right - x, below - y)
                begin, end = (x + rim * (right - x), y + rim * (below - y)), (right - rim * (right - x), below - rim * (below - y))
                if weight:
                    yield Line(begin, end, abs(float(weight)) / largest, bool(weight < 0))

    def text(self) -> list[str]:
        """The same in a fixed-width font; every circle takes all of what stands to its left."""
        rows = max(len(column.labels) for column in self.columns)
        tops = [(rows - len(column.labels)) // 2 for column in self.columns]
        lines = [""] * (rows + 2)
        for number, column in enumerate(self.columns):
            wide = max(len(text) for text in (*column.labels, *column.caption))
            for row in range(rows):
                here = tops[number] <= row < tops[number] + len(column.labels)
                label = column.labels[row - tops[number]] if here else ""
                circle = "" if not here else label if label == "⋮" else f"{label} ○" if not number else f"○ {label}"
                on = "─" if "○" in circle and column is not self.columns[-1] else " "
                lines[row] += self._bus(number, row, tops) + (f"{circle} ".ljust(wide + 3, on) if number else circle.rjust(wide + 2) + on)
            for row, text in enumerate(column.caption, rows):
                lines[row] += " " * (6 * bool(number)) + text.ljust(wide + 2) + " "
        return [line.rstrip() for line in lines]

    def _bus(self, number: int, row: int, tops: Sequence[int]) -> str:
        """What leads from the column before to a column, in one row."""
        if not number:
            return ""
        ends = [(tops[at], tops[at] + len(self.columns[at].labels) - 1) for at in (number - 1, number)]
        first, last = min(top for top, _ in ends), max(bottom for _, bottom in ends)
        sides = "".join(
            side
            for side, at, (top, bottom) in zip("lr", (number - 1, number), ends, strict=True)
            if top <= row <= bottom and self.columns[at].labels[row - top] != "⋮"
        )
        sign = _BUS.get(sides + "u" * (first < row <= last) + "d" * (first <= row < last), " ")
        return ("──" if "l" in sides else "  ") + sign + ("── " if "r" in sides else "   ")


def drawing(program: Program, values: Values) -> Drawing | None:
    """The network of a program with its weights; None where it has no layers, or more than can be read."""
    if not program.layers or len(program.layers) >= MOST_COLUMNS:
        return None
    columns, before = [Column(("inputs", program.input), _cut(program.inputs))], len(program.inputs)
    for names in program.layers:
        units = names.layer.units
        labels = program.outputs if names is program.layers[-1] and len(program.outputs) == units else tuple(map(str, range(units)))
        caption = (f"layer {names.number}", names.layer.activation.replace("_", " ") + " + input" * names.layer.residual)
        weights = values[names.weight][np.ix_(_shown(before), _shown(units))]
        for axis, count in enumerate((before, units)):
            if count > LARGEST:
                weights = np.insert(weights, SHOWN, 0, axis)
        columns.append(Column(caption, _cut(labels), names.weight, weights))
        before = units
    return Drawing(tuple(columns))


def _shown(count: int) -> list[int]:
    """The circles of a column that are drawn."""
    return list(range(count)) if count <= LARGEST else [*range(SHOWN), count - 1]


def _cut(labels: Sequence[str]) -> tuple[str, ...]:
    shown = [labels[at] for at in _shown(len(labels))]
    return (*shown[:SHOWN], "⋮", shown[-1]) if len(labels) > LARGEST else tuple(shown)
