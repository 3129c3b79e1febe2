"""What was found stage by stage, by the check or by a comparison: a table with what it comes to below, and beside what it is about a badge
in the listing and a sentence on the selected cell; of the user's own numbers beside ours which cells are off."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from bpdebug.core.cells import Cell, cell_name
from bpdebug.core.description import Array
from bpdebug.core.misfits import shape_text
from bpdebug.core.numbers import digits_apart, written
from bpdebug.core.render import render
from bpdebug.core.schedule import Stage
from bpdebug.look.once import once
from bpdebug.session.view import View
from bpdebug.time.position import called
from bpdebug.trust.finding import ROUNDING, STATUSES, Finding, error_text
from bpdebug.trust.report import CHECK, Report, Source
from bpdebug.ui.draw.spans import Line, Span, first_that_fits, line, plain, table, widths_of, wrap_lines


def report_title(view: View, report: Report) -> str:
    """What was done, and what it has come to."""
    wrong = view.named(report.culprit.stage.name) if report.culprit else ""
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
    first, last = (view.named(group[place].stage.name) for place in (0, -1))
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
    right = not (report.follows or report.said) and any(finding.says.agrees and finding.judged for finding in report.shown)
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


_EQUAL = 1e-6
"""How far apart two numbers may be, relatively, that are shown as equal."""
_VISIBLE = 1e-5
"""From which difference on a cell is marked, relative to the largest number of its tensor; single precision stays below it."""
_LASTING = ("wrong", "follows")
"""What the check says of a formula rather than of the numbers of one update."""


def badge(view: View, stage: Stage, computed: bool) -> Span | None:
    """The sign of a stage in the listing, by the check, else beside the user's numbers; None where neither says anything of the present
    moment."""
    verdict, match = view.verdicts.get(stage.name), view.matches.get(stage.name)
    present = computed and view.checked == view.position.update
    if verdict and (verdict.status in _LASTING or (present and verdict.status != "noise")):
        return verdict.says.badge
    return match.says.badge if match and computed else None


def cause(view: View, name: str) -> str:
    """The stage whose fault another one inherits: the last one before it that is wrong by itself and that it depends on."""
    reached = set(view.verdicts[name].stage.formula.names)
    for stage in reversed(view.program.stages):
        if stage.of and stage.name in reached:
            if stage.name in view.verdicts and view.verdicts[stage.name].says.accuses:
                return stage.name
            reached.update(stage.formula.names)
    return ""


def _present(view: View, name: str, *statuses: str) -> Finding | None:
    """The verdict on the numbers that are shown of a stage, where it is one of these."""
    verdict = view.verdicts.get(name)
    shown = verdict is not None and view.checked == view.position.update and name not in view.stale
    return verdict if verdict and shown and verdict.status in statuses else None


def result_role(view: View, name: str) -> str:
    """The role of a result: right and wrong are colours of their own, and what has not been checked has neither."""
    if view.is_broken(name) or _present(view, name, *_LASTING):
        return "bad"
    return "good" if _present(view, name, "good") else "bold"


def praise(view: View, name: str, room: int) -> Line:
    """The verdict on a stage that is right, to stand beside its number in that many columns; nothing for any other."""
    verdict = _present(view, name, "good")
    if verdict is None:
        return ()
    zero = ", entirely zero" if verdict.zero else ""
    brief = line(("   ", ""), STATUSES["good"].badge, (f" {error_text(verdict.error, BRIEF)}", "done"))
    full = (*brief, (f" by {verdict.method}{zero}", "done"))
    return first_that_fits((full, brief), room, ())


def verdict_lines(view: View, name: str, index: Cell, columns: int) -> list[Line]:
    """What the check says of a cell, and what the mistake probably is; nothing where the stage is right or has not been checked."""
    verdict = view.verdicts.get(name)
    if verdict is None or verdict.status == "good":
        return []
    if view.checked != view.position.update:
        told = f"{verdict.says.word} when {called(view.program, view.checked or 0)} was checked"
        return wrap_lines(told, columns, "dim", f"{verdict.says.badge[0]} ")
    zero = ", entirely zero" if verdict.zero else ""
    if verdict.status == "kink":
        said = f"a kink: {verdict.kinks} of {verdict.checked} cells are at a corner of the loss, where there is no derivative{zero}"
    elif verdict.status in ("noise", "non-finite"):
        said = f"{verdict.says.word}: {verdict.says.reason}{zero}"
    elif verdict.status != "follows":
        said = f"{_difference(view, verdict, index)}{zero}"
    else:
        found = verdict.says.reason if verdict.error < _EQUAL else _difference(view, verdict, index)
        said = f"follows from {view.named(cause(view, name))}: {found}"
    return _finding_lines(verdict, said, columns)


def _finding_lines(finding: Finding, sentence: str, columns: int) -> list[Line]:
    """A sentence with the sign of what was found, and what the mistake probably is."""
    sign, role = finding.says.badge
    probable = "".join(f"probably {suspect}" for suspect in finding.suspects[:1])
    return [*wrap_lines(sentence, columns, role, f"{sign} "), *wrap_lines(probable, columns, sign="  ")]


def _difference(view: View, verdict: Finding, index: Cell) -> str:
    """Both numbers of the selected cell, or, where they agree or one is not known, those of the worst one."""
    right, ours = float(verdict.right[index]), float(view.tensors[verdict.stage.name][index])
    worst = cell_name(view.named(verdict.stage.name), verdict.cell)
    shown, numeric = (written(value, 5) for value in verdict.numbers or (ours, right))
    elsewhere = f"{worst} is {shown}, {verdict.method} gives {numeric}"
    if verdict.stage.name in view.stale:
        return f"computed before the edit; with it {elsewhere}"
    if not np.isfinite(right):
        return f"this cell was not compared; {elsewhere}"
    if abs(ours - right) <= _EQUAL * max(abs(ours), abs(right)):
        return f"this cell is right; {elsewhere}"
    return f"{verdict.method} gives {written(right, 5)}, this says {written(ours, 5)}"


def theirs_of(view: View, name: str) -> Array | None:
    """The user's numbers for a tensor, where they can be told from those that are shown of it."""
    theirs = _given(view, name)
    if theirs is None:
        return None
    ours = view.tensors[name]
    other = once(view, ("theirs", name), lambda: theirs.shape != ours.shape or bool(_apart(theirs, ours).any()))
    return theirs if other else None


