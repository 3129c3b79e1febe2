"""Derivatives as formulas: of what works cell by cell, by the rules of the functions that it is made of."""

from __future__ import annotations

from collections.abc import Iterator
from functools import lru_cache

from bpdebug.core.errors import FormulaError
from bpdebug.core.parser import Formula
from bpdebug.core.tree import ONE, Binary, Call, Name, Number, Tree, Unary, names, operation, substitute, walk

ZERO: Tree = Number(0)


class NoSlope(Exception):  # noqa: N818 - no error, an answer
    """A formula does not work cell by cell, or a function has no derivative."""


@lru_cache(64)
def slope_of(tree: Tree, name: str) -> Tree:
    """The derivative of a formula that works cell by cell with respect to a tensor, as a person would write it.

    A sum over everything counts as what is summed: each cell's own term is all that changes with the cell.

    Raises:
        NoSlope: where the formula does something else.
    """
    from bpdebug.core.derive import derived  # noqa: PLC0415 - where a rule is told

    folds = (node for node in walk(tree) if isinstance(node, Call) and not operation(node)[0].cellwise)
    if any((fold.function, fold.axis) != ("sum", None) for fold in folds):
        raise NoSlope
    try:
        found = derived("", Formula("", tree), dict.fromkeys(names(tree), ()), [name], ONE)
    except FormulaError:
        raise NoSlope from None
    slope = found.gradients[name].tree if found.gradients else ZERO
    for helper, formula in reversed(found.inner):
        slope = substitute(slope, {helper: formula.tree})
    return substitute(slope, {"": tree})


def terms_of(tree: Tree) -> Iterator[Tree]:
    """The terms of a sum, each with its sign; of a sum over everything, be it scaled by a number, those of what is summed."""
    match tree:
        case Binary("+", left, right):
            yield from (*terms_of(left), *terms_of(right))
        case Binary("-", left, right):
            yield from (*terms_of(left), *map(_opposite, terms_of(right)))
        case Call("sum", (argument,), None):
            yield from terms_of(argument)
        case Binary("*", Number() as factor, right):
            yield from (Binary("*", factor, term) for term in terms_of(right))
        case Binary("/", left, (Name() | Number() | Binary("*", Name(), Number())) as divisor) if any_sum(left):
            yield from (Binary("/", term, divisor) for term in terms_of(left))
        case _:
            yield tree


def _opposite(tree: Tree) -> Tree:
    """The same with a minus before it, of which nothing is worked out."""
    match tree:
        case Unary("-", operand):
            return operand
        case Binary("*" | "/" as operator, left, right):
            return Binary(operator, _opposite(left), right)
    return Unary("-", tree)


def any_sum(tree: Tree) -> bool:
    """Whether there is a sum over everything in a formula."""
    return any(isinstance(node, Call) and node.function == "sum" and node.axis is None for node in walk(tree))


def functions_of(tree: Tree, name: str) -> list[str]:
    """The functions, and powers as ``**``, that a tensor goes through in a formula, the outermost first; no sums."""
    found = list[str]()
    for node in walk(tree):
        if name in names(node):
            match node:
                case Call(function) if function != "sum":
                    found.append(function)
                case Binary("**"):
                    found.append("**")
    return list(dict.fromkeys(found))
