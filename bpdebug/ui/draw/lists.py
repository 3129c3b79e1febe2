"""The lists over the panes: at the start the scenarios that come with the program, with what is in the one under the cursor; and the help,
with the legend, the commands and their keys, and the keys of the panes."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from itertools import groupby
from typing import NamedTuple

from bpdebug.core.description import Scenario
from bpdebug.frontends import ShippedScenario
from bpdebug.look.legend import GROUPS, Entry, entries
from bpdebug.session.table import GROUPS as COMMAND_GROUPS
from bpdebug.session.table import Command
from bpdebug.ui.draw.glyphs import glyph, role_of
from bpdebug.ui.draw.spans import Line, Row, columns_of, fit, line, marked, table, wrap

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


PANE_KEYS = (
    ("tab", "the next pane"),
    ("arrows", "move the cell cursor (Values, Gradients), or the line of the listing (Program)"),
    ("PgUp PgDn", "in Values and Gradients the layer before and after; shift with an arrow: ten rows"),
    ("← →", "in Program close the call, the loop or the group that the cursor is in, and open it"),
    ("( )", "of a tensor with more than two axes the part before and after, such as [1,0,:,:] of 2×4×6×8; the arrows go on into it, too"),
    ("z", "maximise the pane, or restore all"),
    ("< > { }", "make the pane in use narrower, wider, shorter, taller; 0 restores all"),
    (
        "mouse",
        "over a sign: what it means; a click: a number, a stage, an operand in Why, a key; twice: a number's origin, a title: z",
    ),
    ("drag", "a border: other sizes; over text: select it, ctrl+c copies"),
    ("ctrl+o", "open another scenario"),
    (":", "type any command; Tab completes it, the up arrow brings back earlier ones"),
    ("ctrl+p", "the palette: commands by name, themes"),
    ("esc", "close what lies over the panes; stop a long run (as any key does)"),
    ("ctrl+c", "stop a run and forget what was typed ahead, close what lies over the panes, or copy selected text"),
    ("ctrl+z", "suspend; fg in the shell comes back"),
)
"""What no command of the table does."""

_KEY_WIDTH = 9
_USAGE_WIDTHS = (22, 43)
"""Columns of a usage where there is little room, and where there is much."""
_MUCH = 110
_SAMPLE = "−1.23"
"""What a style is shown on."""
LEGEND = "help "
"""What the name of a legend's row begins with; the rest is what it explains."""


class Told(NamedTuple):
    """What a row says.

    Attributes:
        name: of what is chosen with it; "" where it cannot be chosen.
        keys: its keys, or the signs that are explained.
        usage: of a command, or what is called so.
        meaning: what it does or means.
        words: what else it is found under.
        role: the style that is explained.
    """

    name: str
    keys: str
    usage: str
    meaning: str
    words: str = ""
    role: str = ""


def help_rows(commands: Sequence[Command], query: str, columns: int, panes: Mapping[str, str], here: Sequence[Entry] = ()) -> list[Row]:
    """The rows in which all words of the query occur, under the headings of their groups.

    Args:
        commands: the command table.
        query: what is searched for; "" for everything.
        columns: the width; nothing is cut.
        panes: the keys that choose a pane, with what it shows.
        here: the entries of the legend that come first: those of the pane that the user is in.
    """
    words = query.lower().split()
    rows: list[Row] = []
    for title, told in (*_legend(here), *_groups(commands, panes)):
        fitting = [entry for entry in told if all(word in f"{title} {' '.join(entry[1:5])}".lower() for word in words)]
        rows += [Row("", (line((title, "heading")),))] * bool(fitting)
        rows += [Row(entry.name, tuple(((" ", ""), *marked(drawn, words)) for drawn in _drawn(entry, columns))) for entry in fitting]
    return rows or [Row("", (line((f"nothing here says '{query.strip()}'", "dim")),))]


def _drawn(entry: Told, columns: int) -> tuple[Line, ...]:
    """A row's lines; of the legend, what is called so stands before what it means."""
    if entry.name.startswith(LEGEND):
        sample = (entry.keys, "name") if entry.keys or not entry.role else (_SAMPLE, entry.role)
        return columns_of([(*sample, _KEY_WIDTH), (f"{entry.usage}: {entry.meaning}", "", columns - _KEY_WIDTH - 3)])
    usage_width = _USAGE_WIDTHS[columns >= _MUCH]
    room = max(columns - _KEY_WIDTH - usage_width - 5, 16)
    told = [(entry.usage, "bold", usage_width), (entry.meaning, "", room)]
    return columns_of([(entry.keys, "key", _KEY_WIDTH), *(told if entry.usage else [(entry.meaning, "", usage_width + room + 2)])])


def _legend(here: Sequence[Entry]) -> Iterator[tuple[str, list[Told]]]:
    """The legend by its groups, first what is drawn where the user is."""
    rest = [entry for entry in entries() if entry not in here]
    groups = [("Here", here), *((title, [entry for entry in rest if entry.group == group]) for group, title in GROUPS.items())]
    for title, found in groups:
        words = "legend symbols "
        yield title, [Told(LEGEND + one.name, one.shown, one.name, one.text, words + one.words, role_of(one)) for one in found]


def _groups(commands: Sequence[Command], panes: Mapping[str, str]) -> Iterator[tuple[str, list[Told]]]:
    """The commands and what else has a key, by title."""
    for group, title in COMMAND_GROUPS.items():
        rows = []
        for command in (command for command in commands if command.group == group):
            keys = " ".join(glyph(key) for key in command.keys)
            others = ", ".join(alias for alias in command.aliases if alias not in command.keys)
            rows.append(Told(command.name, keys, command.usage, command.help + f" (also: {others})" * bool(others)))
        yield title, rows
    digits = [key for key in panes if key.isdigit()]
    choosing = [(f"{digits[0]} … {digits[-1]}", "choose a pane, and show it where there is little room")]
    yield "Panes and other keys", [Told("", keys, "", meaning) for keys, meaning in (*choosing, *panes.items(), *PANE_KEYS)]
