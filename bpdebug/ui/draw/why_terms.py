"""The sum that makes one number, term by term, each with a bar as long as it is large."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from bpdebug.core.cells import Term
from bpdebug.core.description import Array
from bpdebug.core.numbers import AUTO, NumberStyle, Statistics, aligned, short
from bpdebug.core.render import render_cell
from bpdebug.core.tree import Place
from bpdebug.look.explanation import Explanation
from bpdebug.look.pencil import Figures, figures
from bpdebug.look.sums import sum_of
from bpdebug.session.view import View
from bpdebug.ui.draw.matrix_cells import Look, look_of
from bpdebug.ui.draw.scales import bar
from bpdebug.ui.draw.spans import Line, Span, fit, width
from bpdebug.ui.draw.why_numbers import each_written_out

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
