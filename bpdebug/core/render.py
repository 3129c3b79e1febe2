"""Tree to text: plain (what parses again) and Unicode, in row or column convention and in three notations."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import field

from bpdebug.core.functions import COMPARISONS, CONSTANTS, FUNCTIONS
from bpdebug.core.record import Record
from bpdebug.core.tensors import Naming, Role, Tensor
from bpdebug.core.tree import Binary, Call, Index, Name, Number, Place, Slice, Transpose, Tree, Unary, Written, to_columns

Shape = tuple[int, ...]
Places = tuple[int | str, ...]

LEVEL = {"or": 1, "and": 2, "not": 3, "+": 5, "-": 5, "*": 7, "/": 7, "@": 7, "**": 9}
SUM, UNARY_LEVEL, ATOM = 6, 8, 10
_SUPERSCRIPT = str.maketrans("0123456789-", "⁰¹²³⁴⁵⁶⁷⁸⁹⁻")
AXES = ("i", "j", "k", "l", "p", "q", "u", "v")
_SUBSCRIPTS = dict(zip(AXES, "ᵢⱼₖₗₚ…ᵤᵥ", strict=True))


LETTERS = {
    "learning_rate": "η",
    "momentum": "μ",
    "weight_decay": "λ",
    "alpha": "α",
    "beta1": "β₁",
    "beta2": "β₂",
    "epsilon": "ε",
}
"""What a setting is called where its name has no room."""
SIGNS = {"<=": "≤", ">=": "≥", "!=": "≠", "==": "=", "-": "−"}
"""What an operator looks like, where that is not what is typed."""
_BELOW = str.maketrans("0123456789ijklpuv", "₀₁₂₃₄₅₆₇₈₉ᵢⱼₖₗₚᵤᵥ")


class Lexicon(Record, eq=False):
    """What the names of a program stand for.

    Attributes:
        tensors: by name.
        sums: the layers' weighted sums, whose gradients are the deltas, with the number of the layer.
        naming: what a gradient is called.
    """

    tensors: Mapping[str, Tensor] = {}
    sums: Mapping[str, int] = {}
    naming: Naming = Naming()

    def gradient(self, name: str) -> Tensor | None:
        """The tensor, where it is a gradient or a part of one."""
        tensor = self.tensors.get(name)
        return tensor if tensor and tensor.role is Role.GRADIENT else None

    def setting(self, name: str) -> bool:
        """Whether a name may be that of a setting."""
        return name not in self.tensors or self.tensors[name].role is Role.CONSTANT


class Style(Record):
    """How a formula is written.

    Attributes:
        form: ``plain`` (parses again) or ``unicode``; boxes have none.
        columns: the column convention of many courses (``z = W·a + b``) in place of rows (``z = a·W + b``).
        notation: ``d`` (dz2), ``delta`` (δ2) or ``partial`` (∂L/∂z2) for gradients.
        letters: settings as letters, such as η for ``learning_rate`` (LaTeX has them always).
        lexicon: what the names of the program stand for; without it no name is a gradient.
    """

    form: str = "plain"
    columns: bool = False
    notation: str = "d"
    letters: bool = False
    lexicon: Lexicon = field(default=Lexicon(), compare=False, repr=False)


def to_text(tree: Tree) -> str:
    """Plain text in NumPy grammar; parsing it gives the same tree again."""
    return _Plain(Style()).write(tree)


def render(tree: Tree, style: Style, shapes: Mapping[str, Shape] | None = None) -> str:
    """The formula in the given style.

    Args:
        tree: the formula.
        style: how to write it.
        shapes: they tell products with a number (·) from elementwise ones (⊙).
    """
    return render_cell(to_columns(tree) if style.columns else tree, style, shapes)


def render_cell(tree: Tree, style: Style, shapes: Mapping[str, Shape] | None = None) -> str:
    """As :func:`render`, for a formula over single cells: in the column convention their two places change, and nothing else."""
    return (_Unicode if style.form == "unicode" else _Plain)(style, shapes).write(tree)


def render_name(name: str, style: Style, index: Places = ()) -> str:
    """The name of a tensor or of a cell of it in the given style: ``dz2``, ``δ2`` or ``∂L/∂z2``; in the column convention the places
    of a cell are turned, and subscripts."""
    tensor = None if style.notation == "d" else style.lexicon.gradient(name)
    if tensor:
        name = _gradient_text(tensor.of, style) + f"@{tensor.through}" * bool(tensor.through)
    elif style.letters and style.lexicon.setting(name):
        name = LETTERS.get(name, name)
    return cell_text(name, index, style.columns)


def render_gradient(of: str, style: Style, index: Places = ()) -> str:
    """The gradient of a tensor in a terminal, be there a stage for it or not."""
    return cell_text(_gradient_text(of, style), index, style.columns)


def _gradient_text(of: str, style: Style) -> str:
    lexicon = style.lexicon
    if style.notation == "d":
        return lexicon.naming.gradient.format(of)
    return f"δ{lexicon.sums[of]}" if style.notation == "delta" and of in lexicon.sums else f"∂L/∂{of}"


def cell_text(text: str, index: Places, columns: bool) -> str:
    """``a1[i,1]``, or ``a1₁,ᵢ`` in the column convention, in which every tensor is the transpose of ours.

    Brackets are NumPy's and mean the same cell everywhere: ``a1[i,1]`` is what commands, conditions and files say, in either
    convention. Turned places are subscripts, as in mathematics, so that no text stands for two cells.
    """
    if columns and len(index) == 2:
        return text + f"{index[1]},{index[0]}".translate(_BELOW)
    return f"{text}[{','.join(map(str, index))}]" if index else text


def format_number(value: float) -> str:
    """A literal as a person writes it: ``2`` for 2.0, else the shortest text that reads back to the same float."""
    return str(int(value)) if abs(value) < 1e15 and value == int(value) else repr(value)


class Grammar:
    """How tightly the nodes bind."""

    def __init__(self, style: Style, shapes: Mapping[str, Shape] | None = None) -> None:
        self.style, self.shapes = style, shapes or {}

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


class _Plain(Grammar):
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
        return format_number(tree.value)

    def name(self, tree: Name) -> str:
        return tree.name

    def place(self, tree: Place) -> str:
        return cell_text(tree.name, tree.index, False)

    def written(self, tree: Written) -> str:
        return tree.text

    def unary(self, tree: Unary) -> str:
        if tree.operator == "not":
            return f"not {self.grouped(tree.operand, LEVEL['not'])}"
        return f"-{self.grouped(tree.operand, UNARY_LEVEL)}"

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
        arguments = [self.write(a) for a in tree.arguments] + ([f"axis={tree.axis}"] if tree.axis is not None else [])
        arguments += ["keepdims=True"] if tree.keepdims else []
        return f"{tree.function}({', '.join(arguments)})"

    def index(self, tree: Index) -> str:
        return f"{self.based(tree.operand)}[{', '.join(map(item_text, tree.items))}]"


class Mathematics(Grammar):
    """What the text of a terminal and the boxes of a worked solution have in common."""

    def scaled(self, product: Binary) -> bool:
        """Whether one of two factors is a single number, as far as the shapes tell."""
        return self._scalar(product.left) or self._scalar(product.right)

    def _scalar(self, tree: Tree) -> bool:
        match tree:
            case Call() if tree.reduces:
                return tree.axis is None and not tree.keepdims
            case Name(name):
                return name in CONSTANTS or self.shapes.get(name) == ()
            case Index(items=items):
                return len(items) == 2 and all(isinstance(item, int) for item in items)
        return all(map(self._scalar, tree.children()))

    def operand_levels(self, tree: Binary) -> tuple[int, int]:
        """A sum sign may stand after plus and minus without parentheses: it reaches as far as the products go."""
        return (LEVEL["+"], SUM) if tree.operator in ("+", "-") else super().operand_levels(tree)


class _Unicode(Mathematics, _Plain):
    """Mathematics for a terminal: ``a1ᵀ·dz2``, ``da2 ⊙ a2 ⊙ (1 − a2)``."""

    def name(self, tree: Name) -> str:
        return {"pi": "π", "inf": "∞"}.get(tree.name) or render_name(tree.name, self.style)

    def place(self, tree: Place) -> str:
        return render_name(tree.name, self.style, tree.index)

    def written(self, tree: Written) -> str:
        return "∞" if tree.text == "inf" else tree.text

    def number(self, tree: Number) -> str:
        return format_number(tree.value).replace("-", "−")

    def unary(self, tree: Unary) -> str:
        return super().unary(tree).replace("-", "−", 1)

    def binary(self, tree: Binary) -> str:
        left, right = self.sides(tree)
        if tree.operator == "**":
            exponent = tree.right
            if isinstance(exponent, Number) and exponent.value.is_integer():
                return left + format_number(exponent.value).translate(_SUPERSCRIPT)
            return f"{left}^{right}"
        if tree.operator == "*":
            return f"{left}·{right}" if self.scaled(tree) else f"{left} ⊙ {right}"
        if tree.operator in "@/":
            return f"{left}{tree.operator.replace('@', '·')}{right}"
        return f"{left} {SIGNS.get(tree.operator, tree.operator)} {right}"

    def transpose(self, tree: Transpose) -> str:
        return f"{self.grouped(tree.operand, ATOM)}ᵀ"

    def call(self, tree: Call) -> str:
        function = FUNCTIONS[tree.function]
        # a negative number needs no parentheses as an argument
        arguments = [self.write(a)[1:-1] if isinstance(a, Written) and a.text.startswith("(") else self.write(a) for a in tree.arguments]
        axis = "" if tree.axis is None else _SUBSCRIPTS[AXES[tree.axis]]
        if tree.function == "sum":
            simple = self.level(tree.arguments[0]) > SUM
            return f"Σ{axis} {arguments[0]}" if simple and axis else f"Σ{axis}({arguments[0]})"
        if function.unicode:
            return function.unicode.format(*arguments, axis=axis)
        return f"{tree.function}{axis}({', '.join(arguments)})"

    def level(self, tree: Tree) -> int:
        return SUM if isinstance(tree, Call) and tree.function == "sum" and tree.axis is not None else super().level(tree)


def item_text(item: int | Slice) -> str:
    """A part of a subscript."""
    if isinstance(item, int):
        return str(item)
    start, stop, step = ("" if part is None else str(part) for part in item)
    return f"{start}:{stop}" + (f":{step}" if step else "")
