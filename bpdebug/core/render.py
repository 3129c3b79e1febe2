"""Tree to text as mathematics: in row or column convention (there every tensor is the transpose of ours) and in three notations; plain
text is :mod:`bpdebug.core.writing`'s."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import field
from typing import cast

from bpdebug.core.errors import FormulaError
from bpdebug.core.expansion import expanded
from bpdebug.core.functions import CONSTANTS, FUNCTIONS
from bpdebug.core.record import Record, replace
from bpdebug.core.shapes import Inference, Shapes
from bpdebug.core.tensors import Naming, Role, Tensor
from bpdebug.core.tree import (
    WHOLE,
    Binary,
    Blank,
    Call,
    Index,
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
    walk,
)
from bpdebug.core.writing import ATOM, LEVEL, SUM, Grammar, Places, Plain, below, cell_text, format_number

_ANY_WAY = ("transpose", "swapaxes", "zeros_like", "ones_like")
"""Functions that give for a transpose the transpose, of matrices."""


def to_columns(tree: Tree) -> Tree:
    """The formula in the column convention, in which every tensor is the transpose of ours.

    ``dW2 = a1.T @ dz2`` becomes ``dW2 = dz2 @ a1.T`` and ``z1 = x @ W1 + b1`` becomes ``z1 = W1 @ x + b1``: a product turns
    round, an axis changes place, all else stays (the convention of Ng's Deep Learning Specialization and of Nielsen's
    "Neural Networks and Deep Learning", chapter 2).
    A formula that does not hold of transposes (:func:`turns`) stays as it is.
    """
    return _turned(tree) if turns(tree) else tree


def turns(tree: Tree) -> bool:
    """Whether a formula over matrices and numbers can be written for their transposes: not where it asks for lengths, for places that
    are computed, or for one side of a matrix."""
    return all(map(_turns, walk(tree)))


def _turns(node: Tree) -> bool:
    match node:
        case Listing() | Key() | Length() | Text():
            return False
        case Index(_, items):
            return all(isinstance(item, int | tuple) for item in items)
        case Call(function):
            row = FUNCTIONS[function]
            known = row.cellwise or row.reduces or bool(row.axes) or function in _ANY_WAY
            return known or (bool(row.formula) and turns(expanded(node)))
    return True


def _turned(tree: Tree) -> Tree:
    turned = tree.rebuilt(_turned)
    match turned:
        case Binary("@", left, right):
            return replace(turned, left=right, right=left)
        case Call(axis=int(axis)) if FUNCTIONS[turned.function].axes:
            count = axes(cast(Call, tree).arguments[0])
            along = axis % count if -count <= axis < count else axis
            return _turned_fold(turned, along, count) if turned.reduces else replace(turned, axis=count - 1 - along)
        case Index(operand, items) if axes(operand) == 2 and all(isinstance(item, int | tuple) for item in items):
            return replace(turned, items=(*items, WHOLE)[:2][::-1])
    return turned


def _turned_fold(fold: Call, axis: int, axes: int) -> Tree:
    """A fold along one of an operand's ``axes`` axes; a flat list, which stands for a row, becomes a column."""
    if axes != 2:
        return fold if fold.keepdims else replace(fold, axis=None)
    if fold.keepdims:
        return replace(fold, axis=1 - axis)
    return replace(fold, axis=1, keepdims=True) if axis == 0 else Transpose(replace(fold, axis=0, keepdims=True))


def axes(tree: Tree, of: Callable[[str], int] = lambda _: 2) -> int:
    """How many axes a node's value has; ``of`` tells it of the names."""
    match tree:
        case Name(name):
            return 0 if name in CONSTANTS else of(name)
        case Index(operand, items):
            return axes(operand, of) - sum(isinstance(item, int) for item in items) + items.count(None)
        case Call(_, (operand,), axis, False) if tree.reduces:
            return 0 if axis is None else axes(operand, of) - (len(axis) if isinstance(axis, tuple) else 1)
    return max((axes(child, of) for child in tree.children()), default=0)


_SUPERSCRIPT = str.maketrans("0123456789-", "⁰¹²³⁴⁵⁶⁷⁸⁹⁻")
AXES = tuple("ijklpruvhostn")


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
SIGNS = {"<=": "≤", ">=": "≥", "!=": "≠", "-": "−"}
"""What an operator looks like, where that is not what is typed."""


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

    def clipped(self, name: str) -> str:
        """The gradient that a tensor is, clipped; "" for any other."""
        base, mark, _ = name.rpartition("'")
        return base if mark and self.gradient(base) and self.naming.clipped.format(base) == name else ""

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


