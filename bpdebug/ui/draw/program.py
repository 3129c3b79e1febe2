"""The listing of one update: phases, stages, badges, and where we are."""

from __future__ import annotations

from collections.abc import Iterator

from bpdebug.debugger.view import View
from bpdebug.engine.render import render, render_name
from bpdebug.engine.schedule import Skipped, Stage
from bpdebug.ui.draw.check import BADGES, verdict_badge
from bpdebug.ui.draw.compare import match_badge
from bpdebug.ui.draw.spans import Line, Span, fit, line


def program_rows(view: View) -> list[Stage | Skipped | str]:
    """What each line shows: a phase's heading, a stage, or a skipped stage."""
    rows: list[Stage | Skipped | str] = []
    phase = ""
    for entry in view.program.lines:
        if entry.phase != phase:
            phase = entry.phase
            rows.append(str(phase))
        rows.append(entry)
    return rows


def program_line(view: View, row: Stage | Skipped | str, columns: int, cursor: bool = False) -> Line:
    """One line of the listing."""
    if isinstance(row, str):
        drawn: Line = ((row.upper(), "heading" if row == view.position.phase else "dim bold"),)
    elif isinstance(row, Skipped):
        drawn = line(("   – ", "faint"), (f"{render_name(row.name, view.style)} skipped: {row.reason}", "faint"))
    else:
        drawn = tuple(_stage_spans(view, row))
    here = isinstance(row, Stage) and row.name == view.position.stage
    cut = fit(drawn, columns)
    background = "cursor" if cursor and not here else "here" if here else ""
    return tuple((text, f"{role} {background}".strip()) for text, role in cut) if background else cut


def _stage_spans(view: View, stage: Stage) -> Iterator[Span]:
    position, place = view.position, view.program.index[stage.name]
    computed, is_next = place < position.done, stage.name == position.next
    mark = view.marks.get(stage.name)
    yield ("▶" if is_next else " "), "next"
    yield (" " if mark is None else "●" if mark else "○"), "bad"
    yield _badge(view, stage, computed)
    yield ("✎" if stage.edited else " "), "changed"
    role = "" if computed else "next" if is_next else "dim"
    yield render_name(stage.name, view.style), f"name {role}".strip() if computed else f"{role} bold".strip()
    yield f" = {formula_text(view, stage)}", role


def _badge(view: View, stage: Stage, computed: bool) -> Span:
    """The most telling of a stage's signs."""
    verdict = verdict_badge(view, stage, computed) or match_badge(view, stage, computed)
    if computed and stage.name in view.nonfinite:
        return "⚠", "bad"
    if verdict and verdict != BADGES["good"]:
        return verdict
    if computed and stage.name in view.warnings:
        return "!", "changed"
    if computed and stage.name in view.stale:
        return "~", "changed"
    return verdict or (("✓", "done") if computed else (" ", ""))


def formula_text(view: View, stage: Stage, short: bool = True) -> str:
    """A stage's formula in the view's notation; in short form, where it has one."""
    if short and stage.short:
        return stage.short
    return render(stage.formula.tree, view.style, view.shapes)
