"""The loss curve with the place of the present moment on it, and above it the newest loss in numbers."""

from __future__ import annotations

import math

import numpy as np

from bpdebug.core.description import Array
from bpdebug.core.numbers import short, written
from bpdebug.session.view import View
from bpdebug.ui.draw.braille import Canvas
from bpdebug.ui.draw.loss_start import start_lines
from bpdebug.ui.draw.plot import Plot, Ticks
from bpdebug.ui.draw.scales import even_ticks, lattice, log_ticks, nice_step
from bpdebug.ui.draw.spans import Line, Span, crop, first_that_fits, fit, line

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


class Chart(Plot, eq=False):
    """The losses over the updates, in the area below the line of numbers.

    Attributes:
        updates, losses: what is drawn; all finite, on a logarithmic scale all above 0.
        axis: lines below the area.
    """

    updates: Array
    losses: Array
    axis: int


def points(view: View) -> tuple[Array, Array]:
    """The known losses, with the present one where it is newer."""
    updates, losses = view.losses
    if view.loss is not None and (not len(updates) or view.position.update > updates[-1]):
        updates, losses = np.append(updates, view.position.update), np.append(losses, view.loss)
    return updates, losses


def newest(view: View) -> int:
    """The update of the newest loss that is known at the present moment; -1 before there is one."""
    return view.position.update - (view.loss is None)


def loss_lines(view: View, columns: int, rows: int) -> list[Line]:
    """The curve in that much room with its axes."""
    rows, chart = max(rows, 4), _chart(view, columns, rows)
    if chart is None:
        return start_lines(view, points(view)[1], newest(view), columns, rows)
    canvas = Canvas(max(columns, chart.left + chart.columns), chart.rows)
    _epochs(view, chart, canvas)
    _curve(view, chart, canvas)
    _cursor(view, chart, canvas)
    chart.scale(canvas)
    head = [] if rows < 5 else [fit(numbers_line(view, chart.log, columns), columns)]
    return [*head, *(crop(drawn, 0, columns) for drawn in (*canvas.lines(), *_axis(view, chart)))]


def update_at(view: View, columns: int, rows: int, column: int) -> int | None:
    """The update whose loss is drawn in that column, or None beside the curve."""
    chart = _chart(view, columns, rows)
    if chart is None or not chart.left <= column < chart.left + chart.columns:
        return None
    return round((column - chart.left + 0.25) / max(chart.columns - 0.5, 1) * chart.last)


def updates_a_column(view: View, columns: int, rows: int) -> int:
    """How many updates a column of the curve stands for; at least one."""
    chart = _chart(view, columns, rows)
    return max(round(chart.last / chart.columns), 1) if chart else 1


def _chart(view: View, columns: int, rows: int) -> Chart | None:
    """The layout, or None where there is no curve yet."""
    updates, losses = points(view)
    finite = np.isfinite(losses)
    if len(updates) < 2 or not finite.any():
        return None
    least, most = float(losses[finite].min()), float(losses[finite].max())
    log = least > 0 and (view.loss_scale == "log" or (view.loss_scale == "auto" and most > SPREAD * least))
    axis = 2 if rows >= 8 else 1
    area = max(max(rows, 4) - axis - (rows >= 5), 2)
    low, high, marked = _scale(least, most, area, log)
    left = max((len(text) for _, text in marked), default=0) + 1
    end, wide = max(float(updates[-1]), 1.0), max(columns - left, 8)
    return Chart(left, wide, area, 0.0, end, low, high, marked, log, updates=updates[finite], losses=losses[finite], axis=axis)


