"""The samples with their targets and what the network answers: that in sight first, then all, the worst first; and which classes are
taken for which, as a table or as the most frequent mistakes in a line."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cached_property

import numpy as np

from bpdebug.core.description import Array
from bpdebug.core.numbers import minus, short, written
from bpdebug.core.record import Record
from bpdebug.look.surface import Surface
from bpdebug.ui.draw.network_text import short_names
from bpdebug.ui.draw.sample_marks import Sight
from bpdebug.ui.draw.scales import bar
from bpdebug.ui.draw.spans import Line, Span, fit, line, pad, width

_BAR, _WIDEST_BAR = 4, 24
_LIST = 3
"""Rows of the list that the table of the classes leaves."""
_MOST = 4
"""Outputs that are shown in numbers."""
_SPACIOUS = 60
"""Columns from which on a heading is a word."""
_BLANKS = 8
"""Columns of the mark of the present sample, of the arrow, and between the others."""
_SHARE = 7
"""Columns of how many of a class are right."""
_LEAST = 4
"""Columns in which a name still says something."""


class _Row(Record):
    """What a sample's line says: which it is, its target, the answer, and one number with the length of its bar."""

    sample: str
    target: str
    answer: str
    number: str
    share: float = 0.0
    verdict: Span = ("", "")


class _Table(Record):
    """The samples in so many columns, below a heading."""

    rows: list[_Row]
    columns: int

    @cached_property
    def widths(self) -> list[int]:
        """Of a sample, its target, the answer, the verdict, and of the numbers, over which a heading may be longer."""
        texts = [(row.sample, row.target, row.answer, row.verdict[0] and " " + row.verdict[0]) for row in self.rows]
        return [*(max(map(width, column)) for column in zip(*texts, strict=True)), max(len(row.number) for row in self.rows[1:])]

    @property
    def room(self) -> int:
        """The columns that are left for the bars."""
        return self.columns - sum(self.widths) - _BLANKS

    def line(self, row: _Row, role: str, present: bool = False) -> Line:
        """One sample, or the heading."""
        sample, target, answer, verdict, number = self.widths
        arrow, length = "→" if row.sample.isdigit() else " ", min(self.room, _WIDEST_BAR)
        texts = f"{row.sample:>{sample}} {pad(row.target, target)} {arrow} {pad(row.answer, answer)}"
        said: Line = ((pad(row.verdict[0] and " " + row.verdict[0], verdict), row.verdict[1]),)
        drawn = (("▶ ", "next") if present else ("  ", ""), (texts, role), *said, (f" {row.number:>{number}} ", role))
        return fit((*drawn, (bar(row.share, length), "curve")) if length >= _BAR else drawn, self.columns)


def answer_parts(sight: Sight, columns: int, rows: int) -> tuple[list[Line], list[Line]]:
    """What stays in sight, and what scrolls below it.

    The table of the classes stays where the rows allow it, then the classes are told by their letters where names have no room; else
    it stands at the end, and a line says what is confused most.
    """
    surface = sight.surface
    sides = surface.right is not None and len(surface.labels) > 0
    matrix = matrix_lines(sight, columns) if sides else []
    stays = bool(matrix) and len(matrix) + 2 + _LIST <= rows
    above = matrix if stays else [confused_line(surface, columns)] if sides and rows > 2 + _LIST else []
    for table in _tables(sight, columns, stays):
        if table.room >= _BAR:
            break
    heading, *texts = table.rows
    places = surface.worst.tolist()
    lines = [table.line(row, "bold" * present, present) for row, present in zip(texts, (p == sight.present for p in places), strict=True)]
    own = [] if sight.present is None else [lines[places.index(sight.present)]]
    head = [*filter(None, above), table.line(heading, "faint")]
    if len(head) + len(own) + 2 > rows:
        return [], head + lines
    return head + own, lines + ([(), *matrix] if matrix and not stays else [])


def _tables(sight: Sight, columns: int, legend: bool) -> Iterator[_Table]:
    """What may be said of the samples, the richest first."""
    surface = sight.surface
    if surface.right is None:
        outputs = surface.y.shape[1]
        for count, digits in (*((count, 3) for count in range(min(_MOST, outputs), 0, -1)), (1, 2)):
            start = min(sight.output, outputs - count)
            yield _Table(list(_number_rows(surface, columns, slice(start, start + count), digits)), columns)
        return

    def told(labels: tuple[str, ...]) -> _Table:
        return _Table(list(_class_rows(sight, columns, labels)), columns)

    yield told(surface.labels)
    if legend:
        yield told(sight.letters)
    room = (told(("",) * len(surface.labels)).room - _BAR) // 2
    yield told(short_names(surface.labels, max(room, 1), "y"))
    yield told(sight.letters)


