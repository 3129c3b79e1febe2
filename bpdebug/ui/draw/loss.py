"""The loss curve, with the place of the present moment on it."""

from __future__ import annotations

import math

import numpy as np

from bpdebug.core.description import Array
from bpdebug.core.numbers import short
from bpdebug.core.record import Record
from bpdebug.session.view import View
from bpdebug.ui.draw.braille import Canvas
from bpdebug.ui.draw.loss_numbers import newest, numbers_line, points
from bpdebug.ui.draw.loss_start import start_lines
from bpdebug.ui.draw.scales import even_ticks, lattice, log_ticks, nice_step
from bpdebug.ui.draw.spans import Line, crop, fit

SPREAD = 100.0
"""From this ratio of the largest to the smallest loss on, the scale is logarithmic by itself."""
_POWERS = (-323.0, 308.0)
"""The powers of ten that a float can be."""
_FILLED = 0.5
"""The share of a scale of whole powers of ten that the curve fills at least; else it has ends of its own."""
_EPOCH = 8
"""Columns between two marked epochs at least."""
_POINT = 4
"""Columns between two losses from which on each is marked as a point."""


class Chart(Record, eq=False):
    """Where things are in the picture.

    Attributes:
        updates, losses: what is drawn; all finite, on a logarithmic scale all above 0.
        left, columns, rows: the curve's area, below the line of numbers.
        low, high: the ends of the scale of losses.
        log: whether it is logarithmic.
        end: the last update.
        axis: lines below the area.
        ticks: marked losses with their texts.
    """

    updates: Array
    losses: Array
    left: int
    columns: int
    rows: int
    low: float
    high: float
    log: bool
    end: float
    axis: int
    ticks: tuple[tuple[float, str], ...]

    def x(self, update: Array | float) -> Array:
        """The half columns of updates."""
        place = np.minimum(np.asarray(update) / self.end, 1.0)
        return np.asarray(2 * self.left + np.rint(place * (2 * self.columns - 1)), int)

    def y(self, loss: Array | float) -> Array:
        """The quarter rows of losses."""
        scaled = (self._scaled(loss) - self._scaled(self.low)) / ((self._scaled(self.high) - self._scaled(self.low)) or 1.0)
        return np.asarray(np.rint((1 - scaled) * (4 * self.rows - 1)), int)

    def _scaled(self, loss: Array | float) -> Array:
        return np.asarray(np.log10(loss) if self.log else loss)


def loss_lines(view: View, columns: int, rows: int) -> list[Line]:
    """The curve in that much room with its axes."""
    return _picture(view, columns, max(rows, 4))


def update_at(view: View, columns: int, rows: int, column: int) -> int | None:
    """The update whose loss is drawn in that column, or None beside the curve."""
    chart = _chart(view, columns, max(rows, 4))
    if chart is None or not chart.left <= column < chart.left + chart.columns:
        return None
    place = (column - chart.left + 0.25) / max(chart.columns - 0.5, 1)
    return round(place * chart.end)


def updates_a_column(view: View, columns: int, rows: int) -> int:
    """How many updates a column of the curve stands for; at least one."""
    chart = _chart(view, columns, max(rows, 4))
    return max(round(chart.end / chart.columns), 1) if chart else 1


def _picture(view: View, columns: int, rows: int) -> list[Line]:
    chart = _chart(view, columns, rows)
    if chart is None:
        return start_lines(view, points(view)[1], columns, rows)
    canvas = Canvas(max(columns, chart.left + chart.columns), chart.rows)
    _epochs(view, chart, canvas)
    _curve(view, chart, canvas)
    _cursor(view, chart, canvas)
    _scale_of(chart, canvas)
    head = [] if rows < 5 else [fit(numbers_line(view, chart.log, columns), columns)]
    return [*head, *(crop(drawn, 0, columns) for drawn in (*canvas.lines(), *_axis(view, chart)))]


def _chart(view: View, columns: int, rows: int) -> Chart | None:
    """The layout, or None where there is no curve yet."""
    updates, losses = points(view)
    finite = np.isfinite(losses)
    if len(updates) < 2 or not finite.any():
        return None
    least, most = float(losses[finite].min()), float(losses[finite].max())
    log = least > 0 and (view.loss_scale == "log" or (view.loss_scale == "auto" and most > SPREAD * least))
    axis = 2 if rows >= 8 else 1
    area = max(rows - axis - (rows >= 5), 2)
    low, high, marked = _scale(least, most, area, log)
    left = max(len(text) for _, text in marked) + 1 if marked else 1
    end = max(float(updates[-1]), 1.0)
    return Chart(updates[finite], losses[finite], left, max(columns - left, 8), area, low, high, log, end, axis, marked)


