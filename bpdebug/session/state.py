"""What is kept from one start to the next. Of what a state file says, only stops and displays are carried out, each line checked."""

from __future__ import annotations

import os
import sys
import time
from collections import Counter
from collections.abc import Iterable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from itertools import count
from pathlib import Path

from bpdebug.core.description import Debug
from bpdebug.core.errors import BpdebugError, presentable, printable
from bpdebug.files import MEBI, FileError, read_lines, remove_file, write_file
from bpdebug.session.script import orders_of
from bpdebug.session.session import Session
from bpdebug.session.stop_lines import CLEARED, Block, harmless, lines_of, own_blocks, stop_blocks
from bpdebug.session.table import CommandError, find_command

Known = tuple[str, int]
_SET, _CHANGE = ("break", "tbreak", "watch", "catch", "display"), ("commands", "ignore", "disable")
_MOST = 500
"""Lines of a file of stops that are read."""
_LONGEST = 180
"""Bytes of a file's name; the system takes 255, with what is added when it is kept aside."""


def user_folder(kind: str) -> Path:
    """Where the user's ``config`` or ``state`` is: under the XDG directory where one is set, else where the system keeps such things.

    Raises:
        FileError: for a user without a home.
    """
    base = Path(os.environ.get(f"XDG_{kind.upper()}_HOME") or "")
    if base.is_absolute():
        return base / "bpdebug"
    try:
        usual = Path.home() / {"config": ".config", "state": ".local/state"}[kind] / "bpdebug"
    except RuntimeError:
        raise FileError("~", "there is no home directory") from None
    if sys.platform not in ("win32", "darwin") or usual.is_dir():
        return usual
    import platformdirs  # noqa: PLC0415 - a start does without

    return platformdirs.user_config_path("bpdebug", False) if kind == "config" else platformdirs.user_state_path("bpdebug", False)


def state_file(scenario: str) -> Path:
    """Where the stops of a scenario are kept from one start to the next."""
    name = "".join(c if c.isalnum() or c in "-_." else "%" for c in str(Path(scenario).resolve()).strip("/\\"))
    return user_folder("state") / f"{name.encode()[-_LONGEST:].decode(errors='ignore')}.stops"


def read_back(path: Path, expected: str) -> tuple[list[str], list[str]]:
    """The lines of a file that was kept, none where there is none; and what is wrong with it, which is kept aside then."""
    try:
        return read_lines(path, expected, MEBI), []
    except FileError as error:
        return [], [] if error.kind == "missing" else [f"{error}; {set_aside(path)}"]


def set_aside(path: Path) -> str:
    """Give a file that is not understood another name, so that it is there to be looked at; what became of it."""
    free = (path.with_name(f"{path.name}.unread{number}") for number in count(1))
    other = next(name for name in free if not os.path.lexists(name))
    try:
        path.rename(other)
    except OSError as error:
        return f"it cannot be kept aside: {error.strerror or error}"
    return f"it is kept as {printable(other.name)}"


@contextmanager
def alone(folder: Path) -> Iterator[None]:
    """One process at a time in a folder, which is made; one that hangs is not waited for longer than a second.

    Raises:
        FileError: where the folder cannot be made.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise FileError(folder, f"the directory cannot be made: {error.strerror or error}") from None
    with ExitStack() as stack:
        with suppress(ImportError, OSError):
            import fcntl  # noqa: PLC0415 - not on Windows

            handle = os.open(folder, os.O_RDONLY)
            stack.callback(os.close, handle)
            for _ in range(100):
                with suppress(BlockingIOError):
                    fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
                    break
                time.sleep(0.01)
        yield


def restore_stops(session: Session) -> tuple[int, list[str]]:
    """Set the kept stops again: how many lines were carried out, and what is wrong with the others.

    A line that no longer fits the scenario stays where it is; a file with anything else than stops in it is kept aside.
    """
    source, done = session.program.scenario.source, 0
    if not source:
        return 0, []
    try:
        path = state_file(source)
    except FileError:
        return 0, []
    lines, wrong = read_back(path, "the stops of last time")
    there, strange = True, False
    for order in orders_of(lines, printable(str(path))):
        line = order.command
        refused = _refused(line) if order.number <= _MOST else f"more than {_MOST} lines"
        strange, of_last = strange or bool(refused), line.split()[1:2] == ["last"]
        if of_last and not there:
            continue
        try:
            if not refused:
                session.execute(line)
                done, there = done + 1, True
        except BpdebugError as error:
            refused = str(error)
        there = there and (of_last or not refused)
        wrong += [f"{order.file}:{order.number}: {printable(line[:60])}: {presentable(refused)}"] * bool(refused)
    if strange:
        wrong.append(set_aside(path))
    elif lines:
        session.kept = stop_blocks(session.stops, session.displays)
    return done, [*wrong[:3], f"… and {len(wrong) - 4} lines more", wrong[-1]] if len(wrong) > 4 else wrong


def _refused(line: str) -> str:
    """Why a line is no part of a file of stops; "" for one that is."""
    try:
        command, arguments = find_command(line)
        word, _, rest = arguments.partition(" ")
        if command.name in _SET or (command.name, arguments) == ("delete", "all"):
            return ""
        if command.name not in _CHANGE or word != "last":
            return "this sets no stop, and nothing else is carried out"
        attached = rest.split(";") if command.name == "commands" else []
        return next((f"'{text.strip()}' is not carried out from here" for text in attached if text.strip() and not harmless(text)), "")
    except CommandError as error:
        return str(error)


def keep_stops(session: Session) -> str:
    """Keep what has changed of the stops and displays since the start; what another session has added or removed meanwhile stays so.

    Returns:
        What of it is not kept.

    Raises:
        FileError: where that cannot be done.
    """
    scenario, now = session.program.scenario, stop_blocks(session.stops, session.displays)
    if not scenario.source:
        return ""
    if now != session.kept:
        path, before, after = state_file(scenario.source), _known(session.kept), _known(now)
        with alone(path.parent):
            there = _known(_kept(read_back(path, "the stops of last time")[0], scenario.debug))
            blocks = {known: block for known, block in there.items() if known in after or known not in before}
            blocks |= {known: block for known, block in after.items() if block != before.get(known)}
            if lines := lines_of(blocks.values(), scenario.debug):
                write_file(path, "\n".join([f"# stops of {printable(scenario.source)}", *lines]) + "\n")
            else:
                remove_file(path)
        session.kept = now
    acting = [text for stop in session.stops.all.values() for text in stop.commands if not harmless(text)]
    return f"commands of stops that do more than look are not kept ('save' keeps them): {'; '.join(acting)}" * bool(acting)


def _known(blocks: Iterable[Block]) -> dict[Known, Block]:
    """Blocks by the commands that set them; of equal ones, by which of them it is."""
    seen = Counter[str]()
    known = dict[Known, Block]()
    for block in blocks:
        known[block[0], seen[block[0]]] = block
        seen[block[0]] += 1
    return known


def _kept(lines: list[str], debug: Debug) -> list[Block]:
    """What the lines of a file set, with what the scenario sets by itself."""
    blocks = list[Block]()
    for line in (order.command for order in orders_of(lines, "")):
        if line.split()[1:2] == ["last"] and blocks:
            blocks[-1] = (*blocks[-1], line)
        else:
            blocks.append((line,))
    return [block for block in blocks if block != CLEARED] if CLEARED in blocks else [*own_blocks(debug), *blocks]
