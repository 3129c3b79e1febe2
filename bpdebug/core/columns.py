"""The column convention, in which every tensor is the transpose of ours."""

from __future__ import annotations

from collections.abc import Callable
from typing import cast

from bpdebug.core.expansion import expanded
from bpdebug.core.functions import CONSTANTS, FUNCTIONS
from bpdebug.core.record import replace
from bpdebug.core.tree import WHOLE, Binary, Call, Index, Key, Length, Listing, Name, Text, Transpose, Tree, walk

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
