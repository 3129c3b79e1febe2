"""The numbers put into the formula of a cell: each knows which operand it is, and of a long sum the rest is said in one number; and such a
sum term by term, each with a bar as long as it is large."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence

import numpy as np

from bpdebug.core.cells import NamedCell, Term
from bpdebug.core.description import Array
from bpdebug.core.numbers import AUTO, NumberStyle, Statistics, aligned, short, written
from bpdebug.core.render import render_cell
from bpdebug.core.tree import Place, Tree, Written
from bpdebug.look.explanation import Explanation, in_formula
from bpdebug.look.once import once
from bpdebug.look.sums import LEAST, MOST, Figures, Sum, figures, recomputed, sum_of
from bpdebug.session.view import View
from bpdebug.ui.draw.formula_lines import Marked
from bpdebug.ui.draw.matrix_block import Look, look_of
from bpdebug.ui.draw.scales import bar
from bpdebug.ui.draw.spans import Line, Span, fit, plain, span_at, width

OPERAND = "operand"
"""The role of a number that stands for an operand: ``operand:3``, from 0."""
_MOST, _LEAST = 8, 2
_FIRST_MARK = 0xE000
_MARK = re.compile("([\ue000-\uf8ff])(−?(?:[0-9.]+(?:e[−-]?[0-9]+)?|inf|nan|∞))")


class Calculation(Marked):
    """Numbers put into a formula.

    Attributes:
        figures: with how many digits they and the result are shown.
    """

    figures: Figures = Figures()


def written_out(explanation: Explanation, chosen: int | None = None) -> Iterator[Calculation]:
    """The formula of a number with the numbers put in, from the most to the least: in full, with fewer and fewer of the terms of a sum
    (what they add up to is said), and with the values of its parts alone.

    Args:
        explanation: of a number with a formula.
        chosen: the operand that is underlined.
    """
    term = explanation.term
    if term is None or explanation.stage is None:
        return
    numbers, found = _Numbers(explanation, chosen), sum_of(term)
    if found is None:
        yield numbers.whole(term)
        yield numbers.whole(term.flat())
        return
    few = len(found.terms) <= _MOST
    yield numbers.whole(term) if few else numbers.cut(found, _MOST)
    compound = any(part.operator not in ("cell", "number", "*", "/") for _, part in found.terms)
    for count in range(min(_MOST, len(found.terms)) - 1, _MOST // 2 - 1 if compound else _LEAST - 1, -1):
        yield numbers.cut(found, count)
    for count in range(min(_MOST, len(found.terms)), _LEAST - 1, -1) if compound else ():
        yield numbers.cut(found.values, count)


def each_written_out(
    explanation: Explanation, chosen: int | None, shown: tuple[tuple[str, Term], ...], value_of: Callable[[float], str]
) -> Iterator[tuple[Line, str, str]]:
    """The terms of a sum that are shown with the numbers put in, nothing for one that is a number already; the role of its value, and the
    sign between the two: ``=``, or ``≈`` where the numbers do not give the last digit.

    Args:
        explanation: of the sum.
        chosen: the operand that is underlined.
        shown: the terms.
        value_of: how their values are written; each has as many digits as it takes to get from its numbers to that.
    """
    for _, term in shown:
        numbers = _Numbers(explanation, chosen)
        if term.operator in ("cell", "number"):
            yield (), numbers.role(term), "="
        else:
            numbers.confirm(term, value_of)
            text = numbers.marked(numbers.text(term))
            yield text.part(0, len(text.text), "dim"), "", text.figures.sign


class _Numbers:
    """Writes formulas with numbers, and remembers where those of the operands stand."""

    def __init__(self, explanation: Explanation, chosen: int | None) -> None:
        self._explanation, self._chosen = explanation, chosen
        self._places: dict[NamedCell, int] = {cell: place for place, cell in enumerate(explanation.operands)}
        self._figures = explanation.figures

    def whole(self, term: Term) -> Calculation:
        """All of it."""
        shown = term.brief(_MOST)
        self.fit(shown)
        return self.marked(self.text(shown))

    def cut(self, found: Sum, count: int) -> Calculation:
        """So many terms of a sum, and what the others add up to."""
        shown = found.largest(count)
        others, rest = found.beside(shown)
        self.fit(found.cut(shown))
        text = ""
        for sign, term in shown:
            part = f"({self.text(term)})" if term.operator in ("+", "-") else self.text(term)
            text += f" {sign} {part}" if text else f"{sign.replace('+', '')}{part}"
        text += f" + {others} more, together {written(rest, self._figures.digits)}" * bool(others)
        return self.marked(f"({text}){found.around}" if found.around else text)

    def fit(self, shown: Term) -> None:
        """As many digits as these numbers need."""
        self._figures = figures(shown, self._explanation.value, self._explanation.updated)

    def confirm(self, term: Term, value_of: Callable[[float], str]) -> None:
        """As few digits as give what is written as a term's value."""
        brief = term.brief(_MOST)
        enough = [n for n in range(LEAST, MOST + 1) if value_of(recomputed(brief, n)) == value_of(term.value)]
        self._figures = Figures([*enough, MOST][0], agree=bool(enough))

    def role(self, term: Term) -> str:
        """The role of a term's value, where it is an operand."""
        place = self._places.get((term.name, term.index))
        return "" if place is None else self._role(place)

    def _role(self, place: int) -> str:
        return f"{OPERAND}:{place}" + " bold lit" * (place == self._chosen)

    def text(self, term: Term) -> str:
        """A term with the numbers put in."""
        style = self._explanation.style
        return once(term, (self._figures.digits, style), lambda: render_cell(term.tree(self._leaf, _MOST + 1), style))

    def _leaf(self, term: Term) -> Tree:
        text, place = in_formula(term.value, self._figures.digits), self._places.get((term.name, term.index))
        if term.operator == "rest":
            return Written(f"{term.name} more, together {text}")
        mark = "" if place is None else chr(_FIRST_MARK + place)
        return Written(f"({mark}{text[1:]}" if text.startswith("(") else mark + text)

    def marked(self, text: str) -> Calculation:
        """The text without its marks, and what they stand for."""
        marks, plain, end = [], "", 0
        for found in _MARK.finditer(text):
            plain += text[end : found.start()]
            place = ord(found[1]) - _FIRST_MARK
            marks.append((len(plain), len(plain) + len(found[2]), self._role(place)))
            plain, end = plain + found[2], found.end()
        return Calculation(plain + text[end:], tuple(marks), self._figures)


