"""Why tensors do not fit together, in words, and what would."""

from __future__ import annotations

import re
from collections.abc import Sequence
from math import prod

from bpdebug.core.record import replace
from bpdebug.core.structure import Shape, Unknown, broadcast
from bpdebug.core.tree import Binary, Call, Index, Length, Listing, Text, Transpose, Tree, walk
from bpdebug.core.writing import to_text


def shape_text(shape: Shape) -> str:
    """``4×1`` for (4, 1), ``4`` for (4,), ``a single number`` for ()."""
    return "×".join(map(str, shape)) if shape else "a single number"


def axes_text(a: str, axis: int, length: int, b: str, other: int, there: int) -> str:
    """Two axes that do not fit: ``axis 1 of q is 4, axis 1 of k is 8``."""
    return f"axis {axis} of {a} is {length}, axis {other} of {b} is {there}"


def product_misfit(tree: Binary, left: Shape, right: Shape) -> str:
    """Why two operands make no product, and what would."""
    a, b, inner = to_text(tree.left), to_text(tree.right), right[-2] if len(right) > 1 else right[0]
    if len(left) != 2 or len(right) != 2:
        fits = f"; {a} @ swapaxes({b}, -1, -2) would fit" if len(right) > 2 and left[-1] == right[-1] else ""
        return axes_text(a, len(left) - 1, left[-1], b, max(len(right) - 2, 0), inner) + f"; @ sums over both{fits}"
    turned_left, turned_right = (side.operand if isinstance(side, Transpose) else Transpose(side) for side in (tree.left, tree.right))
    fits = "; the other order would fit" if left[0] == right[1] else ""
    if left == right:
        fits = f"; both have one shape: multiply them cell by cell, {to_text(Binary('*', tree.left, tree.right))}"
    elif left[0] == right[0]:
        fits = f"; {to_text(Binary('@', turned_left, tree.right))} would fit"
    elif left[1] == right[1]:
        fits = f"; {to_text(Binary('@', tree.left, turned_right))} would fit"
    return f"@ needs as many columns on the left as rows on the right ({left[1]} and {right[0]}){fits}"


def dot_misfit(text: str, tree: Binary, right: Shape) -> str:
    """Why a product that is written as ``dot`` in a text is not ``@``: of three axes and more it pairs all with all; "" where it is."""
    at = tree.column - 1
    if len(right) < 3 or text[at : at + 1] == "@" or not re.search(r"\bdot\(", text[at:]):
        return ""
    a, b = to_text(tree.left), to_text(tree.right)
    return f"dot pairs each matrix of {a} with each of {b}; {a} @ {b} pairs them one by one: write that, or einsum for all pairs"


def keepdims_hint(tree: Tree) -> str:
    """What to write so that an axis which a formula folds is kept; "" where it drops none."""
    dropping = (node for node in walk(tree) if isinstance(node, Call) and node.axis is not None and not node.keepdims)
    return next((f"{to_text(replace(node, keepdims=True))} keeps the axis" for node in dropping), "")


def misfit(a: str, left: Shape, b: str, right: Shape, wide: Shape | None, remedy: str) -> str:
    """Why two operands do not go together cell by cell, and what would."""
    start = f"{a} is {shape_text(left)} and {b} is {shape_text(right)}"
    if len(left) != len(right) and wide is not None:
        flat, shape, other = (a, left, b) if len(left) < len(right) else (b, right, a)
        column = broadcast((*shape, 1), left if len(left) > len(right) else right)
        remedy = remedy or (f"Make it a column, {shape[0]}×1" if column else f"If that is meant, write {_in_brackets(flat)}[None]")
        return (
            f"{start}: {flat} is a flat list of {shape[0]}, no column, so that NumPy would pair each of its numbers with each row of "
            f"{other} and give {shape_text(wide)}. {remedy}"
        )
    if wide is not None:
        reason = f"NumPy would pair everything with everything and give {shape_text(wide)}, which neither of them is"
        tall = next((_in_brackets(one) for one, shape in ((a, left), (b, right)) if len(shape) == 2 and shape[1] == 1), "")
        meant = f" If all pairs are meant, write {tall}[:, 0, None]" * bool(tall)
        return f"{start}: {reason}. Did you mean {a} @ {b}, or a .T?{meant}"
    if remedy:
        return f"{start}: {remedy}"
    same = "elementwise operands need the same shape"
    fits = _stretching(a, left, right) or _stretching(b, right, left)
    if len(left) == len(right) == 2:
        product = f"; a product of matrices is {a} @ {b}" if left[1] == right[0] else ""
        return f"{start}: {same}{', which .T would give' if left == right[::-1] else fits or product}"
    axis = next(n for n in range(1, 99) if left[-n] != right[-n] and 1 not in (left[-n], right[-n]))
    return f"{start}: {axes_text(a, len(left) - axis, left[-axis], b, len(right) - axis, right[-axis])}; {same}{fits}"


