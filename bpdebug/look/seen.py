"""When a tensor got its value, and what the stages saw that computed it."""

from __future__ import annotations

from collections.abc import Sequence

from bpdebug.core.description import Values
from bpdebug.core.program import Program
from bpdebug.core.schedule import Stage
from bpdebug.time.position import Position, position_at
from bpdebug.time.timeline import Timeline


def last_computed(program: Program, position: Position, name: str) -> int | None:
    """The clock right after the stage that gave the tensor its value at that position, or None for what was given."""
    calendar, place = position.calendar, program.index.get(name)
    if place is not None and place < position.done:
        return calendar.clock(position.update, place + 1)
    return calendar.before(position.update, name, program.index) if name in program.persistent else None


def operands_seen(timeline: Timeline, stage: Stage, computed: int) -> Values:
    """The values that the stage saw of what its formula reads."""
    return values_seen(timeline, stage, computed, stage.formula.names)


def values_seen(timeline: Timeline, stage: Stage, computed: int, read: Sequence[str]) -> Values:
    """The values of tensors that there were when a stage ran: the present ones, unless one of them has been assigned since."""
    position, program = timeline.position, timeline.program
    if position.calendar.clock(position.update) < computed <= position.t:
        since = {later.name for later in program.stages[program.index[stage.name] : position.done]}
        since |= {edit.name for edit in timeline.edits if computed <= edit.t <= position.t}
        if not since & set(read):
            values = timeline.machine.moment()  # not the buffers: the terms of long sums are worked out when they are looked at
            return {name: values[name] for name in read if name in values}
    return timeline.before(computed, tuple(read))


def there_before(program: Program, stage: Stage) -> Sequence[str]:
    """The tensors that have a value before a stage runs."""
    later = program.later(stage.name)
    return tuple(name for name in program.tensors if name not in later)


def operand_origin(timeline: Timeline, computed: int | None, name: str) -> int:
    """The clock to look from at an operand of a cell that was computed at a clock, or given: right after the stage that made the operand,
    or, where that was given, a moment at which it still has the value that the stage saw."""
    program, here = timeline.program, timeline.position
    if computed is None:
        return here.t
    seen = last_computed(program, position_at(program, computed - 1), name)
    if seen is not None:
        return seen
    return here.t if last_computed(program, here, name) is None else computed - 1
