"""Round numbers along an axis, and bars; and a picture with two axes: where its values are, and the lines through it."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence

import numpy as np

from bpdebug.core.description import Array
from bpdebug.core.numbers import minus, written
from bpdebug.core.record import Record
from bpdebug.ui.draw.braille import Canvas, Dot

_STEPS = (1.0, 2.0, 5.0, 10.0)
_EVERY = (2, 3, 4)
"""Rows from one round value to the next."""
_ROUND = 1e-6
_LEAST_DECADES = 3
"""Powers of ten that a scale of gradients has at least, so that equal gradients look equal."""


def bar(share: float, columns: int) -> str:
    """A bar that fills a share of so many columns, to half of one; what is above 0 is never left out."""
    halves = round(2 * columns * min(max(share, 0.0), 1.0)) if math.isfinite(share) else 0
    halves = max(halves, int(share > 0))
    return "━" * (halves // 2) + "╸" * (halves % 2)


def decades(norms: Array) -> tuple[float, float]:
    """The powers of ten at the ends of the scale that the gradients of all layers have in common."""
    known = norms[np.isfinite(norms) & (norms > 0)]
    if not known.size:
        return -float(_LEAST_DECADES), 0.0
    low, high = math.floor(math.log10(float(known.min())) - 1e-9), math.ceil(math.log10(float(known.max())) - 1e-9)
    return float(min(low, high - _LEAST_DECADES)), float(high)


def nice_step(span: float, most: int) -> float:
    """The smallest of 1, 2, 5, 10, 20, … (or 0.5, 0.2, …) that divides a span into at most so many parts."""
    least = span / max(most, 1)
    power = 10.0 ** math.floor(math.log10(least)) if least > 0 and math.isfinite(least) else 1.0
    return next((step * power for step in _STEPS if step * power >= least * (1 - 1e-9)), 10 * power)


def lattice(low: float, high: float, rows: int, whole: bool = False) -> tuple[float, float, list[float]] | None:
    """A scale over so many rows of four dots on which round values stand in the middle of rows that are equally far apart: the values
    of the lowest and of the highest dot, and the round ones. ``whole`` where only whole numbers are round. None where there is none."""
    if not max(abs(low), abs(high), 1e-300) * 1e-12 < high - low < math.inf:
        return None
    power = 10.0 ** math.floor(math.log10((high - low) / rows))
    steps = [factor * power * scale for scale in (1.0, 10.0, 100.0) for factor in (1, 2, 5)]
    more = range(_EVERY[0], max(rows // 2, _EVERY[-1]) + 1)  # from one power of ten to the next as many rows as leave room for two
    between = {step: more if whole and step == 1 else _EVERY for step in steps if not whole or step >= 1}
    for size, step in sorted((step / every, step) for step, numbers in between.items() for every in numbers):
        base = math.floor((low + size / 4) / size + 1e-9) * size
        if base + size * (rows - 0.5) >= high:
            values = [base + size * row for row in range(rows)]
            round_ones = [round(value / step) * step for value in values if abs(value / step - round(value / step)) < _ROUND]
            return base - size / 4, base + size * (rows - 0.5), round_ones
    return None


def even_ticks(low: float, high: float, rows: int) -> tuple[float, float, tuple[tuple[float, str], ...]]:
    """The ends of a scale over so many rows, and round values on it with their texts, equally far apart where that is possible."""
    found = lattice(low, high, rows)
    if found is None or not found[2]:
        return low, high, tuple(ticks(low, high, max((rows + 1) // 2, 2)))
    first, last, values = found
    step = values[1] - values[0] if len(values) > 1 else abs(values[0]) or 1.0
    return first, last, tuple((value, tick_text(value, step)) for value in values)


def ticks(low: float, high: float, most: int) -> list[tuple[float, str]]:
    """Round values between two numbers, at most about so many, with their texts."""
    step = nice_step(high - low, most)
    if not (step > 0 and high - low > max(abs(low), abs(high)) * 1e-12):
        return [(low, written(low))]
    first = math.ceil(low / step - 1e-9)
    values = [place * step for place in range(first, first + most + 2) if place * step <= high + 1e-9 * step]
    return [(value, tick_text(value, step)) for value in values]


def log_ticks(low: float, high: float, most: int) -> list[tuple[float, str]]:
    """Powers of ten between two positive numbers, or their 1, 2 and 5 fold where there are few, with their texts."""
    first, last = math.ceil(math.log10(low) - 1e-9), math.floor(math.log10(high) + 1e-9)
    stride = max(math.ceil((last - first + 1) / max(most, 1)), 1)
    values = [10.0**power for power in range(first, last + 1, stride)]
    finer = [factor * 10.0**power for power in range(first - 1, last + 1) for factor in (1, 2, 5)]
    between = [value for value in finer if low * (1 - 1e-9) <= value <= high * (1 + 1e-9)]
    chosen = between if len(between) <= most else values
    return [(value, written(value, 1)) for value in chosen] if len(chosen) > 1 else ticks(low, high, most)


def tick_text(value: float, step: float) -> str:
    """A round value with as many digits as tell it from its neighbours."""
    decimals = max(-math.floor(math.log10(step) + 1e-9), 0)
    large = abs(value) >= 1e5 or decimals > 4
    digits = max(math.floor(math.log10(abs(value)) + 1e-9) + decimals + 1, 1) if value and decimals else 4
    return written(value, digits) if large else minus(f"{value:.{decimals}f}")


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
