"""The numbers put into the formula of a cell: each knows which operand it is, and of a long sum the rest is said in one number."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator

from bpdebug.core.cells import Cell, Term
from bpdebug.core.numbers import written
from bpdebug.core.render import render_cell, render_name
from bpdebug.core.tree import Tree, Written
from bpdebug.look.explanation import Explanation, in_formula
from bpdebug.look.pencil import LEAST, MOST, Figures, figures, recomputed
from bpdebug.look.sums import Sum, sum_of
from bpdebug.session.view import View
from bpdebug.ui.draw.formula_lines import Marked
from bpdebug.ui.draw.spans import Line, plain, width

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
        self._places: dict[tuple[str, Cell], int] = {cell: place for place, cell in enumerate(explanation.operands)}
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
        return render_cell(term.tree(self._leaf, _MOST + 1), self._explanation.style)

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
    start = 0
    for text, role in drawn:
        end = start + width(text)
        found = [part for part in role.split() if part.startswith(f"{OPERAND}:")]
        if start <= x < end and found:
            return int(found[0].partition(":")[2])
        start = end
    for place, (name, index) in enumerate(view.operands):
        shown = re.escape(render_name(name, view.style, index))
        if any(found.start() <= x < found.end() for found in re.finditer(rf"(?<![\w∂.]){shown}(?!\w)", plain(drawn))):
            return place
    return None
