"""The answers over one input: a curve for each output, and the samples."""

from __future__ import annotations

import numpy as np

from bpdebug.core.description import Array
from bpdebug.core.record import Record
from bpdebug.look.surface import Surface
from bpdebug.session.view import View
from bpdebug.ui.draw.braille import Canvas
from bpdebug.ui.draw.roles import HEAT_STEPS
from bpdebug.ui.draw.sample_marks import current_place, in_order, mark_of, output_shown
from bpdebug.ui.draw.scales import even_ticks, ticks
from bpdebug.ui.draw.spans import Line

_LARGEST = 1e100
"""Beyond that no output is drawn."""


class _Frame(Record, eq=False):
    """Where things are: the axis of the input begins in column ``left``, that of the output has its ends in ``low`` and ``high``."""

    axis: Array
    left: int
    columns: int
    rows: int
    low: float
    high: float
    marked: tuple[tuple[float, str], ...]

    def x(self, value: Array | float) -> Array:
        """The half columns of input values."""
        share = (np.asarray(value) - self.axis[0]) / (self.axis[-1] - self.axis[0])
        return np.asarray(2 * self.left + np.rint(share * (2 * self.columns - 1)), int)

    def y(self, value: Array | float) -> Array:
        """The quarter rows of output values."""
        share = (np.asarray(value) - self.low) / (self.high - self.low)
        return np.asarray(np.rint((1 - np.clip(share, -1, 2)) * (4 * self.rows - 1)), int)


def response_lines(view: View, surface: Surface, columns: int, rows: int) -> list[Line]:
    """The curves in that much room, with their axes."""
    frame = _frame(surface, columns, rows)
    canvas = Canvas(frame.left + frame.columns, frame.rows)
    _scale(surface, frame, canvas)
    _curves(view, surface, frame, canvas)
    _samples(view, surface, frame, canvas)
    return [*canvas.lines(), *_inputs(view, frame)]


def _frame(surface: Surface, columns: int, rows: int) -> _Frame:
    parts = [surface.y, surface.outputs, *([surface.grid] if surface.grid is not None else [])]
    values = np.concatenate([part[np.abs(part) < _LARGEST] for part in parts])
    low, high = (float(values.min()), float(values.max())) if values.size else (0.0, 1.0)
    margin = 0.04 * (high - low) or 1.0
    low, high = low - margin, high + margin
    low, high, marked = even_ticks(low, high, max(rows - 2, 1))
    left = max((len(text) for _, text in marked), default=0) + 1
    return _Frame(surface.axes[0], left, max(columns - left, 4), max(rows - 2, 1), low, high, marked)


def _scale(surface: Surface, frame: _Frame, canvas: Canvas) -> None:
    """The axis of the outputs; for two sides also what separates them."""
    rows = {int(frame.y(value)) // 4: text for value, text in frame.marked}
    for row in range(frame.rows):
        canvas.write(frame.left - 1, row, "┤" if row in rows else "│", "faint")
        canvas.write(0, row, rows.get(row, "").rjust(frame.left - 1), "dim")
    if surface.task == "binary":
        for x in range(2 * frame.left, 2 * canvas.columns, 4):
            canvas.dot(x, int(frame.y(surface.middle)), "dim")


def _curves(view: View, surface: Surface, frame: _Frame, canvas: Canvas) -> None:
    """Every output over the input, the one that is looked at brightest."""
    for output, values in enumerate(surface.grid if surface.grid is not None else ()):
        role = f"upper:class:{output}:{HEAT_STEPS}" if surface.task == "classes" else "curve" if output == output_shown(view) else "faint"
        finite = np.abs(values) < _LARGEST
        dots = list(zip(frame.x(frame.axis[finite]).tolist(), frame.y(values[finite]).tolist(), strict=True))
        for start, end in zip([*dots[:1], *dots], dots, strict=False):
            canvas.segment(start, end, role, 2.0 if output == output_shown(view) else 1.0)


def _samples(view: View, surface: Surface, frame: _Frame, canvas: Canvas) -> None:
    """The samples at their targets; the present one with the way from its target to its answer."""
    present, shown = current_place(view, surface), output_shown(view) if surface.task == "numbers" else 0
    for place in in_order(view, surface):
        output = int(surface.wanted[place]) if surface.task == "classes" else shown
        target, answer = (float(part[place, output]) for part in (surface.y, surface.outputs))
        x, y = int(frame.x(float(surface.x[place, 0]))), int(frame.y(target))
        if place == present and abs(answer) < _LARGEST:
            canvas.segment((x, y), (x, int(frame.y(answer))), "next", 3.0)
        mark, role = mark_of(surface, place)
        canvas.write(x // 2, min(max(y // 4, 0), frame.rows - 1), mark, "next" if place == present else role)


def _inputs(view: View, frame: _Frame) -> list[Line]:
    """The axis of the input with its numbers and its name."""
    canvas, free = Canvas(frame.left + frame.columns, 2), frame.left
    canvas.write(frame.left - 1, 0, "└" + "─" * frame.columns, "faint")
    for value, text in ticks(float(frame.axis[0]), float(frame.axis[-1]), max(frame.columns // 8, 2)):
        column = int(frame.x(value)) // 2
        canvas.write(column, 0, "┬", "faint")
        start = min(max(column - len(text) // 2, frame.left), canvas.columns - len(text))
        if start >= free:
            canvas.write(start, 1, text, "dim")
            free = start + len(text) + 1
    name = view.program.scenario.inputs[0]
    canvas.write(canvas.columns - len(name) - 1, 0, f" {name} ", "dim")
    return canvas.lines()