def _class_rows(sight: Sight, columns: int, labels: tuple[str, ...]) -> Iterator[_Row]:
    """Heading, then for each sample its class, the class answered, and how much the right one was given; of two sides, the output."""
    surface = sight.surface
    wide, binary, longest = columns >= _SPACIOUS, surface.task == "binary", max(map(width, labels))
    titles = ("target", "answer") if wide or longest >= len("target") else ("", "")
    yield _Row("sample" if wide else "#", *titles, "output" if binary else "p(target)")
    for place in surface.worst.tolist():
        wanted, decided = labels[surface.wanted[place]], labels[surface.decided[place]]
        given = float(surface.outputs[place, 0 if binary else surface.wanted[place]])
        share = (given - surface.middle) / (2 * surface.reach) + 0.5 if binary else given
        verdict = ("✓", "done") if sight.is_right(place) else ("✗", "bad")
        number = minus(f"{given:.3f}" if abs(given) < 100 else short(given, 2))
        yield _Row(str(surface.samples[place]), wanted, decided if surface.told[place] else "?", number, share, verdict)


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
    return " ".join(written(float(value), digits) for value in values)


def matrix_lines(sight: Sight, columns: int) -> list[Line]:
    """A row for each class with how often each answer was given to its samples, the right ones on the diagonal; nothing where that
    does not fit."""
    surface, marks = sight.surface, sight.letters
    counts, labels = surface.confusion, surface.labels
    asked = np.bincount(surface.wanted, minlength=len(labels)).tolist()
    cell = max(len(str(counts.max())), 1) + 1
    room = columns - cell * len(labels) - _SHARE
    names = _names(labels, marks, room)
    if not names:
        return []
    room = max(*map(width, names), min(room, len("target")))
    cell = min(cell + 1, (columns - _SHARE - room) // len(labels))
    heads = "".join(mark.rjust(cell) for mark in marks)
    title = "target" if room >= len("target") else ""
    drawn: list[Line] = [line((title.ljust(room) + heads + "right".rjust(_SHARE), "faint"))]
    for place, name in enumerate(names):
        row = counts[place].tolist()
        spans: list[Span] = [_count(count, cell, place == answer) for answer, count in enumerate(row)]
        drawn.append(line((pad(name, room), "dim"), *spans, _right(row[place], asked[place])))
    return [fit(each, columns) for each in drawn]


def _names(labels: tuple[str, ...], marks: tuple[str, ...], room: int) -> tuple[str, ...]:
    """The rows' names: the letter and the label where that is more; () where not even the letters fit."""
    if room < max(map(width, marks)):
        return ()
    if all(mark == label for mark, label in zip(marks, labels, strict=True)) or room < _LEAST:
        return marks
    short = short_names(labels, room - 2, "y")
    return tuple(f"{mark} {label}" for mark, label in zip(marks, short, strict=True)) if max(map(width, short)) + 2 <= room else marks


def _count(count: int, columns: int, right: bool) -> Span:
    """A cell of the table."""
    return (str(count) if count else "·").rjust(columns), ("faint" if not count else "good" if right else "bad")


def _right(right: int, asked: int) -> Span:
    return (f"{100 * right / asked:.0f} %" if asked else "—").rjust(_SHARE), "dim" if right < asked or not asked else "done"


def confused_line(surface: Surface, columns: int) -> Line:
    """The most frequent mistakes as ``target→answer times``, as many as there is room for, and how many mistakes of other kinds there
    are; () without mistakes, or without room for one."""
    wrong = surface.confusion * (1 - np.eye(len(surface.labels), dtype=int))
    places = [place for place in np.argsort(-wrong, axis=None, kind="stable").tolist() if wrong.flat[place]]
    head = line(("confused", "dim"))
    drawn, left = head, int(wrong.sum())
    for place in places:
        target, answer = divmod(place, len(surface.labels))
        count = int(wrong.flat[place])
        more = (f"  {surface.labels[target]}→{surface.labels[answer]} ", ""), (str(count), "bad")
        rest = f" +{left - count} others" if left > count else ""
        if width(drawn) + width(more) + len(rest) > columns:
            break
        drawn, left = (*drawn, *more), left - count
    if drawn is head:
        return ()
    return (*drawn, (f" +{left} others", "dim")) if left else drawn
