"""What one slip in a formula may have been meant as, and how likely: the repairs that are tried of a line."""

from __future__ import annotations

from collections.abc import Container, Iterator

from bpdebug.core.functions import FUNCTIONS
from bpdebug.core.record import replace
from bpdebug.core.tree import Binary, Call, Index, Key, Listing, Name, Number, Text, Transpose, Tree, Unary, literal, walk

_INSTEAD = {
    "+": "-", "-": "+", "*": "/", "/": "*", "<": ">", ">": "<", "<=": ">=", ">=": "<=",
    "maximum": ("minimum",), "minimum": ("maximum",), "max": ("min", "mean", "sum"), "min": ("max",), "sum": ("mean",), "mean": ("sum",),
    "exp": ("log", "tanh"), "log": ("exp",), "tanh": ("exp",), "sin": ("tanh",), "sinh": ("exp",), "outer": ("inner",), "inner": ("outer",),
}  # fmt: skip
UNLIKELY = 100
"""Nodes, in the place of those that a formula has too many."""
_BOUNDS = ("maximum", "minimum", "clip")
Known = dict[int, tuple[Tree, tuple[int, int, int]]]
"""What was counted of trees, by their identity."""
_LEFT_OUT, _RARE = ("exp", "log", "sqrt", "tanh"), ("minimum", "min", "sin", "cos", "sinh", "cosh", "inner")


def _rarity(node: Tree, parameters: Container[str]) -> int:
    """How much longer than it is a node counts as, since it is rare in a network; a sigmoid is as usual as a function with a name."""
    match node:
        case Binary("/", _, Binary("+", Number(1), Call("exp", (inner,))) | Binary("+", Call("exp", (inner,)), Number(1))):
            return -2 if isinstance(inner, Unary) else 1
        case Call(function):
            return int(function in _RARE)
        case Binary("<" | ">" | "<=" | ">=", Number()) | Binary("-", Binary() | Name() | Index(), Number(1)):
            return 1
        case Binary("+" | "-" as sign, Binary("*") as left, Binary("*") as right) if _has_log(left) and _has_log(right):
            return int(_is_negative(left) != (_is_negative(right) ^ (sign == "-")))  # the two halves of a cross-entropy
        case Binary("-", left, Name(name)) if name in parameters and not isinstance(left, Name):
            return 2  # a bias
    return 3 * _is_idle(node) + (isinstance(node, Unary) and _is_activation(node.operand))


def _is_idle(tree: Tree) -> bool:
    """Whether a formula does nothing, so that nobody writes it."""
    match tree:
        case Binary("*", Number(1), _) | Binary("*" | "/" | "**", _, Number(1)):
            return True
    return False


def _is_activation(tree: Tree) -> bool:
    match tree:
        case Call("tanh" | "maximum") | Binary("/", Number()):
            return True
    return False


def _has_log(tree: Tree) -> bool:
    return any(isinstance(node, Call) and node.function == "log" for node in walk(tree))


def _is_negative(tree: Tree) -> bool:
    return _is_negative(tree.left) if isinstance(tree, Binary) else isinstance(tree, Unary) and tree.operator == "-"


def longer(tree: Tree, new: Tree, parameters: Container[str] = (), known: Known | None = None) -> float:
    """By how much a formula is longer, or else half as shorter, than one that was written, and rarer; what was written, and not only a
    sign or a number, has been meant.

    Args:
        tree, new: the formulas, with inner values put in.
        parameters: which are added, and rarely subtracted.
        known: what was counted before, since many formulas have most of their parts in common.
    """
    known = {} if known is None else known
    (was, were, before), (now, are, after) = (_counted(one, parameters, known) for one in (tree, new))
    return max(now - was, (was - now) / 2) + are - were if after >= before else UNLIKELY


def _counted(tree: Tree, parameters: Container[str], known: Known) -> tuple[int, int, int]:
    """The nodes of a formula, how rare they are, and how many of them are tensors and functions."""
    if id(tree) not in known:
        parts = [_counted(one, parameters, known) for one in tree.children()]
        own = 1, _rarity(tree, parameters), int(isinstance(tree, Name | Call))
        known[id(tree)] = tree, tuple(map(sum, zip(own, *parts, strict=True)))  # type: ignore[assignment]
    return known[id(tree)][1]


