"""The options that subcommands share, and what is read from them."""

from __future__ import annotations

import argparse
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

from bpdebug.frontends.script import RECORDED, Asked
from bpdebug.session.themes import theme_named
from bpdebug.time.timeline import DEFAULT_BUDGET

Option = Callable[[argparse.ArgumentParser], object]
"""Adds an argument to a parser."""


def option(*names: str, **more: Any) -> Option:
    """An argument, as argparse takes it."""
    return lambda parser: parser.add_argument(*names, **more)


def scenario(text: str = "a file, or the name of a shipped scenario", **more: Any) -> Option:
    """The scenario as an argument."""
    return option("scenario", metavar="SCENARIO", help=text, **more)


def _number(least: int, most: int, expected: str) -> Callable[[str], int]:
    """Reads a number in digits."""

    def read(text: str) -> int:
        if not text.isdecimal() or len(text) > 9 or not least <= int(text) <= most:
            raise argparse.ArgumentTypeError(f"{expected} is expected; found '{text}'")
        return int(text)

    return read


def size(text: str) -> tuple[int, int]:
    """Read columns and rows."""
    columns, _, rows = text.partition("x")
    if columns.isdecimal() and rows.isdecimal() and 20 <= int(columns) <= 500 and 8 <= int(rows) <= 200:
        return int(columns), int(rows)
    raise argparse.ArgumentTypeError(f"columns and rows such as 120x36 are expected, from 20x8 to 500x200; found '{text}'")


def repeated(name: str, metavar: str, text: str, **more: Any) -> Option:
    """A command or a script, as often as it is given, in the order in which that was."""
    return option(name, metavar=metavar, type=lambda value: (name, value), action="append", dest="given", help=text, **more)


JSON = option("--json", action="store_true", help="answer with a JSON object")
_MEMORY = f"memory for going back in time, in megabytes (default {DEFAULT_BUDGET >> 20})"
_megabytes = _number(1, 10**6, "a number of megabytes from 1")
STRICT = option("--strict", action="store_true", help="status 1 also where not everything was judged, or in another convention")
_TRANSCRIPT = option("--transcript", metavar="FILE", type=Path, help="write every command and its answer to a file")
SESSION = (_TRANSCRIPT, option("--memory", metavar="MB", type=_megabytes, default=DEFAULT_BUDGET >> 20, help=_MEMORY))
"""What concerns a session with and without a screen."""
RUNS = "a file, the name of a shipped scenario, or a script of your own (.py, .ipynb), which is run as a program"
SCRIPT = (
    option("-m", action="store_true", dest="module", help="what is named is a module of yours, as in python -m pkg.train"),
    option("--python", metavar="PATH", default="", help="the Python that runs your script; default: that of the active environment"),
    option("--stdin", metavar="FILE", default="", help="what your script reads as its standard input; default: nothing"),
    option("--loop", metavar="train.py:30", default="", help="the line of the loop whose turns are the updates"),
    option("--loss", metavar="train.py:40", default="", help="the line of the loss"),
)
"""How a script is run, and what is told of it."""
THEME = option("--theme", metavar="NAME", type=theme_named, help="the colours: dark, light or contrast; remembered")
COMMANDS = (
    repeated("-x", "COMMAND", "a command, such as 'step 3' (as often as you like)"),
    repeated("--script", "FILE", "commands from a file, one a line, # for comments; - is standard input"),
    option("--json", action="store_true", help="answer with one JSON object a line and command"),
    STRICT,
    *SESSION,
)
"""What a run without a screen takes."""
count = _number(0, 10**9, "a number from 0")


def asked_for(given: argparse.Namespace, updates: int = RECORDED) -> Asked:
    """What the options ask for; after so many updates, and what ``--at`` asks for, a script is ended."""
    at = re.match(r"(?:(?:update|epoch) )?(\d{1,12})\b", getattr(given, "at", "") or "")
    told = {name: getattr(given, name) for name in ("module", "python", "stdin", "loop", "loss")}
    return Asked(given.scenario, (*given.arguments,), updates, int(at[1]) if at else 0, **told)
