"""Tree to text that parses to the same tree again, with no more parentheses than needed."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

from bpdebug.core.functions import COMPARISONS, FUNCTIONS
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

Places = tuple[int | str, ...]
LEVEL = {"or": 1, "and": 2, "not": 3, "|": 5, "&": 6, "+": 7, "-": 7, "*": 9, "/": 9, "//": 9, "@": 9, "**": 11}
SUM, UNARY_LEVEL, ATOM = 8, 10, 12
BLANK = "..."
"""What stands, and is written in a file, for a formula that is left to the user."""

_BELOW = str.maketrans("0123456789-ijklpruvhostn", "₀₁₂₃₄₅₆₇₈₉₋ᵢⱼₖₗₚᵣᵤᵥₕₒₛₜₙ")


def to_text(tree: Tree) -> str:
    """Plain text in NumPy grammar; parsing it gives the same tree again."""
    return Plain().write(tree)


def below(text: str) -> str:
    """Digits and letters of axes below the line."""
    return text.translate(_BELOW)


def cell_text(text: str, index: Places, columns: bool) -> str:
    """``a1[i,1]``, or ``a1₁,ᵢ`` in the column convention, in which every tensor is the transpose of ours.

    Brackets are NumPy's and mean the same cell everywhere: ``a1[i,1]`` is what commands, conditions and files say, in either
    convention. Turned places are subscripts, as in mathematics, so that no text stands for two cells.
    """
    if columns and len(index) == 2:
        return text + below(f"{index[1]},{index[0]}")
    return f"{text}[{','.join(map(str, index))}]" if index else text


def format_number(value: float) -> str:
    """A literal as a person writes it: ``2`` for 2.0, else the shortest text that reads back to the same float."""
    return str(int(value)) if abs(value) < 1e15 and value == int(value) else repr(value)


class Grammar:
    """How tightly the nodes bind."""

    def level(self, tree: Tree) -> int:
        """How tightly the node's text binds."""
        if isinstance(tree, Binary):
            return 4 if tree.operator in COMPARISONS else LEVEL[tree.operator]
        if isinstance(tree, Unary):
            return LEVEL["not"] if tree.operator == "not" else UNARY_LEVEL
        return ATOM

    def operand_levels(self, tree: Binary) -> tuple[int, int]:
        """How tightly both operands have to bind to stand without parentheses."""
        level = self.level(tree)
        if tree.operator == "**":
            return ATOM, UNARY_LEVEL
        return level + (tree.operator in COMPARISONS), level + 1


class Plain(Grammar):
    """The grammar's text, with no more parentheses than needed."""

    def write(self, tree: Tree) -> str:
        """The text of any node."""
        handler: Callable[[Tree], str] = getattr(self, type(tree).__name__.lower())
        return handler(tree)

    def grouped(self, tree: Tree, level: int) -> str:
        """The text, in parentheses where it binds less tightly than ``level``."""
        text = self.write(tree)
        return text if self.level(tree) >= level else f"({text})"

    def number(self, tree: Number) -> str:
        return repr(tree.value)

    def name(self, tree: Name) -> str:
        return tree.name

    def text(self, tree: Text) -> str:
        return f'"{tree.text}"'

    def listing(self, tree: Listing) -> str:
        return f"({', '.join(map(self.write, tree.items))}{',' * (len(tree.items) == 1)})"

    def key(self, tree: Key) -> str:
        plain = all(isinstance(item, int | Tree) for item in tree.items)
        items = self.items(tree.items)
        return f"s_[{items}]" if not plain else items if len(tree.items) == 1 else f"({items})"

    def length(self, tree: Length) -> str:
        places = f"[{tree.axis}]" if isinstance(tree.axis, int) else ""
        return f"{self.based(tree.operand)}.{'size' if tree.axis is None else 'shape'}{places}"

    def place(self, tree: Place) -> str:
        return cell_text(tree.name, tree.index, False)

    def written(self, tree: Written) -> str:
        return tree.text

    def unary(self, tree: Unary) -> str:
        if tree.operator == "not":
            return f"not {self.grouped(tree.operand, LEVEL['not'])}"
        return tree.operator + self.grouped(tree.operand, UNARY_LEVEL)

    def sides(self, tree: Binary) -> tuple[str, str]:
        """Both operands, grouped as the operator needs them."""
        left, right = self.operand_levels(tree)
        return self.grouped(tree.left, left), self.grouped(tree.right, right)

    def binary(self, tree: Binary) -> str:
        left, right = self.sides(tree)
        return f"{left}{tree.operator}{right}" if tree.operator == "**" else f"{left} {tree.operator} {right}"

    def transpose(self, tree: Transpose) -> str:
        return f"{self.based(tree.operand)}.T"

    def based(self, tree: Tree) -> str:
        """The text of what ``.T`` or a subscript follows."""
        return self.grouped(tree, ATOM + isinstance(tree, Number))

    def call(self, tree: Call) -> str:
        return f"{tree.function}({', '.join([*self.arguments(tree), *self.options(tree)])})"

    def blank(self, _: Blank) -> str:
        return BLANK

    def arguments(self, tree: Call) -> list[str]:
        """What stands before the keywords; a list of arrays in brackets."""
        listed = FUNCTIONS[tree.function].listed
        return [self.bracketed(a) if listed and isinstance(a, Listing) else self.write(a) for a in tree.arguments]

    def options(self, tree: Call) -> Iterator[str]:
        """The keywords that say more than is usual."""
        if tree.axis != FUNCTIONS[tree.function].axis:
            yield f"axis={tree.axis}"
        if tree.ddof:
            yield f"ddof={tree.ddof}"
        if tree.keepdims:
            yield "keepdims=True"

    def bracketed(self, tree: Listing) -> str:
        """A list in brackets."""
        return f"[{', '.join(map(self.write, tree.items))}]"

    def index(self, tree: Index) -> str:
        return f"{self.based(tree.operand)}[{self.items(tree.items)}]"

    def items(self, items: Sequence[Item]) -> str:
        """A subscript."""
        return ", ".join(map(self.item, items)) or "()"

    def item(self, item: Item) -> str:
        """A part of a subscript."""
        if isinstance(item, tuple):
            start, stop, step = ("" if part is None else self.bound(part) for part in item)
            return f"{start}:{stop}" + (f":{step}" if step else "")
        if isinstance(item, Tree):
            return self.bracketed(item) if isinstance(item, Listing) else self.write(item)
        return "..." if item is ... else str(item)

    def bound(self, bound: Bound) -> str:
        """An end of a slice."""
        return self.write(bound) if isinstance(bound, Tree) else str(bound)
