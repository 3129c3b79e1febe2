"""Where each moving command leads, and what is said on arrival."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from bpdebug.core.cells import Cell, cell_name
from bpdebug.core.program import Program
from bpdebug.core.record import Record
from bpdebug.core.shapes import shape_text
from bpdebug.look.explanation import explain
from bpdebug.time.position import Location, LocationError, Position
from bpdebug.time.results import Result
from bpdebug.time.runner import Outcome
from bpdebug.time.timeline import Timeline


class Move(Record):
    """A decision where to go.

    Attributes:
        target: the clock.
        reason: what is said on arrival: ``step``, ``location``, …
        jump: whether the way there does not matter (no stops on it).
        search: whether the way is back to the last stop, and ``target`` only where it ends.
        tell: what the command makes of the answer on arrival, where it has something to add.
        cell: the cell to look at there, or None.
    """

    target: int
    reason: str
    jump: bool = False
    search: bool = False
    tell: Callable[[Result], Result] | None = None
    cell: tuple[str, Cell] | None = None


def by_stages(position: Position, count: int) -> int:
    """``count`` stages on (or back, where it is negative)."""
    return position.t + count


def by_boundaries(program: Program, position: Position, count: int, by_layer: bool) -> int:
    """The ``count``-th end of a phase, or of a layer in its phase, after now; the begin before, where it is negative."""
    bounds = program.groups(by_layer)[:-1]
    here = position.update * position.stages
    after = sum(bound <= position.done for bound in bounds)
    before = sum(bound < position.done for bound in bounds)
    turns, place = divmod(after + count - 1 if count > 0 else before + count, len(bounds))
    return here + turns * position.stages + bounds[place]


def by_updates(position: Position, count: int, size: int = 1) -> int:
    """The ``count``-th end of an update (of an epoch of ``size`` updates) after now, or begin before it."""
    length = size * position.stages
    if count > 0:
        return (position.t // length + count) * length
    return (-(-position.t // length) + count) * length


def until(program: Program, position: Position, location: Location) -> int:
    """The next moment of a location, after now.

    Raises:
        LocationError: where the location lies in the past.
    """
    target = location.clock(program, position.update)
    if target <= position.t and location.update is None:
        target += position.stages
    if target <= position.t:
        raise LocationError(f"'{location.text}' is not ahead: 'goto {location.text}' goes back")
    return target


def describe_stop(timeline: Timeline, move: Move, start: Position, outcome: Outcome) -> Result:
    """The result of a move that has ended."""
    position = timeline.position
    if outcome.hits:
        return _hit(timeline, start, outcome)
    if outcome.nonfinite:
        return _nonfinite(timeline, start)
    reason = move.reason
    if position.t != move.target:
        reason = "end" if position.at_end else "start" if position.t == 0 else "interrupted"
    text = describe(timeline)
    if start.t == position.t == 0 and (move.target < 0 or move.search):
        text = f"nothing lies before the start of training: {text}"
    elif move.search:
        text = f"no stop before: {text}"
    text = "training is complete: " + text if position.at_end else text
    return Result("stop", text, _stop_data(reason, start, position))


def _stop_data(reason: str, start: Position, position: Position) -> dict[str, object]:
    return {"reason": reason, "from": start.t, "next": position.next, "phase": position.phase, "layer": position.layer}


def describe(timeline: Timeline) -> str:
    """The present moment in one line."""
    position = timeline.position
    place = f"update {position.update}/{position.updates}"
    if position.stage is None:
        return place if position.next is None else f"{place}, at its start; next: {timeline.program.stages[0]}"
    stage = timeline.program.stages[position.done - 1]
    return f"{place}, stage {position.done}/{position.stages}: {stage.phase}, layer {stage.layer}: {stage}"


def _hit(timeline: Timeline, start: Position, outcome: Outcome) -> Result:
    lines = [f"{hit.stop.kind} {hit.stop.number}: {hit.text}" for hit in outcome.hits]
    hits = [{**hit.data, "text": hit.text} for hit in outcome.hits]
    data = _stop_data(outcome.hits[0].stop.kind, start, timeline.position) | {"hits": hits}
    return Result("stop", "\n".join([*lines, describe(timeline)]), data)


def _nonfinite(timeline: Timeline, start: Position) -> Result:
    position = timeline.position
    place = (position.done or position.stages) - 1
    stage = timeline.program.stages[place]
    value = timeline.machine.tensor(stage.name)
    bad = np.argwhere(~np.isfinite(value))
    first = tuple(int(i) for i in bad[0])
    update = position.update - (position.done == 0)
    warnings = timeline.machine.warned(stage.name)
    why = f" ({', '.join(warnings)})" if warnings else ""
    cell = f"{cell_name(stage.name, first)} = {value[first]}"
    cells = f"{len(bad)} of {value.size} cells ({shape_text(value.shape)}), the first is {cell}" if first else cell
    there = position.done or stage.name in timeline.program.persistent
    told = explain(timeline, stage.name, first) if there else None
    text = f"non-finite value: {stage} in update {update}{why}: {cells}" + (f"\n{told.blame}" if told and told.blame else "")
    data = _stop_data("non-finite", start, position) | {
        "culprit": stage.name,
        "cell": list(first),
        "cells": len(bad),
        "warnings": list(warnings),
        "cause": told.culprit if told else "",
    }
    return Result("stop", text, data)
