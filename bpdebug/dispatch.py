"""The command line's arguments: a subcommand, or the app with a scenario."""

from __future__ import annotations

import argparse
import os
import re
import shlex
import sys
from typing import NoReturn, TextIO

from bpdebug import __version__
from bpdebug.core.errors import presentable
from bpdebug.core.parser import suggestion
from bpdebug.frontends import load_scenario, shipped
from bpdebug.headless import OK, USAGE, has_screen
from bpdebug.subcommands import SESSION, SUBCOMMANDS, open_app, open_session

_SHELLS = ("bash", "zsh", "fish")
_HELP = """\
usage: bpdebug [SCENARIO]   or   bpdebug COMMAND ...

A step-through debugger for back-propagation. SCENARIO is a file, or the name
of a scenario that comes with bpdebug; without one, choose among these.

commands, each with its own --help:
{commands}

options:
  -h, --help, --version, --list (of the scenarios that come with bpdebug)
  --fresh (not the stops of last time), --transcript FILE, --memory MB,
  --print-completion bash|zsh|fish

example: bpdebug run xor -x "goto 999:a2" -x "print a2"

exit status: 0 success, 1 failed or wrong, 2 bad usage or file, 130 interrupted
"""


class _Parser(argparse.ArgumentParser):
    """argparse, but the help of the whole program is written by hand, and options are never guessed from their beginning."""

    def __init__(self, name: str = "", description: str = "") -> None:
        super().__init__(f"bpdebug {name}".strip(), description=description, allow_abbrev=False)

    def error(self, message: str) -> NoReturn:
        """Leave, and say what is wrong with the command line."""
        super().error(presentable(message))

    def format_help(self) -> str:
        if self.prog != "bpdebug":
            return super().format_help()
        width = max(len(subcommand.usage) for subcommand in SUBCOMMANDS.values())
        return _HELP.format(commands="\n".join(f"  {s.usage:<{width}}  {s.help}" for s in SUBCOMMANDS.values()))

    def format_usage(self) -> str:
        return super().format_usage() if self.prog != "bpdebug" else "usage: bpdebug [SCENARIO]   (bpdebug --help tells more)\n"


def dispatch(arguments: list[str]) -> int:
    """Carry out a command line; the exit status."""
    if arguments and arguments[0] in SUBCOMMANDS:
        name, subcommand = arguments[0], SUBCOMMANDS[arguments[0]]
        parser = _Parser(name, f"{subcommand.help[0].upper()}{subcommand.help[1:]}.")
        subcommand.arguments(parser)
        return subcommand.run(parser.parse_args(arguments[1:]))
    parser = _Parser()
    parser.add_argument("scenario", nargs="?")
    parser.add_argument("--list", action="store_true")
    parser.add_argument("--fresh", action="store_true")
    for add in SESSION:
        add(parser)
    parser.add_argument("--print-completion", choices=_SHELLS, dest="shell")
    parser.add_argument("--version", action="store_true")
    given, others = parser.parse_known_args(arguments)
    if given.scenario:
        _refuse_unknown(given.scenario, parser)
    if others:
        words = " ".join(others)
        if others[0] in ("-x", "--script", "--json"):
            parser.error(f"{others[0]} belongs to a run without a screen: bpdebug run {shlex.quote(given.scenario or 'xor')} {words}")
        parser.error(f"found more than a scenario: {words}")
    if given.shell or given.version:
        print(_completion(given.shell) if given.shell else f"bpdebug {__version__}")
        return OK
    return _list(sys.stdout) if given.list else _open(given)


def _completion(shell: str) -> str:
    """The script that a shell is to read, such as ``eval "$(bpdebug --print-completion bash)"``."""
    import shtab  # noqa: PLC0415

    parser = argparse.ArgumentParser("bpdebug")
    commands = parser.add_subparsers()
    for name, subcommand in SUBCOMMANDS.items():
        subcommand.arguments(commands.add_parser(name, help=subcommand.help))
    for entry in shipped():
        commands.add_parser(entry.name, help=entry.title)
    script: str = shtab.complete(parser, shell=shell)
    return script


def _refuse_unknown(scenario: str, parser: argparse.ArgumentParser) -> None:
    """A first word that is neither a file nor shipped may be a mistyped command, or one that stands behind an option."""
    if scenario in SUBCOMMANDS and not os.path.lexists(scenario):
        parser.error(f"a command comes first, and its options behind it: bpdebug {scenario} ...")
    names = [entry.name for entry in shipped()]
    hint = suggestion(scenario, [*SUBCOMMANDS, *names])
    if hint and scenario not in names and re.fullmatch(r"[\w-]+", scenario) and not os.path.lexists(scenario):
        parser.error(f"there is no scenario or command '{scenario}'{hint}")


def _list(stream: TextIO) -> int:
    width = max((len(entry.name) for entry in shipped()), default=0)
    for entry in shipped():
        print(f"{entry.name:<{width}}  {entry.title}: {entry.description}", file=stream)
    return OK


def _open(given: argparse.Namespace) -> int:
    """The app; what is wrong with the scenario is told before the screen is taken."""
    source: str | None = given.scenario
    scenario = load_scenario(source) if source is not None else None
    if not has_screen(f'bpdebug run {shlex.quote(source or "xor")} -x "goto 0:dW1" -x "print dW1"'):
        if source is None:
            print("The scenarios that come with bpdebug:", file=sys.stderr)
            _list(sys.stderr)
        return USAGE
    return open_app(None if scenario is None else open_session(scenario, given), given.fresh)
