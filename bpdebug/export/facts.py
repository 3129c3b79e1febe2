"""What a worked solution says before its first stage: the network, the loss and the optimizer in words, and the given data."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from bpdebug.core.boxes import figure, row
from bpdebug.core.description import Layer, Loss
from bpdebug.core.numbers import short, written
from bpdebug.core.program import Program
from bpdebug.core.render import Style
from bpdebug.core.tree import Tree, substitute
from bpdebug.core.typeset import typeset, typeset_name
from bpdebug.export.blocks import Block, Maths, Paragraph, Table, Text
from bpdebug.export.matrices import LARGEST, SHOWN
from bpdebug.export.stage import aligned
from bpdebug.export.update import WorkedUpdate


def facts(worked: WorkedUpdate, style: Style) -> Iterator[Block]:
    """The network, the loss and the optimizer, each in a sentence."""
    program = worked.program
    if program.scenario.description:
        yield Paragraph((program.scenario.description,))
    yield Paragraph((_network(program),), "Network")
    shapes = {name: value.shape for name, value in worked.values.items()}
    yield Paragraph((f"{_loss(program.network.asked)}:",), "Loss")
    yield aligned(typeset_name(program.network.loss, style), "=", [typeset(whole_loss(program), style, shapes)])
    yield Paragraph(_optimizer(worked, style), "Optimizer")
    yield Paragraph(_conventions(style), "Notation")


def _network(program: Program) -> str:
    layers = [names.layer for names in program.layers]
    widths = "-".join(str(width) for width in (len(program.inputs), *(layer.units for layer in layers)))
    count = sum(a * b for a, b in program.parameters.values())
    parts = [f"{len(program.inputs)} input{'s'[: len(program.inputs) != 1]}", *map(_layer, layers)]
    return f"{widths}: {', then '.join(parts)}; {count:,} parameters."


def _layer(layer: Layer) -> str:
    details = [layer.activation.replace("_", " "), *(f"{name} {short(value)}" for name, value in layer.constants.items())]
    details += ["no bias"] * (not layer.bias) + ["its input added to its output"] * layer.residual
    return f"{layer.units} unit{'s'[: layer.units != 1]} ({', '.join(details)})"


def _loss(loss: Loss) -> str:
    words = {"sum": "summed", "mean": "averaged"}
    details = [f"{name} {short(value)}" for name, value in loss.constants.items()]
    parts = [loss.function.replace("_", " ") + f" ({', '.join(details)})" * bool(details)]
    parts += ["from the logits"] * loss.from_logits
    parts += [f"{words[loss.outputs]} over the outputs and {words[loss.samples]} over the samples"]
    parts += [f"times {short(loss.factor, 8)}"] * (loss.factor != 1)
    parts += [f"plus {short(loss.l2, 8)} times the sum of the squared weights"] * bool(loss.l2)
    text = ", ".join(parts)
    return text[0].upper() + text[1:]


def whole_loss(program: Program) -> Tree:
    """The formula of the loss with the terms that have stages of their own put in."""
    terms = {stage.name: stage.formula.tree for stage in program.stages if stage.phase == "loss"}
    return substitute(terms.pop(program.loss), terms)


def _optimizer(worked: WorkedUpdate, style: Style) -> Text:
    frozen, rule = worked.program.frozen, worked.program.rule
    pieces: list[str | Maths] = [rule.name]
    for name in rule.constants:
        value = figure(short(float(worked.given[name]), 8))
        pieces += [" with " if len(pieces) == 1 else ", ", Maths(row(typeset_name(name, style), " = ", value))]
    return (*pieces, f"; frozen: {', '.join(frozen)}." if frozen else ".")


def _conventions(style: Style) -> Text:
    one, product = ("column", "Wx") if style.columns else ("row", "xW")
    return (
        f"A sample is a {one}, so that ",
        Maths(row("z", " = ", f"{product[0]} ", product[1], " + ", "b")),
        "; the shape stands under each tensor; rows and columns count from 0. ",
        Maths("⊙"),
        ", fractions, powers and functions act cell by cell.",
    )


def data_table(worked: WorkedUpdate) -> Table:
    """The batch: a sample a row, with the names of the inputs and outputs."""
    program = worked.program
    x, y = worked.given[worked.program.input], worked.given[worked.program.target]
    outputs = program.outputs or (tuple(f"{program.target}{n}" for n in range(1, y.shape[1] + 1)) if y.shape[1] > 1 else (program.target,))
    heads = ["sample", *_cut(program.inputs), *_cut(outputs)]
    digits = 6 if len(heads) <= LARGEST else 4
    shown = len(x) if len(x) <= LARGEST else SHOWN
    rows = [
        [
            str(sample),
            *_cut([written(float(value), digits) for value in inputs]),
            *_cut([written(float(value), digits) for value in targets]),
        ]
        for sample, inputs, targets in zip(worked.rows[:shown], x, y, strict=False)
    ]
    rows += [["…"] * len(heads)] * (len(x) > shown)
    return Table(tuple((head,) for head in heads), tuple(tuple((text,) for text in row) for row in rows))


def _cut(items: Sequence[str]) -> list[str]:
    return list(items) if len(items) <= LARGEST else [*items[:SHOWN], "…"]
