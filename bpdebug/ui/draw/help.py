"""The help: commands with their keys from the command table, and the keys of the panes."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from bpdebug.session.table import GROUPS, Command
from bpdebug.ui.draw.rows import Row, columns_of, marked
from bpdebug.ui.draw.spans import line

PANE_KEYS = (
    ("tab", "the next pane"),
    ("arrows", "move the cell cursor (Values, Deltas), or the line of the listing (Program)"),
    ("PgUp PgDn", "in Values and Deltas the layer before and after; shift with an arrow: ten rows"),
    ("z", "the pane alone, or all again"),
    ("< > { }", "the pane in use narrower, wider, shorter, taller; 0 gives all panes their usual sizes"),
    ("mouse", "click a number, a stage, an operand in Why, a key below; twice on a number: its origin, on a title: z"),
    ("drag", "a border: other sizes; over text: select it, ctrl+c copies"),
    ("ctrl+o", "open another scenario"),
    (":", "type any command; Tab completes it, the arrow up brings back earlier ones"),
    ("ctrl+p", "the palette: commands by name, themes"),
    ("· ⚠ !", "in the listing: computed, not finite, computed with a floating-point warning"),
    ("~ ✎ ●", "computed before something it depends on was edited, your own formula, a breakpoint"),
    ("◐ ◌ ○", "a breakpoint with a condition or in one update, one for the next time, a disabled one"),
    ("✓ ✗ ↳", "after a check (v): right, wrong, wrong only because of the gradient that arrives"),
    ("? ∧", "after a check: no verdict, a kink where there is no derivative"),
    ("▸ #7", "in a table: the sample that is looked at (, and . change it), a sample by its number in the data"),
    ("esc", "close what lies over the panes; stop a long run (as any key does)"),
    ("ctrl+c", "stop a run and forget what was typed ahead of it, close what lies over the panes, or copy text that is selected"),
    ("ctrl+z", "back to the shell; fg there comes back"),
)
"""What no command of the table does, and what the marks mean."""

_KEY_WIDTH = 9
_USAGE_WIDTHS = (22, 43)
"""Columns of a usage where there is little room, and where there is much."""
_MUCH = 110
_SHOWN = {"enter": "Enter", "backspace": "Bksp", "f1": "F1"}


def help_rows(commands: Sequence[Command], query: str, columns: int, panes: Mapping[str, str]) -> list[Row]:
    """The rows in which all words of the query occur, under the headings of their groups.

    Args:
        commands: the command table.
        query: what is searched for; "" for everything.
        columns: the width; nothing is cut.
        panes: the keys that choose a pane, with what it shows.
    """
    words = query.lower().split()
    usage_width = _USAGE_WIDTHS[columns >= _MUCH]
    room = max(columns - _KEY_WIDTH - usage_width - 5, 16)
    rows: list[Row] = []
    for title, entries in _groups(commands, panes):
        fitting = [entry for entry in entries if all(word in " ".join(entry[1:]).lower() for word in words)]
        rows += [Row("", (line((title, "heading")),))] * bool(fitting)
        for name, keys, usage, meaning in fitting:
            told = [(usage, "bold", usage_width), (meaning, "", room)] if usage else [(meaning, "", usage_width + room + 2)]
            lines = columns_of([(keys, "key", _KEY_WIDTH), *told])
            rows.append(Row(name, tuple(((" ", ""), *marked(drawn, words)) for drawn in lines)))
    return rows or [Row("", (line((f"nothing here says '{query.strip()}'", "dim")),))]


def _groups(commands: Sequence[Command], panes: Mapping[str, str]) -> Iterator[tuple[str, list[tuple[str, str, str, str]]]]:
    """Titles with rows: a command's name (or ""), its keys, its usage, and what it does."""
    for group, title in GROUPS.items():
        rows = []
        for command in (command for command in commands if command.group == group):
            keys = " ".join(_SHOWN.get(key, key) for key in command.keys)
            others = ", ".join(alias for alias in command.aliases if alias not in command.keys)
            rows.append((command.name, keys, command.usage, command.help + f" (also: {others})" * bool(others)))
        yield title, rows
    digits = [key for key in panes if key.isdigit()]
    choosing = [(f"{digits[0]} … {digits[-1]}", "choose a pane; where there is little room, show it")]
    yield "Panes and marks", [("", keys, "", meaning) for keys, meaning in (*choosing, *panes.items(), *PANE_KEYS)]
