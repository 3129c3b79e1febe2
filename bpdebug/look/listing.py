"""The program as a listing with badges, like a debugger's source pane."""

from __future__ import annotations

from typing import Any

import numpy as np

from bpdebug.core.record import Record
from bpdebug.core.schedule import Skipped, Stage
from bpdebug.time.timeline import Timeline


class Row(Record):
    """A line of the listing: text for a person, and data where it is a stage."""

    text: str
    data: dict[str, Any] | None = None


def listing(timeline: Timeline) -> list[Row]:
    """The stages in order, under their phases: ``>`` the next one, ``*`` computed, ``!`` not finite, ``~`` the user's formula."""
    rows: list[Row] = []
    phase = ""
    for line in timeline.program.lines:
        if line.phase != phase:
            phase = line.phase
            rows.append(Row(phase.upper()))
        if isinstance(line, Skipped):
            data = {"name": line.name, "phase": str(line.phase), "layer": line.layer, "status": "skipped", "reason": line.reason}
            rows.append(Row(f"  -  {line}", data | ({"drawn": line.drawn} if line.drawn else {})))
        else:
            rows.append(_stage(timeline, line))
    return rows


def _stage(timeline: Timeline, stage: Stage) -> Row:
    position, place = timeline.position, timeline.program.index[stage.name]
    computed = place < position.done
    broken = computed and not bool(np.isfinite(timeline.machine.tensor(stage.name)).all())
    following = ">" if place == position.done and position.next else " "
    badges = following + ("!" if broken else "*" if computed else " ") + "~" * stage.edited
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
    return Row(f"{badges:<4} {stage}" + f"   # {stage.line}" * bool(stage.line) + (f"   ({', '.join(warnings)})" if warnings else ""), data)
