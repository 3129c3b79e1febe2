"""Rows of a list, of one line or of several, and the marks of what is searched for."""

from __future__ import annotations

import re
from collections.abc import Sequence
from itertools import zip_longest

from bpdebug.core.record import Record
from bpdebug.ui.draw.spans import Line, fit, wrap

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


def columns_of(cells: Sequence[tuple[str, str, int]], gap: int = 2) -> tuple[Line, ...]:
    """Texts side by side, each with its role, wrapped to its width."""
    wrapped = [wrap(text, width, role) for text, role, width in cells]
    lines = []
    for parts in zip_longest(*wrapped, fillvalue=()):
        spans: list[tuple[str, str]] = []
        for part, (_, _, width) in zip(parts, cells, strict=True):
            spans += [*fit(part, width), (" " * gap, "")]
        lines.append(tuple(spans[:-1]))
    return tuple(lines)


def marked(drawn: Line, words: Sequence[str]) -> Line:
    """The line with every occurrence of the words marked, in whatever capitals; a word that a line's end cuts in two is not."""
    if not words:
        return drawn
    pattern = re.compile("(" + "|".join(map(re.escape, sorted(words, key=len, reverse=True))) + ")", re.IGNORECASE)
    parts = [(part, MARKED if place % 2 else role) for text, role in drawn for place, part in enumerate(pattern.split(text))]
    return tuple((part, role) for part, role in parts if part)
