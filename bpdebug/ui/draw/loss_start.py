"""What stands in the place of the loss curve before there is one: the targets beside what the network answers."""

from __future__ import annotations

from math import isfinite

import numpy as np

from bpdebug.core.description import Array
from bpdebug.core.numbers import minus, short, written
from bpdebug.core.render import render_name
from bpdebug.session.view import View
from bpdebug.ui.draw.network_text import short_names
from bpdebug.ui.draw.scales import bar
from bpdebug.ui.draw.spans import Line, first_that_fits, fit, line, pad, width, wrap

_ERROR = "off by"
_GAP, _BAR = 2, len(_ERROR)
_LEAST, _LARGE = 0.0005, 100.0
"""Between these sizes an answer has three decimals."""
_Row = tuple[str, str, str]
"""The texts of one answer: what it is an answer to, the target, the answer."""


def start_lines(view: View, losses: Array, update: int, columns: int, rows: int) -> list[Line]:
    """The loss of an update as far as it is known, when the curve begins, and the answers that the loss is made of."""
    if len(losses) and not np.isfinite(losses).any():
        return wrap("No finite loss.", columns, "bad")
    known: list[Line] = []
    if len(losses):
        of = f" of update {update}" if view.loss is None else ""
        ways = (line(("loss ", "dim"), (short(float(losses[0]), n), "bold"), (more, "dim")) for n, more in ((10, of), (10, ""), (5, "")))
        known = [first_that_fits(ways, columns)]
    when = "The curve begins with the second update: u runs one." if known else "Not computed yet: u runs a whole update, c the training."
    head = [*known, *wrap(when, columns, "dim")]
    return head + _answer_lines(view, columns, rows - len(head))


def _answer_lines(view: View, columns: int, rows: int) -> list[Line]:
    """As many answers as there is room for, below a heading: every sample of the batch, or of several outputs every one of the sample in
    sight. Where it is narrow the words give way, never a number."""
    program = view.program
    targets, answers = view.tensors[program.target], view.tensors.get(program.prediction)
    named, place = targets.shape[1] > 1, min(view.sample, len(targets) - 1)
    own = (place, slice(None)) if named else (slice(None), 0)
    names = program.outputs or map(str, range(targets.shape[1])) if named else map(str, view.samples)
    wanted = targets[own].tolist()
    given = [np.nan] * len(wanted) if answers is None else answers[own].tolist()
    room = rows - 1 - (len(wanted) >= rows)
    if room < 1:
        return []
    texts = [(name, written(t), "·" if answers is None else _answer(a)) for name, t, a in zip(names, wanted, given, strict=True)]
    table = _narrowed(_headings(view, str(view.samples[place]) if named else ""), texts[:room], columns)
    errors, rest = [abs(a - t) for a, t in zip(given, wanted, strict=True)], len(texts) - room
    widths, most = _widths(table), max(filter(isfinite, errors), default=0.0)
    gap = min(max((columns - sum(widths)) // 2, 1), _GAP)
    length = columns - sum(widths) - 3 * gap
    bars = [" " * gap + bar(error / (most or 1.0), length) if length >= _BAR else "" for error in errors[:room]]
    heading, *shown = (_joined(row, widths, gap, named) for row in table)
    lines = [line((heading + " " * gap + _ERROR * (length >= _BAR and most > 0), "faint"))]
    lines += [line((row, ""), (drawn, "curve")) for row, drawn in zip(shown, bars, strict=True)]
    lines += [line((f"and {rest} more", "faint"))] if rest > 0 else []
    return [fit(drawn, columns) for drawn in lines]


def _headings(view: View, sample: str) -> list[_Row]:
    """What stands above the answers, the widest first."""
    answer, target = (render_name(name, view.style) for name in (view.program.prediction, view.program.target))
    return [(f"sample {sample}".strip(), "target", answer), (f"#{sample}", "target", answer), (f"#{sample}", target, answer)]


def _narrowed(headings: list[_Row], shown: list[_Row], columns: int) -> list[_Row]:
    """The first heading beside which the names are whole, above the rows; else the last one, and names that are cut."""
    for heading in headings:
        if sum(_widths([heading, *shown])) + 2 <= columns:
            return [heading, *shown]
    room = max(columns - sum(_widths([headings[-1], *shown])[1:]) - 2, 1)
    names = short_names([name for name, *_ in shown], room, "y")
    return [headings[-1], *((name, *row[1:]) for name, row in zip(names, shown, strict=True))]


def _widths(rows: list[_Row]) -> list[int]:
    return [max(map(width, column)) for column in zip(*rows, strict=True)]


def _joined(row: _Row, widths: list[int], gap: int, named: bool) -> str:
    """A row's texts in columns of these widths: names begin at the left, numbers end at the right."""
    right = (not named, True, True)
    return (" " * gap).join(map(pad, row, widths, right))


def _answer(value: float) -> str:
    """An answer with three decimals, where it is of that size."""
    return minus(f"{value:.3f}") if _LEAST <= abs(value) < _LARGE else written(value, 3)
