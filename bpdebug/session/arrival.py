"""What is said where a move has ended."""

from __future__ import annotations

import numpy as np

from bpdebug.core.cells import cell_name
from bpdebug.core.misfits import shape_text
from bpdebug.look.effect import Effect
from bpdebug.look.explanation import explain
from bpdebug.time.moves import Move
from bpdebug.time.position import Position, called
from bpdebug.time.results import Result
from bpdebug.time.runner import Outcome
from bpdebug.time.timeline import Timeline


def describe_stop(timeline: Timeline, move: Move, start: Position, outcome: Outcome) -> Result:
    """The result of a move that has ended."""
    position = timeline.position
    if outcome.hits:
        lines = [f"{hit.stop.kind} {hit.stop.number}: {hit.text}" for hit in outcome.hits]
        hits = [{**hit.data, "text": hit.text} for hit in outcome.hits]
        data = _stop_data(outcome.hits[0].stop.kind, start, position) | {"hits": hits}
        return Result("stop", "\n".join([*lines, describe(timeline)]), data)
    if outcome.nonfinite:
        return _nonfinite(timeline, start)
    reason = move.reason
    if position.t != move.target:
        reason = "end" if position.at_end else "start" if position.t == 0 else "interrupted"
    text = describe(timeline)
    if start.t == position.t == 0 and (move.target < 0 or move.search):
        text = f"already at the start of training: {text}"
    elif move.search:
        text = f"no earlier stop: {text}"
    text = f"{timeline.program.scenario.ending or 'training is complete'}: {text}" if position.at_end else text
    first = timeline.first_nonfinite
    if reason == "end" and first is not None and first <= start.t < position.t:
        update, place = timeline.calendar.ran(first)
        where = f"{update}:{timeline.program_at(first - 1).stages[place].name}"
        text += f"\nnot all values have been finite since {where}; 'goto {where}' goes back to the first that is not"
    return Result("stop", text, _stop_data(reason, start, position))


def with_effect(result: Result, effect: Effect | None) -> Result:
    """The result of a move that has completed an update, with what that update has done."""
    return result.also("\n".join([result.text, *effect.lines()]), effect=effect.data) if effect else result


def _stop_data(reason: str, start: Position, position: Position) -> dict[str, object]:
    return {"reason": reason, "from": start.t, "next": position.next, "phase": position.phase, "layer": position.layer}


def describe(timeline: Timeline) -> str:
    """The present moment in one line."""
    position = timeline.position
    program = timeline.program
    place = called(program, position.update) if program.recorded else f"update {position.update}/{position.updates}"
    if position.stage is None:
        return place if position.next is None else f"{place}, at its start; next: {program.stages[0]}"
    stage = program.stages[position.done - 1]
    group = program.tensors[stage.name].group
    return f"{place}, stage {position.done}/{position.stages}: {stage.phase}{f', {group}' if group else ''}: {stage}"


def _nonfinite(timeline: Timeline, start: Position) -> Result:
    position = timeline.position
    update, place = timeline.calendar.ran(position.t)
    stage = timeline.program_at(position.t - 1).stages[place]
    value = timeline.machine.tensor(stage.name)
    bad = np.argwhere(~np.isfinite(value))
    first = tuple(int(i) for i in bad[0])
    warnings = timeline.machine.warned(stage.name)
    why = f" ({', '.join(warnings)})" if warnings else ""
    cell = f"{cell_name(stage.name, first)} = {value[first]}"
    cells = f"{len(bad)} of {value.size} cells ({shape_text(value.shape)}), the first is {cell}" if first else cell
    there = position.done or stage.name in timeline.program.persistent
    told = explain(timeline, stage.name, first) if there else None
    at = f" at {stage.line}" if stage.line else ""
    text = f"non-finite value: {stage}{at} in {called(timeline.program, update)}{why}: {cells}" + (
        f"\n{told.blame}" if told and told.blame else ""
    )
    data = _stop_data("non-finite", start, position) | {
        "culprit": stage.name,
        "cell": list(first),
        "cells": len(bad),
        "warnings": list(warnings),
        "cause": told.culprit if told else "",
    }
    return Result("stop", text, data)
