"""What the gradient check has found, beside what it is about: a badge in the listing, a sentence on the selected cell; and the user's
own numbers beside ours: which cells are off, and a sentence on the selected one."""

from __future__ import annotations

import numpy as np

from bpdebug.core.cells import Cell, cell_name
from bpdebug.core.description import Array
from bpdebug.core.misfits import shape_text
from bpdebug.core.numbers import written
from bpdebug.core.render import render_name
from bpdebug.core.schedule import Stage
from bpdebug.look.once import once
from bpdebug.session.view import View
from bpdebug.time.position import called
from bpdebug.trust.finding import STATUSES, Finding, error_text
from bpdebug.ui.draw.report import BRIEF
from bpdebug.ui.draw.spans import Line, Span, first_that_fits, line, wrap_lines

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
        said = f"follows from {render_name(cause(view, name), view.style)}: {found}"
    return _finding_lines(verdict, said, columns)


def _finding_lines(finding: Finding, sentence: str, columns: int) -> list[Line]:
    """A sentence with the sign of what was found, and what the mistake probably is."""
    sign, role = finding.says.badge
    probable = "".join(f"probably {suspect}" for suspect in finding.suspects[:1])
    return [*wrap_lines(sentence, columns, role, f"{sign} "), *wrap_lines(probable, columns, sign="  ")]


def _difference(view: View, verdict: Finding, index: Cell) -> str:
    """Both numbers of the selected cell, or, where they agree or one is not known, those of the worst one."""
    right, ours = float(verdict.right[index]), float(view.tensors[verdict.stage.name][index])
    worst = cell_name(render_name(verdict.stage.name, view.style), verdict.cell)
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
        said += "" if off_cells(match)[index] else f"; {render_name(name, view.style)} is off elsewhere"
        said += "; it follows from your own numbers before it" if match.status == "follows" else ""
    return _finding_lines(match, said, columns)
