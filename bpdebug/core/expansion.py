"""What stands for something else: arithmetic of literals for a number, a function that is made of others for its formula."""

from __future__ import annotations

import operator
from functools import lru_cache

import numpy as np

from bpdebug.core.function import Axis
from bpdebug.core.functions import CONSTANTS, FUNCTIONS, OPERATORS
from bpdebug.core.parser import parse
from bpdebug.core.tree import Binary, Call, Name, Number, Tree, Unary, substitute

_PYTHON = {"+": operator.add, "-": operator.sub, "*": operator.mul, "/": operator.truediv, "//": operator.floordiv, "**": operator.pow}
_FLOATS = {sign: row.run for (sign, count), row in OPERATORS.items() if count == 2 and sign in _PYTHON}


def constant_of(tree: Tree) -> float | None:
    """The number that a literal, ``pi``, ``inf`` or ``nan`` stands for, or what Python makes of such alone, as in ``-2 / 3``; else None."""
    first = last = tree
    while isinstance(first, Binary):
        first = first.left
    while isinstance(last, Binary):
        last = last.right
    if not (_may_be_known(first) and _may_be_known(last)):
        return None  # one end of what is computed is a tensor, as nearly always
    found = _constant(tree)
    return float(found) if isinstance(found, int) and abs(found) >= 2**63 else found


def _may_be_known(tree: Tree) -> bool:
    return isinstance(tree, (Number, Unary)) or (isinstance(tree, Name) and tree.name in CONSTANTS)


def _constant(tree: Tree) -> float | None:
    match tree:
        case Number(value):
            return value
        case Name(name):
            return CONSTANTS.get(name)
        case Unary("-", operand):
            inner = constant_of(operand)
            return None if inner is None else -inner
        case Binary(sign, left, right) if sign in _PYTHON and (first := constant_of(left)) is not None:
            second = constant_of(right)
            return None if second is None else _calculated(sign, first, second)
    return None


def _calculated(sign: str, first: float, second: float) -> float:
    """What Python makes of two numbers; where it has no answer, what NumPy does."""
    try:
        found = _PYTHON[sign](first, second) if abs(second) < 1000 else None
    except ArithmeticError:
        found = None
    if isinstance(found, int | float) and (isinstance(found, float) or abs(found) < 2**63):
        return found
    with np.errstate(all="ignore"):
        return float(_FLOATS[sign](float(first), float(second)))


@lru_cache(maxsize=512)
def _formatted(text: str, axis: Axis, keepdims: bool, ddof: int, count: str) -> Tree:
    return parse(text.format(axis=axis, keepdims=keepdims, ddof=ddof, count=count)).tree


def filled(call: Call, text: str, **letters: Tree) -> Tree:
    """The text of a row over a call's arguments, its axis and the like, and further letters."""
    row = FUNCTIONS[call.function]
    axes = (call.axis,) if isinstance(call.axis, int) else call.axis or ()
    count = " * ".join(f"x.shape[{axis}]" for axis in axes) or "x.size"
    usual = [parse(row.usual[name]).tree for name in row.parameters[len(call.arguments) :]]
    put_in = dict(zip(row.parameters, [*call.arguments, *usual], strict=True)) | letters
    return substitute(_formatted(text, call.axis, call.keepdims, call.ddof, f"({count})"), put_in)


@lru_cache(maxsize=512)
def expanded(call: Call) -> Tree:
    """What a function that is made of others stands for: its formula over the call's arguments."""
    return filled(call, FUNCTIONS[call.function].formula)


def spelled_out(tree: Tree) -> Tree:
    """The tree with all functions that are made of others as what they stand for."""
    if isinstance(tree, Call) and FUNCTIONS[tree.function].formula:
        return spelled_out(expanded(tree))
    return tree.rebuilt(spelled_out)