def _others(node: Tree) -> Iterator[Tree]:
    """What may have been meant by a part of a formula."""
    match node:
        case Binary("+" | "-" | "*" | "/" as sign, left, right):
            yield from (left, right, Binary(_INSTEAD[sign], left, right), Binary(sign, right, left))  # type: ignore[arg-type]
        case Binary("@", left, right):
            yield from (Binary("@", Transpose(left), right), Binary("@", left, Transpose(right)), Binary("@", right, left))
        case Binary("**", left, Number(power)):
            yield from (left, Binary("**", left, literal(power + 1)), Binary("**", left, literal(power - 1)))
            yield Binary("*", literal(power + 1), node)  # the factor of a derivative
        case Binary(operator, left, right) if operator in _INSTEAD:
            yield Binary(operator, right, left)
        case Unary("-", inner) | Transpose(inner):
            yield inner
        case Number(number):
            yield from map(
                literal, {number - 1, number + 1, 2 * number, number / 2} - {0, number}
            )  # with 0, no gradient is left to be wrong
        case Key((one, other)):
            yield Key((other, one))
        case Call("where", (condition, first, second)):
            yield Call("where", (condition, second, first))
        case Call(function, arguments, axis):
            yield from (one for one in arguments[:1] if not isinstance(one, Listing | Text))
            if function == "exp":
                yield from (Binary("/", node, Call("sum", (node,), over, keepdims=over is not None)) for over in (None, 0, 1, -1))
            yield from (replace(node, function=other) for other in _INSTEAD.get(function, ()) if other in FUNCTIONS)
            if FUNCTIONS[function].reduces:
                yield from (replace(node, axis=other, keepdims=node.keepdims or axis is None) for other in (0, 1, -1) if other != axis)
    if not isinstance(node, Number | Listing | Key | Text):
        yield from (Unary("-", node), Binary("**", node, Number(2)), Binary("-", Number(1), node), Binary("/", Number(1), node))
        yield from (Call(function, (node,)) for function in _LEFT_OUT)


def slopes(tree: Tree) -> Iterator[Tree]:
    """The derivatives of the usual activations, where a formula is that of one, by the value that this one is computed from."""
    if (value := _slope_of(tree)) is not None:
        below = Binary("-", Number(1), value)
        ways = Binary("-", Number(1), Binary("**", value, Number(2))), Binary("*", value, below), Binary(">", value, Number(0))
        yield from (one for one in ways if one != tree)


def _slope_of(tree: Tree) -> Tree | None:
    """The value of the activation of which a formula is the derivative; None where it is that of none."""
    match tree:
        case Binary("*", one, Binary("-", Number(1), other)) | Binary("*", Binary("-", Number(1), other), one):
            return one if one == other else None
        case Binary("-", Number(1), Binary("**", value, Number(2)) | Call("square", (value,))):
            return value
        case Binary("-", Number(1), Binary("*", one, other)):
            return one if one == other else None
        case Call("where", (Binary("<" | "<=", value, Number(0)), Number(0), Number(1))):
            return value
        case Call("where", (Binary(">" | ">=", value, Number(0)), Number(1), Number(0))) | Binary(">" | ">=", value, Number(0)):
            return value
    return None


def _is_bound(tree: Tree) -> bool:
    """Whether a formula compares; with another bound, one that is never reached, it would explain any mask that is left out."""
    return isinstance(tree, Binary) and tree.operator in ("<", "<=", ">", ">=", "==", "!=")


def slips(tree: Tree) -> Iterator[Tree]:
    """The formulas of which one slip may have made this one."""
    yield from _others(tree)
    for place, child in enumerate(tree.children() if isinstance(tree, Binary | Unary | Transpose | Call) and not _is_bound(tree) else ()):
        bound = isinstance(tree, Call) and isinstance(child, Number) and tree.function in _BOUNDS
        if not bound and (not isinstance(tree, Call) or place not in FUNCTIONS[tree.function].static):
            for other in slips(child):
                yield _with(tree, place, other)


def _with(tree: Tree, place: int, new: Tree) -> Tree:
    """A node with another child."""
    count = iter(range(len(tree.children())))
    return tree.rebuilt(lambda child: new if next(count) == place else child)


__all__ = ["UNLIKELY", "longer", "slips", "slopes"]
