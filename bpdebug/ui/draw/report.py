"""A table of what was found stage by stage, by the check or by a comparison, with what it comes to below."""

from __future__ import annotations

from collections.abc import Sequence

from bpdebug.core.cells import Cell, cell_name
from bpdebug.core.numbers import short
from bpdebug.core.record import Record
from bpdebug.core.render import render, render_name
from bpdebug.core.schedule import Stage
from bpdebug.session.view import View
from bpdebug.ui.draw.spans import Line, Span, width, wrap


class Finding(Record, eq=False):
    """A row.

    Attributes:
        stage: what it is about.
        sign, word: the verdict, as a sign with its role and in a word.
        error: the largest relative error, or None where no numbers were compared.
        cell: where it is.
        numbers: the two numbers that are compared there, as text.
        cells: how much was compared.
        notable: whether the numbers matter.
        foldable: whether it may share a row with its neighbours.
    """

    stage: Stage
    sign: Span
    word: str
    error: float | None
    cell: Cell
    numbers: tuple[str, str]
    cells: str
    notable: bool
    foldable: bool

    @property
    def place(self) -> str:
        """The cell, as a command takes it."""
        return cell_name(self.stage.name, self.cell)


class Report(Record, eq=False):
    """What a screen of results shows.

    Attributes:
        title: what was done, and what it has come to.
        update: the update that it is about.
        headings: of the two columns of numbers.
        findings: in the order of the program.
        notes: sentences with their roles; those that begin with blanks belong to the one before.
        first: the finding to look at first.
    """

    title: str
    update: int
    headings: tuple[str, str]
    findings: tuple[Finding, ...]
    notes: tuple[Span, ...]
    first: Finding


def number(value: float, digits: int = 5) -> str:
    """A number in a sentence or in the table."""
    return short(float(value), digits).replace("-", "−")


def folded(findings: Sequence[Finding], rows: int) -> list[list[Finding]]:
    """The findings for a table of that many rows: where they are too many and not all the same, neighbours that are right stand in
    one row, and then those that inherit an error."""
    groups = [[finding] for finding in findings]
    for notable in (False, True):
        if len(groups) > rows and len({finding.sign for finding in findings}) > 1:
            groups = _joined(groups, notable)
    return groups


def _joined(groups: list[list[Finding]], notable: bool) -> list[list[Finding]]:
    joined: list[list[Finding]] = []
    for group in groups:
        finding = group[0]
        if joined and finding.foldable and finding.notable == notable and joined[-1][0].sign == finding.sign:
            joined[-1] = [*joined[-1], *group]
        else:
            joined.append(group)
    return joined


ROUNDING = 1e-12
"""Relative errors below this are rounding, whose digits say nothing."""


def brief_error(error: float) -> str:
    """A relative error in a few characters."""
    return short(error, 2) if not error < ROUNDING else "<1e-12"


def worst(group: Sequence[Finding]) -> Finding:
    """The finding of a row whose numbers stand in it."""
    return max(group, key=lambda one: one.error or 0.0)


_OPTIONAL = (8, 7, 4)
"""The columns that are left out where there is no room, the first first."""
_RIGHT = (3, 5, 6, 7)
"""The columns of numbers."""


def report_table(view: View, report: Report, groups: Sequence[Sequence[Finding]], columns: int) -> list[Line]:
    """The headings, then a line for each group."""
    headings = ("", "", "", "error", "worst cell", *report.headings, "cells", "formula")
    rows = [[(text, "dim") for text in headings]] + [_row(view, group) for group in groups]
    kept = [place for place in range(len(headings)) if any(row[place][0] for row in rows[1:])]
    for left_out in _OPTIONAL:
        if left_out in kept and _total(rows, kept) > columns:
            kept.remove(left_out)
    widths = {place: max(width((row[place],)) for row in rows) for place in kept}
    return [_padded(row, kept, widths) for row in rows]


def _total(rows: Sequence[Sequence[Span]], kept: Sequence[int]) -> int:
    return sum(max(width((row[place],)) for row in rows) + 2 for place in kept) - 3


def _padded(row: Sequence[Span], kept: Sequence[int], widths: dict[int, int]) -> Line:
    spans: list[Span] = []
    for place in kept:
        text, role = row[place]
        blanks = " " * (widths[place] - width((row[place],)))
        spans += [(blanks + text if place in _RIGHT else text + blanks, role), (" " if place == 0 else "  ", "")]
    return tuple(spans[:-1])


def _row(view: View, group: Sequence[Finding]) -> list[Span]:
    finding, single = worst(group), len(group) == 1
    sign, role = finding.sign
    cell = cell_name("" if single else finding.stage.name, finding.cell)
    fine = finding.error is not None and finding.error < ROUNDING  # where, its last bits decide
    where = [brief_error(finding.error), "" if fine else cell] if finding.error is not None else ["", ""]
    texts = [*where, *(("", "") if fine else finding.numbers), finding.cells if single else ""]
    formula = render(finding.stage.formula.tree, view.style, view.shapes)
    return [
        (sign, role),
        (_group_name(view, group), "name"),
        (finding.word, role),
        *((text, "" if finding.notable else "dim") for text in texts),
        (formula if single else "", "faint"),
    ]


def _group_name(view: View, group: Sequence[Finding]) -> str:
    names = [render_name(finding.stage.name, view.style) for finding in group]
    return names[0] if len(names) == 1 else f"{len(names)}: {names[0]} … {names[-1]}"


def report_notes(report: Report, columns: int) -> list[Line]:
    """What it comes to, in lines of that many columns."""
    lines: list[Line] = []
    for text, role in report.notes:
        indent = " " * (len(text) - len(text.lstrip()))
        lines += wrap(text, columns, role, f"{indent}  ", indent)
    return lines
