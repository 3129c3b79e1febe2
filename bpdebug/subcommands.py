"""The subcommands: what ``bpdebug run``, ``explain``, ``screenshot`` and ``schema`` take and do."""

from __future__ import annotations

import argparse
import gc
import json
import shlex
import sys
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

from bpdebug import headless
from bpdebug.arrays import read_arrays
from bpdebug.core.description import Scenario
from bpdebug.core.errors import BpdebugError
from bpdebug.core.record import Record
from bpdebug.core.render import Style
from bpdebug.export.formats import FORMATS, export, format_of
from bpdebug.files import write_file
from bpdebug.frontends import ScenarioError, json_schema, load_scenario, shipped
from bpdebug.headless import FAILED, OK, USAGE, Given
from bpdebug.play.hunt import SEEDS
from bpdebug.session.commands.compare import compared
from bpdebug.session.commands.notation import NOTATIONS
from bpdebug.session.session import Session
from bpdebug.session.settings import Settings, load_settings
from bpdebug.session.table import rebind
from bpdebug.time.timeline import DEFAULT_BUDGET

FAULTY = ("tutorial_as_written", "saturation")
"""Shipped scenarios that have a fault of their own: no hunt is on them unless they are asked for."""


class Subcommand(Record):
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


def open_app(session: Session | None, fresh: bool) -> int:
    """The debugger's screen with the user's settings; the exit status."""
    try:
        settings = load_settings()
    except ScenarioError as error:
        settings = Settings(wrong=str(error))
    rebind(settings.keys)
    if session:
        settings.apply(session)
    gc.disable()  # until the first picture; see bpdebug.__main__
    from bpdebug.ui.app import run_app  # noqa: PLC0415

    return run_app(session, fresh, settings)


def _tour_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("scenario", metavar="SCENARIO", nargs="?", default="xor", help="a scenario with two layers; usually xor")
    session_arguments(parser)


def _tour(given: argparse.Namespace) -> int:
    """The app with the guided tour."""
    session = open_session(load_scenario(given.scenario), given)
    session.execute("tour")
    if not headless.has_screen("bpdebug run xor -x tour -x 'step 5' -x tour"):
        return USAGE
    return open_app(session, fresh=True)


def _run_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("scenario", metavar="SCENARIO", help="a file, or the name of a shipped scenario")
    _command_arguments(parser)
    parser.epilog = "Commands run in the order in which they are given ('where' if there are none); -x help lists them."


def _command_arguments(parser: argparse.ArgumentParser) -> None:
    """What a run without a screen takes."""
    for option, metavar, kind, text in (
        ("-x", "COMMAND", Given.command, "a command, such as 'step 3' (as often as you like)"),
        ("--script", "FILE", Given.script, "commands from a file, one a line, # for comments; - is standard input"),
    ):
        parser.add_argument(option, metavar=metavar, type=kind, action="append", dest="given", help=text)
    parser.add_argument("--json", action="store_true", help="answer with one JSON object a line and command")
    session_arguments(parser)


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
    return FAILED if result.wrong else OK


def _compare_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("scenario", metavar="SCENARIO", help="a file, or the name of a shipped scenario")
    parser.add_argument(
        "theirs", metavar="FILE.npz", type=Path, help="your own arrays of one update, named x W1 b1 z1 a1 … dz1 dW1 db1 W1_new"
    )
    parser.add_argument("--at", metavar="LOCATION", default="start", help="with which update, such as 'update 40'; usually the first")
    parser.add_argument("--json", action="store_true", help="answer with a JSON object")
    parser.epilog = "Exit status 1 where a stage is off, or nothing could be judged."


def _compare(given: argparse.Namespace) -> int:
    """Exit status 1 where a stage is off, or nothing could be judged."""
    session, arrays = Session(load_scenario(given.scenario)), read_arrays(given.theirs)
    session.execute(f"goto {given.at}")
    result = compared(session, arrays)
    headless.answer(session, "compare", result, given.json)
    return FAILED if result.wrong else OK


