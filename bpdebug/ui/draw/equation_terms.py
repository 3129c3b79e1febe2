"""The sum that makes one number, term by term, each with a bar as long as it is large."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from bpdebug.debugger.looking.equation import Equation
from bpdebug.debugger.looking.explanation import Explanation, digits_of, put_in
from bpdebug.debugger.numbers import AUTO, Statistics, short
from bpdebug.debugger.view import View
from bpdebug.engine.cells import Term, cell_name
from bpdebug.engine.render import render_cell
from bpdebug.engine.shapes import Shape
from bpdebug.engine.tree import Name
from bpdebug.ui.draw.matrix_cells import look_of
from bpdebug.ui.draw.spans import Line, Span, crop, fit, line, plain, width, wrap

_LONGEST_BAR, _SHORTEST_BAR = 24, 6
_HEAT = 8


@dataclass(frozen=True, eq=False)
class Sum:
    """A number as a sum.

    Attributes:
        terms: what is added, each with its sign.
        around: what is done with the sum afterwards, such as ``/ 4``.
        value: of the sum.
    """

    terms: tuple[tuple[str, Term], ...]
    around: str
    value: float


def sum_of(term: Term) -> Sum | None:
    """The sum that a number is, perhaps with a factor; None for what is none."""
    if term.operator in ("sum", "+", "-") and len(term.parts) > 1:
        return Sum(tuple(_summands(term)), "", term.value)
    if term.operator in ("*", "/") and len(term.parts) == 2:
        for inner, other, sign in ((term.parts[0], term.parts[1], term.operator), (term.parts[1], term.parts[0], "*")):
            found = sum_of(inner) if other.operator in ("cell", "number") and (sign == "/" or term.operator == "*") else None
            if found and inner.operator == "sum":
                return Sum(found.terms, f"{found.around} {'/' if sign == '/' else '·'} {short(other.value, 4)}", found.value)
    return None


def _summands(term: Term, sign: str = "+") -> list[tuple[str, Term]]:
    if term.operator == "sum":
        return [(sign, part) for part in term.parts]
    if term.operator in ("+", "-") and len(term.parts) == 2:
        turned = sign if term.operator == "+" else "−" if sign == "+" else "+"
        return [*_summands(term.parts[0], sign), *_summands(term.parts[1], turned)]
    return [(sign, term)]


def terms_lines(view: View, equation: Equation, columns: int, rows: int) -> list[Line]:
    """How the selected number comes about, in at most that many lines; nothing where they are too few."""
    explained = view.explanation
    if explained is None or explained.term is None or explained.name != equation.result.name or rows < 1:
        return []
    found = sum_of(explained.term)
    if found and len(found.terms) > 1 and rows >= min(len(found.terms), 3) + 1:
        return _Table(explained, found, equation.shapes, columns, rows - 1).lines()
    return _in_a_line(explained, columns, rows)


def terms_wanted(view: View) -> int:
    """The lines that the sum would take in full."""
    found = sum_of(view.explanation.term) if view.explanation and view.explanation.term else None
    return len(found.terms) + 1 if found else 1


def _in_a_line(explained: Explanation, columns: int, rows: int) -> list[Line]:
    """The numbers and the result, in a line or as many as they take."""
    result = short(explained.value, 8).replace("-", "−")
    numbers = f" = {explained.numbers}" if explained.numbers not in ("", result) else ""
    whole = line((explained.shown, "name"), numbers, " = ", (result, "good"))
    if width(whole) <= columns:
        return [whole]
    margin = " " * len(explained.shown)
    first, *others = wrap(f"= {explained.numbers}", columns, "", f"{margin}   ", f"{margin} ")
    if len(others) + 2 <= rows:
        return [(*line((explained.shown, "name")), *crop(first, len(margin), columns)), *others, line(f"{margin} = ", (result, "good"))]
    return [(*_begun(whole[:2], max(columns - len(result) - 3, 0)), *whole[2:])]


def _begun(drawn: Line, columns: int) -> Line:
    """As much of a line as there is room for, with no number cut."""
    text = plain(drawn)
    end = text.rfind(" ", 0, columns - 1)
    return fit((*crop(drawn, 0, end), (" …", "dim")), columns) if width(drawn) > columns and end > 0 else fit(drawn, columns)


class _Table:
    """The terms below one another, with their cells, their numbers, their values and bars, as far as there is room."""

    def __init__(self, explained: Explanation, found: Sum, shapes: Mapping[str, Shape], columns: int, rows: int) -> None:
        self._explained, self._sum, self._shapes, self._columns = explained, found, shapes, columns
        self._shown = found.terms if len(found.terms) <= rows else _largest(found.terms, rows - 1)
        values = np.array([term.value for _, term in self._shown])
        self._look = look_of(Statistics(values), AUTO)
        finite = np.abs(values[np.isfinite(values)])
        self._largest = float(finite.max(initial=0.0)) or 1.0
        self._style, self._margin = explained.style, len(explained.shown)

    def lines(self) -> list[Line]:
        """The terms, what is left out, and the result."""
        drawn = [self._line(place, sign, term) for place, (sign, term) in enumerate(self._shown)]
        left_out = len(self._sum.terms) - len(self._shown)
        if left_out:
            rest = self._sum.value - sum(_signed(sign, term) for sign, term in self._shown)
            drawn.append(self._with_margin("+", line((f"{left_out} smaller ones, together {short(rest, 4)}".replace("-", "−"), "dim"))))
        result = short(self._explained.value, 8).replace("-", "−")
        around = line((f"({short(self._sum.value, 6)}){self._sum.around} = ".replace("-", "−"), "")) if self._sum.around else ()
        return [*drawn, self._with_margin("=", (*around, (result, "good")))]

    def _with_margin(self, sign: str, rest: Line, first: bool = False) -> Line:
        name: Span = (self._explained.shown, "name") if first else (" " * self._margin, "")
        return fit((name, (f" {sign} ", ""), *rest), self._columns)

    def _line(self, place: int, sign: str, term: Term) -> Line:
        number: Span = (self._look.text(term.value), "bold")
        room = self._columns - self._margin - 3
        spans: list[Span] = []
        for text, wide, role in zip(self._texts(term), self._widths, ("", "dim"), strict=True):
            if wide and width(tuple(spans)) + wide + 3 + self._look.width <= room:
                spans += [(text.ljust(wide), role), (" = " if text else "   ", "dim")]
        if not spans and sign == "−":
            return self._line(place, "+", Term("number", -term.value))
        left = room - width((*spans, number)) - 2
        bar = (("  ", ""), self._bar(_signed(sign, term), min(left, _LONGEST_BAR))) if left >= _SHORTEST_BAR else ()
        shown = "=" if place == 0 and sign == "+" else "= −" if place == 0 else sign
        return self._with_margin(shown, (*spans, number, *bar), first=place == 0)

    def _texts(self, term: Term) -> tuple[str, str]:
        """The term over cells, and with the numbers put in."""
        named = render_cell(term.tree(lambda t: Name(cell_name(t.name, t.index)), _HEAT), self._style, self._shapes)
        numbers = put_in(term, self._style, digits_of(self._explained.stage)) if self._explained.stage else ""
        grouped = f"({named})" if term.operator in ("+", "-") and len(self._sum.terms) > 1 else named
        return grouped, "" if term.operator in ("cell", "number") else numbers

    @cached_property
    def _widths(self) -> tuple[int, int]:
        texts = [self._texts(term) for _, term in self._shown]
        named, numbers = (max(len(text[column]) for text in texts) for column in (0, 1))
        return named, numbers

    def _bar(self, value: float, longest: int) -> Span:
        if not np.isfinite(value):
            return "?", "bad"
        halves = round(2 * longest * abs(value) / self._largest)
        return "━" * (halves // 2) + "╸" * (halves % 2), f"ink:{'+' if value >= 0 else '-'}{_HEAT}"


def _largest(terms: tuple[tuple[str, Term], ...], count: int) -> tuple[tuple[str, Term], ...]:
    """The terms of the largest size, in their order; what is not finite is the largest of all."""
    sizes = np.nan_to_num(np.abs([term.value for _, term in terms]), nan=np.inf)
    return tuple(terms[place] for place in sorted(np.argsort(-sizes, kind="stable")[:count]))


def _signed(sign: str, term: Term) -> float:
    return -term.value if sign == "−" else term.value
