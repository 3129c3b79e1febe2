"""Formulas on several lines, broken where they fall apart: before a plus or minus, outside of parentheses if that can be."""

from __future__ import annotations

import re
from bisect import bisect
from collections.abc import Iterator
from itertools import accumulate, pairwise, takewhile

from rich.cells import cell_len

from bpdebug.core.record import Record
from bpdebug.ui.draw.spans import Line, Span

_SIGN = re.compile(r" (?=[+−=] )")
_INSIDE, _AFTER_SIGN, _SUBSCRIPT, _OPENED = 2, 10, 20, 40
"""How much worse a break is in parentheses than outside, after a sign than before it, in the subscripts of a cell, and right behind what
opens a parenthesis."""
_LEAST = 8


class Marked(Record):
    """A text in which some places play a role.

    Attributes:
        text: what is written.
        marks: where each place begins and ends, in order, with its role.
    """

    text: str
    marks: tuple[tuple[int, int, str], ...] = ()

    def part(self, start: int, end: int, role: str = "") -> Line:
        """The spans between two places of the text."""
        spans: list[Span] = []
        for left, right, marked in self.marks:
            if start < right and left < end:
                before, inside = self.text[start : max(left, start)], self.text[max(left, start) : min(right, end)]
                spans += [(before, role), (inside, f"{role} {marked}".strip())]
                start = right
        return (*spans, (self.text[start:end], role))


def formula_lines(formula: str | Marked, columns: int, first: str, indent: str, role: str = "") -> list[Line]:
    """A formula in lines of at most that many columns: ``first`` before the first, ``indent`` before the others; where its beginning has
    no room beside ``first``, it begins in the line below."""
    marked = formula if isinstance(formula, Marked) else Marked(formula)
    cuts = [0, *_cuts(marked.text, columns - cell_len(first), columns - cell_len(indent))]
    lines = []
    for place, (start, end) in enumerate(pairwise([*cuts, len(marked.text)])):
        spans = ((indent if place else first, role), *marked.part(start + (marked.text[start] == " "), end, role))
        lines.append(tuple(span for span in spans if span[0]))
    return lines


def _cuts(text: str, first: int, others: int) -> Iterator[int]:
    """The places at which a text is broken: as far out as possible, and there as late as possible."""
    breaks, start, room, long = _breaks(text), 0, max(first, _LEAST), len(text)
    places = list(breaks)
    at = range(long + 1) if cell_len(text) == long else list(accumulate(map(cell_len, text), initial=0))

    def fits(end: int) -> bool:
        begin = start + (text[start] == " ")
        return at[end - (text[end - 1] == " ")] - at[begin] <= room

    while not fits(long):
        within = list(takewhile(fits, places[bisect(places, start) :]))
        below = not within and not start and room < others  # a name is not broken for what stands before it
        start = -min((breaks[place], -place) for place in within)[1] if within else start + room * (not below)
        room = max(others, _LEAST)
        yield start


def _breaks(text: str) -> dict[int, int]:
    """Where a formula may be broken, and how bad that is."""
    found, depth = {}, 0
    for place, character in enumerate(text):
        if character == " " and place:
            found[place] = depth + (0 if _SIGN.match(text, place) else _AFTER_SIGN if text[place - 1] in "+−=Σᵢⱼₖₗ" else 1)
        elif character in "·⊙/,=" and place + 1 < len(text) and text[place + 1] != " ":
            found[place + 1] = depth + 1
        elif character == "(" and place:
            found[place + 1] = depth + _OPENED
        depth += {"(": _INSIDE, ")": -_INSIDE, "[": _SUBSCRIPT, "]": -_SUBSCRIPT}.get(character, 0)
    return found
