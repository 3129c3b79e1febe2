"""Factors that cancel between two stages: ``da2·a2·(1 − a2)`` with ``da2 = −y/a2 + (1 − y)/(1 − a2)`` put in is ``a2 − y``.

Formulas as fractions of polynomials, whose denominators are kept as factors, so that a factor that is multiplied by can go away. What is
no polynomial (a function, a sum over an axis) counts as one more name.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from functools import lru_cache

import numpy as np

from bpdebug.core.evaluate import evaluate
from bpdebug.core.parser import Formula
from bpdebug.core.products import minus, plus, times
from bpdebug.core.record import Record
from bpdebug.core.tensors import Array
from bpdebug.core.tree import ONE, Binary, Call, Name, Number, Tree, Unary, literal, names, substitute, walk
from bpdebug.core.writing import to_text

Powers = tuple[tuple[str, int], ...]
Polynomial = dict[Powers, float]
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


class _Fraction(Record, eq=False):
    """A polynomial over a product of polynomials."""

    top: Polynomial
    below: tuple[Polynomial, ...] = ()


def fused(formulas: Mapping[str, Formula], name: str, gradients: frozenset[str], values: Mapping[str, Array]) -> Fused | None:
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


def _is_one(tree: Tree, values: Mapping[str, Array]) -> bool:
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
    """The formula as a fraction, where something has cancelled in it; else None."""
    reader = _Reader(single)
    try:
        found = reader.fraction(tree)
    except _TooMuch:
        return None
    return reader.written(found) if reader.cancelled else None


class _Reader:
    """Reads trees as fractions, and writes them again.

    Attributes:
        cancelled: whether a factor has gone away.
    """

    def __init__(self, single: frozenset[str]) -> None:
        self._single, self._atoms, self.cancelled = single, dict[str, Tree](), False

    def fraction(self, tree: Tree) -> _Fraction:
        """The formula as a fraction."""
        found = None
        match tree:
            case Number(value):
                found = _Fraction({(): value})
            case Unary("-", operand):
                found = self._scaled(self.fraction(operand), -1.0)
            case Binary("+" | "-" as sign, left, right):
                found = self._sum(self.fraction(left), self._scaled(self.fraction(right), 1.0 if sign == "+" else -1.0))
            case Binary("*", left, right):
                found = self._product(self.fraction(left), self.fraction(right))
            case Binary("/", left, right):
                found = self._over(self.fraction(left), self.fraction(right))
            case Binary("**", left, Number(2.0)):
                found = self._product(self.fraction(left), self.fraction(left))
            case Call("sum", (argument,), int()) if tree.keepdims:
                found = self._summed(tree, self.fraction(argument))
        if found is None:
            self._atoms[to_text(tree)] = tree
            return _Fraction({((to_text(tree), 1),): 1.0})
        return found

    def _scaled(self, one: _Fraction, factor: float) -> _Fraction:
        return _Fraction({powers: factor * number for powers, number in one.top.items()}, one.below)

    def _sum(self, one: _Fraction, other: _Fraction) -> _Fraction:
        top, below = dict(one.top), [*other.below]
        missing = [factor for factor in one.below if not _taken(factor, below)]
        for factor in below:
            top = _multiplied(top, factor)
        added = dict(other.top)
        for factor in missing:
            added = _multiplied(added, factor)
        for powers, number in added.items():
            top[powers] = top.get(powers, 0.0) + number
        return _Fraction({powers: number for powers, number in top.items() if number}, (*one.below, *below))

    def _product(self, one: _Fraction, other: _Fraction) -> _Fraction:
        tops = list[Polynomial]()
        below = [*one.below, *other.below]
        for top in (one.top, other.top):
            for factor in _factors(top):
                if below and _taken(factor, below):
                    self.cancelled = True
                else:
                    tops.append(factor)
        whole: Polynomial = {(): 1.0}
        for top in tops:
            whole = _multiplied(whole, top)
        return _Fraction(whole, tuple(below))

    def _over(self, one: _Fraction, other: _Fraction) -> _Fraction:
        if not other.top:
            raise _TooMuch
        upside = _Fraction({(): 1.0}, tuple(_factors(other.top)))
        for factor in other.below:
            upside = self._product(upside, _Fraction(factor))
        number = [factor for factor in upside.below if list(factor) == [()]]
        scale = 1.0
        for factor in number:
            scale /= factor[()]
        return self._product(one, self._scaled(_Fraction(upside.top, tuple(f for f in upside.below if f not in number)), scale))

    def _summed(self, tree: Call, inner: _Fraction) -> _Fraction:
        """A sum over an axis: of each term its sum, where all divisors are single numbers."""
        if any(name not in self._single for factor in inner.below for powers in factor for name, _ in powers):
            raise _TooMuch
        top: Polynomial = {}
        for powers, number in inner.top.items():
            outside = tuple(power for power in powers if power[0] in self._single)
            part = Call("sum", (self._monomial(tuple(power for power in powers if power not in outside), 1.0),), tree.axis, True)
            self._atoms[to_text(part)] = part
            key = tuple(sorted((*outside, (to_text(part), 1))))
            top[key] = top.get(key, 0.0) + number
        return _Fraction(top, inner.below)

    def written(self, found: _Fraction) -> Tree:
        """A fraction as a formula: what is added first, then what is taken away."""
        terms = sorted(found.top.items(), key=lambda term: term[1] < 0)
        top: Tree = Number(0)
        for powers, number in terms:
            top = plus(top, self._monomial(powers, number))
        for factor in found.below:
            top = Binary("/", top, self.written(_Fraction(factor)))
        return top

    def _monomial(self, powers: Powers, number: float) -> Tree:
        tree: Tree = literal(abs(number))
        for name, power in powers:
            base = self._atoms[name]
            tree = times(tree, base if power == 1 else Binary("**", base, literal(power)))
        return minus(tree) if number < 0 else tree


def _factors(polynomial: Polynomial) -> list[Polynomial]:
    """A polynomial of one term as its factors; any other as it is."""
    if len(polynomial) != 1:
        return [polynomial]
    [(powers, number)] = polynomial.items()
    single: list[Polynomial] = [{((name, 1),): 1.0} for name, power in powers for _ in range(power)]
    return [{(): number}, *single] if number != 1.0 or not single else single


def _taken(factor: Polynomial, below: list[Polynomial]) -> bool:
    """Whether a factor is in a product, from which it is taken then."""
    if factor in below:
        below.remove(factor)
        return True
    return False


def _multiplied(one: Polynomial, other: Polynomial) -> Polynomial:
    if len(one) * len(other) > _MOST_TERMS:
        raise _TooMuch
    made: Polynomial = {}
    for left, first in one.items():
        for right, second in other.items():
            powers = Counter(dict(left))
            powers.update(dict(right))
            key = tuple(sorted(powers.items()))
            made[key] = made.get(key, 0.0) + first * second
    return {powers: number for powers, number in made.items() if number}
