"""Changing values and formulas on the way, comparing moments, and marking them."""

from __future__ import annotations

import re
from collections.abc import Generator
from time import perf_counter
from typing import Any

import numpy as np

from bpdebug.core.calendar import Calendar
from bpdebug.core.description import Array, Values
from bpdebug.core.errors import BpdebugError, FormulaError
from bpdebug.core.numbers import exact, short
from bpdebug.core.program import Program
from bpdebug.look.explanation import not_there
from bpdebug.session.arrival import describe
from bpdebug.session.session import Session
from bpdebug.session.table import CommandError, Work, cell_of, command
from bpdebug.time.edits import Edit, as_number
from bpdebug.time.moves import Move
from bpdebug.time.position import parse_location
from bpdebug.time.results import Result
from bpdebug.time.tasks import SLICE

_WHAT_IF = (
    "a what-if: your script does not run again; what follows is computed by its formulas, and what none computes keeps its recorded numbers"
)
"""Said of an edit of a script's program."""


def _edited(session: Session, what: str, dropped: list[Edit]) -> Result:
    lost = [f"later edits discarded: {'; '.join(map(str, dropped))}"] if dropped else []
    stale = session.stale()
    old = [f"now out of date: {' '.join(sorted(stale, key=session.program.index.__getitem__))}"] if stale else []
    data = {"edit": what, "dropped": [str(edit) for edit in dropped], "stale": sorted(stale)}
    return Result("edit", "\n".join([what, *lost, *old, *[_WHAT_IF] * bool(session.program.scenario.files)]), data)


@command("set NAME[i,j] = NUMBER", "edit", keys="=", asks="set (W1[0,1] = 0.5, learning_rate = 0.05)")
def set_(session: Session, arguments: str) -> Result:
    """Change a number now: a cell of a parameter, a computed tensor or the data (x[1,0]: row of the batch), or a constant."""
    target, sign, text = arguments.partition("=")
    if not sign:
        raise CommandError("expected NAME[i,j] = NUMBER, such as set W1[0,1] = 0.5")
    name, index = cell_of(target.strip(), session.program)
    values = session.timeline.machine.values()
    if name not in values:
        raise BpdebugError(not_there(session.timeline, name))
    if values[name].ndim and not index:
        raise CommandError(f"which cell of {name}? For example: set {name}[{','.join('0' * values[name].ndim)}] = {text.strip()}")
    dropped = session.timeline.edit(name, index, value=as_number(text))
    session.after_edit()
    made = session.timeline.edits[-1]
    place = made.place(session.program)
    told = f" (sample {place[0]} of the data, in every batch from now on)" if name in session.program.data else " (from now on)"
    return _replaced(_edited(session, f"{made}{told * made.of_program}", dropped), session.program, made)


def _replaced(result: Result, program: Program, made: Edit) -> Result:
    """The result of an edit; whether a stage computes anew in each update what lasts else, as a schedule does the learning rate."""
    if made.name not in program.persistent or made.name not in program.index or made.name in program.stage(made.name).formula.names:
        return result
    held = "" if made.index else f"; 'formula {made.name} = {made.value!r}' sets it for good"
    return result.also(f"{result.text}\neach update computes it anew: {program.stage(made.name)}{held}")


@command("formula STAGE = EXPRESSION", "edit", keys="y")
def formula(session: Session, arguments: str) -> Result:
    """Replace a stage's formula with your own; 'formula STAGE' shows the one that runs."""
    name, sign, text = arguments.partition("=")
    name = name.strip()
    stage = session.program.stage(name)
    if not sign:
        derived = f"\nderived: {stage.derived.text}" if stage.derived else ""
        return Result("value", f"{stage}{derived}", {"name": name, "formula": stage.formula.text})
    before, calendar, here = session.program, session.timeline.calendar, session.position.t
    try:
        dropped = session.timeline.edit(name, formula=" ".join(text.split()))
    except FormulaError as error:
        raise type(error)(error.message, error.text or text.strip() or " ", error.column) from None
    session.after_edit()
    made = _edited(session, str(session.timeline.edits[-1]), dropped)
    return made if [*session.program.index] == [*before.index] else _with_stages(made, session, before, calendar, here)


def _with_stages(result: Result, session: Session, before: Program, calendar: Calendar, here: int) -> Result:
    """The result of an edit from which other stages follow, with what that has done to what speaks of stages."""
    now = session.program
    new, gone = ([name for name in one.index if name not in other.index] for one, other in ((now, before), (before, now)))
    parts = [f"new: {' '.join(new)}"] * bool(new) + [f"gone: {' '.join(gone)}"] * bool(gone)
    lines = [f"other stages are derived from it ({'; '.join(parts) or 'in another order'})"]
    lines += [f"this update has begun anew: {describe(session.timeline)}"] * (session.position.t != here)
    missing = [f"stop {stop.number} ({stop.text})" for stop in session.stops.all.values() if not (stop.fits(now) and stop.moments(now))]
    missing += [f"display {text}" for text in session.displays.values() if not now.tensors.keys() >= {*now.parse(text).names}]
    lines += [f"without a place in them: {', '.join(missing)}"] * bool(missing)
    _move_bookmarks(session, before, calendar)
    return result.also("\n".join([result.text, *lines]), stages={"new": new, "gone": gone}, without_place=missing)


