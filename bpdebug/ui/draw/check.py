"""What the gradient check has found: a badge in the listing, a sentence on the selected cell, and the report on all stages."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from bpdebug.core.cells import Cell, cell_name
from bpdebug.core.render import render_name
from bpdebug.core.schedule import Stage
from bpdebug.session.commands.check import MARKS, accusation, conclusion, sampled
from bpdebug.session.view import View
from bpdebug.trust.verdict import Verdict, culprit
from bpdebug.ui.draw.report import Finding, Report, brief_error, number
from bpdebug.ui.draw.spans import Line, Span, line, width, wrap

BADGES: dict[str, Span] = {
    "good": ("✓", "good"),
    "wrong": ("✗", "bad"),
    "follows": ("↳", "changed"),
    "unsure": ("?", "changed"),
    "kink": ("∧", "dim"),
    "noise": ("✓", "dim"),
    "non-finite": ("?", "changed"),
}
"""The sign of each verdict and its role."""
_EQUAL = 1e-6
"""How far apart two numbers may be, relatively, that are shown as equal."""
_LASTING = ("wrong", "follows")
"""What the check says of a formula rather than of the numbers of one update."""
_REASONS = {
    "follows": "its own formula is right, but the gradient that arrives at it is not",
    "unsure": "too far off for rounding, too near for a fault",
    "kink": "the loss has a corner there, where the slopes on both sides differ and no derivative is the right one: no fault",
    "noise": "the derivative is smaller than what rounding leaves of a difference of losses",
    "non-finite": "the loss is not finite: there is nothing to compare",
}
"""What is meant by the verdicts that do not explain themselves."""


def verdict_badge(view: View, stage: Stage, computed: bool) -> Span | None:
    """The sign of a stage's verdict in the listing, or None where it has nothing to say of the present moment."""
    verdict = view.verdicts.get(stage.name)
    if verdict is None:
        return None
    told = verdict.status in _LASTING or (computed and view.checked == view.position.update and verdict.status != "noise")
    return BADGES[verdict.status] if told else None


def cause(view: View, name: str) -> str:
    """The stage whose fault another one inherits: the last one before it that is wrong by itself and that it depends on."""
    reached = set(view.verdicts[name].stage.formula.names)
    for stage in reversed(view.program.stages):
        if stage.of and stage.name in reached:
            if stage.name in view.verdicts and view.verdicts[stage.name].status == "wrong":
                return stage.name
            reached.update(stage.formula.names)
    return ""


def _present(view: View, name: str, *statuses: str) -> Verdict | None:
    """The verdict on the numbers that are shown of a stage, where it is one of these."""
    verdict = view.verdicts.get(name)
    shown = verdict is not None and view.checked == view.position.update and name not in view.stale
    return verdict if verdict and shown and verdict.status in statuses else None


def is_bad(view: View, name: str) -> bool:
    """Whether the check has found the shown numbers of a stage wrong."""
    return _present(view, name, *_LASTING) is not None


def result_role(view: View, name: str) -> str:
    """The role of a result: right and wrong are colours of their own, and what has not been checked has neither."""
    if view.is_broken(name) or is_bad(view, name):
        return "bad"
    return "good" if _present(view, name, "good") else "bold"


def praise(view: View, name: str, room: int) -> Line:
    """The verdict on a stage that is right, to stand beside its number in that many columns; nothing for any other."""
    verdict = _present(view, name, "good")
    if verdict is None:
        return ()
    zero = ", entirely zero" if verdict.zero else ""
    brief = line(("   ", ""), BADGES["good"], (f" {brief_error(verdict.error)}", "done"))
    full = (*brief, (f" by {verdict.method}{zero}", "done"))
    return next((drawn for drawn in (full, brief) if width(drawn) <= room), ())


def verdict_lines(view: View, name: str, index: Cell, columns: int) -> list[Line]:
    """What the check says of a cell, and what the mistake probably is; nothing where the stage is right or has not been checked."""
    verdict = view.verdicts.get(name)
    if verdict is None or verdict.status == "good":
        return []
    sign, role = BADGES[verdict.status]
    if view.checked != view.position.update:
        return wrap(f"{MARKS[verdict.status]} when update {view.checked} was checked", columns, "dim", "  ", f"{sign} ")
    lines = wrap(_sentence(view, verdict, index), columns, role, "  ", f"{sign} ")
    for suspect in verdict.suspects[:1]:
        lines += wrap(f"probably {suspect.title}: {suspect.evidence}", columns, "", "  ", "  ")
    return lines


