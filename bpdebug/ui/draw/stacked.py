"""A formula in two dimensions, as it is written on paper: fractions with bars, roots, sums with what they run over below them."""

from __future__ import annotations

from collections.abc import Callable
from functools import reduce
from itertools import zip_longest
from typing import NamedTuple

from bpdebug.core.boxes import Piece
from bpdebug.core.render import Style, render_cell
from bpdebug.core.tree import Name, Place, Tree
from bpdebug.core.typeset import typeset_cell
from bpdebug.session.view import View
from bpdebug.ui.draw.spans import pad, width

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