def _move_bookmarks(session: Session, before: Program, calendar: Calendar) -> None:
    """Have bookmarks stand after the same stages as before, where updates have other ones now; else at the start of the update."""
    now, program = session.timeline.calendar, session.program
    for name, t in session.bookmarks.items():
        update, done = calendar.place(t)
        stage = [*calendar.index(update, before.index)][done - 1] if done else ""
        session.bookmarks[name] = now.clock(update, now.index(update, program.index).get(stage, -1) + 1)


@command("undo", "edit", keys="Z")
def undo(session: Session) -> Result:
    """Undo the last edit."""
    before, calendar = session.program, session.timeline.calendar
    edit = session.timeline.undo()
    session.after_edit()
    _move_bookmarks(session, before, calendar)
    text = f"undone: {edit}\n{describe(session.timeline)}"
    return Result("edit", text, {"edit": f"undo {edit}", "dropped": [str(edit)], "stale": sorted(session.stale())})


@command("bookmark [BOOKMARK]", "edit", keys="m", aliases="m")
def bookmark(session: Session, name: str = "") -> Result:
    """Give this moment a name; 'jump BOOKMARK' returns to it."""
    name = name or next(str(n) for n in range(1, 10**6) if str(n) not in session.bookmarks)
    if not re.fullmatch(r"[\w-]{1,40}", name):
        raise CommandError(f"a name of letters, digits and dashes is expected; found '{name}'")
    session.bookmarks[name] = session.position.t
    return Result("info", f"bookmark {name}: {session.place_of(session.position.t)}", {"bookmarks": session.bookmarks})


@command("jump BOOKMARK", "edit", keys="'", asks="jump to a bookmark")
def jump(session: Session, arguments: str) -> Move:
    """Go to a bookmark."""
    if arguments not in session.bookmarks:
        raise BpdebugError(f"there is no bookmark '{arguments}'; there are: {', '.join(session.bookmarks) or 'none (m sets one)'}")
    return Move(session.bookmarks[arguments], "bookmark", jump=True)


@command("diff MOMENT [MOMENT]", "edit")
def diff(session: Session, arguments: str) -> Work:
    """Compare two moments (locations or 'bookmarks; one: with now), tensor by tensor; the app marks the cells."""
    words, parts = arguments.split(), [part.strip() for part in arguments.split(",")]
    if len(parts) == 1 and len(words) == 2 and words[0] not in ("update", "epoch", "layer"):
        parts = words
    if not parts[0] or len(parts) > 2:
        raise CommandError("compare what? For example: diff 0:dz2 40:dz2, or diff update 3, update 40, or diff 'mark (with now)")
    first, second = [*(_moment(session, part) for part in parts), session.position.t][:2]
    before, after = (yield from _values_at(session, first)), (yield from _values_at(session, second))
    session.journey.before = before
    rows = [_difference(name, before[name], after[name]) for name in after if name in before and before[name].shape == after[name].shape]
    changed = [row for row in rows if row["change"] != 0]
    lines = [f"{session.place_of(first)} to {session.place_of(second)}: {len(changed)} of {len(rows)} tensors differ"]
    for row in changed:
        change, old, new = (short(row[key], 4) for key in ("change", "norm_before", "norm_after"))
        lines.append(f"{row['name']:<10} changed by {change} at most, norm {old} -> {new}")
    return Result("diff", "\n".join(lines), {"from": first, "to": second, "tensors": [exact_row(row) for row in rows]})


def exact_row(row: dict[str, Any]) -> dict[str, Any]:
    """A row for JSON."""
    return {key: exact(value) for key, value in row.items()}


def _moment(session: Session, text: str) -> int:
    if text.startswith("'"):
        if text[1:] not in session.bookmarks:
            raise BpdebugError(f"there is no bookmark '{text[1:]}'; there are: {', '.join(session.bookmarks) or 'none'}")
        return session.bookmarks[text[1:]]
    return parse_location(text, session.program).clock(session.program, session.position.update)


def _values_at(session: Session, t: int) -> Generator[str, None, Values]:
    """The values at another moment; each slice is longer, so that it comes to a checkpoint from which the next one goes on."""
    timeline, reached, seconds = session.timeline, -1, SLICE
    while reached != min(t, timeline.end):
        yield f"going to {session.place_of(t)}"
        end = perf_counter() + seconds
        with timeline.at(t, lambda end=end: perf_counter() > end) as machine:  # type: ignore[misc]
            reached, seconds, values = timeline.clock, 2 * seconds, machine.moment()
    return values


def _difference(name: str, old: Array, new: Array) -> dict[str, Any]:
    old, new = np.asarray(old, float), np.asarray(new, float)  # of truth values, too
    with np.errstate(all="ignore"):
        same = (old == new) | (np.isnan(old) & np.isnan(new))
        change = float(np.where(same, 0.0, np.abs(new - old)).max(initial=0.0))
        before, after = float(np.linalg.norm(old)), float(np.linalg.norm(new))
    return {"name": name, "change": change, "cells": int((~same).sum()), "norm_before": before, "norm_after": after}
