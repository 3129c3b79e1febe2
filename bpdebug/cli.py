"""The command line: opens the app, or runs headless."""

from __future__ import annotations

import argparse
import io
import json
import os
import re
import shlex
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import NoReturn, TextIO

from bpdebug import headless
from bpdebug.debugger.session import Session
from bpdebug.engine.errors import BpdebugError
from bpdebug.engine.parser import suggestion
from bpdebug.headless import FAILED, OK, USAGE, Given
from bpdebug.scenario import ScenarioError, json_schema, load_scenario, shipped

INTERRUPTED = 130

_HELP = """\
usage: bpdebug [SCENARIO]
       bpdebug COMMAND ...

A step-through debugger for back-propagation. SCENARIO is a file, or the name
of a scenario that comes with bpdebug; without one, choose among these.

commands, each with its own --help:
{commands}

options:
  -h, --help  show this help and exit
  --list      show the scenarios that come with bpdebug and exit
  --version   show the version and exit

examples:
  bpdebug xor
  bpdebug run xor -x "goto 999:a2" -x "print a2"
  bpdebug explain xor "dW2[0,0]" --at 40:dW2

exit status: 0 all is well, 1 a command failed, 2 bad usage or a bad file,
130 interrupted
"""


class _Parser(argparse.ArgumentParser):
    """argparse, but the help of the whole program is written by hand, and options are never guessed from their beginning."""

    def __init__(self, name: str = "", description: str = "") -> None:
        super().__init__(f"bpdebug {name}".strip(), description=description, allow_abbrev=False)

    def format_help(self) -> str:
        if self.prog != "bpdebug":
            return super().format_help()
        width = max(len(subcommand.usage) for subcommand in SUBCOMMANDS.values())
        return _HELP.format(commands="\n".join(f"  {s.usage:<{width}}  {s.help}" for s in SUBCOMMANDS.values()))

    def format_usage(self) -> str:
        return super().format_usage() if self.prog != "bpdebug" else "usage: bpdebug [SCENARIO]   (bpdebug --help tells more)\n"


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


def main(argv: Sequence[str] | None = None) -> int:
    """Carry out a command line.

    Args:
        argv: the arguments after the program's name; those of the process if not given.

    Returns:
        The exit status.
    """
    arguments = list(sys.argv[1:] if argv is None else argv)
    try:
        with _streams("--json" in arguments or "schema" in arguments[:1]):
            return _dispatch(arguments)
        return OK  # whoever reads the answers has seen enough
    except SystemExit as done:
        return done.code if isinstance(done.code, int) else OK
    except KeyboardInterrupt:
        print("interrupted", file=sys.stderr)
        return INTERRUPTED
    except ScenarioError as error:
        print(error, file=sys.stderr)
    except (BpdebugError, MemoryError) as error:
        print(f"bpdebug: {error or 'out of memory'}", file=sys.stderr)
    except OSError as error:
        print(f"bpdebug: {error}", file=sys.stderr)
    return USAGE


