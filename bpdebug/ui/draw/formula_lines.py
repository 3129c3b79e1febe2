"""Formulas on several lines, broken where they fall apart: before a plus or minus, outside of parentheses if that can be.

And formulas in two dimensions, as on paper: fractions with bars, roots, sums with what they run over below them.
"""

from __future__ import annotations

import re
from bisect import bisect
from collections.abc import Callable, Iterator
from functools import reduce
from itertools import accumulate, pairwise, takewhile, zip_longest
from typing import NamedTuple

from rich.cells import cell_len

from bpdebug.core.boxes import Piece
from bpdebug.core.record import Record
from bpdebug.core.render import Style, render_cell
from bpdebug.core.tree import Name, Place, Tree
from bpdebug.core.typeset import typeset_cell
from bpdebug.session.view import View
from bpdebug.ui.draw.spans import Line, Span, line, pad, width

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


def formula_behind(start: Line, name: str, formula: str, columns: int) -> list[Line]:
    """A name and its formula behind what is said of them, or where that has no room for them, below it."""
    whole = line(*start, " ", (name, "name"), f" = {formula}")
    return [whole] if width(whole) <= columns else [start, *formula_lines(formula, columns, f"  {name} = ", "    ")]


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


_TALL = {"()": ("⎛⎜⎝", "⎞⎟⎠"), "[]": ("⎡⎢⎣", "⎤⎥⎦"), "||": ("│││", "│││")}
"""The upper, middle and lower pieces of delimiters that grow."""
_SIGNS = {"∑": "Σ"}
_RUNNING = ("Σ", "max", "min", "mean")
"""What has below it what it runs over."""


class Stack(NamedTuple):
    """Lines of text of one width, and which of them stands on the line of what is beside it."""

    lines: tuple[str, ...]
    base: int = 0

    @property
    def width(self) -> int:
        """Columns."""
        return width(self.lines[0])


def stacked(view: View, tree: Tree, style: Style) -> Stack | None:
    """The formula of a cell, its cells by the names that they have in a line; None for what only a line can hold."""

    def leaf(node: Tree) -> Piece | None:
        return render_cell(node, style, view.shapes) if isinstance(node, Name | Place) else None

    return _stack(typeset_cell(tree, style, view.shapes, leaf))


def _stack(piece: Piece) -> Stack | None:
    if isinstance(piece, str) or not piece.parts:
        text = piece if isinstance(piece, str) else piece.text
        return Stack((_SIGNS.get(text, text),))
    made = [_stack(part) for part in piece.parts]
    parts = [part for part in made if part]
    if len(parts) < len(made) or piece.kind == "grid":
        return None
    return _JOINED[piece.kind](*parts) if piece.kind in _JOINED else _fenced(parts[0], piece.text) if piece.text else reduce(_beside, parts)


def _fraction(above: Stack, below: Stack) -> Stack:
    """One over the other, with a bar between them."""
    wide = max(above.width, below.width)
    upper, lower = ([line.center(wide) for line in part.lines] for part in (above, below))
    return Stack((*upper, "─" * wide, *lower), len(upper))


def _root(inner: Stack) -> Stack:
    """A root over what is under it."""
    stems = ["│"] * (len(inner.lines) - 1) + ["√"]
    body = (stem + line for stem, line in zip(stems, inner.lines, strict=True))
    return Stack((" " + "─" * inner.width, *body), inner.base + 1)


def _beside(one: Stack, other: Stack) -> Stack:
    """Two stacks side by side on one line."""
    base = max(one.base, other.base)
    columns = [[" " * part.width] * (base - part.base) + [*part.lines] for part in (one, other)]
    rows = zip_longest(*columns, fillvalue="")
    return Stack(tuple(pad(left, one.width) + pad(right, other.width) for left, right in rows), base)


def _over(base: Stack, below: Stack) -> Stack:
    """What stands over something else, such as a sum over what it runs along."""
    wide = max(base.width, below.width)
    return Stack(tuple(line.strip().center(wide) for line in (*base.lines, *below.lines) if line.strip()), base.base)


def _scripts(base: Stack, below: Stack, above: Stack) -> Stack:
    """A base with what stands lower and higher beside it, or where it is a sum or the like, below it."""
    if base.lines[0].strip() in _RUNNING:
        return _over(base, below)
    for part, up in ((below, False), (above, True)):
        if part.lines[0].strip():
            gap = (" " * part.width,)
            base = _beside(base, Stack((*part.lines, *gap), len(part.lines)) if up else Stack((*gap, *part.lines)))
    return base


def _fenced(inner: Stack, delimiters: str) -> Stack:
    """Something in brackets as high as it is."""
    height = len(inner.lines)
    if height == 1 or delimiters not in _TALL:
        sides = [Stack((sign.strip(),)) for sign in (delimiters[:1], delimiters[1:])]
    else:
        signs = (tuple(grown) for grown in _TALL[delimiters])
        sides = [Stack((upper, *[middle] * (height - 2), lower), inner.base) for upper, middle, lower in signs]
    return reduce(_beside, (sides[0], inner, sides[1]))


_JOINED: dict[str, Callable[..., Stack]] = {
    "fraction": _fraction,
    "root": _root,
    "under": lambda below, base: _over(base, below),
    "scripts": _scripts,
}
