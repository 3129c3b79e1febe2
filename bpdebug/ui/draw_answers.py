"""The samples with their targets and what the network answers, the worst first."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from rich.cells import cell_len

from bpdebug.debugger.numbers import short
from bpdebug.debugger.surface import Surface
from bpdebug.debugger.view import View
from bpdebug.engine.description import Array
from bpdebug.ui.sample_marks import current_place
from bpdebug.ui.scales import bar
from bpdebug.ui.spans import Line, Span, fit

_BAR, _WIDEST_BAR = 6, 24
_MOST = 4
"""Outputs that are shown in numbers."""


def answer_lines(view: View, surface: Surface, columns: int) -> list[Line]:
    """A line for each sample, the present one marked, under a heading."""
    rows = _class_rows(surface) if surface.task == "classes" else _number_rows(surface)
    heading, *texts = list(rows)
    widths = [max(cell_len(row[column]) for row in (heading, *texts)) for column in range(len(heading))]
    room = min(max(columns - sum(widths) - 2 * len(widths) - 4, _BAR), _WIDEST_BAR)
    present, shares = current_place(view, surface), _shares(surface)
    lines = [fit((("  ", ""), *_cells(heading, widths, "faint")), columns)]
    for place, text in zip(surface.worst.tolist(), texts, strict=True):
        marked: Span = ("▶ ", "next") if place == present else ("  ", "")
        verdict, role = _verdict(surface, place)
        shown = (marked, *_cells(text, widths, "bold" if place == present else ""), (verdict, role), (bar(shares[place], room), "curve"))
        lines.append(fit(shown, columns))
    return lines


def _cells(texts: tuple[str, ...], widths: list[int], role: str) -> Iterator[Span]:
    """Texts in columns, numbers to the right."""
    for text, columns in zip(texts, widths, strict=True):
        blanks = " " * (columns - cell_len(text))
        yield (blanks + text if text[:1] in "−0123456789" else text + blanks) + "  ", role


def _class_rows(surface: Surface) -> Iterator[tuple[str, ...]]:
    """Heading, then for each sample its class, the class answered, and how much the right one was given."""
    yield "sample", "target", "answer", "of target"
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
    return ("✓  ", "done") if surface.right[place] else ("✗  ", "bad")
