"""An update as a worked solution: what is given, every stage with its numbers, and how the derivatives were checked."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from itertools import groupby
from math import prod

from bpdebug.core.boxes import figure, row
from bpdebug.core.misfits import shape_text
from bpdebug.core.network import Phase
from bpdebug.core.numbers import short, written
from bpdebug.core.program import Program
from bpdebug.core.render import Style
from bpdebug.core.structure import Forms
from bpdebug.core.tensors import Array
from bpdebug.core.tree import substitute
from bpdebug.core.typeset import typeset, typeset_name
from bpdebug.export.blocks import Block, Contents, Heading, Mark, Maths, Notes, Paragraph, Table, Text
from bpdebug.export.drawing import drawing
from bpdebug.export.matrices import LARGEST, SHOWN
from bpdebug.export.stage import StageWriter, by_hand, derivation
from bpdebug.export.update import WorkedStage, WorkedUpdate

_PHASES = {Phase.FORWARD: "Forward pass", Phase.LOSS: "Loss", Phase.BACKWARD: "Backward pass", Phase.UPDATE: "Update"}
_WORKS = {
    "GBC": "Goodfellow, Bengio, Courville, Deep Learning (2016)",
    "RHW": "Rumelhart, Hinton, Williams, Learning representations by back-propagating errors (1986)",
    "Bishop": "Bishop, Pattern Recognition and Machine Learning (2006)",
}
"""The works that the tables cite by a short name: ``[RHW] eq. 2`` becomes authors, title, year and equation."""


def solution(worked: WorkedUpdate, style: Style, blanks: bool = False) -> list[Block]:
    """The solution's blocks.

    Args:
        worked: the update, with cells that are worked out in the same style.
        style: the notation and the convention.
        blanks: whether it is a work sheet: with gaps in the place of numbers, and all of these at its end.
    """
    notes: dict[str, int] = {}
    writer = StageWriter(style, Forms(worked.values))
    if not blanks:
        parts = [*_start(worked, writer, f"update {worked.update} worked out"), *_stages(worked, writer, notes)]
        return [*parts, *_end(worked, writer), Notes(tuple(notes))]
    asked = [*_start(worked, writer, f"work sheet for update {worked.update}"), *_stages(worked, writer, notes, blanks)]
    answers: list[Block] = [Heading(2, ("Answers",), page=True)]
    for step in worked.stages:
        answers += [Heading(4, _title(worked, step, writer)), *_numbers(step, writer)]
    return [*asked, *answers, *_end(worked, writer), Notes(tuple(notes))]


def _start(worked: WorkedUpdate, writer: StageWriter, what: str) -> Iterator[Block]:
    """The title, the facts, and what the update is given."""
    program, rows = worked.program, worked.program.batches.samples(worked.update)
    yield Heading(1, (f"{program.scenario.name}: {what}",))
    epoch, batch = program.batches.place(worked.update)
    place = f"epoch {epoch}, batch {batch + 1} of {program.batches.each_epoch}"
    yield Paragraph((f"Update {worked.update} of {program.updates} (counted from 0), {place}, {_counted(len(rows), 'sample')}.",))
    yield from _facts(worked, writer)
    yield Contents(tuple((step.stage.name, writer.name(step.stage.name)) for step in worked.stages))
    yield Heading(2, ("Given",))
    tabled = program.data if program.layers else ()
    shown = {name: value for name, value in worked.given.items() if value.ndim or name in program.parameters or name in program.sources}
    yield from [_data_table(worked, rows)] if tabled else []
    yield from writer.listed({name: value for name, value in shown.items() if name not in tabled})
    yield from by_hand(worked.edits, "At the start of the update")


def _facts(worked: WorkedUpdate, writer: StageWriter) -> Iterator[Block]:
    """The network, the loss and the optimizer in words, and the conventions."""
    program, style = worked.program, writer.style
    if program.scenario.description:
        yield Paragraph((program.scenario.description,))
    yield Paragraph((_network(program),), "Network") if program.layers else Paragraph((*_lines(program, writer),), "Program")
    if drawn := drawing(program, worked.given):
        yield drawn
    yield Paragraph((f"{_loss(program)}:" if program.layers else "The line that all gradients are of:",), "Loss")
    terms = {stage.name: stage.formula.tree for stage in program.stages if stage.phase is Phase.LOSS}
    whole = substitute(terms.pop(program.loss), terms)  # the terms that have stages of their own put in
    yield derivation(typeset_name(program.loss, style), "=", [typeset(whole, style, writer.shapes)])
    constants: list[str | Maths] = []
    for name in program.rule.constants:
        value = figure(short(float(worked.given[name]), 8))
        constants += [", " if constants else " with ", Maths(row(typeset_name(name, style), " = ", value))]
    frozen = f"; frozen: {', '.join(program.frozen)}." if program.frozen else "."
    ways = ", and then ".join(f"by {kind}, at {bound:g}" for kind, bound in program.rule.clip.items())
    clip = f"; the gradients are clipped {ways}" * bool(ways)
    yield Paragraph((program.rule.name, *constants, clip, frozen), "Optimizer")
    one, product = ("column", "Wx") if style.columns else ("row", "xW")
    affine = Maths(row("z", " = ", f"{product[0]} ", product[1], " + ", "b"))
    samples: Text = (f"A sample is a {one}, so that ", affine, "; the shape") if program.layers else ("The shape",)
    cells = " stands under each tensor; rows and columns count from 0. "
    yield Paragraph((*samples, cells, Maths("⊙"), ", fractions, powers and functions act cell by cell."), "Notation")


def _counted(count: int, thing: str) -> str:
    return f"{count} {thing}{'s' * (count != 1)}"


def _lines(program: Program, writer: StageWriter) -> Iterator[str | Maths]:
    """How many lines there are, and the parameters with their shapes."""
    count = sum(prod(shape) for shape in program.parameters.values())
    yield f"{_counted(len(program.network.nodes), 'line')}; {_counted(count, 'parameter')}: "
    for place, (name, shape) in enumerate(program.parameters.items()):
        yield from (", " * (place > 0), writer.name(name), f" {shape_text(shape)}")
    yield "."


def _network(program: Program) -> str:
    count = sum(prod(shape) for shape in program.parameters.values())
    widths, parts = [len(program.inputs)], [_counted(len(program.inputs), "input")]
    for layer in (names.layer for names in program.layers):
        details = [layer.activation.replace("_", " "), *(f"{name} {short(value)}" for name, value in layer.constants.items())]
        details += ["no bias"] * (not layer.bias) + ["its input added to its output"] * layer.residual
        widths.append(layer.units)
        parts.append(f"{_counted(layer.units, 'unit')} ({', '.join(details)})")
    return f"{'-'.join(map(str, widths))}: {', then '.join(parts)}; {count:,} parameters."


def _loss(program: Program) -> str:
    loss, words = program.network.asked, {"sum": "summed", "mean": "averaged"}
    details = [f"{name} {short(value)}" for name, value in loss.constants.items()]
    parts = [loss.function.replace("_", " ") + f" ({', '.join(details)})" * bool(details)]
    parts += ["from the logits"] * loss.from_logits
    parts += [f"{words[loss.outputs]} over the outputs and {words[loss.samples]} over the samples"]
    parts += [f"times {short(loss.factor, 8)}"] * (loss.factor != 1)
    parts += [f"plus {short(loss.l2, 8)} times the sum of the squared weights"] * bool(loss.l2)
    return _capital(", ".join(parts))


def _capital(text: str) -> str:
    return text[0].upper() + text[1:]


def _data_table(worked: WorkedUpdate, rows: Array) -> Table:
    """The batch: a sample a row, with the names of the inputs and outputs."""
    program = worked.program
    x, y = worked.given[program.input], worked.given[program.target]
    outputs = program.outputs or (tuple(f"{program.target}{n}" for n in range(1, y.shape[1] + 1)) if y.shape[1] > 1 else (program.target,))
    heads = ["sample", *_cut(program.inputs), *_cut(outputs)]
    digits = 6 if len(heads) <= LARGEST else 4
    lines = [
        [str(sample), *(text for values in given for text in _cut([written(float(value), digits) for value in values]))]
        for sample, *given in zip(rows[: len(x) if len(x) <= LARGEST else SHOWN], x, y, strict=False)
    ]
    lines += [["…"] * len(heads)] * (len(lines) < len(x))
    return Table(heads, lines)


def _cut(items: Sequence[str]) -> list[str]:
    return list(items) if len(items) <= LARGEST else [*items[:SHOWN], "…"]


def _stages(worked: WorkedUpdate, writer: StageWriter, notes: dict[str, int], blanks: bool = False) -> Iterator[Block]:
    for phase, steps in groupby(worked.stages, lambda step: step.stage.phase):
        yield Heading(2, (_PHASES[phase],))
        for group, within in groupby(steps, lambda step: worked.program.tensors[step.stage.name].group):
            if group and phase is not Phase.LOSS:
                yield Heading(3, (group.capitalize(),))
            for step in within:
                yield Heading(4, _title(worked, step, writer), step.stage.name)
                yield from _formula(step, writer, notes)
                yield from writer.asked(step) if blanks else _numbers(step, writer)


def _title(worked: WorkedUpdate, step: WorkedStage, writer: StageWriter) -> Text:
    name = step.stage.name
    return (f"{worked.program.index[name] + 1}. ", writer.name(name), " (your own formula)" if step.stage.edited else "")


def _formula(step: WorkedStage, writer: StageWriter, notes: dict[str, int]) -> Iterator[Block]:
    """What a stage computes."""
    stage = step.stage
    source = re.sub(r"\[(\w+)\]", lambda found: f"{_WORKS[found[1]]},", stage.source)
    told = step.explained.rule if step.explained else ""
    yield Paragraph((told or stage.meaning, *[Mark(notes.setdefault(one, len(notes) + 1)) for one in [source] if one]))
    yield writer.formula(stage.name, stage.formula)
    yield from writer.stretched(stage.formula)


def _numbers(step: WorkedStage, writer: StageWriter) -> Iterator[Block]:
    """What comes of it."""
    yield from writer.numbers(step)
    if step.explained:
        yield from writer.cell(step.explained)
        if step.explained.meaning not in (step.explained.rule, step.stage.meaning):
            yield Paragraph((step.explained.meaning,))
    yield from writer.derived(step)
    yield from by_hand(step.edits, "After this stage")


def _end(worked: WorkedUpdate, writer: StageWriter) -> Iterator[Block]:
    """The loss before and after, and what the check says of each derivative."""
    yield Heading(2, ("Check",))
    before, after = (written(loss, 8) for loss in (float(worked.values[worked.program.loss]), worked.loss_after()))
    yield Paragraph((f"The loss of this batch is {before}; with the new parameters it is {after}.",))
    if worked.check is None or not worked.check.findings:
        return
    findings = worked.check.findings
    methods = " and ".join(dict.fromkeys(finding.method for finding in findings if finding.method))
    by = f" ({methods})" * bool(methods)
    yield Paragraph(
        (f"Each derivative is checked given the gradient that arrives at it{by}; the cell is the one where the two numbers differ most.",)
    )
    heads = ("derivative", "verdict", "relative error", "cell", "here", "by the check", "cells")
    rows: list[list[str | Maths]] = []
    for finding in findings:
        told: list[str | Maths] = ["–"] * 5
        if finding.status != "non-finite":
            told[0], told[-1] = written(finding.error, 2), str(finding.checked)
        if finding.status != "non-finite" and finding.numbers is not None:
            told[1:-1] = [writer.name(finding.name, finding.cell), *(written(value, 8) for value in finding.numbers)]
        rows.append([writer.name(finding.name), finding.says.word, *told])
    wrong = tuple(place for place, finding in enumerate(findings) if finding.says.accuses)
    yield Table(heads, rows, wrong)
    for line in worked.check.conclusion() if wrong else ():
        yield Paragraph((f"{_capital(line.strip())}.",))