def _sentence(view: View, verdict: Verdict, index: Cell) -> str:
    """The verdict in words, with the numbers of the cell where they matter."""
    zero = ", entirely zero" if verdict.zero else ""
    if verdict.status == "kink":
        return f"a kink: {verdict.kinks} of {verdict.checked} cells are at a corner of the loss, where there is no derivative{zero}"
    if verdict.status in ("noise", "non-finite"):
        return f"{MARKS[verdict.status]}: {_REASONS[verdict.status]}{zero}"
    if verdict.status != "follows":
        return f"{_difference(view, verdict, index)}{zero}"
    found = _REASONS["follows"] if verdict.error < _EQUAL else _difference(view, verdict, index)
    return f"follows from {render_name(cause(view, verdict.stage.name), view.style)}: {found}"


def _difference(view: View, verdict: Verdict, index: Cell) -> str:
    """Both numbers of the selected cell, or, where they agree or one is not known, those of the worst one."""
    right, ours = float(verdict.right[index]), float(view.tensors[verdict.stage.name][index])
    worst = cell_name(render_name(verdict.stage.name, view.style), verdict.cell)
    elsewhere = f"{worst} is {number(verdict.ours)}, {verdict.method} gives {number(verdict.numeric)}"
    if verdict.stage.name in view.stale:
        return f"computed before the edit; with it {elsewhere}"
    if not np.isfinite(right):
        return f"this cell was not compared; {elsewhere}"
    if abs(ours - right) <= _EQUAL * max(abs(ours), abs(right)):
        return f"this cell is right; {elsewhere}"
    return f"{verdict.method} gives {number(right)}, this says {number(ours)}"


def check_report(view: View) -> Report:
    """The verdicts as a table, with the wrong stages and what is suspected, and what the signs mean that do not explain themselves."""
    verdicts = list(view.verdicts.values())
    found, wrong = tuple(map(_finding, verdicts)), culprit(verdicts)
    first = found[verdicts.index(wrong)] if wrong else found[0]
    return Report(_title(view, verdicts, wrong), view.checked or 0, ("this stage", "the check"), found, tuple(_notes(verdicts)), first)


def _title(view: View, verdicts: list[Verdict], wrong: Verdict | None) -> str:
    methods = sorted({verdict.method for verdict in verdicts if verdict.method})
    title = f"Check of update {view.checked}" + (f" by {' and '.join(methods)}" if methods else "")
    return f"{title}: {render_name(wrong.stage.name, view.style)} is wrong" if wrong else title


def _finding(verdict: Verdict) -> Finding:
    compared = verdict.status != "non-finite"
    return Finding(
        stage=verdict.stage,
        sign=BADGES[verdict.status],
        word=MARKS[verdict.status] + ", zero" * verdict.zero,
        error=verdict.error if compared else None,
        cell=verdict.cell,
        numbers=(number(verdict.ours, 6), number(verdict.numeric, 6)) if compared else ("", ""),
        cells=f"{verdict.checked}/{verdict.cells}" if verdict.checked else "",
        notable=verdict.status in ("wrong", "follows", "unsure"),
        foldable=verdict.status in ("good", "follows"),
    )


def _notes(verdicts: list[Verdict]) -> Iterator[Span]:
    wrong = [verdict for verdict in verdicts if verdict.status == "wrong"]
    for verdict in wrong:
        first, *rest = accusation(verdict, verdict is wrong[0])
        yield first, "bad"
        yield from ((text, "") for text in rest)
    if not wrong:
        statuses = {verdict.status for verdict in verdicts}
        yield conclusion(verdicts), "good" if "good" in statuses and "follows" not in statuses else "changed"
    for status, reason in _REASONS.items():
        if status != "non-finite" and any(verdict.status == status for verdict in verdicts):
            yield f"{BADGES[status][0]} {MARKS[status]}: {reason}", "dim"
    for verdict in [verdict for verdict in verdicts if 0 < verdict.checked < verdict.cells][:1]:
        yield f"{verdict.stage.name}: {sampled(verdict)}; 'check all' checks every cell", "dim"
