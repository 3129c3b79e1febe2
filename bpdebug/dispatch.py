"""The command line's arguments: a subcommand, or the app with a scenario."""

from __future__ import annotations

import argparse
import os
import re
import shlex
import sys
from typing import TYPE_CHECKING, NoReturn

from bpdebug import __version__
from bpdebug.core.errors import presentable
from bpdebug.core.words import suggestion
from bpdebug.frontends import shipped
from bpdebug.frontends.script import Asked, announced, is_script, opened
from bpdebug.headless import OK, USAGE, has_screen
from bpdebug.options import SCRIPT, SESSION, THEME, asked_for
from bpdebug.overview import USAGES, help_text, list_shipped
from bpdebug.subcommands import SUBCOMMANDS, open_app, open_session

if TYPE_CHECKING:
    from collections.abc import Callable

    from bpdebug.core.description import Scenario
    from bpdebug.frontends.numpy_script.child import Run
    from bpdebug.ui.running_screen import Start

_SHELLS = ("bash", "zsh", "fish")


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
        return help_text()

    def format_usage(self) -> str:
        return super().format_usage() if self.prog != "bpdebug" else "usage: bpdebug [SCENARIO]   (bpdebug --help tells more)\n"


def dispatch(arguments: list[str]) -> int:
    """Carry out a command line; the exit status. What follows ``--`` is for the user's script."""
    place = arguments.index("--") if "--" in arguments else len(arguments)
    arguments, theirs = arguments[:place], arguments[place + 1 :]
    if arguments and arguments[0] in SUBCOMMANDS:
        name, subcommand, text = arguments[0], SUBCOMMANDS[arguments[0]], USAGES[arguments[0]][1]
        parser = _Parser(name, f"{text[0].upper()}{text[1:]}.")
        subcommand.arguments(parser)
        return subcommand.run(parser.parse_args(arguments[1:], argparse.Namespace(arguments=theirs)))
    parser = _Parser()
    parser.add_argument("scenario", nargs="?")
    parser.add_argument("--list", action="store_true")
    parser.add_argument("--fresh", action="store_true")
    for add in (*SESSION, THEME, *SCRIPT):
        add(parser)
    parser.add_argument("--print-completion", choices=_SHELLS, dest="shell")
    parser.add_argument("--version", action="store_true")
    given, others = parser.parse_known_args(arguments, argparse.Namespace(arguments=theirs))
    if given.scenario and not given.module:
        _refuse_unknown(given.scenario, parser)
    if others:
        words = " ".join(others)
        if others[0] in ("-x", "--script", "--json"):
            parser.error(f"{others[0]} belongs to a run without a screen: bpdebug run {shlex.quote(given.scenario or 'xor')} {words}")
        parser.error(f"found more than a scenario: {words}")
    if given.shell or given.version:
        print(_completion(given.shell) if given.shell else f"bpdebug {__version__}")
    elif given.list:
        list_shipped(sys.stdout)
    else:
        return _open(given)
    return OK


def _completion(shell: str) -> str:
    """The script that a shell is to read, such as ``eval "$(bpdebug --print-completion bash)"``."""
    import shtab  # noqa: PLC0415

    parser = argparse.ArgumentParser("bpdebug")
    commands = parser.add_subparsers()
    for name, subcommand in SUBCOMMANDS.items():
        subcommand.arguments(commands.add_parser(name, help=USAGES[name][1]))
    for entry in shipped():
        commands.add_parser(entry.name, help=entry.title)
    script: str = shtab.complete(parser, shell=shell)
    return script


def _refuse_unknown(scenario: str, parser: argparse.ArgumentParser) -> None:
    """A first word that is neither a file nor shipped may be a mistyped command, or one that stands behind an option."""
    if scenario in SUBCOMMANDS and not os.path.lexists(scenario):
        parser.error(f"the command comes first, then its options: bpdebug {scenario} ...")
    names = [entry.name for entry in shipped()]
    hint = suggestion(scenario, [*SUBCOMMANDS, *names])
    if hint and scenario not in names and re.fullmatch(r"[\w-]+", scenario) and not os.path.lexists(scenario):
        parser.error(f"there is no scenario or command '{scenario}'{hint}")


def _open(given: argparse.Namespace) -> int:
    """The app; what is wrong with the scenario is told before the screen is taken."""
    source: str | None = given.scenario
    asked = asked_for(given) if source is not None else None
    script = asked if asked and is_script(asked) else None
    scenario = opened(asked) if asked and not script else None
    if not has_screen(f'bpdebug run {shlex.quote(source or "xor")} -x "goto 0:dW1" -x "print dW1"'):
        if source is None:
            print("The scenarios that come with bpdebug:", file=sys.stderr)
            list_shipped(sys.stderr)
        return USAGE
    start = _start(announced(script), given) if script else None
    return open_app(None if scenario is None else open_session(scenario, given), given.fresh, given.theme, start)


def _start(asked: Asked, given: argparse.Namespace) -> Start:
    """What the app does first with a script: it is run, while its file is on the screen."""

    def begin(run: Run, early: Callable[[Scenario], None]) -> Scenario:
        from bpdebug.frontends.numpy_script.script import loaded  # noqa: PLC0415 - after the first picture

        return loaded(asked, run, early)

    return asked.source, begin, lambda scenario: open_session(scenario, given)
