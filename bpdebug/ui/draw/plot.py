"""A picture with two axes: where its values are, the numbers along it, and the lines through it."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence

import numpy as np

from bpdebug.core.description import Array
from bpdebug.core.record import Record
from bpdebug.ui.draw.braille import Canvas, Dot

Ticks = tuple[tuple[float, str], ...]


class Plot(Record, eq=False):
    """Where things are.

    Attributes:
        left, columns, rows: the area of the curves, and the columns before it.
        first, last: the ends of the axis below it.
        low, high: the ends of the axis at its left.
        marked: values on that axis with their texts.
        log: whether it is logarithmic.
    """

    left: int
    columns: int
    rows: int
    first: float
    last: float
    low: float
    high: float
    marked: Ticks
    log: bool

    def x(self, value: Array | float) -> Array:
        """The half columns of values on the axis below."""
        share = np.minimum((np.asarray(value) - self.first) / (self.last - self.first), 1.0)
        return np.asarray(2 * self.left + np.rint(share * (2 * self.columns - 1)), int)

    def y(self, value: Array | float) -> Array:
        """The quarter rows of values on the axis at the left."""
        place, low, high = (np.log10(part) if self.log else part for part in (np.asarray(value), self.low, self.high))
        share = np.minimum(np.maximum((place - low) / ((high - low) or 1.0), -1), 2)
        return np.asarray(np.rint((1 - share) * (4 * self.rows - 1)), int)

    def scale(self, canvas: Canvas) -> None:
        """Draw the axis at the left."""
        rows = {int(self.y(value)) // 4: text for value, text in self.marked}
        for row in range(self.rows):
            canvas.write(self.left - 1, row, "┤" if row in rows else "│", "faint")
            canvas.write(0, row, rows.get(row, "").rjust(self.left - 1), "dim")

    def base(self, rows: int, ticks: Iterable[tuple[float, str]], taken: int = -1) -> Canvas:
        """The axis below in so many rows, of one the numbers alone; its last columns that are taken have none."""
        canvas, free = Canvas(self.left + self.columns, rows), self.left
        canvas.write(self.left - 1, rows - 2, "└" + "─" * self.columns, "faint")
        for value, text in ticks:
            column = int(self.x(value)) // 2
            start = min(max(column - len(text) // 2, self.left), canvas.columns - len(text))
            canvas.write(column, rows - 2, "┬", "faint")
            if start >= free and start + len(text) < canvas.columns - taken:
                canvas.write(start, rows - 1, text, "dim")
                free = start + len(text) + 1
        return canvas

    def path(self, canvas: Canvas, dots: Sequence[Dot], roles: tuple[str, str], strength: float, now: float = math.inf) -> None:
        """A line from dot to dot, with one role up to a half column and the other after it."""
        for start, end in zip([*dots[:1], *dots], dots, strict=False):
            canvas.segment(start, end, roles[end[0] > now], strength)
