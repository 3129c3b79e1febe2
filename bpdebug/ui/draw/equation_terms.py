"""The sum that makes one number, term by term, each with a bar as long as it is large."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from bpdebug.core.cells import Term
from bpdebug.core.description import Array
from bpdebug.core.numbers import AUTO, NumberStyle, Statistics, aligned, minus, short
from bpdebug.core.render import render_cell
from bpdebug.core.shapes import Shape
from bpdebug.core.tree import Place
from bpdebug.look.equation import Equation
from bpdebug.look.explanation import Explanation, put_in
from bpdebug.look.pencil import Figures, figures
from bpdebug.look.sums import Sum, signed, sum_of
from bpdebug.session.view import View
from bpdebug.ui.draw.check import result_role
from bpdebug.ui.draw.formula_lines import formula_lines
from bpdebug.ui.draw.matrix_cells import Look, look_of
from bpdebug.ui.draw.spans import Line, Span, crop, fit, line, width
from bpdebug.ui.draw.why_numbers import written_out

_LONGEST_BAR, _SHORTEST_BAR = 24, 6
_HEAT = 8
_MOST_DIGITS = 8


def terms_lines(view: View, equation: Equation, columns: int, rows: int) -> list[Line]:
    """How the selected number comes about, in at most that many lines; nothing where they are too few."""
    explained = view.explanation
    if explained is None or explained.term is None or explained.name != equation.result.name or rows < 1:
        return []
    found = sum_of(explained.term)
    if found and len(found.terms) > 1 and rows >= min(len(found.terms), 3) + 1:
        return _table(view, explained, found, equation.shapes, columns, rows - 1)
    return _in_a_line(view, explained, columns, rows)


def terms_wanted(view: View) -> int:
    """The lines that the sum would take in full."""
    found = sum_of(view.explanation.term) if view.explanation and view.explanation.term else None
    return len(found.terms) + 1 if found else 1


def _in_a_line(view: View, explained: Explanation, columns: int, rows: int) -> list[Line]:
    """The numbers and the result, in a line or as many as they take; without room for all numbers, the largest of a sum."""
    name, role = line((explained.shown, "name")), result_role(view, explained.name)

    def end(shown: Figures) -> Line:
        return line(f" {shown.sign} ", (minus(shown.text(explained.value)), role))

    margin = " " * len(explained.shown)
    for numbers in written_out(explained):
        last = end(numbers.figures)
        if numbers.text in ("", last[-1][0]):
            break
        whole = (*name, (" = ", ""), *numbers.part(0, len(numbers.text)), *last)
        if width(whole) <= columns:
            return [whole]
        first, *others = formula_lines(numbers, columns, f"{margin} = ", f"{margin} ")
        if len(others) + 2 <= rows:
            return [(*name, *crop(first, len(margin), columns)), *others, line((margin, ""), *last)]
    return [fit((*name, *end(explained.figures)), columns)]


def _table(view: View, explained: Explanation, found: Sum, shapes: Mapping[str, Shape], columns: int, rows: int) -> list[Line]:
    """The terms below one another, with their cells, their numbers, their values and bars for what they add, as far as there is room;
    then what is left out, and the result."""
    shown, margin = found.largest(rows if len(found.terms) <= rows else rows - 1), len(explained.shown)
    left_out, rest = found.beside(shown)
    put, last = (figures(made, explained.value, explained.updated) for made in (found.cut(shown), found.made(Term("cell", found.value))))
    terms, exact = len(found.terms), last.digits if found.around else put.result
    parts = [(sign, *_texts(explained, term, shapes, terms, put.digits), term.value, signed(sign, term)) for sign, term in shown]
    parts += [("+", f"{left_out} more", "", rest, rest)] * bool(left_out)
    values = np.array([value for *_, value, _ in parts])
    look, largest = (
        _adding(values, [added for *_, added in parts], short(found.value, exact), exact),
        float(np.abs(values).max(where=np.isfinite(values), initial=0.0)) or 1.0,
    )
    widths = _widths([part[1:3] for part in parts], columns - margin - 3 - look.width)
    drawn: list[Line] = []
    for place, (sign, *texts, value, added) in enumerate(parts):
        name: Span = (" " * margin, "") if place else (explained.shown, "name")
        bare = sign == "−" and not any(widths)
        lead = f"{'' if place else '= '}{'+' if bare else sign}"
        spans: list[Span] = [name, (f" {lead if place else lead.removesuffix(' +')} ", "")]
        for text, wide, role in zip(texts, widths, ("", "dim"), strict=True):
            spans += [(text.ljust(wide), role), (" = " if text else "   ", "dim")] if wide else []
        spans.append((look.text(added if bare else value), "bold"))
        left = columns - margin - 3 - width(tuple(spans[2:])) - 2
        if place == len(shown) and not widths[0]:
            spans.append((f"  {texts[0]}", "dim"))
        elif left >= _SHORTEST_BAR:
            spans += [("  ", ""), _bar(added / largest, min(left, _LONGEST_BAR))]
        drawn.append(fit(tuple(spans), columns))
    around = [minus(f"= ({short(found.value, exact)}){found.around} ")] * bool(found.around)
    result = (minus(put.text(explained.value)), result_role(view, explained.name))
    return [*drawn, fit(line(" " * margin, " ", *around, f"{put.sign} ", result), columns)]


def _adding(values: Array, added: Sequence[float], together: str, exact: int) -> Look:
    """The look of terms with as many digits as it takes for the shown ones to add up to what is shown, with so many digits, below them."""
    known = Statistics(values)
    for digits in range(AUTO.digits, _MOST_DIGITS + 1):
        look = look_of(known, NumberStyle(digits=digits))
        if short(sum(float(aligned(value, look.form)) for value in added), exact) == together:
            return look
    return look_of(known, AUTO)


def _texts(explained: Explanation, term: Term, shapes: Mapping[str, Shape], terms: int, digits: int) -> tuple[str, str]:
    """A term over cells, and with the numbers put in."""
    named = render_cell(term.tree(lambda t: Place(t.name, t.index), _HEAT), explained.style, shapes)
    numbers = put_in(term, explained.style, digits)
    grouped = f"({named})" if term.operator in ("+", "-") and terms > 1 else named
    return grouped, "" if term.operator in ("cell", "number") else numbers


def _widths(texts: list[tuple[str, str]], room: int) -> tuple[int, ...]:
    """How wide the cells and the numbers are; 0 for what there is no room for."""
    widths = []
    for column in zip(*texts, strict=True):
        wide = max(map(len, column))
        widths.append(wide if wide + 3 <= room else 0)
        room -= widths[-1] and wide + 3
    return tuple(widths)


def _bar(share: float, longest: int) -> Span:
    if not np.isfinite(share):
        return "?", "bad"
    halves = round(2 * longest * abs(share))
    return "━" * (halves // 2) + "╸" * (halves % 2), f"ink:{'+' if share >= 0 else '-'}{_HEAT}"