def _hunt_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "scenario", metavar="SCENARIO", nargs="?", help="a file, or the name of a shipped scenario; usually the seed chooses"
    )
    parser.add_argument("--seed", metavar="N", type=_count, help="the same one plants the same mistake")
    _command_arguments(parser)
    parser.add_argument("--fresh", action="store_true", help="not the stops of last time")
    parser.epilog = "Opens the debugger's screen; with -x, --script or --json it runs without one."


def _count(text: str) -> int:
    if not text.isdecimal() or len(text) > 9:
        raise argparse.ArgumentTypeError(f"a number from 0 is expected; found '{text}'")
    return int(text)


def _hunt(given: argparse.Namespace) -> int:
    """The app, or a run without a screen, with a mistake planted."""
    import secrets  # noqa: PLC0415 - a start does without

    seed = secrets.randbelow(SEEDS) if given.seed is None else given.seed
    huntable = [entry.name for entry in shipped() if entry.name not in FAULTY]
    source = given.scenario or huntable[seed % len(huntable)]
    orders, scenario = headless.orders(given.given or []), load_scenario(source)
    without = given.json or given.given
    if not without and not headless.has_screen(f"bpdebug hunt {shlex.quote(source)} --seed {seed} -x hint"):
        return USAGE
    session = open_session(scenario, given)
    result = session.execute(f"hunt {seed}")
    if without:
        headless.answer(session, f"hunt {seed}", result, given.json)
        return headless.run(session, orders, given.json)
    return open_app(session, given.fresh)


def _export_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("scenario", metavar="SCENARIO", help="a file, or the name of a shipped scenario")
    parser.add_argument("-o", metavar="FILE", type=Path, required=True, dest="file", help="where to write it; its ending tells the format")
    parser.add_argument("--update", metavar="N", type=_count, default=0, help="which update, counted from 0; usually the first")
    parser.add_argument("--format", metavar="FORMAT", default="", help=f"where the ending does not tell: {', '.join(FORMATS)}")
    parser.add_argument("--notation", choices=NOTATIONS, default="d", help="gradients as dz, as δ, or as ∂L/∂z")
    parser.add_argument("--columns", action="store_true", help="z = Wx + b, a sample a column")
    parser.epilog = "Formats: " + "; ".join(f"{row.ending} {row.help}" for row in FORMATS.values()) + "."


def _export(given: argparse.Namespace) -> int:
    format_of(given.file, given.format)
    session = Session(load_scenario(given.scenario))
    if given.update >= session.position.updates:
        raise BpdebugError(f"there are {session.position.updates} updates, counted from 0; found --update {given.update}")
    session.execute(f"goto update {given.update}")
    export(session.timeline, given.file, given.format, Style("latex", given.columns, given.notation))
    return OK


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
    write_file(given.file, svg)
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
    "tour": Subcommand("tour", "a guided tour of the debugger, in five steps", _tour_arguments, _tour),
    "run": Subcommand("run SCENARIO -x COMMAND", "the same debugger without a screen, for scripts", _run_arguments, _run),
    "explain": Subcommand("explain SCENARIO CELL", "where one number comes from", _explain_arguments, _explain),
    "check": Subcommand("check SCENARIO", "check every derivative; status 1 if one is wrong", _check_arguments, _check),
    "compare": Subcommand("compare SCENARIO FILE.npz", "your own numbers, stage by stage", _compare_arguments, _compare),
    "hunt": Subcommand("hunt [SCENARIO]", "find a mistake that is planted and not shown", _hunt_arguments, _hunt),
    "export": Subcommand("export SCENARIO -o FILE", "one update worked out, in a file", _export_arguments, _export),
    "screenshot": Subcommand("screenshot SCENARIO -o FILE", "a picture of the screen as SVG", _screenshot_arguments, _screenshot),
    "schema": Subcommand("schema", "the scenario file's JSON Schema, for editors", lambda parser: None, _schema),
}
"""All subcommands by name, in the order of the help."""
