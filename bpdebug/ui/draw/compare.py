"""The user's own numbers beside ours: which cells are off, and a sentence on the selected one."""

from __future__ import annotations

import numpy as np

from bpdebug.core.cells import Cell
from bpdebug.core.description import Array
from bpdebug.core.numbers import written
from bpdebug.core.render import render_name
from bpdebug.core.shapes import shape_text
from bpdebug.session.view import View
from bpdebug.trust.finding import Finding
from bpdebug.ui.draw.check import finding_lines
from bpdebug.ui.draw.spans import Line

_VISIBLE = 1e-5
"""From which difference on a cell is marked, relative to the largest number of its tensor; single precision stays below it."""


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
    return finding_lines(match, _sentence(view, match, index), columns)


def _sentence(view: View, match: Finding, index: Cell) -> str:
    theirs = np.asarray(match.theirs)
    if match.misshapen:
        return f"yours is {shape_text(theirs.shape)}, ours {shape_text(match.ours.shape)}"
    numbers = f"yours {written(theirs[index], 5)}, ours {written(match.ours[index], 5)}"
    if _apart(match.ours, view.tensors[match.stage.name])[index]:
        numbers += " (from what yours started from)"
    if match.says.agrees:
        return f"{numbers}: {match.status}"
    here = "" if off_cells(match)[index] else f"; {render_name(match.stage.name, view.style)} is off elsewhere"
    return numbers + here + ("; it follows from your own numbers before it" if match.status == "follows" else "")
