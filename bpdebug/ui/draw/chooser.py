"""The start: the scenarios that come with the program, and what is in the one under the cursor."""

from __future__ import annotations

from collections.abc import Sequence

from rich.cells import cell_len

from bpdebug.core.description import Loss, Optimizer, Scenario
from bpdebug.frontends import ShippedScenario
from bpdebug.ui.draw.rows import Row
from bpdebug.ui.draw.spans import Line, fit, line, wrap

_HEADING = ("scenario", "network", "samples", "what it shows")
_DEEP, _MANY = 5, 3
"""Layers whose units are all written out, and layers of a kind in a row that are counted instead."""


def scenario_rows(entries: Sequence[tuple[ShippedScenario, Scenario]], columns: int) -> list[Row]:
    """Under a heading, a line for each scenario: its name, the units of its layers, the size of its data, and what it teaches."""
    cells = [(entry.name, shape_of(scenario), str(scenario.samples), entry.teaches or entry.title) for entry, scenario in entries]
    widths = [max(cell_len(row[column]) for row in [_HEADING, *cells]) + 2 for column in range(3)]
    heading = Row("", (_row(_HEADING, widths, columns, ("dim",) * 4),))
    return [heading, *(Row(row[0], (_row(row, widths, columns, ("name", "", "", "")),)) for row in cells)]


def _row(cells: tuple[str, ...], widths: list[int], columns: int, roles: tuple[str, ...]) -> Line:
    name, shape, samples, teaches = zip(cells, roles, strict=True)
    size = (samples[0].rjust(widths[2] - 2), samples[1])
    return fit((*fit((name,), widths[0]), *fit((shape,), widths[1]), *fit((size,), widths[2]), teaches), columns)


def shape_of(scenario: Scenario) -> str:
    """The units layer by layer, such as ``2–4–1``; of a deep network, the first and the last ones."""
    units = [len(scenario.inputs), *(layer.units for layer in scenario.layers)]
    if len(units) > _DEEP + 1:
        return f"{units[0]}–{units[1]}–…–{units[-1]}"
    return "–".join(map(str, units))


def preview_lines(entry: ShippedScenario, scenario: Scenario, columns: int) -> list[Line]:
    """What is in a scenario: its description, layers, loss and training, and what to try first."""
    facts = [
        ("network", _layers(scenario)),
        ("loss", f"{_words(scenario.loss.function)}{_loss(scenario.loss)}"),
        ("training", f"{_optimizer(scenario.optimizer)}; {_training(scenario)}"),
        ("try first", entry.first),
    ]
    lines = wrap(entry.description, columns)
    for name, text in facts:
        first, *others = wrap(text, columns - 11, "bold" if name == "try first" else "") or [()]
        lines += [(*fit(line((name, "dim")), 11), *first), *((("", ""), (" " * 11, ""), *other) for other in others)] if text else []
    return lines


def _layers(scenario: Scenario) -> str:
    """Inputs and layers in words; layers of a kind in a row are counted."""
    runs: list[tuple[str, int]] = []
    for layer in scenario.layers:
        text = f"{layer.units} {_words(layer.activation)}{' + input' * layer.residual}"
        runs = [*runs[:-1], (text, runs[-1][1] + 1)] if runs and runs[-1][0] == text else [*runs, (text, 1)]
    inputs = len(scenario.inputs)
    written = [" → ".join([text] * count) if count < _MANY else f"{count} × ({text})" for text, count in runs]
    return " → ".join([f"{inputs} input{'s' * (inputs != 1)}", *written])


def _loss(loss: Loss) -> str:
    """How a loss is summed."""
    ways = [f"{way} over the {what}" for what, way in (("outputs", loss.outputs), ("samples", loss.samples))]
    return f", {', '.join(ways)}"


def _optimizer(optimizer: Optimizer) -> str:
    given = ", ".join(f"{_words(name)} {value:g}" for name, value in optimizer.constants.items())
    return f"{optimizer.name}, {given}" if given else optimizer.name


def _training(scenario: Scenario) -> str:
    epochs = f"{scenario.training.epochs:,} epochs".replace(",", " ")
    batch = f"in batches of {scenario.batch_size}" if scenario.batches > 1 else "all samples at once"
    return f"{epochs}, {batch}{', shuffled' * scenario.training.shuffle}"


def _words(name: str) -> str:
    return name.replace("_", " ")
