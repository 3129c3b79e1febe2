"""The samples with their targets and what the network answers, the worst first."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from rich.cells import cell_len

from bpdebug.debugger.looking.surface import Surface
from bpdebug.debugger.numbers import short
from bpdebug.debugger.view import View
from bpdebug.engine.description import Array
from bpdebug.ui.draw.sample_marks import current_place
from bpdebug.ui.draw.scales import bar
from bpdebug.ui.draw.spans import Line, Span, fit, plain

_BAR, _WIDEST_BAR = 6, 24
_MOST = 4
"""Outputs that are shown in numbers."""


def answer_lines(view: View, surface: Surface, columns: int) -> list[Line]:
    """A line for each sample, the present one marked, under a heading."""
    rows = _class_rows(surface) if surface.task == "classes" else _number_rows(surface)
    heading, *texts = list(rows)
    widths, gap = _widths([heading, *texts], columns - 5)
    room = min(columns - sum(widths) - gap * len(widths) - 5, _WIDEST_BAR)
    present, shares = current_place(view, surface), _shares(surface)
    lines = [fit((("  ", ""), *_cells(heading, widths, gap, "faint")), columns)]
    for place, text in zip(surface.worst.tolist(), texts, strict=True):
        marked: Span = ("▶ ", "next") if place == present else ("  ", "")
        shown = (marked, *_cells(text, widths, gap, "bold" if place == present else ""), _verdict(surface, place))
        bars: Line = (("  ", ""), (bar(shares[place], room - 2), "curve")) if room > _BAR else ()
        lines.append(fit((*shown, *bars), columns))
    return lines


def _widths(rows: list[tuple[str, ...]], columns: int) -> tuple[list[int], int]:
    """The widths of the table's columns and the gaps between them; where there is too little room, that of its two texts shrinks."""
    widths = [max(cell_len(row[column]) for row in rows) for column in range(len(rows[0]))]
    gap = 2 if sum(widths) + 2 * len(widths) <= columns else 1
    missing = max(sum(widths) + gap * len(widths) - columns, 0)
    for place, share in ((1, missing // 2), (2, missing - missing // 2)):
        widths[place] = max(widths[place] - share, 3)
    return widths, gap


def _cells(texts: tuple[str, ...], widths: list[int], gap: int, role: str) -> Iterator[Span]:
    """Texts in columns, numbers to the right."""
    for text, columns in zip(texts, widths, strict=True):
        shown = text if cell_len(text) <= columns else plain(fit(((text, ""),), columns))
        blanks = " " * (columns - cell_len(shown))
        yield (blanks + shown if text[:1] in "−0123456789" else shown + blanks) + " " * gap, role


def _class_rows(surface: Surface) -> Iterator[tuple[str, ...]]:
    """Heading, then for each sample its class, the class answered, and how much the right one was given."""
    yield "sample", "target", "answer", "given"
    for place in surface.worst.tolist():
        wanted, decided = int(surface.wanted[place]), int(surface.decided[place])
        given = f"{surface.outputs[place, wanted]:.3f}".replace("-", "−")
        yield str(surface.samples[place]), surface.labels[wanted], surface.labels[decided], given


def _number_rows(surface: Surface) -> Iterator[tuple[str, ...]]:
    """Heading, then for each sample its targets and the answers."""
    yield "sample", "target", "answer", "error"
    for place in surface.worst.tolist():
        error = short(float(surface.error[place]), 3).replace("-", "−")
        yield str(surface.samples[place]), _vector(surface.y[place]), _vector(surface.outputs[place]), error


def _vector(values: Array) -> str:
    shown = " ".join(short(float(value), 3).replace("-", "−") for value in values[:_MOST])
    return shown + " …" * (len(values) > _MOST)


def _shares(surface: Surface) -> list[float]:
    """How long each sample's bar is: what the right class was given, or how far off the answer is, beside the worst."""
    if surface.task == "classes":
        wanted = surface.wanted
        return [float(surface.outputs[place, wanted[place]]) for place in range(len(wanted))]
    error = np.where(np.isfinite(surface.error), surface.error, np.inf)
    most = float(error[np.isfinite(error)].max(initial=0.0)) or 1.0
    return [float(min(value / most, 1.0)) for value in error]


def _verdict(surface: Surface, place: int) -> Span:
    if surface.right is None:
        return ("", "")
    return ("✓", "done") if surface.right[place] else ("✗", "bad")
