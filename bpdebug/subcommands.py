"""The subcommands: what ``bpdebug run``, ``explain``, ``screenshot`` and ``schema`` take and do."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from bpdebug import headless
from bpdebug.debugger.script import write_beside
from bpdebug.debugger.session import Session
from bpdebug.debugger.timeline import DEFAULT_BUDGET
from bpdebug.engine.description import Scenario
from bpdebug.engine.errors import BpdebugError
from bpdebug.headless import FAILED, OK, Given
from bpdebug.scenario import json_schema, load_scenario


@dataclass(frozen=True)
class Subcommand:
    """One row.

    Attributes:
        usage: with its main arguments, for the help of the whole program.
        help: a few words.
        arguments: adds its arguments to a parser.
        run: does it; the exit status.
    """

    usage: str
    help: str
    arguments: Callable[[argparse.ArgumentParser], object]
    run: Callable[[argparse.Namespace], int]


def session_arguments(parser: argparse.ArgumentParser) -> None:
    """What concerns a session with and without a screen."""
    parser.add_argument("--transcript", metavar="FILE", type=Path, help="write every command and its answer to a file")
    text = f"memory for going back in time, in megabytes (default {DEFAULT_BUDGET >> 20})"
    parser.add_argument("--memory", metavar="MB", type=_megabytes, default=DEFAULT_BUDGET, help=text)


def _megabytes(text: str) -> int:
    if not text.isdecimal() or not 1 <= int(text) <= 10**6:
        raise argparse.ArgumentTypeError(f"a number of megabytes from 1 is expected; found '{text}'")
    return int(text) << 20


def open_session(scenario: Scenario, given: argparse.Namespace) -> Session:
    """The session that the options ask for."""
    session = Session(scenario, given.memory)
    if given.transcript:
        session.transcribe(given.transcript)
    return session


def _run_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("scenario", metavar="SCENARIO", help="a file, or the name of a shipped scenario")
    for option, metavar, kind, text in (
        ("-x", "COMMAND", Given.command, "a command, such as 'step 3' (as often as you like)"),
        ("--script", "FILE", Given.script, "commands from a file, one a line, # for comments; - is standard input"),
    ):
        parser.add_argument(option, metavar=metavar, type=kind, action="append", dest="given", help=text)
    parser.add_argument("--json", action="store_true", help="answer with one JSON object a line and command")
    session_arguments(parser)
    parser.epilog = "Commands run in the order in which they are given ('where' if there are none); -x help lists them."


def _run(given: argparse.Namespace) -> int:
    commands = headless.orders(given.given or [Given.command("where")])
    return headless.run(open_session(load_scenario(given.scenario), given), commands, given.json)


def _explain_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("scenario", metavar="SCENARIO", help="a file, or the name of a shipped scenario")
    parser.add_argument("cell", metavar="CELL", help="such as 'dW2[0,1]', or a name for a single number: loss")
    parser.add_argument("--at", metavar="LOCATION", default="", help="when, such as 40:dW2; usually as soon as it is computed in update 0")
    parser.add_argument("--json", action="store_true", help="answer with a JSON object")


def _explain(given: argparse.Namespace) -> int:
    return headless.explain(Session(load_scenario(given.scenario)), given.cell, given.at, given.json)


def _check_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("scenario", metavar="SCENARIO", help="a file, or the name of a shipped scenario")
    parser.add_argument("--at", metavar="LOCATION", default="start", help="in which update, such as 'update 40'; usually the first")
    parser.add_argument("--json", action="store_true", help="answer with a JSON object")


def _check(given: argparse.Namespace) -> int:
    """Exit status 1 where a derivative is wrong."""
    session = Session(load_scenario(given.scenario))
    session.execute(f"goto {given.at}")
    result = session.execute("check")
    headless.answer(session, "check", result, given.json)
    return OK if result.data["ok"] else FAILED


def _screenshot_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("scenario", metavar="SCENARIO", help="a file, or the name of a shipped scenario")
    parser.add_argument(
        "-x", metavar="COMMAND", type=Given.command, action="append", default=[], dest="given", help="a command, such as 'goto dW2'"
    )
    parser.add_argument("--size", metavar="120x36", type=_size, default=(120, 36), help="columns and rows of the terminal")
    parser.add_argument("--theme", choices=("dark", "light"), default="dark")
    parser.add_argument("-o", metavar="FILE.svg", type=Path, required=True, dest="file", help="where to write the picture")


def _size(text: str) -> tuple[int, int]:
    columns, _, rows = text.partition("x")
    if not (columns.isdecimal() and rows.isdecimal() and 20 <= int(columns) <= 500 and 8 <= int(rows) <= 200):
        raise argparse.ArgumentTypeError(f"columns and rows such as 120x36 are expected, from 20x8 to 500x200; found '{text}'")
    return int(columns), int(rows)


def _screenshot(given: argparse.Namespace) -> int:
    scenario, begun = load_scenario(given.scenario), list[headless.Order]()
    from bpdebug.ui.screenshot import take_picture  # noqa: PLC0415

    try:
        svg = take_picture(scenario, _noted(given.given, begun), given.size, f"bpdebug-{given.theme}")
    except BpdebugError as error:
        if not begun:
            raise
        print(begun[-1].complaint(error), file=sys.stderr)
        return FAILED
    write_beside(given.file, svg)
    return OK


def _noted(given: Sequence[Given], begun: list[headless.Order]) -> Iterator[str]:
    """The commands; the one that was asked for last is the last of ``begun``."""
    for order in headless.orders(given):
        begun.append(order)
        yield order.text


def _schema(given: argparse.Namespace) -> int:
    print(json.dumps(json_schema(), indent=2, ensure_ascii=False))
    return OK


SUBCOMMANDS: dict[str, Subcommand] = {
    "run": Subcommand("run SCENARIO -x COMMAND", "the same debugger without a screen, for scripts", _run_arguments, _run),
    "explain": Subcommand("explain SCENARIO CELL", "where one number comes from", _explain_arguments, _explain),
    "check": Subcommand("check SCENARIO", "check every derivative; status 1 if one is wrong", _check_arguments, _check),
    "screenshot": Subcommand("screenshot SCENARIO -o FILE", "a picture of the screen as SVG", _screenshot_arguments, _screenshot),
    "schema": Subcommand("schema", "the scenario file's JSON Schema, for editors", lambda parser: None, _schema),
}
"""All subcommands by name, in the order of the help."""
