"""A number as a sum: its terms with their signs, and what is done with the sum; and how many digits have to be shown, so that a reader with
a pencil gets from the shown numbers the result that is shown."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable
from dataclasses import field
from functools import partial, reduce
from typing import Any

import numpy as np

from bpdebug.core.cells import Term
from bpdebug.core.functions import ARITHMETIC, COMPARISONS, FUNCTIONS, OPERATORS
from bpdebug.core.numbers import short
from bpdebug.core.record import Record, replace

_FEW = 8


class Sum(Record, eq=False):
    """A number as a sum.

    Attributes:
        terms: what is added, each with its sign.
        around: what is done with the sum afterwards, such as ``/ 4``.
        value: of the sum.
        made: what the number is, of a sum in the place of this one.
    """

    terms: tuple[tuple[str, Term], ...]
    around: str
    value: float
    made: Callable[[Term], Term] = field(default=lambda term: term, repr=False)

    @property
    def values(self) -> Sum:
        """The same of the terms' values alone."""
        return replace(self, terms=tuple((sign, Term("cell", term.value)) for sign, term in self.terms))

    def largest(self, count: int) -> tuple[tuple[str, Term], ...]:
        """So many terms of the largest size, in their order; what is not finite is the largest of all."""
        sizes = np.nan_to_num(np.abs([term.value for _, term in self.terms]), nan=np.inf)
        return tuple(self.terms[place] for place in sorted(np.argsort(-sizes, kind="stable")[:count]))

    def beside(self, shown: tuple[tuple[str, Term], ...]) -> tuple[int, float]:
        """How many terms there are beside those, and what they add up to."""
        seen = {id(term) for _, term in shown}
        others = [signed(sign, term) for sign, term in self.terms if id(term) not in seen]
        return len(others), sum(others)

    def cut(self, shown: tuple[tuple[str, Term], ...]) -> Term:
        """The number, made of those terms and of what the others add up to; of sums within them, too, with a few terms alone."""
        others, rest = self.beside(shown)
        brief = ((sign, term.brief(_FEW)) for sign, term in shown)
        parts = [Term("-", -term.value, _make=partial(iter, (term,))) if sign == "−" else term for sign, term in brief]
        parts += [Term("rest", rest, str(others))] * bool(others)
        return self.made(Term("sum", self.value, _make=partial(iter, parts)))


def signed(sign: str, term: Term) -> float:
    """What a term adds."""
    return -term.value if sign == "−" else term.value


def sum_of(term: Term) -> Sum | None:
    """The sum that a number is, perhaps with a factor; None for what is none."""
    if term.operator in ("sum", "+", "-") and len(term.parts) > 1:
        return Sum(tuple(_summands(term)), "", term.value)
    if term.operator in ("*", "/") and len(term.parts) == 2:
        for inner, other, sign in ((term.parts[0], term.parts[1], term.operator), (term.parts[1], term.parts[0], "*")):
            found = sum_of(inner) if other.operator in ("cell", "number") and (sign == "/" or term.operator == "*") else None
            if found and inner.operator == "sum":
                made = partial(_around, term, other, found.made)
                return Sum(found.terms, f"{found.around} {'/' if sign == '/' else '·'} {short(other.value, 4)}", found.value, made)
    return None


def _around(term: Term, other: Term, made: Callable[[Term], Term], inner: Term) -> Term:
    return Term(term.operator, term.value, _make=partial(iter, (made(inner), other)))


def _summands(term: Term, sign: str = "+") -> list[tuple[str, Term]]:
    if term.operator == "sum":
        return [(sign, part) for part in term.parts]
    if term.operator in ("+", "-") and len(term.parts) == 2:
        turned = sign if term.operator == "+" else "−" if sign == "+" else "+"
        return [*_summands(term.parts[0], sign), *_summands(term.parts[1], turned)]
    return [(sign, term)]


LEAST, MOST = 4, 8
"""Digits of the numbers that are put into a formula."""
RESULT = 5
"""Digits of what comes out."""
GIVEN = 10
"""Of a number that comes from nothing else."""
_BRIEF = 6
_PAIRS = [(digits, result) for most, result in ((_BRIEF, RESULT), (MOST, LEAST), (MOST, RESULT)) for digits in range(LEAST, most + 1)]
"""Digits of what is put in and of what comes out, the best first."""
_STEP = [(digits, result) for result in (7, 6, RESULT, LEAST) for digits in range(LEAST, MOST + 1)]
"""Of an updated parameter: a step is small beside it."""


class Figures(Record):
    """How numbers are shown.

    Attributes:
        digits: of the numbers that are put in.
        result: of what comes out.
        agree: whether the one gives the other, to its last digit.
    """

    digits: int = LEAST
    result: int = RESULT
    agree: bool = True

    @property
    def sign(self) -> str:
        """What stands before the result."""
        return "=" if self.agree else "≈"

    def text(self, value: float) -> str:
        """The result."""
        return short(value, self.result)


def figures(shown: Term, value: float, step: bool = False, result: int = 0) -> Figures:
    """The best digits with which the result can be confirmed.

    Args:
        shown: what the numbers are put into, with no more terms than are shown.
        value: the result.
        step: whether it is a parameter after an update.
        result: with how many digits it has to be shown; as many as there are reasons for, where that is 0.
    """
    pairs = [(digits, result) for digits in range(LEAST, MOST + 1)] if result else _STEP if step else _PAIRS
    for digits, shown_as in pairs:
        if short(recomputed(shown, digits), shown_as) == short(value, shown_as):
            return Figures(digits, shown_as)
    return Figures(MOST, result or RESULT, agree=False)


def added(values: Iterable[float]) -> Term:
    """Numbers as a sum."""
    parts = [Term("cell", value) for value in values]
    return Term("sum", sum(part.value for part in parts), _make=lambda: iter(parts))


def multiplied(values: Iterable[float]) -> Term:
    """Numbers as a product."""
    return reduce(
        lambda one, other: Term("*", one.value * other.value, _make=lambda: iter((one, other))), (Term("cell", v) for v in values)
    )


def recomputed(term: Term, digits: int) -> float:
    """What a number is, from its cells as they are shown with so many digits."""
    with np.errstate(all="ignore"):
        return float(_again(term, digits))


def _again(term: Term, digits: int) -> Any:
    known: dict[int, Any] = vars(term).setdefault("_again", {})  # the same term is tried among fewer and fewer others
    if digits not in known:
        known[digits] = _once(term, digits)
    return known[digits]


def _once(term: Term, digits: int) -> Any:
    if not term.parts:
        finite = term.operator in ("cell", "rest") and math.isfinite(term.value)
        return np.float64(short(term.value, digits) if finite else term.value)
    parts = [_again(part, digits) for part in term.parts]
    if term.operator == "sum":
        return sum(parts)
    if term.operator == "-" and len(parts) == 1:
        return -parts[0]
    run = ARITHMETIC.get(term.operator) or COMPARISONS.get(term.operator)
    if run is not None:
        return run(*parts)
    if (term.operator, len(parts)) in OPERATORS:  # what takes truth values
        return OPERATORS[term.operator, len(parts)].run(*map(np.bool_, parts))
    row = FUNCTIONS[term.operator]
    return row.run(np.array(parts)) if row.reduces else row.run(*parts)
