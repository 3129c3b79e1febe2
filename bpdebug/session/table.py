"""The command table: keys, prompt, palette, scripts and help are all made from it."""

from __future__ import annotations

import re
from collections.abc import Callable, Generator, Mapping
from typing import Any

from bpdebug.core.cells import NamedCell
from bpdebug.core.errors import BpdebugError
from bpdebug.core.program import Program
from bpdebug.core.record import Record, replace
from bpdebug.core.words import suggestion
from bpdebug.session.usage import ways
from bpdebug.time.moves import Move
from bpdebug.time.position import parse_location, stages_at
from bpdebug.time.results import Result
from bpdebug.time.tasks import Task

Answer = Result | Move | Task
Work = Generator[str, None, Result]
"""What takes long: it yields what it is doing, and returns the result."""
Action = Callable[..., Result | Move | Work]
"""What a command does with a session, whose type stands above this table, and with what its usage declares."""


class CommandError(BpdebugError):
    """A command that is not understood, with what was expected."""


class Command(Record):
    """One row.

    Attributes:
        name: as it is typed.
        usage: with its arguments.
        help: one line.
        run: what it does with a session and the text of its arguments: a result, or a move or task for the session to make.
        keys: in the app, as Textual names them.
        aliases: other names.
        group: one of :data:`GROUPS`.
        asks: what the app asks for before it runs the command by key ("" for nothing).
        label: its word in the app's footer ("" for none).
        writes: whether it makes the file that it takes.
    """

    name: str
    usage: str
    help: str
    run: Callable[[Any, str], Answer]
    keys: tuple[str, ...] = ()
    aliases: tuple[str, ...] = ()
    group: str = "look"
    asks: str = ""
    label: str = ""
    writes: bool = False


COMMANDS: dict[str, Command] = {}
"""All commands by name."""

GROUPS = {"move": "Forwards", "back": "Back", "look": "Look", "stop": "Stops", "edit": "Edits", "play": "Play", "session": "Session"}
"""The groups of commands with their titles, in the order of the help."""


def in_order() -> list[Command]:
    """The commands in the order of the help."""
    groups = list(GROUPS)
    return sorted(COMMANDS.values(), key=lambda command: groups.index(command.group))


def command(usage: str, group: str, keys: str = "", aliases: str = "", missing: str = "", **more: Any) -> Callable[[Action], Action]:
    """Register a function as a command; its docstring is the help.

    It is given what the usage declares: nothing, a number, a cell or a location that has been read, or else the text itself. Where
    arguments may be left out and are, it is given none.

    Args:
        usage, group, keys, aliases, more: of :class:`Command`.
        missing: what is said where arguments are expected and none are given ("": the function itself says it).
    """
    name = usage.split(maxsplit=1)[0]

    def register(act: Action) -> Action:
        def run(session: Any, text: str) -> Answer:
            written = ways(usage)
            if text and written == ((),):
                raise CommandError(f"{name} takes no argument; found '{text}'")
            if not text and missing:
                raise CommandError(missing)
            given = [way for way in written if way]
            read = READERS.get(given[0][0]) if len(given) == 1 == len(given[0]) else None
            arguments = [read(text, session.program) if read else text] if text or () not in written else []
            answer = act(session, *arguments)
            return Task(answer) if isinstance(answer, Generator) else answer

        COMMANDS[name] = Command(name, usage, (act.__doc__ or "").strip(), run, tuple(keys.split()), tuple(aliases.split()), group, **more)
        return act

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
        raise CommandError(f"'{name}' could be {' or '.join(command.name for command in matching)}")
    hint = suggestion(name, COMMANDS) or "; 'help' lists them"
    raise CommandError(f"there is no command '{name}'{hint}")


def count_of(text: str) -> int:
    """Read a count from 1."""
    if not re.fullmatch(r"\d{1,12}", text) or int(text) == 0:
        raise CommandError(f"a count from 1 is expected; found '{text}'")
    return int(text)


_CELL = re.compile(r"(.*\S)\s*\[\s*(\d{1,9}(?:\s*,\s*\d{1,9})*)?\s*\]", re.DOTALL)
_NAME = re.compile(r"[A-Za-z_]\w*(?:@\w+)?")


def cell_of(text: str, program: Program) -> NamedCell:
    """Read ``dW2[1,0]``; a plain number has no index. Brackets may belong to a tensor's name. A line of the user's script, ``train.py:34``,
    stands for the first stage that it computes, and that one's first cell."""
    found = None if text in program.tensors else _CELL.fullmatch(text)
    name, index = found[1] if found else text, found[2] or "" if found else ""
    if name not in program.tensors and (lined := stages_at(name, program)):
        name = lined[0][0]
        index = index or ",".join("0" for _ in program.shapes(program.batches.largest)[name])
    if name not in program.tensors and not _NAME.fullmatch(name):
        raise CommandError(f"a cell such as dW2[1,0] is expected; found '{text}'")
    return name, tuple(int(part) for part in index.split(",") if part.strip())


READERS: dict[str, Callable[[str, Program], object]] = {
    "n": lambda text, program: count_of(text),
    "NAME[i,j]": cell_of,
    "LOCATION": parse_location,
}
"""What is read before a command sees it, by the word of its usage; all else a command reads itself."""