def _scale(least: float, most: float, rows: int, log: bool) -> tuple[float, float, Ticks]:
    """The ends of the scale, and its round values."""
    if not log:
        return even_ticks(least, most, rows)
    ends = math.log10(least), math.log10(most)
    found = lattice(*ends, rows, whole=True)
    if found is None or not found[2] or _FILLED * (found[1] - found[0]) > ends[1] - ends[0]:
        return least, most, tuple(log_ticks(least, most, max((rows + 1) // 2, 2)))
    low, high = 10.0 ** max(found[0], _POWERS[0]), 10.0 ** min(found[1], _POWERS[1])
    return low, high, tuple((10.0**power, written(10.0**power, 1)) for power in found[2])


def _curve(view: View, chart: Chart, canvas: Canvas) -> None:
    """All losses, those after the present moment faint; of mini-batches also the means of the epochs."""
    epochs = (chart.updates // view.position.batches).astype(int)
    several = view.position.batches > 1 and epochs.size and epochs[-1] >= 2
    _stroke(view, chart, canvas, chart.updates, chart.losses, ("dim", "faint") if several else ("curve", "faint"))
    if several:
        places, sums, counts = (np.bincount(epochs, weights) for weights in (chart.updates, chart.losses, np.ones(epochs.size)))
        known = counts > 0
        _stroke(view, chart, canvas, places[known] / counts[known], sums[known] / counts[known], ("curve", "dim"), 2.0)


def _stroke(view: View, chart: Chart, canvas: Canvas, updates: Array, losses: Array, roles: tuple[str, str], strength: float = 1.0) -> None:
    """A line through the losses, with the role for those before the present moment and for those after it."""
    now, x, y = int(chart.x(newest(view))), chart.x(updates).tolist(), chart.y(losses).tolist()
    for column, row in zip(x, y, strict=True) if chart.last < chart.columns // _POINT else ():
        canvas.write(column // 2, row // 4, "•", roles[column > now])
    chart.path(canvas, _thinned(np.array(x), np.array(y)), roles, strength, now)


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
    stride = max(round(nice_step(chart.last / batches, max(chart.columns // _EPOCH, 1))), 1)
    for epoch in range(stride, int(chart.last / batches) + 1, stride):
        x = int(chart.x(epoch * batches))
        for y in range(5, 4 * chart.rows, 4):
            canvas.dot(x, y, "faint", -0.5)
        text = f"epoch {epoch}" if epoch == stride and 2 * len(f" epoch {epoch}") <= int(chart.x(2 * epoch * batches)) - x else f"e{epoch}"
        canvas.write(min(x // 2, chart.left + chart.columns - len(text)), 0, text, "faint")


def _axis(view: View, chart: Chart) -> list[Line]:
    """The axis of the updates, with bookmarks and the place where the loss is no number any more, and its numbers."""
    end = round(chart.last)
    last = f"update {end}" if 2 * len(f"update {end}") < chart.columns else str(end)
    step = max(round(nice_step(chart.last, max(chart.columns // 7, 1))), 1)
    canvas = chart.base(chart.axis, ((update, str(update)) for update in range(0, int(chart.last) + 1, step)), len(last))
    canvas.write(canvas.columns - len(last), chart.axis - 1, last, "dim")
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


def numbers_line(view: View, log: bool, columns: int) -> Line:
    """The newest loss and what has changed in it, as much as there is room for."""
    updates, losses = points(view)
    place = int(np.searchsorted(updates, newest(view), side="right")) - 1
    if place < 0:
        return line(("at the start of the training", "dim"))
    loss = float(losses[place]) if view.loss is None else view.loss
    update = (f"update {int(updates[place])}  ", "dim")
    known = line(("loss ", "dim"), (short(loss, 5), "bold" if np.isfinite(loss) else "bad"))
    change, share, over = _of_epochs(view) if view.position.batches > 1 else _of_updates(updates, losses, place, loss)
    refused: Line = (("  no log scale: not all losses are above 0", "next"),) if view.loss_scale == "log" else ()
    scale = line(("  log scale", "faint")) if log else refused
    numbers = (*known, *change, *share, *over)
    brief = [((change[0][0].strip() + " ", change[0][1]), *change[1:], *share)] if share and view.position.batches > 1 else []
    ways = ((update, *numbers, *scale), (update, *numbers), numbers, (*known, *change, *share), *brief, (*known, *change))
    return first_that_fits(ways, columns, known)


def _of_updates(updates: Array, losses: Array, place: int, loss: float) -> tuple[Line, Line, Line]:
    """By how much the loss has changed since the one before, by which share, and over how many updates."""
    before, apart = float(losses[max(place - 1, 0)]), int(updates[place] - updates[max(place - 1, 0)])
    change = loss - before
    if not apart or not np.isfinite(change):
        return (), (), ()
    over = line((f" over {apart} updates", "faint")) if apart > 1 else ()
    return line(_changed(change, f"  {{}}{short(abs(change), 3)}")), _share(change, before), over


def _of_epochs(view: View) -> tuple[Line, Line, Line]:
    """The mean loss of the last whole epoch, and by which share that differs from the one before: each has seen all samples, while
    two batches differ by what is in them."""
    done = (newest(view) + 1) // view.position.batches
    now, before = (_epoch_mean(view, epoch) for epoch in (done - 1, done - 2))
    if now is None:
        return ((f"  batch {view.position.batch + 1} of {view.position.batches}", "faint"),), (), ()
    mean = ((f"  epoch {done - 1} mean ", "curve"), (short(now, 4), "bold"))
    return (mean, (), ()) if before is None else (mean, _share(now - before, before), ((f" on epoch {done - 2}", "faint"),))


def _epoch_mean(view: View, epoch: int) -> float | None:
    """The mean of the known losses of an epoch; None where it has none, or one that is not finite."""
    updates, losses = points(view)
    own = losses[updates // view.position.batches == epoch] if epoch >= 0 else losses[:0]
    return float(own.mean()) if own.size and np.isfinite(own).all() else None


def _changed(change: float, text: str) -> Span:
    """A change of the loss with its sign, in the colour that says whether that is well."""
    sign, role = ("−", "good") if change < 0 else ("+", "bad") if change > 0 else ("±", "dim")
    return text.format(sign), role


def _share(change: float, before: float) -> Line:
    """A change in percent of what was before, where that says something."""
    share = abs(change / before) if before else 0.0
    return line(_changed(change, f" ({{}}{short(100 * share, 2)} %)")) if 1e-5 < share < 100 else ()
