"""A table of what was found stage by stage, by the check or by a comparison, with what it comes to below."""

from __future__ import annotations

from collections.abc import Sequence

from bpdebug.core.cells import cell_name
from bpdebug.core.misfits import shape_text
from bpdebug.core.numbers import digits_apart, written
from bpdebug.core.render import render, render_name
from bpdebug.session.view import View
from bpdebug.time.position import called
from bpdebug.trust.finding import ROUNDING, STATUSES, Finding, error_text
from bpdebug.trust.report import CHECK, Report, Source
from bpdebug.ui.draw.rows import table, widths_of
from bpdebug.ui.draw.spans import Line, line, plain, wrap_lines


def report_title(view: View, report: Report) -> str:
    """What was done, and what it has come to."""
    wrong = render_name(report.culprit.stage.name, view.style) if report.culprit else ""
    if report.source is CHECK:
        by = " and ".join(sorted({finding.method for finding in report.findings if finding.method}))
        where = report.culprit.stage.line if report.culprit else ""
        found = f": {wrong}{f' ({where})' * bool(where)} is wrong" * bool(wrong)
        return f"Check of {called(view.program, report.update)}" + f" by {by}" * bool(by) + found
    outcome = f"{wrong} is off" if wrong else report.conclusion()[0].partition(":")[0]
    return f"Your numbers beside {called(view.program, report.update)}: {outcome}"


def folded(findings: Sequence[Finding], rows: int) -> list[list[Finding]]:
    """The findings for a table of that many rows: where they are too many and not all the same, neighbours that are right stand in
    one row, and then those that inherit an error."""
    groups = [[finding] for finding in findings]
    for notable in (False, True):
        if len(groups) <= rows or len({finding.says.badge for finding in findings}) == 1:
            break
        apart, groups = groups, []
        for group in apart:
            finding = group[0]
            foldable = finding.notable == notable and (finding.says.agrees or finding.status == "follows")
            if groups and foldable and groups[-1][0].says.badge == finding.says.badge:
                groups[-1] += group
            else:
                groups.append(group)
    return groups


def _is_compared(finding: Finding) -> bool:
    """Whether there are two numbers."""
    return not finding.misshapen and finding.status != "non-finite"


def worst(group: Sequence[Finding]) -> Finding:
    """The finding of a row whose numbers stand in it."""
    return max(group, key=lambda one: one.error if _is_compared(one) else 0.0)


BRIEF = "<1e-12"
"""An error that is nothing but rounding."""
_OPTIONAL = (8, 7, 4)
"""The columns that are left out where there is no room, the first first."""
_RIGHT = (1, 3, 5, 6, 7)
"""The columns of numbers."""


def report_table(view: View, report: Report, groups: Sequence[Sequence[Finding]], columns: int) -> list[Line]:
    """The headings, then a line for each group."""
    headings = ("", "line", "", "error", "worst cell", *report.source.headings, "cells", "formula")
    rows = [[line((text, "dim")) for text in headings]] + [_row(view, report.source, group) for group in groups]
    kept, widths = [place for place in range(len(headings)) if any(plain(row[place]) for row in rows[1:])], widths_of(rows)
    for left_out in _OPTIONAL:
        if left_out in kept and sum(widths[place] + 2 for place in kept) - 2 > columns:
            kept.remove(left_out)
    right = [place for place, column in enumerate(kept) if column in _RIGHT]
    return table([[row[place] for place in kept] for row in rows], right)


def _row(view: View, source: Source, group: Sequence[Finding]) -> list[Line]:
    finding, single = worst(group), len(group) == 1
    cell = cell_name("" if single else finding.stage.name, finding.cell)
    fine = _is_compared(finding) and finding.error < ROUNDING  # where, its last bits decide
    where = [error_text(finding.error, BRIEF), "" if fine or not finding.numbers else cell] if _is_compared(finding) else ["", ""]
    cells = shape_text(finding.theirs.shape) if finding.theirs is not None and finding.theirs.ndim else ""
    if source is CHECK:
        cells = f"{finding.checked}/{finding.ours.size}" if finding.checked else ""
    texts = [*where, *(("", "") if fine else _numbers(source, finding)), cells if single else ""]
    formula = render(finding.stage.formula.tree, view.style, view.shapes)
    first, last = (render_name(group[place].stage.name, view.style) for place in (0, -1))
    place = finding.stage.line.removeprefix(f"{view.program.scenario.source}:")  # of another file than that which was named, with it
    return [
        line(finding.says.badge, " ", (first if single else f"{len(group)}: {first} … {last}", "name")),
        line((place if single else "", "dim")),
        line((finding.says.word + ", zero" * finding.zero, finding.says.badge[1])),
        *(line((text, "" if finding.notable else "dim")) for text in texts),
        line((formula if single else "", "faint")),
    ]


def _numbers(source: Source, finding: Finding) -> tuple[str, ...]:
    """The two numbers, or shapes, the judged one first."""
    both = ("", "")
    if finding.misshapen and finding.theirs is not None:
        both = shape_text(finding.ours.shape), shape_text(finding.theirs.shape)
    elif finding.numbers and _is_compared(finding):
        digits = digits_apart(*finding.numbers, 6) if finding.notable else 6
        both = written(finding.numbers[0], digits), written(finding.numbers[1], digits)
    return both if source is CHECK else both[::-1]


def report_notes(report: Report, columns: int) -> list[Line]:
    """What it comes to, in lines of that many columns; sentences that begin with blanks belong to the one before."""
    right = not report.follows and any(finding.says.agrees and finding.judged for finding in report.shown)
    doubt = "changed" if report.source is CHECK else "bad"
    tone = "bad" if report.accused else "good" if right else doubt
    told = [(text, "" if text.startswith(" ") else tone) for text in report.conclusion()]
    told += [(text, "changed") for text in report.doubt]
    told += [(f"{name} is not compared: {why}", "changed") for name, why in report.uncompared.items()]
    told += [(f"note: {note}", "dim") for note in report.notes]
    if report.source is CHECK:
        found = {finding.status for finding in report.shown} - {"non-finite"}
        named = (status for name, status in STATUSES.items() if name in found and status.reason)
        told += [(f"{status.badge[0]} {status.word}: {status.reason}", "dim") for status in named]
    return [drawn for text, role in told for drawn in wrap_lines(text, columns, role)]
