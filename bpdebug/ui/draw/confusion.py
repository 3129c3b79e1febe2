"""Which classes are taken for which: a table of targets by answers, or the most frequent mistakes in a line."""

from __future__ import annotations

import numpy as np
from rich.cells import cell_len

from bpdebug.look.surface import Surface
from bpdebug.ui.draw.network_text import short_names
from bpdebug.ui.draw.sample_marks import letters
from bpdebug.ui.draw.spans import Line, Span, fit, line, width

_SHARE = 7
"""Columns of how many of a class are right."""
_LEAST = 4
"""Columns in which a name still says something."""


def matrix_lines(surface: Surface, columns: int) -> list[Line]:
    """A row for each class with how often each answer was given to its samples, the right ones on the diagonal; nothing where that
    does not fit."""
    counts, marks, labels = surface.confusion, letters(surface.labels), surface.labels
    asked = np.bincount(surface.wanted, minlength=len(labels)).tolist()
    cell = max(len(str(counts.max())), 1) + 1
    room = columns - cell * len(labels) - _SHARE
    names = _names(labels, marks, room)
    if not names:
        return []
    room = max(*map(cell_len, names), min(room, len("target")))
    cell = min(cell + 1, (columns - _SHARE - room) // len(labels))
    heads = "".join(mark.rjust(cell) for mark in marks)
    title = "target" if room >= len("target") else ""
    drawn: list[Line] = [line((title.ljust(room) + heads + "right".rjust(_SHARE), "faint"))]
    for place, name in enumerate(names):
        row = counts[place].tolist()
        spans: list[Span] = [_count(count, cell, place == answer) for answer, count in enumerate(row)]
        drawn.append(line((name + " " * (room - cell_len(name)), "dim"), *spans, _right(row[place], asked[place])))
    return [fit(each, columns) for each in drawn]


def _names(labels: tuple[str, ...], marks: tuple[str, ...], room: int) -> tuple[str, ...]:
    """The rows' names: the letter and the label where that is more; () where not even the letters fit."""
    if room < max(map(cell_len, marks)):
        return ()
    if all(mark == label for mark, label in zip(marks, labels, strict=True)) or room < _LEAST:
        return marks
    short = short_names(labels, room - 2, "y")
    return tuple(f"{mark} {label}" for mark, label in zip(marks, short, strict=True)) if max(map(cell_len, short)) + 2 <= room else marks


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
