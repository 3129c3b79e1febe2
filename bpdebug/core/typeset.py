"""Tree to boxes: formulas and names as mathematics for a worked solution."""

from __future__ import annotations

import re
from collections.abc import Callable

from bpdebug.core.boxes import NOTHING, THIN, Box, Piece, fence, figure, group, joined, lowered, pieces, power, row, within
from bpdebug.core.functions import FUNCTIONS
from bpdebug.core.render import LETTERS, SIGNS, Mathematics, Style, to_columns
from bpdebug.core.shapes import Shapes
from bpdebug.core.tree import (
    Binary,
    Blank,
    Bound,
    Call,
    Index,
    Item,
    Key,
    Length,
    Listing,
    Name,
    Number,
    Place,
    Text,
    Transpose,
    Tree,
    Unary,
    Written,
)
from bpdebug.core.writing import ATOM, LEVEL, SUM, UNARY_LEVEL, Places, format_number

Leaf = Callable[[Tree], Piece | None]


def typeset(tree: Tree, style: Style, shapes: Shapes | None = None, leaf: Leaf = lambda _: None) -> Piece:
    """The formula as a box.

    Args:
        tree: the formula.
        style: its notation and convention.
        shapes: they tell products with a number (·) from elementwise ones (⊙).
        leaf: what to set in the place of a node, such as a matrix of numbers; None for what the style says.
    """
    return typeset_cell(to_columns(tree) if style.columns else tree, style, shapes, leaf)


def typeset_cell(tree: Tree, style: Style, shapes: Shapes | None = None, leaf: Leaf = lambda _: None) -> Piece:
    """As :func:`typeset`, for a formula over single cells."""
    return _Boxes(style, shapes, leaf).write(tree)


def typeset_name(name: str, style: Style, index: Places = ()) -> Piece:
    """The name of a tensor or of a cell of it; a cell's place is a subscript."""
    lexicon, place = style.lexicon, joined(map(str, index[::-1] if style.columns and len(index) == 2 else index), ",")
    if base := lexicon.clipped(name):
        return row(typeset_name(base, style, index), " ", Box("word", text="clipped"))
    if gradient := lexicon.gradient(name):
        if style.notation == "delta" and gradient.of in lexicon.sums:
            inner = _scripted("δ", place, str(lexicon.sums[gradient.of]))
        else:
            letter = _letter(gradient.of, place)
            inner = row(Box("word", text="d"), letter) if style.notation == "d" else Box("fraction", (row("∂ ", "L"), row("∂ ", letter)))
        return lowered(fence(" |", inner), group(_letter(gradient.through, NOTHING))) if gradient.through else inner
    if name in (lexicon.naming.loss, lexicon.naming.data_loss):
        return "L" if name == lexicon.naming.loss else lowered("L", group(Box("text", text="data")))
    symbol = {**LETTERS, "l2": "λ"}.get(name, "").replace("ε", "ϵ") if lexicon.setting(name) else ""
    return lowered(symbol[0], name[-1] if symbol[1:] else None) if symbol else _letter(name, place)


def _letter(name: str, place: Box) -> Piece:
    """A tensor's letter with its layer above, and, of a cell, its place below."""
    found = re.fullmatch(r"([A-Za-z])([A-Za-z]*)(\d+)", name)
    letter, rest, layer = found.groups() if found else (name, "", "")
    if len(rest) == 1:
        return _scripted(letter, row(rest, ";", place) if place.parts else row(rest), layer)
    return _scripted(letter + rest, place, layer)


def _scripted(base: str, place: Box, layer: str) -> Piece:
    """A base with a place below and the number of a layer above."""
    lower = lowered(base, group(place) if place.parts else None)
    return power(lower, group("[", layer, "]")) if layer else lower


_SIGNS = SIGNS | {"*": "·", "and": "∧", "or": "∨", "&": "∧", "|": "∨"}