def _in_brackets(text: str) -> str:
    """A formula as something may follow it."""
    return text if text.isidentifier() else f"({text})"


def _stretching(name: str, own: Shape, wide: Shape) -> str:
    """How a vector is written that goes along another axis of what it meets: a bias for a column of samples, such as ``b[:, None]``."""
    plain = name.removesuffix(".T")
    name = _in_brackets(name)
    if len(own) == len(wide) == 2 and 1 in own and broadcast(own[::-1], wide) == wide:
        return f"; {plain if f'({plain}.T)' == name else f'{name}.T'}, {shape_text(own[::-1])}, would fit"
    along = [axis for axis, n in enumerate(wide) if (n,) == own]
    if len(along) != 1 or along[0] == len(wide) - 1:
        return ""
    new = len(wide) - 1 - along[0]
    return f"; {name}[:{', None' * new}], {shape_text(own + (1,) * new)}, would fit"


def joint_misfit(tree: Call, shapes: Sequence[Shape]) -> str:
    """Why ``concatenate`` or ``stack`` cannot join arrays; "" where they can."""
    if not isinstance(tree.arguments[0], Listing):
        return f"{tree.function} takes a list: {tree.function}([a, b])"
    items, along = tree.arguments[0].items, tree.axis if tree.function == "concatenate" and isinstance(tree.axis, int) else None
    if not shapes:
        return "an empty list has nothing to join"
    first = shapes[0]
    for item, shape in zip(items[1:], shapes[1:], strict=True):
        a, b = to_text(items[0]), to_text(item)
        if len(shape) != len(first):
            return f"{a} is {shape_text(first)} and {b} is {shape_text(shape)}"
        for axis, (one, other) in enumerate(zip(first, shape, strict=True)):
            differs = one != other and not isinstance(one, Unknown) and not isinstance(other, Unknown)
            if differs and (along is None or axis != along % len(first)):
                return axes_text(a, axis, one, b, axis, other)
    return ""


def misfit_at(tree: Tree, operand: Tree, shape: Shape | None, reason: str) -> str:
    """Why a node has no shape, with that of its operand, where that is one array."""
    about = "" if shape is None else f"{to_text(operand)} is {shape_text(shape)}"
    if isinstance(tree, Index):
        if "out of range" in reason:
            return f"{reason} of {about.replace(' is ', ', which is ', 1)}; places count from 0"
        which = about.replace(" is ", ", which is ", 1)
        return f"{to_text(tree)} is outside {which}; rows and columns count from 0{reason and f' ({reason})'}"
    if isinstance(tree, Call) and tree.function in ("einsum", "tensordot"):
        reason = reason.format(*(to_text(one) for one in tree.arguments if not isinstance(one, Text)))
    if isinstance(tree, Call) and tree.function == "reshape":
        return f"{about}; {to_text(tree)} cannot hold its {prod(shape or ())} numbers"
    return f"{reason}: {about}" if about and (isinstance(tree, Length) or "axis" in reason) else "; ".join(filter(None, (about, reason)))
