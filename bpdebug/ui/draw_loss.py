"""The loss curve, with the place of the present moment on it."""

from __future__ import annotations

import numpy as np

from bpdebug.debugger.numbers import short
from bpdebug.debugger.view import View
from bpdebug.engine.description import Array
from bpdebug.ui.braille import Canvas
from bpdebug.ui.spans import Line, line, wrap

_LABEL = 8


def loss_lines(view: View, columns: int, rows: int) -> list[Line]:
    """The curve in that much room with its axis, and the displayed expressions below it."""
    shown = [line((text, "bold")) for text in view.displays]
    return _picture(view, columns, max(rows - len(shown), 4)) + shown


def _picture(view: View, columns: int, rows: int) -> list[Line]:
    updates, losses = _points(view)
    finite = np.isfinite(losses)
    if not finite.any():
        return _empty(view, columns)
    if len(updates) == 1:
        known = line(("loss ", "dim"), (short(float(losses[0]), 10), "bold"))
        return [known, *wrap("The curve begins with the second update: u runs one.", columns, "dim")]
    low, high = float(losses[finite].min()), float(losses[finite].max())
    canvas = Canvas(max(columns, _LABEL + 8), max(rows - 1, 2))
    end = max(float(updates[-1]), 1.0)
    _curve(canvas, updates[finite] / end, (losses[finite] - low) / ((high - low) or 1.0))
    _marker(canvas, view.position.update / end)
    for row, value in ((0, high), (canvas.rows - 1, low)):
        canvas.write(0, row, _label(value).rjust(_LABEL - 1), "dim")
    _bookmarks(view, canvas, end)
    return [*canvas.lines(), _axis(columns, int(updates[-1]), not finite.all())]


def _label(value: float) -> str:
    """A number at the axis, with as many digits as there is room for."""
    texts = (short(value, digits).replace("-", "−") for digits in (4, 3, 2, 1))
    return next((text for text in texts if len(text) < _LABEL), "")


def _bookmarks(view: View, canvas: Canvas, end: float) -> None:
    """The names of the bookmarks over their updates."""
    for name, t in view.bookmarks.items():
        place = min(t / view.position.stages / end, 1.0)
        column = _LABEL + round(place * (canvas.columns - _LABEL - 1))
        text = f"▾{name}"
        canvas.write(max(min(column, canvas.columns - len(text)), _LABEL), 0, text, "next")


def _points(view: View) -> tuple[Array, Array]:
    """The known losses, with the present one where it is newer."""
    updates, losses = view.losses
    if view.loss is not None and (not len(updates) or view.position.update > updates[-1]):
        updates, losses = np.append(updates, view.position.update), np.append(losses, view.loss)
    return updates, losses


def _empty(view: View, columns: int) -> list[Line]:
    if len(view.losses[0]):
        return wrap("No finite loss.", columns, "bad")
    return wrap("The loss is not computed yet: u runs a whole update, c the training.", columns, "dim")


def _curve(canvas: Canvas, x: Array, y: Array) -> None:
    wide, tall = 2 * (canvas.columns - _LABEL) - 1, 4 * canvas.rows - 1
    dots = [(2 * _LABEL + round(float(a) * wide), round((1 - float(b)) * tall)) for a, b in zip(x, y, strict=True)]
    kept = [dot for i, dot in enumerate(dots) if i == 0 or dot != dots[i - 1]]
    for start, end in zip([*kept[:1], *kept], kept, strict=False):
        canvas.segment(start, end, "curve", 1.0)


def _marker(canvas: Canvas, place: float) -> None:
    x = 2 * _LABEL + round(min(place, 1.0) * (2 * (canvas.columns - _LABEL) - 1))
    for y in range(0, 4 * canvas.rows, 2):
        canvas.dot(x, y, "next", 0.5)


def _axis(columns: int, last: int, broken: bool) -> Line:
    end = f"update {last}"
    middle = " ⚠ not finite" if broken else ""
    blanks = max(columns - _LABEL - 1 - len(middle) - len(end), 1)
    return line((" " * _LABEL + "0", "dim"), (middle, "bad"), (" " * blanks + end, "dim"))
