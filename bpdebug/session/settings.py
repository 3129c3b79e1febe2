"""The user's own settings: keys, theme, notation; a small YAML file, checked like a scenario and never needed."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping as Dictionary
from dataclasses import field
from pathlib import Path
from typing import Any

from bpdebug.core.numbers import AUTO, NumberStyle
from bpdebug.core.record import Record, replace
from bpdebug.files import FileError
from bpdebug.frontends.kinds import Key, choice, either, likely, list_of, map_of, text
from bpdebug.frontends.loader import read_text
from bpdebug.frontends.nodes import entry, parse
from bpdebug.frontends.report import Report
from bpdebug.frontends.tables import table
from bpdebug.session.commands import COMMANDS
from bpdebug.session.commands.notation import NOTATIONS
from bpdebug.session.commands.scales import number_style
from bpdebug.session.session import Session
from bpdebug.session.state import user_folder
from bpdebug.session.table import CommandError
from bpdebug.session.themes import THEMES, theme_named

_ONE_KEY = r"(?:(?:ctrl|alt|shift|super)\+)*(?:[a-z][a-z0-9_]*|\S)"

_EXAMPLE = "theme: bpdebug-light\nkeys:\n  check: [v, f5]"
SETTINGS = table(
    "the settings",
    (
        Key("theme", choice((*THEMES, *(name.removeprefix("bpdebug-") for name in THEMES))), "the colours", "dark"),
        Key("notation", choice(NOTATIONS), "how gradients are written: dz2, δ2 or ∂L/∂z2", "d"),
        Key("convention", choice(("rows", "columns")), "whether a sample is a row or a column", "rows"),
        Key("format", text(), "how numbers of tables are written: auto, fixed N, scientific N or full", "auto"),
        Key(
            "keys",
            map_of(either(text(numbers=True), list_of(text(numbers=True))), "keys:\n  check: [v, f5]"),
            "a command's keys, such as check: [v, f5]",
        ),
    ),
    example=_EXAMPLE,
)
"""The settings file in one table."""


class Settings(Record):
    """What the user prefers.

    Attributes:
        theme, notation, convention: as the table has them.
        numbers: how those of tables are written.
        keys: commands to their keys, in the place of the usual ones.
        wrong: why the user's own file counts for nothing, or "".
        asked: the theme that the command line asks for, or "".
    """

    theme: str = theme_named("dark")
    notation: str = "d"
    convention: str = "rows"
    numbers: NumberStyle = AUTO
    keys: Dictionary[str, tuple[str, ...]] = field(default_factory=dict)
    wrong: str = ""
    asked: str = ""

    def apply(self, session: Session) -> None:
        """Let a session write formulas and numbers as the user prefers."""
        session.cursor.style = replace(session.cursor.style, notation=self.notation, columns=self.convention == "columns")
        session.number_style = self.numbers


def settings_file() -> Path:
    """Where the settings are looked for: see :func:`user_folder`."""
    return user_folder("config") / "settings.yaml"


def load_settings(path: Path | None = None) -> Settings:
    """The user's settings; the usual ones where there is no such file.

    Raises:
        ScenarioError: with every problem of the file, each with line and column.
    """
    try:
        path = path or settings_file()
    except FileError:
        return Settings()
    if not os.path.lexists(path):
        return Settings()
    report = Report(str(path))
    root = parse(read_text(path, report, "a settings file"), report, _EXAMPLE)
    values: dict[str, Any] = SETTINGS.check(root, report)
    report.settle()
    given = {name: (keys,) if isinstance(keys, str) else tuple(keys) for name, keys in (values["keys"] or {}).items()}
    numbers, taken = AUTO, {key: name for name, command in COMMANDS.items() if name not in given for key in command.keys}
    for name, keys in given.items():  # every command exists, every key is one, and no key has two commands
        mark = entry(root, ("keys", name))[0]
        if name not in COMMANDS:
            report.add(mark, f"there is no command '{name}'{likely(name, COMMANDS)}")
        for key in keys:
            if not re.fullmatch(_ONE_KEY, key):
                report.add(mark, f"'{key}' is no key; expected one such as s, S, f5, space, enter or ctrl+x")
            elif key in taken:
                report.add(mark, f"the key {key} belongs to {taken[key]} already: give that another one too")
            taken[key] = name
    try:
        numbers = number_style(values["format"])
    except CommandError as error:
        report.add(entry(root, ("format",))[1].mark, str(error))
    report.settle()
    return Settings(theme_named(values["theme"]), values["notation"], values["convention"], numbers, given)
