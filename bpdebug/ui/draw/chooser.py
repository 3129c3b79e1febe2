"""The start: the scenarios that come with the program, and what is in the one under the cursor."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import groupby

from bpdebug.core.description import Scenario
from bpdebug.frontends import ShippedScenario
from bpdebug.ui.draw.rows import Row, columns_of, table
from bpdebug.ui.draw.spans import Line, fit, line, wrap

_HEADING = ("scenario", "network", "samples", "what it shows")
_DEEP, _MANY = 5, 3
"""Layers whose units are all written out, and layers of a kind in a row that are counted instead."""


def scenario_rows(entries: Sequence[tuple[ShippedScenario, Scenario]], columns: int) -> list[Row]:
    """Under a heading, a line for each scenario: its name, the units of its layers, the size of its data, and what it teaches."""
    taught = [(entry.name, shape_of(scenario), str(scenario.samples), entry.teaches or entry.title) for entry, scenario in entries]
    cells = [[line((name, "name")), *map(line, rest)] for name, *rest in taught]
    drawn = table([[line((title, "dim")) for title in _HEADING], *cells], right={2})
    return [Row(name, (fit(each, columns),)) for name, each in zip(("", *(name for name, *_ in taught)), drawn, strict=True)]


def shape_of(scenario: Scenario) -> str:
    """The units layer by layer, such as ``2–4–1``; of a deep network, the first and the last ones; of a program, how many lines it has."""
    if scenario.lines:
        return f"{sum(bool(line.split('#')[0].strip()) for line in scenario.lines.program.splitlines())} lines"
    units = [len(scenario.inputs), *(layer.units for layer in scenario.layers)]
    if len(units) > _DEEP + 1:
        return f"{units[0]}–{units[1]}–…–{units[-1]}"
    return "–".join(map(str, units))


def preview_lines(entry: ShippedScenario, scenario: Scenario, columns: int) -> list[Line]:
    """What is in a scenario: its description, layers, loss and training, and what to try first."""
    loss, optimizer, training = scenario.loss, scenario.optimizer, scenario.training
    settings = [optimizer.name, *(f"{_words(name)} {value:g}" for name, value in optimizer.constants.items())]
    epochs = f"{training.epochs:,} epochs".replace(",", " ")
    batch = f"in batches of {scenario.batch_size}" if scenario.batches > 1 else "all samples at once"
    facts = [
        ("network", _layers(scenario)),
        ("loss", f"{_words(loss.function)}, {loss.outputs} over the outputs, {loss.samples} over the samples"),
        ("training", f"{', '.join(settings)}; {epochs}, {batch}{', shuffled' * training.shuffle}"),
        ("try first", entry.first),
    ]
    lines = wrap(entry.description, columns)
    for name, text in facts:
        lines += columns_of([(name, "dim", 9), (text, "bold" if name == "try first" else "", columns - 11)])
    return lines


def _layers(scenario: Scenario) -> str:
    """Inputs and layers in words; layers of a kind in a row are counted."""
    inputs = len(scenario.inputs)
    told = [f"{inputs} input{'s' * (inputs != 1)}"]
    for text, same in groupby(f"{layer.units} {_words(layer.activation)}{' + input' * layer.residual}" for layer in scenario.layers):
        count = len(list(same))
        told += [text] * count if count < _MANY else [f"{count} × ({text})"]
    return " → ".join(told)


def _words(name: str) -> str:
    return name.replace("_", " ")
