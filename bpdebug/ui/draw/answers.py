"""The samples with their targets and what the network answers: that in sight first, then all, the worst first."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from functools import partial

import numpy as np
from rich.cells import cell_len

from bpdebug.core.description import Array
from bpdebug.core.numbers import short
from bpdebug.core.record import Record, replace
from bpdebug.look.surface import Surface
from bpdebug.session.view import View
from bpdebug.ui.draw.confusion import confused_line, matrix_lines
from bpdebug.ui.draw.network_text import short_names
from bpdebug.ui.draw.sample_marks import current_place, letters, output_shown
from bpdebug.ui.draw.scales import bar
from bpdebug.ui.draw.spans import Line, Span, fit

_BAR, _WIDEST_BAR = 4, 24
_LIST = 3
"""Rows of the list that the table of the classes leaves."""
_MOST = 4
"""Outputs that are shown in numbers."""
_SPACIOUS = 60
"""Columns from which on a heading is a word."""
_MARK = 2


class _Row(Record):
    """What a sample's line says: which it is, its target, the answer, and one number with the length of its bar."""

    sample: str
    target: str
    answer: str
    number: str
    share: float = 0.0
    verdict: Span = ("", "")


class _Widths(Record):
    """The columns of the table; no bar where there is no room for one."""

    sample: int
    target: int
    answer: int
    number: int
    verdict: int
    bar: int

    @property
    def taken(self) -> int:
        """All columns but those of the bar."""
        verdict = 1 + self.verdict if self.verdict else 0
        return _MARK + self.sample + 1 + self.target + 3 + self.answer + verdict + 1 + self.number + 1


def answer_parts(view: View, surface: Surface, columns: int, rows: int) -> tuple[list[Line], list[Line]]:
    """What stays in sight, and what scrolls below it.

    The table of the classes stays where the rows allow it, then the classes are told by their letters where names have no room; else
    it stands at the end, and a line says what is confused most.
    """
    sides = () if surface.right is None else surface.labels
    matrix = matrix_lines(surface, columns) if sides else []
    stays = bool(matrix) and len(matrix) + 2 + _LIST <= rows
    above = matrix if stays else [confused_line(surface, columns)] if sides and rows > 2 + _LIST else []
    heading, *texts = _rows(view, surface, columns, stays)
    widths = _widths([heading, *texts], columns)
    present = current_place(view, surface)
    lines = [_line(row, widths, "bold" if place == present else "") for place, row in zip(surface.worst.tolist(), texts, strict=True)]
    lines = [fit((_mark(place == present), *drawn), columns) for place, drawn in zip(surface.worst.tolist(), lines, strict=True)]
    own = [] if present is None else [lines[surface.worst.tolist().index(present)]]
    head = [line for line in above if line] + [fit((_mark(False), *_line(heading, widths, "faint")), columns)] + own
    if len(head) + 2 > rows:
        return [], [*head[: len(head) - len(own)], *lines]
    return head, lines + ([(), *matrix] if matrix and not stays else [])


def _mark(present: bool) -> Span:
    return ("▶ ", "next") if present else ("  ", "")


def _rows(view: View, surface: Surface, columns: int, legend: bool) -> list[_Row]:
    """Heading and rows in the richest form that has room for a bar; else in the shortest."""
    made: list[_Row] = []
    for form in _forms(view, surface, columns, legend):
        made = list(form)
        if _widths(made, columns).bar >= _BAR:
            break
    return made


def _forms(view: View, surface: Surface, columns: int, legend: bool) -> Iterator[Iterable[_Row]]:
    """What may be said of the samples, the richest first."""
    if surface.right is None:
        outputs = surface.y.shape[1]
        for count, digits in (*((count, 3) for count in range(min(_MOST, outputs), 0, -1)), (1, 2)):
            start = min(output_shown(view), outputs - count)
            yield _number_rows(surface, columns, slice(start, start + count), digits)
        return
    rows = partial(_class_rows, surface, columns)
    yield rows(surface.labels)
    if legend:
        yield rows(letters(surface.labels))
    room = (columns - _widths(list(rows(("",) * len(surface.labels))), columns).taken - _BAR) // 2
    yield rows(short_names(surface.labels, max(room, 1), "y"))
    yield rows(letters(surface.labels))


def _class_rows(surface: Surface, columns: int, labels: tuple[str, ...]) -> Iterator[_Row]:
    """Heading, then for each sample its class, the class answered, and how much the right one was given; of two sides, the output."""
    wide, binary, longest = columns >= _SPACIOUS, surface.task == "binary", max(map(cell_len, labels))
    titles = ("target", "answer") if wide or longest >= len("target") else ("", "")
    yield _Row("sample" if wide else "#", *titles, "output" if binary else "p(target)")
    for place in surface.worst.tolist():
        wanted, decided = labels[surface.wanted[place]], labels[surface.decided[place]]
        given = float(surface.outputs[place, 0 if binary else surface.wanted[place]])
        share = (given - surface.middle) / (2 * surface.reach) + 0.5 if binary else given
        verdict = ("✓", "done") if surface.right is not None and surface.right[place] else ("✗", "bad")
        number = f"{given:.3f}" if abs(given) < 100 else short(given, 2)
        yield _Row(str(surface.samples[place]), wanted, decided if surface.told[place] else "?", number.replace("-", "−"), share, verdict)


def _number_rows(surface: Surface, columns: int, shown: slice, digits: int) -> Iterator[_Row]:
    """Heading, then for each sample some of its targets and of the answers, and the largest error of all."""
    outputs, error = surface.y.shape[1], np.where(np.isfinite(surface.error), surface.error, np.inf)
    most = float(error[np.isfinite(error)].max(initial=0.0)) or 1.0
    first, last = surface.labels[shown.start], surface.labels[shown.stop - 1]
    some = "" if shown.stop - shown.start == outputs else f" {first}" if first == last else f" {first}–{last}"
    yield _Row("sample" if columns >= _SPACIOUS else "#", f"target{some}", f"answer{some}", "error")
    for place in surface.worst.tolist():
        target, answer = (_vector(part[place, shown], digits) for part in (surface.y, surface.outputs))
        yield _Row(str(surface.samples[place]), target, answer, short(float(surface.error[place]), digits), float(error[place] / most))


def _vector(values: Array, digits: int) -> str:
    return " ".join(short(float(value), digits).replace("-", "−") for value in values)


def _widths(rows: list[_Row], columns: int) -> _Widths:
    """The widths of the table's columns; the bar takes what is left."""
    texts = zip(*((row.sample, row.target, row.answer) for row in rows), strict=True)
    sample, target, answer = (max(map(cell_len, column)) for column in texts)
    number = max(len(row.number) for row in rows[1:])
    made = _Widths(sample, target, answer, number, max(len(row.verdict[0]) for row in rows), 0)
    room = min(columns - made.taken, _WIDEST_BAR)
    return replace(made, bar=room if room >= _BAR else 0)


def _line(row: _Row, widths: _Widths, role: str) -> Line:
    """One sample, or the heading."""
    arrow = "→" if row.sample.isdigit() else " "
    texts = f"{row.sample:>{widths.sample}} {_left(row.target, widths.target)} {arrow} {_left(row.answer, widths.answer)}"
    verdict: Line = ((" " + row.verdict[0].ljust(widths.verdict), row.verdict[1]),) if widths.verdict else ()
    return ((texts, role), *verdict, (f" {row.number:>{widths.number}} ", role), (bar(row.share, widths.bar), "curve"))


def _left(text: str, columns: int) -> str:
    return text + " " * (columns - cell_len(text))
