"""Tree to text: plain (what parses again), Unicode and LaTeX, in row or column convention and in three notations."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import ClassVar

from bpdebug.core.functions import COMPARISONS, CONSTANTS, FUNCTIONS
from bpdebug.core.record import Record
from bpdebug.core.render_names import LETTERS, is_tensor, latex_name, subscripted, turned_cell, unicode_name
from bpdebug.core.tree import Binary, Call, Index, Name, Number, Slice, Transpose, Tree, Unary, to_columns

Shape = tuple[int, ...]
Leaf = Callable[[Tree], str | None]

_LEVEL = {"or": 1, "and": 2, "not": 3, "+": 5, "-": 5, "*": 7, "/": 7, "@": 7, "**": 9}
_SUM, _UNARY_LEVEL, _ATOM = 6, 8, 10
_SUPERSCRIPT = str.maketrans("0123456789-", "⁰¹²³⁴⁵⁶⁷⁸⁹⁻")
_AXES = ("i", "j", "k", "l", "p", "q", "u", "v")
_SUBSCRIPTS = dict(zip(_AXES, "ᵢⱼₖₗₚ…ᵤᵥ", strict=True))


class Style(Record):
    """How a formula is written.

    Attributes:
        form: ``plain`` (parses again), ``unicode`` or ``latex``.
        columns: the column convention of many courses (``z = W·a + b``) in place of rows (``z = a·W + b``).
        notation: ``d`` (dz2), ``delta`` (δ2) or ``partial`` (∂L/∂z2) for gradients.
        letters: settings as letters, such as η for ``learning_rate`` (LaTeX has them always).
    """

    form: str = "plain"
    columns: bool = False
    notation: str = "d"
    letters: bool = False


def to_text(tree: Tree) -> str:
    """Plain text in NumPy grammar; parsing it gives the same tree again."""
    return _Plain(Style()).write(tree)


def render(tree: Tree, style: Style, shapes: Mapping[str, Shape] | None = None, leaf: Leaf = lambda _: None) -> str:
    """The formula in the given style.

    Args:
        tree: the formula.
        style: how to write it.
        shapes: they tell products with a number (·) from elementwise ones (⊙).
        leaf: what to write in the place of a node, such as a matrix of numbers; None for what the style says.
    """
    return render_cell(to_columns(tree) if style.columns else tree, style, shapes, leaf)


def render_cell(tree: Tree, style: Style, shapes: Mapping[str, Shape] | None = None, leaf: Leaf = lambda _: None) -> str:
    """As :func:`render`, for a formula over single cells: in the column convention their two places change, and nothing else."""
    return {"plain": _Plain, "unicode": _Unicode, "latex": _Latex}[style.form](style, shapes, leaf).write(tree)


def render_name(name: str, style: Style) -> str:
    """The name of a tensor or a cell in the given style: ``dz2``, ``δ2``, ``∂L/∂z2``, or LaTeX; in the column convention
    the places of a cell are turned, and subscripts."""
    shown = turned_cell(name) if style.columns else name
    if style.form == "latex":
        return latex_name(shown, style.notation)
    written = (style.letters and LETTERS.get(shown)) or unicode_name(shown, style.notation)
    return subscripted(written) if style.columns else written


def format_number(value: float) -> str:
    """A literal as a person writes it: ``2`` for 2.0, else the shortest text that reads back to the same float."""
    return str(int(value)) if abs(value) < 1e15 and value == int(value) else repr(value)


class _Plain:
    """The grammar's text, with no more parentheses than needed."""

    def __init__(self, style: Style, shapes: Mapping[str, Shape] | None = None, leaf: Leaf = lambda _: None) -> None:
        self.style, self.shapes, self.leaf = style, shapes or {}, leaf

    def write(self, tree: Tree) -> str:
        """The text of any node."""
        handler: Callable[[Tree], str] = getattr(self, type(tree).__name__.lower())
        given = self.leaf(tree)
        return handler(tree) if given is None else given

    def level(self, tree: Tree) -> int:
        """How tightly the node's text binds."""
        if isinstance(tree, Binary):
            return 4 if tree.operator in COMPARISONS else _LEVEL[tree.operator]
        if isinstance(tree, Unary):
            return _LEVEL["not"] if tree.operator == "not" else _UNARY_LEVEL
        return _ATOM

    def grouped(self, tree: Tree, level: int) -> str:
        """The text, in parentheses where it binds less tightly than ``level``."""
        text = self.write(tree)
        return text if self.level(tree) >= level else self.parenthesized(text)

    def parenthesized(self, text: str) -> str:
        return f"({text})"

    def number(self, tree: Number) -> str:
        return format_number(tree.value)

    def name(self, tree: Name) -> str:
        return tree.name

    def unary(self, tree: Unary) -> str:
        if tree.operator == "not":
            return f"not {self.grouped(tree.operand, _LEVEL['not'])}"
        return f"-{self.grouped(tree.operand, _UNARY_LEVEL)}"

    def sides(self, tree: Binary) -> tuple[str, str]:
        """Both operands, grouped as the operator needs them."""
        level = self.level(tree)
        if tree.operator == "**":
            return self.grouped(tree.left, _ATOM), self.grouped(tree.right, _UNARY_LEVEL)
        if tree.operator in COMPARISONS:
            return self.grouped(tree.left, level + 1), self.grouped(tree.right, level + 1)
        return self.grouped(tree.left, level), self.grouped(tree.right, level + 1)

    def binary(self, tree: Binary) -> str:
        left, right = self.sides(tree)
        return f"{left}{tree.operator}{right}" if tree.operator == "**" else f"{left} {tree.operator} {right}"

    def transpose(self, tree: Transpose) -> str:
        return f"{self.based(tree.operand)}.T"

    def based(self, tree: Tree) -> str:
        """The text of what ``.T`` or a subscript follows."""
        return self.parenthesized(self.write(tree)) if isinstance(tree, Number) else self.grouped(tree, _ATOM)

    def call(self, tree: Call) -> str:
        arguments = [self.write(a) for a in tree.arguments] + ([f"axis={tree.axis}"] if tree.axis is not None else [])
        arguments += ["keepdims=True"] if tree.keepdims else []
        return f"{tree.function}({', '.join(arguments)})"

    def index(self, tree: Index) -> str:
        return f"{self.based(tree.operand)}[{', '.join(map(_item, tree.items))}]"


