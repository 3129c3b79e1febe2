"""An update as a worked solution: what is given, every stage with its numbers, and how the derivatives were checked."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import groupby

from bpdebug.core.network import Phase
from bpdebug.core.numbers import written
from bpdebug.core.render import Style
from bpdebug.core.sources import spelled_out
from bpdebug.export.blocks import Block, Contents, Heading, Mark, Notes, Paragraph, Table, Text
from bpdebug.export.facts import data_table, facts
from bpdebug.export.stage import StageWriter, by_hand
from bpdebug.export.update import WorkedStage, WorkedUpdate
from bpdebug.trust.finding import Finding

_PHASES = {Phase.FORWARD: "Forward pass", Phase.LOSS: "Loss", Phase.BACKWARD: "Backward pass", Phase.UPDATE: "Update"}


def solution(worked: WorkedUpdate, style: Style) -> list[Block]:
    """The solution's blocks.

    Args:
        worked: the update, with cells that are worked out in the same style.
        style: the notation and the convention.
    """
    notes: dict[str, int] = {}
    writer = StageWriter(style, {name: value.shape for name, value in worked.values.items()})
    return [*_start(worked, writer), *_stages(worked, writer, notes), *_end(worked, writer), Notes(tuple(notes))]


def _start(worked: WorkedUpdate, writer: StageWriter) -> Iterator[Block]:
    """The title, the facts, and what the update is given."""
    program = worked.program
    yield Heading(1, (f"{program.scenario.name}: update {worked.update} worked out",))
    place = f"epoch {worked.epoch}, batch {worked.batch + 1} of {program.batches.each_epoch}"
    samples = f"{len(worked.rows)} sample{'s'[: len(worked.rows) != 1]}"
    yield Paragraph((f"Update {worked.update} of {program.updates} (counted from 0), {place}, {samples}.",))
    yield from facts(worked, writer.style)
    yield Contents(tuple((step.stage.name, writer.name(step.stage.name)) for step in worked.stages))
    yield Heading(2, ("Given",))
    yield data_table(worked)
    yield from writer.listed({name: value for name, value in worked.given.items() if value.ndim and name not in worked.program.data})
    yield from by_hand(worked.edits, "At the start of the update")


def _stages(worked: WorkedUpdate, writer: StageWriter, notes: dict[str, int]) -> Iterator[Block]:
    for phase, steps in groupby(worked.stages, lambda step: step.stage.phase):
        yield Heading(2, (_PHASES[phase],))
        for layer, of_layer in groupby(steps, lambda step: step.stage.layer):
            if layer and phase is not Phase.LOSS:
                yield Heading(3, (f"Layer {layer}",))
            for step in of_layer:
                yield from _stage(worked, step, writer, notes)


def _stage(worked: WorkedUpdate, step: WorkedStage, writer: StageWriter, notes: dict[str, int]) -> Iterator[Block]:
    stage = step.stage
    number = worked.program.index[stage.name] + 1
    yield Heading(4, (f"{number}. ", writer.name(stage.name), " (your own formula)" if stage.edited else ""), stage.name)
    source = Mark(notes.setdefault(spelled_out(stage.source), len(notes) + 1))
    yield Paragraph((stage.meaning, source))
    yield writer.formula(stage.name, stage.formula)
    yield from writer.stretched(stage.formula)
    yield from writer.numbers(step)
    if step.explained:
        yield from writer.cell(step.explained)
    yield from writer.derived(step)
    yield from by_hand(step.edits, "After this stage")


def _end(worked: WorkedUpdate, writer: StageWriter) -> Iterator[Block]:
    """The loss before and after, and what the check says of each derivative."""
    yield Heading(2, ("Check",))
    before, after = (written(loss, 8) for loss in (float(worked.values[worked.program.loss]), worked.loss_after()))
    yield Paragraph((f"The loss of this batch is {before}; with the new parameters it is {after}.",))
    findings = worked.check.findings if worked.check else ()
    if worked.check is None or not findings:
        return
    methods = " and ".join(dict.fromkeys(finding.method for finding in findings if finding.method))
    by = f" ({methods})" * bool(methods)
    yield Paragraph((f"Each derivative against what the loss itself says{by}; the cell is where the two are furthest apart.",))
    heads = ("derivative", "verdict", "relative error", "cell", "here", "by the check", "cells")
    wrong = tuple(place for place, finding in enumerate(findings) if finding.says.accuses)
    yield Table(tuple((head,) for head in heads), tuple(_row(finding, writer) for finding in findings), wrong)
    for line in worked.check.conclusion() if wrong else ():
        yield Paragraph((f"{_sentence(line.strip())}",))


def _sentence(text: str) -> str:
    return f"{text[0].upper()}{text[1:]}."


def _row(finding: Finding, writer: StageWriter) -> tuple[Text, ...]:
    name, word = writer.name(finding.name), finding.says.word
    if finding.status == "non-finite" or finding.numbers is None:
        return ((name,), (word,), *((("–",),) * 5))
    cell = writer.name(finding.name, finding.cell)
    numbers = (written(value, 8) for value in finding.numbers)
    cells = str(finding.checked) if finding.checked == finding.ours.size else f"{finding.checked} of {finding.ours.size}"
    error = written(finding.error, 2)
    return ((name,), (word,), (error,), (cell,), *((text,) for text in numbers), (cells,))