def _scale(least: float, most: float, rows: int, log: bool) -> tuple[float, float, tuple[tuple[float, str], ...]]:
    """The ends of the scale, and its round values."""
    if not log:
        return even_ticks(least, most, rows)
    ends = math.log10(least), math.log10(most)
    found = lattice(*ends, rows, whole=True)
    if found is None or not found[2] or _FILLED * (found[1] - found[0]) > ends[1] - ends[0]:
        return least, most, tuple(log_ticks(least, most, max((rows + 1) // 2, 2)))
    low, high = 10.0 ** max(found[0], _POWERS[0]), 10.0 ** min(found[1], _POWERS[1])
    return low, high, tuple((10.0**power, short(10.0**power, 1).replace("-", "−")) for power in found[2])


def _curve(view: View, chart: Chart, canvas: Canvas) -> None:
    """All losses, those after the present moment faint; of mini-batches also the means of the epochs."""
    batches = view.position.batches
    means = _means(chart, batches) if batches > 1 else None
    _stroke(view, chart, canvas, chart.updates, chart.losses, ("dim", "faint") if means else ("curve", "faint"))
    if means:
        _stroke(view, chart, canvas, *means, ("curve", "dim"), 2.0)


def _means(chart: Chart, batches: int) -> tuple[Array, Array] | None:
    """The mean loss of each epoch, at its middle; None before there are two."""
    epochs = (chart.updates // batches).astype(int)
    if not len(epochs) or epochs[-1] < 2:
        return None
    counts = np.bincount(epochs)
    sums, places = np.bincount(epochs, chart.losses), np.bincount(epochs, chart.updates)
    known = counts > 0
    return places[known] / counts[known], sums[known] / counts[known]


def _stroke(view: View, chart: Chart, canvas: Canvas, updates: Array, losses: Array, roles: tuple[str, str], strength: float = 1.0) -> None:
    """A line through the losses, with the role for those before the present moment and for those after it."""
    now = int(chart.x(newest(view)))
    for update, loss in zip(updates, losses, strict=True) if chart.end < chart.columns // _POINT else ():
        canvas.write(int(chart.x(update)) // 2, int(chart.y(loss)) // 4, "•", roles[int(chart.x(update) > now)])
    dots = _thinned(chart.x(updates), chart.y(losses))
    for start, end in zip([*dots[:1], *dots], dots, strict=False):
        canvas.segment(start, end, roles[end[0] > now], strength)


def _thinned(x: Array, y: Array) -> list[tuple[int, int]]:
    """Of many dots in a half column the first, the lowest, the highest and the last."""
    starts = np.flatnonzero(np.diff(x, prepend=x[:1] - 1))
    kept: list[tuple[int, int]] = []
    for start, end in zip(starts, [*starts[1:], len(x)], strict=True):
        part = y[start:end]
        chosen = sorted({0, int(part.argmin()), int(part.argmax()), len(part) - 1})
        kept += [(int(x[start]), int(part[place])) for place in chosen]
    return kept


def _cursor(view: View, chart: Chart, canvas: Canvas) -> None:
    """The present moment: a line of dots, and the point of the curve that belongs to it."""
    x = int(chart.x(max(newest(view), 0)))
    for y in range(0, 4 * chart.rows, 2):
        canvas.dot(x, y, "next", 0.5)
    updates, losses = points(view)
    known = losses[updates <= newest(view)][-1:]
    if np.isfinite(known).any() and not (chart.log and known[0] <= 0):
        canvas.write(x // 2, int(chart.y(known[0])) // 4, "●", "next")


def _epochs(view: View, chart: Chart, canvas: Canvas) -> None:
    """Where epochs begin, if they have several updates."""
    batches = view.position.batches
    if batches < 2:
        return
    stride = max(round(nice_step(chart.end / batches, max(chart.columns // _EPOCH, 1))), 1)
    for epoch in range(stride, int(chart.end / batches) + 1, stride):
        x = int(chart.x(epoch * batches))
        for y in range(5, 4 * chart.rows, 4):
            canvas.dot(x, y, "faint", -0.5)
        text = f"epoch {epoch}" if epoch == stride and 2 * len(f" epoch {epoch}") <= int(chart.x(2 * epoch * batches)) - x else f"e{epoch}"
        canvas.write(min(x // 2, chart.left + chart.columns - len(text)), 0, text, "faint")


def _scale_of(chart: Chart, canvas: Canvas) -> None:
    """The axis of the losses with its numbers."""
    rows = {int(chart.y(value)) // 4: text for value, text in chart.ticks}
    for row in range(chart.rows):
        canvas.write(chart.left - 1, row, "┤" if row in rows else "│", "faint")
        canvas.write(0, row, rows.get(row, "").rjust(chart.left - 1), "dim")


def _axis(view: View, chart: Chart) -> list[Line]:
    """The axis of the updates, with bookmarks and the place where the loss is no number any more, and its numbers."""
    canvas = Canvas(chart.left + chart.columns, chart.axis)
    canvas.write(chart.left - 1, 0, "└" + "─" * chart.columns if chart.axis > 1 else "", "faint")
    step = max(round(nice_step(chart.end, max(chart.columns // 7, 1))), 1)
    free, last = chart.left, f"update {round(chart.end)}"
    last = last if 2 * len(last) < chart.columns else str(round(chart.end))
    canvas.write(canvas.columns - len(last), chart.axis - 1, last, "dim")
    for update in range(0, int(chart.end) + 1, step):
        column, text = int(chart.x(update)) // 2, str(update)
        canvas.write(column, 0, "┬" if chart.axis > 1 else "", "faint")
        start = min(max(column - len(text) // 2, chart.left), canvas.columns - len(text))
        if start >= free and start + len(text) < canvas.columns - len(last):
            canvas.write(start, chart.axis - 1, text, "dim")
            free = start + len(text) + 1
    _flags(view, chart, canvas)
    return canvas.lines()


def _flags(view: View, chart: Chart, canvas: Canvas) -> None:
    """What is marked on the axis of the updates."""
    flags = [(t / view.position.stages, f"▲{name}", "next") for name, t in view.bookmarks.items()]
    updates, losses = points(view)
    broken = np.flatnonzero(~np.isfinite(losses))
    flags += [(float(updates[broken[0]]), "⚠ not finite", "bad")] if len(broken) else []
    for update, text, role in flags:
        canvas.write(max(min(int(chart.x(update)) // 2, canvas.columns - len(text)), chart.left), 0, text, role)
