"""The user's own numbers beside ours: a badge in the listing, which cells are off, a sentence on the selected one, and the report."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import numpy as np

from bpdebug.core.cells import Cell
from bpdebug.core.description import Array
from bpdebug.core.render import render_name
from bpdebug.core.schedule import Stage
from bpdebug.core.shapes import shape_text
from bpdebug.session.commands.compare import conclusion
from bpdebug.session.view import View
from bpdebug.ui.draw.report import Finding, Report, number
from bpdebug.ui.draw.spans import Line, Span, wrap

if TYPE_CHECKING:
    from bpdebug.trust.compare import Comparison
    from bpdebug.trust.judge import Match

_SIGNS: dict[str, Span] = {"exact": ("✓", "good"), "approximate": ("✓", "good"), "off": ("✗", "bad"), "follows": ("↳", "changed")}
_VISIBLE = 1e-5
"""From which difference on a cell is marked, relative to the largest number of its tensor; single precision stays below it."""


def match_badge(view: View, stage: Stage, computed: bool) -> Span | None:
    """The sign of what the comparison says of a stage, or None."""
    match = view.matches.get(stage.name)
    return _SIGNS[match.status] if match and computed else None


def theirs_of(view: View, name: str) -> Array | None:
    """The user's numbers for a tensor, where they can be told from those that are shown of it."""
    known: dict[str, Array | None] = view.__dict__.setdefault("_theirs", {})
    if name not in known:
        theirs = _given(view, name)
        known[name] = theirs if theirs is not None and _is_other(theirs, view.tensors[name]) else None
    return known[name]


def _given(view: View, name: str) -> Array | None:
    """The user's numbers for a tensor, once ours are computed."""
    match = view.matches.get(name)
    return match.theirs if match and view.program.index[name] < view.position.done else None


def _is_other(theirs: Array, ours: Array) -> bool:
    return theirs.shape != ours.shape or bool(_apart(theirs, ours).any())


def _apart(theirs: Array, ours: Array) -> Array:
    """The cells that differ visibly."""
    finite = np.abs(ours[np.isfinite(ours)])
    with np.errstate(invalid="ignore"):
        near = np.abs(theirs - ours) <= _VISIBLE * finite.max(initial=0.0)
    return np.asarray(~(near | (theirs == ours) | (np.isnan(theirs) & np.isnan(ours))))


def off_cells(match: Match) -> Array:
    """Which of the user's numbers differ visibly from what is right; all of them where their shape is wrong."""
    theirs = np.asarray(match.theirs)
    if match.status not in ("off", "follows") or match.misshapen:
        return np.full(theirs.shape, match.misshapen)
    return _apart(theirs, match.ours)


def match_lines(view: View, name: str, index: Cell, columns: int) -> list[Line]:
    """The user's number beside ours, and what the mistake probably is; nothing where he gave none."""
    match = view.matches.get(name)
    if match is None or _given(view, name) is None:
        return []
    sign, role = _SIGNS[match.status]
    lines = wrap(_sentence(view, match, index), columns, role, "  ", f"{sign} ")
    for suspect in match.suspects[:1]:
        lines += wrap(f"probably {suspect.title}: {suspect.evidence}", columns, "", "  ", "  ")
    return lines


def _sentence(view: View, match: Match, index: Cell) -> str:
    theirs = np.asarray(match.theirs)
    if match.misshapen:
        return f"yours is {shape_text(theirs.shape)}, ours {shape_text(match.ours.shape)}"
    numbers = f"yours {number(theirs[index])}, ours {number(match.ours[index])}"
    if _apart(match.ours, view.tensors[match.stage.name])[index]:
        numbers += " (from what yours started from)"
    if match.status in ("exact", "approximate"):
        return f"{numbers}: {match.status}"
    here = "" if off_cells(match)[index] else f"; {render_name(match.stage.name, view.style)} is off elsewhere"
    return numbers + here + ("; it follows from your own numbers before it" if match.status == "follows" else "")


def compare_report(view: View, comparison: Comparison) -> Report:
    """The stages that the user gave numbers for as a table, with how his file was understood, and what is off."""
    given = list(comparison.given_in(comparison.update).values())
    found = tuple(map(_finding, given))
    wrong = comparison.culprit
    first = found[given.index(wrong)] if wrong else found[0]
    outcome = f"{render_name(wrong.stage.name, view.style)} is off" if wrong else conclusion(comparison)[0].partition(":")[0]
    title = f"Your numbers beside update {comparison.update}: {outcome}"
    return Report(title, comparison.update, ("yours", "ours"), found, tuple(_notes(comparison)), first)


def _finding(match: Match) -> Finding:
    theirs, ours = np.asarray(match.theirs), match.ours
    right = match.status in ("exact", "approximate")
    shapes = shape_text(theirs.shape), shape_text(ours.shape)
    return Finding(
        stage=match.stage,
        sign=_SIGNS[match.status],
        word=match.status.upper() if match.status == "off" else match.status,
        error=None if match.misshapen else match.error,
        cell=(0,) * ours.ndim if match.misshapen else match.cell,
        numbers=shapes if match.misshapen else (number(theirs[match.cell], 6), number(ours[match.cell], 6)),
        cells=shapes[0] if theirs.shape else "",
        notable=not right,
        foldable=right or match.status == "follows",
    )


def _notes(comparison: Comparison) -> Iterator[Span]:
    role = "good" if comparison.ok else "bad"
    for text in conclusion(comparison):
        yield text, "" if text.startswith(" ") else role
    yield from ((f"note: {text}", "dim") for text in comparison.notes)
