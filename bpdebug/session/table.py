"""The command table: keys, prompt, palette, scripts and help are all made from it."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any

from bpdebug.core.cells import Cell
from bpdebug.core.errors import BpdebugError
from bpdebug.core.parser import suggestion
from bpdebug.core.record import Record, replace
from bpdebug.time.moves import Move
from bpdebug.time.results import Result
from bpdebug.time.tasks import Task

Action = Callable[[Any, str], Result | Move | Task]
"""What a command does with a session, whose type stands above this table, and its arguments."""


class CommandError(BpdebugError):
    """A command that is not understood, with what was expected."""


class Command(Record):
    """One row.

    Attributes:
        name: as it is typed.
        usage: with its arguments.
        help: one line.
        run: what it does: a result, or a move for the session to make.
        keys: in the app, as Textual names them.
        aliases: other names.
        group: one of :data:`GROUPS`.
        asks: what the app asks for before it runs the command by key ("" for nothing).
        label: its word in the app's footer ("" for none).
    """

    name: str
    usage: str
    help: str
    run: Action
    keys: tuple[str, ...] = ()
    aliases: tuple[str, ...] = ()
    group: str = "look"
    asks: str = ""
    label: str = ""


COMMANDS: dict[str, Command] = {}
"""All commands by name."""

GROUPS = {"move": "Forwards", "back": "Back", "look": "Look", "stop": "Stops", "edit": "Edits", "play": "Play", "session": "Session"}
"""The groups of commands with their titles, in the order of the help."""


def in_order() -> list[Command]:
    """The commands in the order of the help."""
    groups = list(GROUPS)
    return sorted(COMMANDS.values(), key=lambda command: groups.index(command.group))


def command(usage: str, group: str, keys: str = "", aliases: str = "", asks: str = "", label: str = "") -> Callable[[Action], Action]:
    """Register a function as a command; its docstring is the help."""

    def register(run: Action) -> Action:
        name = usage.split(maxsplit=1)[0]
        COMMANDS[name] = Command(
            name, usage, (run.__doc__ or "").strip(), run, tuple(keys.split()), tuple(aliases.split()), group, asks, label
        )
        return run

    return register


def rebind(keys: Mapping[str, tuple[str, ...]]) -> None:
    """Give commands other keys; help, footer and bindings follow."""
    for name, chosen in keys.items():
        COMMANDS[name] = replace(COMMANDS[name], keys=chosen)


def find_command(text: str) -> tuple[Command, str]:
    """The command that a line asks for, and its arguments.

    A count may stand before the name, as in ``5 step`` or ``5s``, and before all the colon with which the app's prompt opens.

    Raises:
        CommandError: for an unknown or ambiguous name, with suggestions.
    """
    text = text.strip().removeprefix(":").lstrip()
    counted = re.fullmatch(r"(\d{1,12})\s*([a-z-]+)", text)
    name, _, arguments = (f"{counted[2]} {counted[1]}" if counted else text).partition(" ")
    if not name:
        raise CommandError("a command is expected; 'help' lists them")
    for command in COMMANDS.values():
        if name == command.name or name in command.aliases:
            return command, arguments.strip()
    matching = [command for command in COMMANDS.values() if command.name.startswith(name)]
    if len(matching) == 1:
        return matching[0], arguments.strip()
    if matching:
        raise CommandError(f"'{name}' may be {' or '.join(command.name for command in matching)}")
    hint = suggestion(name, COMMANDS) or "; 'help' lists them"
    raise CommandError(f"there is no command '{name}'{hint}")


def count_of(arguments: str) -> int:
    """The count that a move is given; 1 where it is given none."""
    if not arguments:
        return 1
    if not re.fullmatch(r"\d{1,12}", arguments) or int(arguments) == 0:
        raise CommandError(f"a count from 1 is expected; found '{arguments}'")
    return int(arguments)


def no_arguments(arguments: str, name: str) -> None:
    """Refuse arguments."""
    if arguments:
        raise CommandError(f"{name} takes no argument; found '{arguments}'")


_CELL = re.compile(r"([A-Za-z_]\w*(?:@\w+)?)\s*(?:\[\s*(\d{1,9}(?:\s*,\s*\d{1,9})*)?\s*\])?")


def cell_of(text: str) -> tuple[str, Cell]:
    """Read ``dW2[1,0]``; a plain number has no index."""
    found = _CELL.fullmatch(text)
    if not found:
        raise CommandError(f"a cell such as dW2[1,0] is expected; found '{text}'")
    return found[1], tuple(int(part) for part in (found[2] or "").split(",") if part.strip())
