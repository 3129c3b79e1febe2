"""The program as a listing with badges, like a debugger's source pane."""

from __future__ import annotations

from typing import Any

from bpdebug.core.record import Record
from bpdebug.core.schedule import Skipped, Stage
from bpdebug.look.folds import Fold, Heading, Key, folds_of, rows_of
from bpdebug.time.timeline import Timeline

_INDENT = 2
"""Columns that what stands in a call or a loop stands further right."""


class Line(Record):
    """A line of the program: what a person reads before it, and of it, and data."""

    badges: str
    said: str
    data: dict[str, Any]


def listing(timeline: Timeline, opened: frozenset[Key]) -> tuple[list[str], dict[str, Any]]:
    """The rows: the stages in order, under their phases, calls and loops: ``>`` the next one, ``*`` computed, ``!`` not finite, ``~`` the
    user's formula, ``+`` a closed fold. And as data, whatever is folded, the stages and the calls and loops.

    Args:
        timeline: the program in time.
        opened: the folds that are open.
    """
    program, rows = timeline.program, rows_of(timeline.program, opened)
    lines = {line.name: _skipped(line) if isinstance(line, Skipped) else _stage(timeline, line) for line in program.lines}
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


def _said(fold: Fold) -> str:
    return f"{fold.title}{f' {fold.place}' * bool(fold.place)}: {fold.count}"


def _worst(badges: list[str]) -> str:
    """What stands before a fold: whether the next stage is in it, the worst that is to be said of those in it, and what is edited."""
    following = ">" if any(one[0] == ">" for one in badges) else " "
    done = "!" if any(one[1] == "!" for one in badges) else "*" if all(one[1] == "*" for one in badges) else " "
    return following + done + "~" * any("~" in one for one in badges)


def _data(fold: Fold, opened: frozenset[Key]) -> dict[str, Any]:
    own = {"title": fold.title, "line": fold.line, "phase": fold.phase, "first": fold.key[0], "turns": fold.turns}
    return own | {"stages": fold.end - fold.first, "depth": fold.key[1], "open": fold.key in opened}


def _skipped(line: Skipped) -> Line:
    data = {"name": line.name, "phase": str(line.phase), "layer": line.layer, "status": "skipped", "reason": line.reason}
    return Line("  -", str(line), data | ({"drawn": line.drawn} if line.drawn else {}))


def _stage(timeline: Timeline, stage: Stage) -> Line:
    position, place = timeline.position, timeline.program.index[stage.name]
    computed = place < position.done
    broken = computed and bool(stage.broken(timeline.machine.tensor(stage.name)).any())
    following = ">" if place == position.done and position.next else " "
    badges = following + ("!" if broken else "*" if computed else " ") + "~" * stage.replaced
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
    }
    said = f"{stage}" + f"   # {stage.line}" * bool(stage.line) + (f"   ({', '.join(warnings)})" if warnings else "")
    return Line(badges, said, data)
