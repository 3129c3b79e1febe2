"""A number as a sum: its terms with their signs, and what is done with the sum."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import field
from functools import partial

import numpy as np

from bpdebug.core.cells import Term
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