def render(tree: Tree, style: Style, shapes: Shapes | None = None) -> str:
    """The formula in the given style.

    Args:
        tree: the formula.
        style: how to write it.
        shapes: they tell products with a number (·) from elementwise ones (⊙).
    """
    return render_cell(to_columns(tree) if style.columns else tree, style, shapes)


def render_cell(tree: Tree, style: Style, shapes: Shapes | None = None) -> str:
    """As :func:`render`, for a formula over single cells: in the column convention their two places change, and nothing else."""
    return (_Unicode(style, shapes) if style.form == "unicode" else Plain()).write(tree)


def render_name(name: str, style: Style, index: Places = ()) -> str:
    """The name of a tensor or of a cell of it in the given style: ``dz2``, ``δ2`` or ``∂L/∂z2``; in the column convention the places
    of a cell are turned, and subscripts."""
    if base := style.lexicon.clipped(name):
        shown = render_name(base, style)
        return cell_text((shown if shown == base else f"({shown})") + name[len(base) :], index, style.columns)
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


class Mathematics(Grammar):
    """What the text of a terminal and the boxes of a worked solution have in common."""

    def __init__(self, style: Style, shapes: Shapes | None = None) -> None:
        self.style, self.shapes = style, shapes or {}

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

    def axis(self, tree: Call) -> str:
        """The letter of the axis that a call works along, of several their letters; of one that is counted from the last, where nothing
        tells the number of axes, that number; "" for none, and for the usual one of what folds nothing."""
        row = FUNCTIONS[tree.function]
        axis = tree.axis if row.reduces or tree.axis != row.axis else None
        axes = (axis,) if isinstance(axis, int) else axis or ()
        if min(axes, default=0) < 0:
            operand = next(iter(tree.arguments[0].children() if row.listed else tree.arguments))
            try:
                rank = len(Inference("", self.shapes).shape(operand)) + (tree.function in ("expand_dims", "stack"))
            except FormulaError:
                return ",".join(map(str, axes))
            axes = tuple(one % rank for one in axes)
        return "".join(AXES[one] for one in axes)

    def operand_levels(self, tree: Binary) -> tuple[int, int]:
        """A sum sign may stand after plus and minus without parentheses: it reaches as far as the products go."""
        return (LEVEL["+"], SUM) if tree.operator in ("+", "-") else super().operand_levels(tree)


class _Unicode(Mathematics, Plain):
    """Mathematics for a terminal: ``a1ᵀ·dz2``, ``da2 ⊙ a2 ⊙ (1 − a2)``."""

    def name(self, tree: Name) -> str:
        return {"pi": "π", "inf": "∞"}.get(tree.name) or render_name(tree.name, self.style)

    def place(self, tree: Place) -> str:
        return render_name(tree.name, self.style, tree.index)

    def written(self, tree: Written) -> str:
        return "∞" if tree.text == "inf" else tree.text

    def blank(self, _: Blank) -> str:
        return "…"

    def number(self, tree: Number) -> str:
        return format_number(tree.value).replace("-", "−")

    def unary(self, tree: Unary) -> str:
        return super().unary(tree).replace("-", "−", 1)

    def binary(self, tree: Binary) -> str:
        left, right = self.sides(tree)
        if tree.operator == "**":
            exponent = tree.right
            if isinstance(exponent, Number) and exponent.value % 1 == 0:
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
        function, arguments = FUNCTIONS[tree.function], self.arguments(tree)
        for place, argument in enumerate(tree.arguments):  # a negative number needs no parentheses as an argument
            arguments[place] = arguments[place][1:-1] if isinstance(argument, Written) and argument.text[:1] == "(" else arguments[place]
        axis = below(self.axis(tree))
        if tree.function == "sum":
            simple = self.level(tree.arguments[0]) > SUM
            return f"Σ{axis} {arguments[0]}" if simple and axis else f"Σ{axis}({arguments[0]})"
        if function.unicode:
            return function.unicode.format(*arguments, axis=axis)
        return f"{tree.function}{axis}({', '.join(arguments)})"

    def level(self, tree: Tree) -> int:
        return SUM if isinstance(tree, Call) and tree.function == "sum" and tree.axis is not None else super().level(tree)