class _Boxes(Mathematics):
    def __init__(self, style: Style, shapes: Shapes | None, leaf: Leaf) -> None:
        super().__init__(style, shapes)
        self.leaf = leaf

    def write(self, tree: Tree) -> Piece:
        """The box of any node."""
        handler: Callable[[Tree], Piece] = getattr(self, type(tree).__name__.lower())
        return self.leaf(tree) or handler(tree)

    def grouped(self, tree: Tree, level: int) -> Piece:
        """The box, in parentheses where it binds less tightly than ``level``."""
        box = self.write(tree)
        return box if self.level(tree) >= level else fence("()", box)

    def name(self, tree: Name) -> Piece:
        return {"pi": "π", "inf": "∞"}.get(tree.name) or typeset_name(tree.name, self.style)

    def place(self, tree: Place) -> Piece:
        return typeset_name(tree.name, self.style, tree.index)

    def written(self, tree: Written) -> Piece:
        return figure(tree.text)

    def number(self, tree: Number) -> Piece:
        return figure(format_number(tree.value))

    def unary(self, tree: Unary) -> Piece:
        negated = tree.operator == "not"
        return row("−" if tree.operator == "-" else "¬ ", self.grouped(tree.operand, LEVEL["not"] if negated else UNARY_LEVEL))

    def binary(self, tree: Binary) -> Piece:
        if tree.operator == "/":
            return Box("fraction", (self.write(tree.left), self.write(tree.right)))
        left, right = map(self.grouped, (tree.left, tree.right), self.operand_levels(tree))
        if tree.operator == "**":
            return power(_raised(left), group(self.write(tree.right)))
        if tree.operator == "@":
            return row(left, f" {THIN} ", right)
        sign = "⊙" if tree.operator == "*" and not self.scaled(tree) else _SIGNS.get(tree.operator, tree.operator)
        return row(left, f" {sign} ", right)

    def transpose(self, tree: Transpose) -> Piece:
        return transposed(self.grouped(tree.operand, ATOM))

    def index(self, tree: Index) -> Piece:
        operand = self.grouped(tree.operand, ATOM + isinstance(tree.operand, Number))
        return row(operand, "[", joined(map(self.item, tree.items), ", "), "]")

    def item(self, item: Item | Bound) -> Piece:
        """A part of a subscript, or an end of a slice."""
        if isinstance(item, Tree):
            return self.write(item)
        if isinstance(item, tuple):
            start, stop, step = (NOTHING if part is None else self.item(part) for part in item)
            return row(start, ":", stop, *([] if item[2] is None else [":", step]))
        return "…" if item is ... else Box("word", text="None") if item is None else figure(str(item))

    def text(self, tree: Text) -> Piece:
        return Box("text", text=tree.text)

    def listing(self, tree: Listing) -> Piece:
        return row("(", joined(map(self.write, tree.items), ", "), ")")

    def key(self, tree: Key) -> Piece:
        items = joined(map(self.item, tree.items), ", ")
        return items if len(tree.items) == 1 else row("(", items, ")")

    def length(self, tree: Length) -> Piece:
        """``|x|₀``, the length along an axis; without one, of all."""
        return lowered(fence("||", self.write(tree.operand)), str(tree.axis) if isinstance(tree.axis, int) else None)

    def blank(self, _: Blank) -> Piece:
        return "…"

    def call(self, tree: Call) -> Piece:
        arguments = [self.write(argument) for argument in tree.arguments]
        if tree.function == "sum" and self.level(tree.arguments[0]) <= SUM:
            arguments[0] = fence("()", arguments[0])
        function = FUNCTIONS[tree.function]
        axis = self.axis(tree) or None
        return function.box(axis, joined(arguments, ", ")) if function.reduces else function.box(axis, *arguments)

    def level(self, tree: Tree) -> int:
        if isinstance(tree, Binary) and tree.operator == "/":
            return UNARY_LEVEL
        return SUM if isinstance(tree, Call) and tree.function == "sum" else super().level(tree)


def transposed(piece: Piece) -> Piece:
    """The transpose; in braces, since a layer may stand above it."""
    return power(group(piece), group("⊤"))


def _raised(base: Piece) -> Piece:
    """A base of a power: in parentheses where it is a product of numbers, in braces where it has a superscript of its own."""
    first, inside = pieces(base)[0], list(within(base))
    if isinstance(first, Box) and first.text == "()":
        return base
    if " · " in inside:
        return fence("()", base)
    above = any(isinstance(piece, Box) and piece.kind == "scripts" and piece.parts[2] is not NOTHING for piece in inside)
    return group(base) if above else base