@contextmanager
def _streams(as_json: bool) -> Iterator[None]:
    """Standard streams that can write anything, and whose reader may leave (``| head``) when it has seen enough."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            encoding = "utf-8" if as_json and stream is sys.stdout else None
            stream.reconfigure(encoding=encoding, errors="backslashreplace")
    try:
        yield
        _flush(sys.stdout)
    except OSError as error:
        _abandon(sys.stdout)
        if not isinstance(error, BrokenPipeError):
            raise


def _flush(stream: TextIO | None) -> None:
    if stream is not None:
        stream.flush()


def _abandon(stream: TextIO | None) -> None:
    """Send what is still to be written nowhere, so that the interpreter does not fail on it when it exits."""
    try:
        _flush(stream)
    except OSError:
        nowhere = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, sys.__stdout__.fileno() if sys.__stdout__ else 1)
        os.close(nowhere)


def _dispatch(arguments: list[str]) -> int:
    if arguments and arguments[0] in SUBCOMMANDS:
        name, subcommand = arguments[0], SUBCOMMANDS[arguments[0]]
        parser = _Parser(name, f"{subcommand.help[0].upper()}{subcommand.help[1:]}.")
        subcommand.arguments(parser)
        return subcommand.run(parser.parse_args(arguments[1:]))
    parser = _Parser()
    parser.add_argument("scenario", nargs="?")
    parser.add_argument("--list", action="store_true")
    parser.add_argument("--version", action="version", version=f"bpdebug {_version()}")
    given, others = parser.parse_known_args(arguments)
    if given.scenario:
        _refuse_unknown(given.scenario, parser)
    if others:
        _refuse_others(others, given.scenario, parser)
    return _list(sys.stdout) if given.list else _open(given.scenario)


def _version() -> str:
    try:
        return version("bpdebug")
    except PackageNotFoundError:
        return "(not installed)"


def _refuse_unknown(scenario: str, parser: argparse.ArgumentParser) -> None:
    """A first word that is neither a file nor shipped may be a mistyped command."""
    names = [entry.name for entry in shipped()]
    hint = suggestion(scenario, [*SUBCOMMANDS, *names])
    if hint and scenario not in names and re.fullmatch(r"[\w-]+", scenario) and not os.path.lexists(scenario):
        parser.error(f"there is no scenario or command '{scenario}'{hint}")


def _refuse_others(others: list[str], scenario: str | None, parser: argparse.ArgumentParser) -> NoReturn:
    words = " ".join(others)
    if others[0] in ("-x", "--script", "--json"):
        parser.error(f"{others[0]} belongs to a run without a screen: bpdebug run {shlex.quote(scenario or 'xor')} {words}")
    parser.error(f"found more than a scenario: {words}")


def _list(stream: TextIO) -> int:
    width = max((len(entry.name) for entry in shipped()), default=0)
    for entry in shipped():
        print(f"{entry.name:<{width}}  {entry.title}: {entry.description}", file=stream)
    return OK


def _open(source: str | None) -> int:
    """The app; what is wrong with the scenario is told before the screen is taken."""
    scenario = load_scenario(source) if source is not None else None
    if missing := _missing_terminal():
        print(f"bpdebug: {missing} is not a terminal, and the debugger's screen needs one. Without a screen:", file=sys.stderr)
        print(f'    bpdebug run {shlex.quote(source or "xor")} -x "goto 0:dW1" -x "print dW1"', file=sys.stderr)
        if source is None:
            print("The scenarios that come with bpdebug:", file=sys.stderr)
            _list(sys.stderr)
        return USAGE
    from bpdebug.ui.app import run_app  # noqa: PLC0415

    run_app(scenario)
    return OK


def _missing_terminal() -> str:
    """The stream that Textual would need as a terminal and that is none: it reads standard input, and writes standard error
    (on Windows: standard output)."""
    written = ("standard output", sys.stdout) if sys.platform == "win32" else ("standard error", sys.stderr)
    for name, stream in (("standard input", sys.stdin), written):
        if stream is None or stream.closed or not stream.isatty():
            return name
    return ""


def _run_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("scenario", metavar="SCENARIO", help="a file, or the name of a shipped scenario")
    for option, metavar, kind, text in (
        ("-x", "COMMAND", Given.command, "a command, such as 'step 3' (as often as you like)"),
        ("--script", "FILE", Given.script, "commands from a file, one a line, # for comments; - is standard input"),
    ):
        parser.add_argument(option, metavar=metavar, type=kind, action="append", dest="given", help=text)
    parser.add_argument("--json", action="store_true", help="answer with one JSON object a line and command")
    parser.epilog = "Commands run in the order in which they are given ('where' if there are none); -x help lists them."


def _run(given: argparse.Namespace) -> int:
    commands = headless.orders(given.given or [Given.command("where")])
    return headless.run(Session(load_scenario(given.scenario)), commands, given.json)


def _explain_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("scenario", metavar="SCENARIO", help="a file, or the name of a shipped scenario")
    parser.add_argument("cell", metavar="CELL", help="such as 'dW2[0,1]', or a name for a single number: loss")
    parser.add_argument("--at", metavar="LOCATION", default="", help="when, such as 40:dW2; usually as soon as it is computed in update 0")
    parser.add_argument("--json", action="store_true", help="answer with a JSON object")


def _explain(given: argparse.Namespace) -> int:
    return headless.explain(Session(load_scenario(given.scenario)), given.cell, given.at, given.json)


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
    _write(given.file, svg)
    return OK


def _noted(given: Sequence[Given], begun: list[headless.Order]) -> Iterator[str]:
    """The commands; the one that was asked for last is the last of ``begun``."""
    for order in headless.orders(given):
        begun.append(order)
        yield order.text


def _write(path: Path, text: str) -> None:
    """The whole text, or what was there before."""
    beside = path.parent / f".{path.name}.{os.getpid()}"
    try:
        beside.write_text(text, "utf-8", newline="\n")
        beside.replace(path)
    except OSError as error:
        raise OSError(error.errno, error.strerror, str(path)) from None
    finally:
        beside.unlink(missing_ok=True)


def _schema(given: argparse.Namespace) -> int:
    print(json.dumps(json_schema(), indent=2, ensure_ascii=False))
    return OK


SUBCOMMANDS: dict[str, Subcommand] = {
    "run": Subcommand("run SCENARIO -x COMMAND", "the same debugger without a screen, for scripts", _run_arguments, _run),
    "explain": Subcommand("explain SCENARIO CELL", "where one number comes from", _explain_arguments, _explain),
    "screenshot": Subcommand("screenshot SCENARIO -o FILE", "a picture of the screen as SVG", _screenshot_arguments, _screenshot),
    "schema": Subcommand("schema", "the scenario file's JSON Schema, for editors", lambda parser: None, _schema),
}
"""All subcommands by name, in the order of the help."""
