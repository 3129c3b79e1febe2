"""The sum that makes one number, term by term, each with a bar as long as it is large."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cached_property

import numpy as np

from bpdebug.core.cells import Term
from bpdebug.core.numbers import AUTO, Statistics, minus, short, written
from bpdebug.core.render import render_cell
from bpdebug.core.shapes import Shape
from bpdebug.core.tree import Place
from bpdebug.look.equation import Equation
from bpdebug.look.explanation import Explanation, digits_of, put_in
from bpdebug.look.sums import Sum, signed, sum_of
from bpdebug.session.view import View
from bpdebug.ui.draw.check import result_role
from bpdebug.ui.draw.formula_lines import formula_lines
from bpdebug.ui.draw.matrix_cells import look_of
from bpdebug.ui.draw.spans import Line, Span, crop, fit, line, width
from bpdebug.ui.draw.why_numbers import written_out

_LONGEST_BAR, _SHORTEST_BAR = 24, 6
_HEAT = 8


def terms_lines(view: View, equation: Equation, columns: int, rows: int) -> list[Line]:
    """How the selected number comes about, in at most that many lines; nothing where they are too few."""
    explained = view.explanation
    if explained is None or explained.term is None or explained.name != equation.result.name or rows < 1:
        return []
    found = sum_of(explained.term)
    if found and len(found.terms) > 1 and rows >= min(len(found.terms), 3) + 1:
        return _Table(view, explained, found, equation.shapes, columns, rows - 1).lines()
    return _in_a_line(view, explained, columns, rows)


def terms_wanted(view: View) -> int:
    """The lines that the sum would take in full."""
    found = sum_of(view.explanation.term) if view.explanation and view.explanation.term else None
    return len(found.terms) + 1 if found else 1


def _in_a_line(view: View, explained: Explanation, columns: int, rows: int) -> list[Line]:
    """The numbers and the result, in a line or as many as they take; without room for all numbers, the largest of a sum."""
    result: Span = (written(explained.value, 8), result_role(view, explained.name))
    name, end = line((explained.shown, "name")), line(" = ", result)
    margin = " " * len(explained.shown)
    for numbers in written_out(explained):
        if numbers.text in ("", result[0]):
            break
        whole = (*name, (" = ", ""), *numbers.part(0, len(numbers.text)), *end)
        if width(whole) <= columns:
            return [whole]
        first, *others = formula_lines(numbers, columns, f"{margin} = ", f"{margin} ")
        if len(others) + 2 <= rows:
            return [(*name, *crop(first, len(margin), columns)), *others, line((margin, ""), *end)]
    return [fit((*name, *end), columns)]


class _Table:
    """The terms below one another, with their cells, their numbers, their values and bars, as far as there is room."""

    def __init__(self, view: View, explained: Explanation, found: Sum, shapes: Mapping[str, Shape], columns: int, rows: int) -> None:
        self._explained, self._sum, self._shapes, self._columns = explained, found, shapes, columns
        self._shown = found.largest(rows if len(found.terms) <= rows else rows - 1)
        self._left_out, self._rest = found.beside(self._shown)
        values = np.array([*(term.value for _, term in self._shown), *[self._rest] * bool(self._left_out)])
        self._look = look_of(Statistics(values), AUTO)
        finite = np.abs(values[np.isfinite(values)])
        self._largest = float(finite.max(initial=0.0)) or 1.0
        self._style, self._margin = explained.style, len(explained.shown)
        self._role = result_role(view, explained.name)

    def lines(self) -> list[Line]:
        """The terms, what is left out, and the result."""
        drawn = [self._line(place, sign, term) for place, (sign, term) in enumerate(self._shown)]
        if self._left_out:
            drawn.append(self._row("+", (f"{self._left_out} more", ""), self._rest, self._rest))
        result = written(self._explained.value, 8)
        around = line(minus(f"({short(self._sum.value, 6)}){self._sum.around} = ")) if self._sum.around else ()
        return [*drawn, self._with_margin("=", (*around, (result, self._role)))]

    def _with_margin(self, sign: str, rest: Line, first: bool = False) -> Line:
        name: Span = (self._explained.shown, "name") if first else (" " * self._margin, "")
        return fit((name, (f" {sign} ", ""), *rest), self._columns)

    def _line(self, place: int, sign: str, term: Term) -> Line:
        texts = self._texts(term)
        if sign == "−" and not any(self._shown_columns):
            return self._row("=" if place == 0 else "+", texts, -term.value, -term.value, first=place == 0)
        shown = "=" if place == 0 and sign == "+" else "= −" if place == 0 else sign
        return self._row(shown, texts, term.value, signed(sign, term), first=place == 0)

    def _row(self, sign: str, texts: tuple[str, str], value: float, added: float, first: bool = False) -> Line:
        """A term: its cells, its numbers, its value with the sign before it, and a bar for what it adds."""
        spans: list[Span] = []
        for text, wide, role in zip(texts, self._shown_columns, ("", "dim"), strict=True):
            if wide:
                spans += [(text.ljust(wide), role), (" = " if text else "   ", "dim")]
        number: Span = (self._look.text(value), "bold")
        left = self._columns - self._margin - 3 - width((*spans, number)) - 2
        bar = (("  ", ""), self._bar(added, min(left, _LONGEST_BAR))) if left >= _SHORTEST_BAR else ()
        said = ((f"  {texts[0]}", "dim"),) if texts[0].endswith(" more") and not self._shown_columns[0] else ()
        return self._with_margin(sign, (*spans, number, *(said or bar)), first)

    def _texts(self, term: Term) -> tuple[str, str]:
        """The term over cells, and with the numbers put in."""
        named = render_cell(term.tree(lambda t: Place(t.name, t.index), _HEAT), self._style, self._shapes)
        numbers = put_in(term, self._style, digits_of(self._explained.stage)) if self._explained.stage else ""
        grouped = f"({named})" if term.operator in ("+", "-") and len(self._sum.terms) > 1 else named
        return grouped, "" if term.operator in ("cell", "number") else numbers

    @cached_property
    def _shown_columns(self) -> tuple[int, int]:
        """How wide the cells and the numbers are; 0 for what there is no room for."""
        texts = [self._texts(term) for _, term in self._shown] + [(f"{self._left_out} more", "")] * bool(self._left_out)
        room = self._columns - self._margin - 3 - self._look.width
        widths = []
        for column in (0, 1):
            wide = max(len(text[column]) for text in texts)
            fits = wide + 3 <= room
            room -= (wide + 3) * fits
            widths.append(wide * fits)
        return widths[0], widths[1]

    def _bar(self, value: float, longest: int) -> Span:
        if not np.isfinite(value):
            return "?", "bad"
        halves = round(2 * longest * abs(value) / self._largest)
        return "━" * (halves // 2) + "╸" * (halves % 2), f"ink:{'+' if value >= 0 else '-'}{_HEAT}"