def _given(view: View, name: str) -> Array | None:
    """The user's numbers for a tensor, once ours are computed."""
    match = view.matches.get(name)
    return match.theirs if match and view.program.index[name] < view.position.done else None


def _apart(theirs: Array, ours: Array) -> Array:
    """The cells that differ visibly."""
    finite = np.abs(ours[np.isfinite(ours)])
    with np.errstate(invalid="ignore"):
        near = np.abs(theirs - ours) <= _VISIBLE * finite.max(initial=0.0)
    return np.asarray(~(near | (theirs == ours) | (np.isnan(theirs) & np.isnan(ours))))


def off_cells(match: Finding) -> Array:
    """Which of the user's numbers differ visibly from what is right; all of them where their shape is wrong."""
    theirs = np.asarray(match.theirs)
    if not match.notable or match.misshapen:
        return np.full(theirs.shape, match.misshapen)
    return _apart(theirs, match.ours)


def match_lines(view: View, name: str, index: Cell, columns: int) -> list[Line]:
    """The user's number beside ours, and what the mistake probably is; nothing where he gave none."""
    match = view.matches.get(name)
    if match is None or _given(view, name) is None:
        return []
    theirs = np.asarray(match.theirs)
    if match.misshapen:
        return _finding_lines(match, f"yours is {shape_text(theirs.shape)}, ours {shape_text(match.ours.shape)}", columns)
    said = f"yours {written(theirs[index], 5)}, ours {written(match.ours[index], 5)}"
    if _apart(match.ours, view.tensors[name])[index]:
        said += " (from what yours started from)"
    if match.says.agrees:
        said += f": {match.status}"
    else:
        said += "" if off_cells(match)[index] else f"; {view.named(name)} is off elsewhere"
        said += "; it follows from your own numbers before it" if match.status == "follows" else ""
    return _finding_lines(match, said, columns)
