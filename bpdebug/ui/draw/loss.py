"""The loss curve with the place of the present moment on it, and above it the newest loss in numbers; before there is a curve, the
targets beside what the network answers."""

from __future__ import annotations

import math

import numpy as np

from bpdebug.core.description import Array
from bpdebug.core.numbers import decimals, short, written
from bpdebug.session.view import View
from bpdebug.time.position import called
from bpdebug.ui.draw.braille import Canvas
from bpdebug.ui.draw.glyphs import HATCH
from bpdebug.ui.draw.scales import Plot, Ticks, bar, even_ticks, lattice, log_ticks, nice_step
from bpdebug.ui.draw.spans import Line, Span, crop, first_that_fits, fit, line, lit, short_names, table, widths_of, wrap

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
_ERROR = "off by"
_GAP, _BAR = 2, len(_ERROR)
_Row = tuple[str, str, str]
"""The texts of one answer: what it is an answer to, the target, the answer."""


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
    updates, losses = points(view)
    if chart is None:
        return _start_lines(view, losses, columns, rows)
    canvas, x = Canvas(max(columns, chart.left + chart.columns), chart.rows), int(chart.x(max(newest(view), 0)))
    _epochs(view, chart, canvas)
    _curves(view, chart, canvas)
    # the present moment is a line of dots, and the point of the curve that belongs to it
    for y in range(0, 4 * chart.rows, 2):
        canvas.dot(x, y, "next", 0.5)
    known = losses[updates <= newest(view)][-1:]
    if np.isfinite(known).any() and not (chart.log and known[0] <= 0):
        canvas.write(x // 2, int(chart.y(known[0])) // 4, "◉", "next")
    chart.scale(canvas)
    head = [] if rows < 5 else [fit(numbers_line(view, chart.log, columns), columns)]
    return [*head, *(crop(drawn, 0, columns) for drawn in (*canvas.lines(), *_axis(view, chart, rows - len(head) - chart.rows)))]


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


def _chart(view: View, columns: int, rows: int) -> Plot | None:
    """The layout, or None where there is no curve yet."""
    updates, losses = points(view)
    finite = np.isfinite(losses)
    if len(updates) < 2 or not finite.any():
        return None
    least, most = float(losses[finite].min()), float(losses[finite].max())
    log = least > 0 and (view.loss_scale == "log" or (view.loss_scale == "auto" and most > SPREAD * least))
    area = max(max(rows, 4) - (2 if rows >= 8 else 1) - (rows >= 5), 2)
    low, high, marked = _scale(least, most, area, log)
    left = max((len(text) for _, text in marked), default=0) + 1
    end, wide = max(float(updates[-1]), 1.0), max(columns - left, 8)
    return Plot(left, wide, area, 0.0, end, low, high, marked, log)


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


def _curves(view: View, chart: Plot, canvas: Canvas) -> None:
    """All losses, those after the present moment faint; of mini-batches also the means of the epochs."""
    updates, losses = points(view)
    finite = np.isfinite(losses)
    updates, losses = updates[finite], losses[finite]
    strokes = [(updates, losses, ("curve", "faint"), 1.0)]
    epochs = (updates // view.position.batches).astype(int)
    if view.position.batches > 1 and epochs.size and epochs[-1] >= 2:
        places, sums, counts = (np.bincount(epochs, weights) for weights in (updates, losses, np.ones(epochs.size)))
        known = counts > 0
        means = places[known] / counts[known], sums[known] / counts[known], ("curve", "dim"), 2.0
        strokes = [(updates, losses, ("dim", "faint"), 1.0), means]
    now = int(chart.x(newest(view)))
    for updates, losses, roles, strength in strokes:
        x, y = chart.x(updates), chart.y(losses)
        for column, row in zip(x.tolist(), y.tolist(), strict=True) if chart.last < chart.columns // _POINT else ():
            canvas.write(column // 2, row // 4, "•", roles[column > now])
        chart.path(canvas, _thinned(x, y), roles, strength, now)


def _thinned(x: Array, y: Array) -> list[tuple[int, int]]:
    """Of many dots in a half column the first, the lowest, the highest and the last."""
    starts = np.flatnonzero(np.diff(x, prepend=x[:1] - 1))
    kept: list[tuple[int, int]] = []
    for start, end in zip(starts, [*starts[1:], len(x)], strict=True):
        part = y[start:end]
        chosen = sorted({0, int(part.argmin()), int(part.argmax()), len(part) - 1})
        kept += [(int(x[start]), int(part[place])) for place in chosen]
    return kept


def _epochs(view: View, chart: Plot, canvas: Canvas) -> None:
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


def _axis(view: View, chart: Plot, rows: int) -> list[Line]:
    """The axis of the updates, with bookmarks and the place where the loss is no number any more, and its numbers."""
    end = round(chart.last)
    last = f"update {end}" if 2 * len(f"update {end}") < chart.columns else str(end)
    step = max(round(nice_step(chart.last, max(chart.columns // 7, 1))), 1)
    canvas = chart.base(rows, ((update, str(update)) for update in range(0, int(chart.last) + 1, step)), len(last))
    canvas.write(canvas.columns - len(last), rows - 1, last, "dim")
    flags = [(view.position.calendar.in_updates(t), f"▲{name}", "next") for name, t in view.bookmarks.items()]
    updates, losses = points(view)
    broken = updates[~np.isfinite(losses)]
    for update, text, role in [*flags, *((float(first), "⚠ not finite", "bad") for first in broken[:1])]:
        canvas.write(max(min(int(chart.x(update)) // 2, canvas.columns - len(text)), chart.left), 0, text, role)
    return canvas.lines()


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
    effect = [_effect(view)] if view.effect else []
    ways = (*effect, (update, *numbers, *scale), (update, *numbers), numbers, (*known, *change, *share), *brief, (*known, *change))
    return first_that_fits(ways, columns, known)


def _effect(view: View) -> Line:
    """What the update that has just been completed has done to the loss of its samples."""
    losses, _, share = view.effect.losses.partition(" (") if view.effect else ("", "", "")
    return line(("loss ", "dim"), (losses, "bold"), *[(f" ({share}", "good" if share.startswith("−") else "bad")] * bool(share))


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
    two batches differ by what is in them. A mean is not known where the epoch has no losses, or one that is not finite."""
    (updates, losses), batches = points(view), view.position.batches
    done = (newest(view) + 1) // batches
    of_epochs = (losses[updates // batches == epoch] for epoch in (done - 1, done - 2))
    now, before = (float(own.mean()) if own.size and np.isfinite(own).all() else None for own in of_epochs)
    if now is None:
        return ((f"  batch {view.position.batch + 1} of {batches}", "faint"),), (), ()
    mean = ((f"  epoch {done - 1} mean ", "curve"), (short(now, 4), "bold"))
    return (mean, (), ()) if before is None else (mean, _share(now - before, before), ((f" on epoch {done - 2}", "faint"),))


def _changed(change: float, text: str) -> Span:
    """A change of the loss with its sign, in the colour that says whether that is well."""
    sign, role = ("−", "good") if change < 0 else ("+", "bad") if change > 0 else ("±", "dim")
    return text.format(sign), role


def _share(change: float, before: float) -> Line:
    """A change in percent of what was before, where that says something."""
    share = abs(change / before) if before else 0.0
    return line(_changed(change, f" ({{}}{short(100 * share, 2)} %)")) if 1e-5 < share < 100 else ()


def _start_lines(view: View, losses: Array, columns: int, rows: int) -> list[Line]:
    """The loss of an update as far as it is known, when the curve begins, and the answers that the loss is made of."""
    if len(losses) and not np.isfinite(losses).any():
        return wrap("No finite loss.", columns, "bad")
    known: list[Line] = []
    if len(losses):
        of = f" of {called(view.program, newest(view))}" if view.loss is None else ""
        ways = (line(("loss ", "dim"), (short(float(losses[0]), n), "bold"), (more, "dim")) for n, more in ((10, of), (10, ""), (5, "")))
        known = [first_that_fits((_effect(view), *ways), columns)] if view.effect else [first_that_fits(ways, columns)]
    begins = "The curve begins with the second update: u runs one." if view.program.updates > 1 else "One update has no curve."
    when = begins if known else "Not computed yet: u runs a whole update, c the training."
    head = [*known, *wrap(when, columns, "dim")]
    return head + _answer_lines(view, columns, rows - len(head))


def _answer_lines(view: View, columns: int, rows: int) -> list[Line]:
    """As many answers as there is room for, below a heading: every sample of the batch, or of several outputs every one of the sample in
    sight. Where it is narrow the words give way, never a number. Nothing where the program has no answers of the form of targets."""
    program = view.program
    shape = view.shapes.get(program.prediction, ())
    if len(shape) != 2 or view.shapes.get(program.target) != shape:
        return []
    shown = view.finished if view.finished and program.prediction in view.finished.tensors else view
    targets, answers = shown.tensors.get(program.target, view.tensors[program.target]), shown.tensors.get(program.prediction)
    named, place = targets.shape[1] > 1, min(view.sample, len(targets) - 1)
    own = (place, slice(None)) if named else (slice(None), 0)
    names = program.outputs or map(str, range(targets.shape[1])) if named else map(str, shown.samples)
    wanted = targets[own].tolist()
    given = [np.nan] * len(wanted) if answers is None else answers[own].tolist()
    room = rows - 1 - (len(wanted) >= rows)
    if room < 1:
        return []
    told = [HATCH] * len(wanted) if answers is None else map(decimals, given)
    texts = list(zip(names, map(written, wanted), told, strict=True))
    cells = _headed(view, str(shown.samples[place]) if named else "", texts[:room], columns)
    errors, rest = [abs(a - t) for a, t in zip(given, wanted, strict=True)], len(texts) - room
    taken, most = sum(widths_of(cells)), max(filter(math.isfinite, errors), default=0.0)
    gap = min(max((columns - taken) // 2, 1), _GAP)
    length = columns - taken - 3 * gap
    bars = [line((bar(error / (most or 1.0), length) if length >= _BAR else "", "curve")) for error in errors[:room]]
    off = line((_ERROR * (length >= _BAR and most > 0), ""))
    # names begin at the left, numbers end at the right
    heading, *lines = table([(*row, more) for row, more in zip(cells, (off, *bars), strict=True)], range(named, 3), gap)
    lines = [lit(heading, "faint"), *lines, *[line((f"and {rest} more", "faint"))] * (rest > 0)]
    return [fit(drawn, columns) for drawn in lines]


def _headed(view: View, sample: str, shown: list[_Row], columns: int) -> list[tuple[Line, ...]]:
    """Above the rows the first heading beside which the names are whole; else the last one, and names that are cut."""
    answer, target = (view.named(name) for name in (view.program.prediction, view.program.target))
    then = view.finished
    past = f"{answer} of {called(view.program, then.update)}" if then and view.program.prediction in then.tensors else answer
    whole, brief = f"sample {sample}".strip(), f"#{sample}"
    for heading in ((whole, "target", past), (whole, "target", answer), (brief, "target", answer), (brief, target, answer)):
        rows = [(*map(line, row),) for row in (heading, *shown)]
        widths = widths_of(rows)
        if sum(widths) + 2 <= columns:
            return rows
    names = short_names([name for name, *_ in shown], max(columns - sum(widths[1:]) - 2, 1), "y")
    return [rows[0], *((line(name), *row[1:]) for name, row in zip(names, rows[1:], strict=True))]