class _Unicode(_Plain):
    """Mathematics for a terminal: ``a1ᵀ·dz2``, ``da2 ⊙ a2 ⊙ (1 − a2)``."""

    _SIGNS: ClassVar = {"-": "−", "<=": "≤", ">=": "≥", "!=": "≠", "==": "=", "@": "·"}

    def name(self, tree: Name) -> str:
        return {"pi": "π", "inf": "∞"}.get(tree.name) or render_name(tree.name, self.style)

    def number(self, tree: Number) -> str:
        return format_number(tree.value).replace("-", "−")

    def unary(self, tree: Unary) -> str:
        return super().unary(tree).replace("-", "−", 1)

    def scalar(self, tree: Tree) -> bool:
        """Whether the node is a single number, as far as the shapes tell."""
        if isinstance(tree, Call) and FUNCTIONS[tree.function].reduces:
            return tree.axis is None and not tree.keepdims
        if isinstance(tree, Name):
            return tree.name in CONSTANTS or self.shapes.get(tree.name) == () or not is_tensor(tree.name)
        if isinstance(tree, Index):
            return len(tree.items) == 2 and all(isinstance(item, int) for item in tree.items)
        children = tree.children()
        return all(map(self.scalar, children)) if children else True

    def binary(self, tree: Binary) -> str:
        left, right = self.sides(tree)
        if tree.operator == "**":
            exponent = tree.right
            if isinstance(exponent, Number) and exponent.value.is_integer():
                return left + format_number(exponent.value).translate(_SUPERSCRIPT)
            return f"{left}^{right}"
        if tree.operator == "*":
            return f"{left}·{right}" if self.scalar(tree.left) or self.scalar(tree.right) else f"{left} ⊙ {right}"
        if tree.operator in "@/":
            return f"{left}{self._SIGNS.get(tree.operator, tree.operator)}{right}"
        return f"{left} {self._SIGNS.get(tree.operator, tree.operator)} {right}"

    def transpose(self, tree: Transpose) -> str:
        return f"{self.grouped(tree.operand, _ATOM)}ᵀ"

    def call(self, tree: Call) -> str:
        function = FUNCTIONS[tree.function]
        arguments = [_bare(a, self.write(a)) for a in tree.arguments]
        axis = "" if tree.axis is None else _SUBSCRIPTS[_AXES[tree.axis]]
        if tree.function == "sum":
            simple = self.level(tree.arguments[0]) > _SUM
            return f"Σ{axis} {arguments[0]}" if simple and axis else f"Σ{axis}({arguments[0]})"
        if function.unicode:
            return function.unicode.format(*arguments, axis=axis)
        return f"{tree.function}{axis}({', '.join(arguments)})"

    def level(self, tree: Tree) -> int:
        if isinstance(tree, Call) and tree.function == "sum" and tree.axis is not None:
            return _SUM
        return super().level(tree)

    def sides(self, tree: Binary) -> tuple[str, str]:
        """A sum sign may stand after plus and minus without parentheses: it reaches as far as the products go."""
        if tree.operator in ("+", "-"):
            return self.grouped(tree.left, _LEVEL["+"]), self.grouped(tree.right, _SUM)
        return super().sides(tree)


