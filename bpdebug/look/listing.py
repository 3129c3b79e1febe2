"""The program as a listing with badges, like a debugger's source pane."""

from __future__ import annotations

from typing import Any

from bpdebug.core.program import Program
from bpdebug.core.record import Record
from bpdebug.core.schedule import Skipped, Stage
from bpdebug.look.folds import Fold, Heading, Key, folds_of, rows_of
from bpdebug.time.timeline import Timeline

ROOM = 2**24
"""Numbers that may be read to hold the formula of one stage against what was recorded, where nobody waits for a key."""
_INDENT = 2
"""Columns that what stands in a call or a loop stands further right."""


class Line(Record):
    """A line of the program: what a person reads before it, and of it, and data."""

    badges: str
    said: str
    data: dict[str, Any]


def listing(timeline: Timeline, opened: frozenset[Key]) -> tuple[list[str], dict[str, Any]]:
    """The rows: the stages in order, under their phases, calls and loops: ``>`` the next one, ``*`` computed, ``!`` not finite, ``~`` the
    user's formula, ``+`` a closed fold; of recorded numbers ``≈`` those that the formula gives, ``≠`` others. And as data,
    whatever is folded, the stages and the calls and loops.

    Args:
        timeline: the program in time.
        opened: the folds that are open.
    """
    program, rows = timeline.program, rows_of(timeline.program, opened)
    shown = {row.name for row in rows.all if isinstance(row, Stage)}
    lines = {
        line.name: _skipped(line) if isinstance(line, Skipped) else _stage(timeline, line, ROOM * (line.name in shown))
        for line in program.lines
    }
    texts = list[str]()
    for row, depth in zip(rows.all, rows.depths, strict=True):
        indent = " " * _INDENT * depth
        if isinstance(row, str):
            texts.append(row.upper())
        elif not isinstance(row, Heading):
            texts.append(f"{lines[row.name].badges:<4} {indent}{lines[row.name].said}")
        elif row.closed:
            inner = [lines[stage.name] for stage in program.stages[row.fold.first : row.fold.end]]
            made = " ".join(folds_of(program).makes(row.fold))
            texts.append(f"{_worst([line.badges for line in inner]):<4} {indent}+ {_said(row.fold)}: {made}")
        elif row.fold.called:
            texts.append(f"     {indent}{_said(row.fold)}")
    folds = {fold.key: fold for around in folds_of(program).around for fold in around}
    return texts, {"stages": [line.data for line in lines.values()], "folds": [_data(fold, opened) for fold in folds.values()]}


def mark_of(program: Program, stage: Stage, room: int = 0) -> str:
    """How the formula of a stage is to the numbers that were recorded, see :class:`bpdebug.core.given.Recorded`; "" where the user has put
    his own in its place."""
    recorded = program.recorded.get(stage.name)
    return recorded.mark(room) if recorded and not stage.replaced else ""


def _said(fold: Fold) -> str:
    return f"{fold.title}{f' {fold.place}' * bool(fold.place)}: {fold.count}"


def _worst(badges: list[str]) -> str:
    """What stands before a fold: whether the next stage is in it, the worst that is to be said of those in it, and what is edited."""
    following = ">" if any(one[0] == ">" for one in badges) else " "
    done = "!" if any(one[1] == "!" for one in badges) else "*" if all(one[1] == "*" for one in badges) else " "
    return following + done + "".join(sign for sign in "~≠" if any(sign in one for one in badges))


def _data(fold: Fold, opened: frozenset[Key]) -> dict[str, Any]:
    own = {"title": fold.title, "line": fold.line, "phase": fold.phase, "first": fold.key[0], "turns": fold.turns}
    return own | {"stages": fold.end - fold.first, "depth": fold.key[1], "open": fold.key in opened}


def _skipped(line: Skipped) -> Line:
    data = {"name": line.name, "phase": str(line.phase), "layer": line.layer, "status": "skipped", "reason": line.reason}
    return Line("  -", str(line), data | ({"drawn": line.drawn} if line.drawn else {}))


def _stage(timeline: Timeline, stage: Stage, room: int) -> Line:
    position, place = timeline.position, timeline.program.index[stage.name]
    computed = place < position.done
    broken = computed and bool(stage.broken(timeline.machine.tensor(stage.name)).any())
    following = ">" if place == position.done and position.next else " "
    mark = mark_of(timeline.program, stage, room)
    badges = following + ("!" if broken else "*" if computed else " ") + "~" * stage.replaced + mark[:1]
    status = "non-finite" if broken else "computed" if computed else "next" if place == position.done else "pending"
    warnings = timeline.machine.warnings.get(stage.name, ())
    data = {
        "name": stage.name,
        "formula": stage.formula.text,
        "phase": str(stage.phase),
        "layer": stage.layer,
        "status": status,
        "edited": stage.edited,
        "warnings": list(warnings),
        **({"line": stage.line} if stage.line else {}),
        **({"recorded": mark} if mark else {}),
    }
    warnings = (*warnings, f"recorded: {mark}") if len(mark) > 1 else warnings
    said = f"{stage}" + f"   # {stage.line}" * bool(stage.line) + (f"   ({', '.join(warnings)})" if warnings else "")
    return Line(badges, said, data)