def operand_at(view: View, drawn: Line, x: int) -> int | None:
    """Which of the explanation's operands, from 0, is at a column of a line, by name or as a number; None for none."""
    for part in span_at(drawn, x)[1].split():
        if part.startswith(f"{OPERAND}:"):
            return int(part.partition(":")[2])
    for place, (name, index) in enumerate(view.operands):
        shown = re.escape(view.named(name, index))
        if any(found.start() <= x < found.end() for found in re.finditer(rf"(?<![\w∂.]){shown}(?!\w)", plain(drawn))):
            return place
    return None


_LONGEST_BAR, _SHORTEST_BAR = 40, 6
_HEAT, _BROAD = 8, 110
_MOST_DIGITS = 14
_LEAST_TERMS = 4


def terms_lines(view: View, explained: Explanation, columns: int, rows: int, chosen: int) -> tuple[list[Line], str, Figures] | None:
    """The terms of a number below one another, with their cells, their numbers, their values and bars for what they add, as far as there
    is room, then what is left out; what is done with their sum; and with how many digits the result is what the shown numbers give.
    None of a number that is no sum, and in too few lines.

    Args:
        view: the moment.
        explained: the number.
        columns, rows: the room.
        chosen: the operand that is underlined.
    """
    found = sum_of(explained.term) if explained.term else None
    if found is None or rows < min(len(found.terms), _LEAST_TERMS) or columns < len(explained.shown) + 3 * _SHORTEST_BAR:
        return None
    margin, terms = len(explained.shown), len(found.terms)
    shown = found.largest(rows if terms <= rows else rows - 1)
    left_out, rest = found.beside(shown)
    put, last = (figures(made, explained.value, explained.updated) for made in (found.cut(shown), found.made(Term("cell", found.value))))
    exact = last.digits if found.around else put.result
    values = [*(term.value for _, term in shown), *[rest] * bool(left_out)]
    added = [-value if sign == "−" else value for (sign, _), value in zip((*shown, ("+", rest)), values, strict=False)]
    look = _adding(np.array(values), added, short(found.value, exact), exact)
    numbers = each_written_out(explained, chosen, shown, look.text)
    parts = [(sign, _named(view, explained, term), *text, term.value) for (sign, term), text in zip(shown, numbers, strict=True)]
    parts += [("+", f"{left_out} more", (), "", "=", rest)] * bool(left_out)
    largest = float(np.abs(added).max(where=np.isfinite(added), initial=0.0)) or 1.0
    room, widths = columns - margin - 3 - look.width - _SHORTEST_BAR - 2, [0, 0]
    names, texts = [width(name) for _, name, *_ in parts], [width(text) for _, _, text, *_ in parts]
    for place, wide in ((1, any(texts) and max(text or name for name, text in zip(names, texts, strict=True))), (0, max(names))):
        if wide and wide + 3 <= room:  # the numbers matter more than the cells, which the formula names
            widths[place], room = wide, room - wide - 3
    if not any(widths):
        return None
    drawn: list[Line] = []
    for place, ((sign, name, text, role, equal, value), adds) in enumerate(zip(parts, added, strict=True)):
        lead = f"{'' if place else '= '}{sign}"
        spans: list[Span] = [(" " * margin, ""), (f" {lead if place else lead.removesuffix(' +')} ", "")]
        named: Line = ((name, ""),)
        if widths[0]:  # a term that is a number already has nothing put in
            spans += [*fit(named, widths[0]), (" = " if text or not widths[1] else "   ", "dim")]
        if widths[1]:
            spans += [*fit(text if widths[0] else text or named, widths[1]), (f" {equal} ", "dim")]
        spans.append((look.text(value), f"bold {role}".strip()))
        left = columns - width(tuple(spans)) - 2
        if left >= _SHORTEST_BAR:
            longest, share = min(left, columns // 2 if columns >= _BROAD else _LONGEST_BAR), adds / largest
            colour = f"ink:{'+' if share >= 0 else '-'}{_HEAT}"
            spans += [("  ", ""), (bar(abs(share), longest), colour) if np.isfinite(share) else ("?", "bad")]
        drawn.append(tuple(spans))
    return drawn, f"= ({short(found.value, exact)}){found.around} " * bool(found.around), put


def _adding(values: Array, added: Sequence[float], together: str, exact: int) -> Look:
    """The look of terms with as many digits as it takes for the shown ones to add up to what is shown, with so many digits, below them.

    Numbers that are scientific with the fewest digits stay so: in fixed point, zeros would use the digits up.
    """
    known = Statistics(values)
    few = look_of(known, AUTO)
    for digits in range(AUTO.digits, _MOST_DIGITS + 1):
        style = NumberStyle("scientific", digits - 2) if few.form.endswith("e") else NumberStyle(digits=digits)
        look = look_of(known, style)
        if short(sum(float(aligned(value, look.form)) for value in added), exact) == together:
            return look
    return few


def _named(view: View, explained: Explanation, term: Term) -> str:
    """A term over cells."""
    named = render_cell(term.tree(lambda t: Place(t.name, t.index), _HEAT), explained.style, view.shapes)
    return f"({named})" if term.operator in ("+", "-") else named