class _Latex(_Unicode):
    """LaTeX for a worked solution."""

    _SIGNS: ClassVar = {"<=": r"\le", ">=": r"\ge", "!=": r"\ne", "==": "=", "and": r"\land", "or": r"\lor"}

    def name(self, tree: Name) -> str:
        return {"pi": r"\pi", "inf": r"\infty"}.get(tree.name) or render_name(tree.name, self.style)

    def number(self, tree: Number) -> str:
        text = format_number(tree.value)
        mantissa, exponent, power = text.partition("e")
        return rf"{mantissa} \cdot 10^{{{int(power)}}}" if exponent else text

    def unary(self, tree: Unary) -> str:
        return rf"\lnot {self.grouped(tree.operand, _LEVEL['not'])}" if tree.operator == "not" else _Plain.unary(self, tree)

    def parenthesized(self, text: str) -> str:
        return rf"\left({text}\right)"

    def binary(self, tree: Binary) -> str:
        if tree.operator == "/":
            return rf"\frac{{{self.write(tree.left)}}}{{{self.write(tree.right)}}}"
        left, right = self.sides(tree)
        if tree.operator == "**":
            return f"{self._braced(left)}^{{{self.write(tree.right)}}}"
        if tree.operator == "*":
            return rf"{left} \cdot {right}" if self.scalar(tree.left) or self.scalar(tree.right) else rf"{left} \odot {right}"
        if tree.operator == "@":
            return rf"{left} \, {right}"
        return f"{left} {self._SIGNS.get(tree.operator, tree.operator)} {right}"

    @staticmethod
    def _braced(base: str) -> str:
        """A base that has a superscript of its own, such as a layer number, in braces: LaTeX refuses two in a row."""
        if r"\cdot" in base and not base.startswith(r"\left("):
            return rf"\left({base}\right)"
        return f"{{{base}}}" if "^" in base and not base.startswith(r"\left(") else base

    def transpose(self, tree: Transpose) -> str:
        inner = self.grouped(tree.operand, _ATOM)
        return rf"{{{inner}}}^{{\top}}"

    def call(self, tree: Call) -> str:
        arguments = [self.write(a) for a in tree.arguments]
        if tree.function == "sum" and self.level(tree.arguments[0]) <= _SUM:
            arguments[0] = self.parenthesized(arguments[0])
        if FUNCTIONS[tree.function].reduces:
            arguments = [", ".join(arguments)]
        template = FUNCTIONS[tree.function].latex
        if any(rf"\{tall}" in argument for argument in arguments for tall in ("frac", "begin")):
            template = template.replace("(", r"\left(").replace(")", r"\right)")
        return template.format(*arguments, axis="" if tree.axis is None else f"_{_AXES[tree.axis]}")

    def level(self, tree: Tree) -> int:
        if isinstance(tree, Call) and tree.function == "sum":
            return _SUM
        if isinstance(tree, Binary) and tree.operator == "/":
            return _UNARY_LEVEL
        return _Plain.level(self, tree)


def _bare(tree: Tree, text: str) -> str:
    """An argument's text; a negative number needs no parentheses there."""
    return text[1:-1] if isinstance(tree, Name) and text.startswith("(") else text


def _item(item: int | Slice) -> str:
    if isinstance(item, int):
        return str(item)
    start, stop, step = ("" if part is None else str(part) for part in item)
    return f"{start}:{stop}" + (f":{step}" if step else "")
