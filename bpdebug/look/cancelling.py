"""Factors that cancel between two stages: ``da2·a2·(1 − a2)`` with ``da2 = −y/a2 + (1 − y)/(1 − a2)`` put in is ``a2 − y``.

Formulas are sums of products (:class:`bpdebug.core.products.Product`), in which a sum is a factor like any other until it is multiplied
out: the sums that have divisors first, so that a factor that is multiplied by can go away. What is neither sum nor product is one factor.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import lru_cache

import numpy as np

from bpdebug.core.evaluate import evaluate
from bpdebug.core.parser import Formula
from bpdebug.core.products import ZERO, Product, added, over, times
from bpdebug.core.record import Record
from bpdebug.core.tensors import Values
from bpdebug.core.tree import ONE, Binary, Call, Name, Tree, literal, names, substitute, walk

_MOST_TERMS = 24


class Fused(Record):
    """Two stages in one.

    Attributes:
        tree: what is left.
        put_in: the gradient whose formula was put in.
        ones: the parts of it that were taken as 1, because they are.
    """

    tree: Tree
    put_in: str
    ones: tuple[Tree, ...] = ()


class _TooMuch(Exception):  # noqa: N818 - no error, an answer
    """There is nothing simple about it."""


def fused(formulas: Mapping[str, Formula], name: str, gradients: frozenset[str], values: Values) -> Fused | None:
    """What a stage computes, with the formula of a gradient that it reads put in, where factors cancel; else None.

    Args:
        formulas: of the stages, by name.
        name: the stage.
        gradients: the stages that compute gradients.
        values: of all tensors.
    """
    own = formulas[name].tree
    single = frozenset(tensor for tensor, value in values.items() if not value.ndim)
    for operand in (read for read in formulas[name].names if read in gradients):
        whole = substitute(own, {operand: formulas[operand].tree})
        if own != Name(operand) and (found := _simplified(whole, single)) is not None:
            with np.errstate(all="ignore"):
                ones = tuple(part for part in walk(found) if isinstance(part, Call) and _is_one(part, values))
            left = _without(found, ones) if ones else found
            if len([*walk(left)]) < len([*walk(own)]):
                return Fused(left, operand, ones)
    return None


def _is_one(tree: Tree, values: Values) -> bool:
    return set(names(tree)) <= values.keys() and np.allclose(evaluate(Formula.of(tree), values), 1.0, rtol=0, atol=1e-9)


def _without(tree: Tree, ones: tuple[Tree, ...]) -> Tree:
    """The tree with 1 in the places of some of its parts, factors 1 left out."""
    if tree in ones:
        return ONE
    match tree:
        case Binary("*", left, right):
            return times(_without(left, ones), _without(right, ones))
    return tree.rebuilt(lambda child: _without(child, ones))


@lru_cache(64)
def _simplified(tree: Tree, single: frozenset[str]) -> Tree | None:
    """The formula as a sum of products, where something has cancelled in it; else None."""
    try:
        terms = _terms(tree, single)
    except _TooMuch:
        return None
    if not terms:
        return ZERO
    above, below = abs(terms[0].above), terms[0].below
    if all(abs(term.above) == above and term.below == below for term in terms):  # what all are multiplied by stands outside
        for term in terms:
            term.above, term.below = term.above / above, 1.0
    else:
        above = below = 1.0
    found = over(times(literal(above), added([*map(Product.tree, terms)])), literal(below))
    return found if _divisions(found) < _divisions(tree) else None


def _divisions(tree: Tree) -> int:
    return sum(isinstance(node, Binary) and node.operator == "/" for node in walk(tree))


def _terms(tree: Tree, single: frozenset[str]) -> list[Product]:
    """What is added up in a formula, sums over an axis and products of sums multiplied out; like terms are one."""
    found = dict[frozenset[tuple[Tree, float]], Product]()
    for term in _addends(tree, single):
        if (known := found.setdefault(frozenset(term.powers.items()), term)) is not term:
            known.above, known.below = known.above * term.below + term.above * known.below, known.below * term.below
    if len(found) > _MOST_TERMS:
        raise _TooMuch
    kept = [term for term in found.values() if term.above]
    return sorted(kept, key=lambda term: term.above * term.below < 0)  # what is added first, then what is taken away


def _addends(tree: Tree, single: frozenset[str]) -> Iterator[Product]:
    match tree:
        case Binary("+" | "-" as sign, left, right):
            yield from _terms(left, single)
            for term in _terms(right, single):
                term.above *= 1.0 if sign == "+" else -1.0
                yield term
            return
        case Call("sum", (argument,), axis) if _is_sum(tree):
            for term in _terms(argument, single):  # single numbers stand outside
                outside = Product()
                outside.above, outside.below = term.above, term.below
                for base in [base for base in term.powers if single.issuperset(names(base))]:
                    outside.powers[base] = term.powers.pop(base)
                if any(power < 0 for power in term.powers.values()):
                    raise _TooMuch
                term.above = term.below = 1.0
                outside.take(Call("sum", (term.tree(),), axis, True))
                yield outside
            return
    whole = Product(tree)
    sums = [base for base, power in whole.powers.items() if power >= 1 and _is_sum(base)]
    sums.sort(key=lambda base: not _divisions(base))
    for factor in sums:
        terms = _terms(factor, single)
        if len(terms) > 1 or terms[0].tree() != factor:
            rest = over(tree, factor)
            for term in terms:
                yield from _terms(times(rest, term.tree()), single)
            return
    yield whole


def _is_sum(tree: Tree) -> bool:
    return (isinstance(tree, Binary) and tree.operator in "+-") or (
        isinstance(tree, Call) and tree.function == "sum" and isinstance(tree.axis, int) and tree.keepdims
    )
