"""Tables: cells side by side in columns; rows to choose from, of one line or of several, and the marks of what is searched for."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Sequence
from itertools import zip_longest

from bpdebug.core.record import Record
from bpdebug.ui.draw.spans import Line, Span, fit, width, wrap

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
