"""Derivatives as formulas: of what works cell by cell, by the rules of the functions that it is made of."""

from __future__ import annotations

from collections.abc import Iterator
from functools import lru_cache

from bpdebug.core.functions import COMPARISONS, FUNCTIONS
from bpdebug.core.parser import parse
from bpdebug.core.tree import ONE, Binary, Call, Name, Number, Tree, Unary, literal, names, substitute, walk

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
    found: Tree | None = None if name in names(tree) else ZERO
    match tree:
        case _ if found is not None:
            pass
        case Name():
            found = ONE
        case Unary("-", operand):
            found = minus(slope_of(operand, name))
        case Binary("+" | "-" as sign, left, right):
            second = slope_of(right, name)
            found = plus(slope_of(left, name), second if sign == "+" else minus(second))
        case Binary("*", left, right):
            found = plus(times(slope_of(left, name), right), times(left, slope_of(right, name)))
        case Binary("/", left, right):
            first = over(slope_of(left, name), right)
            found = plus(first, minus(over(times(left, slope_of(right, name)), Binary("**", right, Number(2)))))
        case Binary("**", base, Number(power)):
            lower = base if power == 2 else Binary("**", base, literal(power - 1))
            found = times(times(literal(power), lower), slope_of(base, name))
        case Binary(sign) if sign in COMPARISONS:
            found = ZERO
        case Call("sum", (argument,), None):
            found = slope_of(argument, name)
        case Call("where", (condition, first, second)):
            found = Call("where", (condition, slope_of(first, name), slope_of(second, name)))
        case Call(function, arguments) if FUNCTIONS[function].slopes:
            found = _chained(FUNCTIONS[function].slopes, arguments, name)
    if found is None:
        raise NoSlope
    return found


def _chained(slopes: tuple[str, ...], arguments: tuple[Tree, ...], name: str) -> Tree:
    """The chain rule over the arguments of a function."""
    put_in, found = dict(zip("uvw", arguments, strict=False)), ZERO
    for slope, argument in zip(slopes, arguments, strict=True):
        inner = slope_of(argument, name)
        found = found if inner == ZERO else plus(found, times(substitute(parse(slope).tree, put_in), inner))
    return found


def minus(tree: Tree) -> Tree:
    """The opposite, its sign as far inside as a person would have it."""
    match tree:
        case Number(0):
            return tree
        case Unary("-", operand):
            return operand
        case Binary("*" | "/" as operator, left, right):
            return Binary(operator, minus(left), right)
        case Binary("-", left, right):
            return Binary("-", right, left)
    return Unary("-", tree)


def plus(left: Tree, right: Tree) -> Tree:
    """The sum, without a zero."""
    if ZERO in (left, right):
        return right if left == ZERO else left
    return Binary("-", left, right.operand) if isinstance(right, Unary) and right.operator == "-" else Binary("+", left, right)


def times(left: Tree, right: Tree) -> Tree:
    """The product, without ones; the sign goes before it, and a reciprocal becomes a fraction."""
    found: Tree = Binary("*", left, right)
    match left, right:
        case (Number(0), _) | (_, Number(0)):
            found = ZERO
        case (Number(1.0), other) | (other, Number(1.0)):
            found = other
        case Number(one), Binary("*", Number(two), rest):
            found = times(literal(one * two), rest)
        case other, Unary("-", operand):
            found = minus(times(other, operand))
        case other, Binary("/", top, bottom):
            found = over(times(other, top), bottom)
    return found


def over(left: Tree, right: Tree) -> Tree:
    """The fraction, without a divisor 1."""
    return left if right == ONE or left == ZERO else Binary("/", left, right)


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
