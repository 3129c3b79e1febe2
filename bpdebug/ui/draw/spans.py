"""Drawn text before it has colours: a line is a tuple of spans, a span is a text and the role that it plays. And what lines make: tables of
cells side by side, and rows to choose from, of one line or of several.

What a role looks like is the theme's business (:mod:`bpdebug.ui.draw.roles`); drawing functions and their tests know texts and roles."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Iterator, Sequence
from itertools import accumulate, zip_longest
from typing import TypeVar

from rich.cells import cell_len

from bpdebug.core.record import Record

Span = tuple[str, str]
Line = tuple[Span, ...]
Drawn = TypeVar("Drawn", Line, str)
_BREAKS = "·/⊙,("
NAMED = 4
"""Columns in which a shortened name still says something."""


def line(*spans: Span | str) -> Line:
    """A line of spans; a bare string has no role."""
    return tuple((span, "") if isinstance(span, str) else span for span in spans)


def plain(drawn: Line) -> str:
    """The text of a line."""
    return "".join(text for text, _ in drawn)


def width(drawn: Line | str) -> int:
    """The columns that a line, or a text, takes."""
    return cell_len(drawn) if isinstance(drawn, str) else sum(cell_len(text) for text, _ in drawn)


def span_at(drawn: Line, x: int) -> Span:
    """What stands at a column of a line; beyond its end an empty text."""
    ends = accumulate(cell_len(text) for text, _ in drawn)
    return next((span for span, end in zip(drawn, ends, strict=True) if x < end), ("", ""))


def first_that_fits(ways: Iterable[Drawn], columns: int, otherwise: Drawn | None = None) -> Drawn:
    """Of several ways to say something, the fullest first, the first that so many columns have room for; else ``otherwise``, or
    where that is None the last one."""
    for way in ways:
        if width(way) <= columns:
            return way
    return way if otherwise is None else otherwise


def with_more(drawn: Line, columns: int, *parts: Line) -> Line:
    """A line in at least so many columns, and behind it what else there is room for."""
    for part in parts:
        drawn = first_that_fits([(*drawn, *part)], columns, drawn)
    return drawn


def lit(drawn: Line, role: str) -> Line:
    """A line in one more role, such as a background."""
    return tuple((text, f"{own} {role}".strip()) for text, own in drawn)


def pad(text: str, columns: int) -> str:
    """A text filled with blanks to so many columns."""
    return text + " " * (columns - cell_len(text))


def fit(drawn: Line, columns: int) -> Line:
    """The line in exactly that many columns: filled with blanks, or cut with an ellipsis."""
    missing = columns - width(drawn)
    if missing >= 0:
        return (*drawn, (" " * missing, "")) if missing else drawn
    if cell_len(plain(drawn).rstrip()) <= columns:
        return crop(drawn, 0, columns)
    return (*crop(drawn, 0, columns - 1), ("…", "dim")) if columns > 0 else ()


def crop(drawn: Line, start: int, columns: int) -> Line:
    """The part of a line from column ``start`` on."""
    cropped, place = list[Span](), 0
    for text, role in drawn:
        length = cell_len(text)
        left, right = max(start - place, 0), min(start + columns - place, length)
        if right > left:
            cropped.append((text[left:right] if length == len(text) else _part(text, left, right), role))
        place += length
    return tuple(cropped)


def _part(text: str, left: int, right: int) -> str:
    """Columns of a text with wide characters; half of one is a blank."""
    kept, place = "", 0
    for character in text:
        end = place + cell_len(character)
        if left <= place and end <= right:
            kept += character
        elif place < right and end > left:
            kept += " " * (min(end, right) - max(place, left))
        place = end
    return kept


def wrap(text: str, columns: int, role: str = "", indent: str = "", first: str = "") -> list[Line]:
    """A text in lines of at most that many columns, broken at blanks: ``first`` before the first, ``indent`` before the others."""
    lines, current = [], first
    fresh = True
    for word in _words(text, max(columns - max(len(indent), len(first)), 8)):
        joined = current + word if fresh else f"{current} {word}"
        if not fresh and cell_len(joined) > columns:
            lines.append(current)
            joined = indent + word
        current, fresh = joined, False
    return [((part, role),) for part in [*lines, current] if part.strip()]


def wrap_lines(text: str, columns: int, role: str = "", sign: str = "") -> list[Line]:
    """Lines of a text, each wrapped by itself and further in by as much as it begins with blanks, all of them behind a sign; what is left
    of a line that is broken stands behind the sign, too, or where there is none is set off."""
    drawn = list[Line]()
    for part in text.splitlines():
        margin = part[: len(part) - len(part.lstrip())]
        drawn += wrap(part, columns, role, " " * (width(sign) or 2) + margin, sign + margin)
        sign = " " * width(sign)
    return drawn


def _words(text: str, longest: int) -> Iterator[str]:
    """The words, those that are too long in pieces, after a sign where there is one, so that numbers stay whole."""
    for word in text.split():
        rest = word
        while rest:
            fitting = next((n for n in range(len(rest), 0, -1) if cell_len(rest[:n]) <= longest), 1)
            if fitting < len(rest):
                fitting = max(rest.rfind(sign, 0, fitting) for sign in _BREAKS) + 1 or fitting
            yield rest[:fitting]
            rest = rest[fitting:]


def short_names(names: Sequence[str], room: int, letter: str) -> tuple[str, ...]:
    """Names in that many columns: whole, cut at the end, cut in the middle, as long as no two become the same; else ``x1 x2 …``."""
    if max(map(width, names)) <= room:
        return tuple(names)
    for tail in (0, (room - 1) // 2) if room >= NAMED else ():
        made = tuple(name if width(name) <= room else _cut(name, room, tail) for name in names)
        if len(set(made)) == len(made):
            return made
    return tuple(f"{letter}{place}" for place in range(1, len(names) + 1))


def _cut(name: str, room: int, tail: int) -> str:
    """The beginning and the end of a name."""
    parts = (plain(crop(((name, ""),), start, columns)).strip() for start, columns in ((0, room - 1 - tail), (width(name) - tail, tail)))
    return "…".join(parts)


MARKED = "changed lit"
"""The role of what is searched for."""


class Row(Record):
    """A row of a list.

    Attributes:
        name: what is chosen with it; "" for one that cannot be chosen.
        lines: as it is drawn.
    """

    name: str
    lines: tuple[Line, ...]


def widths_of(rows: Iterable[Sequence[Line]]) -> list[int]:
    """The columns of the widest cell in each column of a table."""
    return [max(map(width, column)) for column in zip(*rows, strict=True)]


def beside(cells: Sequence[Line], widths: Sequence[int], right: Collection[int] = (), gap: int = 2) -> Line:
    """A row of a table: each cell in so many columns, some of them flush ``right``; the last has what room there is."""
    spans = list[Span]()
    for place, (cell, columns) in enumerate(zip(cells, widths, strict=True)):
        before = " " * ((columns - width(cell)) * (place in right))
        spans += [(before, ""), *(cell if before or place == len(widths) - 1 else fit(cell, columns)), (" " * gap, "")]
    return tuple(span for span in spans[:-1] if span[0])


def table(rows: Sequence[Sequence[Line]], right: Collection[int] = (), gap: int = 2) -> list[Line]:
    """All rows, each column as wide as its widest cell."""
    return [beside(row, widths_of(rows), right, gap) for row in rows]


def columns_of(cells: Sequence[tuple[str, str, int]]) -> tuple[Line, ...]:
    """A row of texts, each with its role, wrapped to its width."""
    wrapped = [wrap(text, columns, role) for text, role, columns in cells]
    return tuple(beside(parts, [columns for *_, columns in cells]) for parts in zip_longest(*wrapped, fillvalue=()))


def marked(drawn: Line, words: Sequence[str]) -> Line:
    """The line with every occurrence of the words marked, in whatever capitals; a word that a line's end cuts in two is not."""
    if not words:
        return drawn
    pattern = re.compile("(" + "|".join(map(re.escape, sorted(words, key=len, reverse=True))) + ")", re.IGNORECASE)
    parts = [(part, MARKED if place % 2 else role) for text, role in drawn for place, part in enumerate(pattern.split(text))]
    return tuple((part, role) for part, role in parts if part)
