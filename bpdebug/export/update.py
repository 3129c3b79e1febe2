"""One update as plain data: what it was given, what each stage saw and gave, a cell of it worked out, and the check's verdicts."""

from __future__ import annotations

from collections.abc import Generator
from time import perf_counter

from bpdebug.core.description import Array, Values
from bpdebug.core.program import Program
from bpdebug.core.record import Record, replace
from bpdebug.core.render import Style
from bpdebug.core.schedule import Stage
from bpdebug.export.matrices import telling_cell
from bpdebug.look.explanation import UNICODE, Explanation, explain
from bpdebug.time.edits import Edit
from bpdebug.time.tasks import SLICE
from bpdebug.time.timeline import Timeline
from bpdebug.trust.check import check
from bpdebug.trust.report import Report


class WorkedStage(Record, eq=False):
    """A stage with its numbers.

    Attributes:
        stage: with the formula that ran.
        operands: the tensors that its formula (and the derived one) reads, as the stage saw them.
        value: what it gave.
        explained: one cell of it, None where none is wanted.
        edits: what the user changed right after it.
    """

    stage: Stage
    operands: Values
    value: Array
    explained: Explanation | None = None
    edits: tuple[Edit, ...] = ()


class WorkedUpdate(Record, eq=False):
    """An update with all of its numbers.

    Attributes:
        program: the stages at its start.
        update: which one, counted from 0.
        given: the batch, the parameters, slots and constants at its start.
        stages: in order.
        edits: what the user changed at its very start.
        check: the gradient check, or None where none is wanted.
        earlier: what the user changed before it began.
    """

    program: Program
    update: int
    given: Values
    stages: tuple[WorkedStage, ...]
    edits: tuple[Edit, ...] = ()
    check: Report | None = None
    earlier: tuple[Edit, ...] = ()

    @property
    def values(self) -> dict[str, Array]:
        """Every tensor of the update by its name; a parameter or slot is the one at its start."""
        computed = {step.stage.name: step.value for step in self.stages}
        return computed | dict(self.given)

    @property
    def after(self) -> dict[str, Array]:
        """What the update has made of the parameters, slots and counts."""
        return {step.stage.name: step.value for step in self.stages if step.stage.name in self.given}

    def loss_after(self) -> float:
        """The loss of the same batch with the new parameters."""
        program = replace(self.program, lines=tuple(step.stage for step in self.stages))
        return float(program.run({**self.given, **self.after}, program.index[program.loss] + 1)[program.loss])


def working(timeline: Timeline, style: Style = UNICODE, explained: bool = True) -> Generator[str, None, WorkedUpdate]:
    """The present update (at the end of training, the last one), with every edit made in it; the timeline stays where it is, also
    between two slices.

    Args:
        timeline: of the session.
        style: how the cells that are worked out are written.
        explained: whether cells are worked out and derivatives checked, which takes longer.
    """
    update, _ = timeline.calendar.under_way(timeline.clock)
    start, end = map(timeline.calendar.clock, (update, update + 1))
    with timeline.at(start) as machine:
        program, given = timeline.program, {name: value.copy() for name, value in machine.values().items()}
    stages = list[WorkedStage]()
    while len(stages) < end - start:
        with timeline.at(start + len(stages)):
            begun = perf_counter()
            for t in range(start + len(stages), end):
                stages.append(_worked(timeline, t, style if explained else None))
                if perf_counter() - begun > SLICE:
                    break
        yield f"working out {stages[-1].stage.name}"
    edits = tuple(edit for edit in timeline.edits if edit.t == start)
    checked = (yield from check(timeline)) if explained else None
    earlier = tuple(edit for edit in timeline.edits if edit.t < start)
    return WorkedUpdate(program, update, given, tuple(stages), edits, checked, earlier)


def _worked(timeline: Timeline, t: int, style: Style | None) -> WorkedStage:
    """The stage that runs at clock ``t``."""
    timeline.seek(t)
    stage = timeline.program.stages[timeline.calendar.place(t)[1]]
    names = {*stage.formula.names, *(stage.derived.names if stage.derived else ())}
    operands = {name: value.copy() for name, value in timeline.machine.values().items() if name in names}
    timeline.seek(t + 1)
    value = timeline.machine.tensor(stage.name).copy()
    explained = explain(timeline, stage.name, telling_cell(value), style) if style else None
    if explained:
        explained.meaning  # noqa: B018 - now, while the values are there
    edits = tuple(edit for edit in timeline.edits if edit.t == t + 1)
    return WorkedStage(stage, operands, value, explained, edits)
