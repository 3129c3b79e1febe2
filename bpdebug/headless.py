"""The debugger without a screen: commands from the command line and from scripts, answers on standard output."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterable, Iterator
from contextlib import suppress
from itertools import chain, count
from pathlib import Path
from time import perf_counter

from bpdebug.core.errors import BpdebugError
from bpdebug.core.interruption import whole_line
from bpdebug.files import MEBI, FileError
from bpdebug.session.rescue import guarded
from bpdebug.session.script import Order, orders_of, read_script
from bpdebug.session.session import Session
from bpdebug.time.results import Result, to_json

_BETWEEN = 0.25
"""Seconds between two pictures of the progress."""
OK, FAILED, USAGE = 0, 1, 2
"""Exit statuses: success; a command failed, something is wrong or nothing could be judged; bad usage or a bad file."""


Given = tuple[str, str]
"""What one option gives: ``-x`` with a command, or ``--script`` with a path (``-`` is standard input)."""


def orders(given: Iterable[Given]) -> Iterator[Order]:
    """The commands in the order in which they were given; scripts are opened at once, standard input is read as it comes.

    Raises:
        FileError: where a script cannot be read.
    """
    number, sources = count(1), list[Iterable[Order]]()
    for option, text in given:
        if option == "-x":
            sources.append([Order(text, next(number))])
        else:
            sources.append(orders_of(_standard_input(), "standard input") if text == "-" else read_script(Path(text), text))
    return chain.from_iterable(sources)


def _standard_input() -> Iterator[str]:
    """Its lines as they come, none without an end."""
    try:
        while line := sys.stdin.readline(MEBI) if sys.stdin else "":
            if len(line) == MEBI:
                raise FileError("standard input", "a line of more than 1 MiB; expected commands, one a line")
            yield line
    except UnicodeDecodeError:
        raise FileError("standard input", "expected text") from None


def status_of(result: Result, strict: bool) -> int:
    """1 where something is wrong or nothing could be judged; to the strict, also where not all was, or only in another convention."""
    return FAILED if result.wrong or (strict and result.doubtful) else OK


def run(session: Session, commands: Iterable[Order], as_json: bool, strict: bool = False) -> int:
    """Carry out commands until one fails or quits; the exit status. A verdict that something is wrong ends nothing, but is remembered."""
    progress, status = Progress(session), OK
    for order in commands:
        try:
            with progress, guarded(session):
                result = session.execute(order.text, progress.show)
        except BpdebugError as error:
            if as_json:
                answer(session, order.command, Result("error", "", {"message": str(error)}), as_json)
            print(order.complaint(error), file=sys.stderr)
            return FAILED
        answer(session, order.command, result, as_json)
        status = status_of(result, strict) or status
        if result.type == "quit":
            break
    return status


def has_screen(instead: str) -> bool:
    """Whether there is a terminal for the app; where there is none, say so, and what to type instead."""
    if missing := _missing_terminal():
        print(f"bpdebug: {missing}, and the debugger's screen needs one. Without a screen:", file=sys.stderr)
        print(f"    {instead}", file=sys.stderr)
    return not missing


def _missing_terminal() -> str:
    """What there is in the place of a terminal: Textual reads standard input, writes standard error (on Windows: standard output),
    and moves the cursor, which not every terminal can."""
    if os.environ.get("TEXTUAL_DRIVER"):  # a browser's terminal, for instance, has streams of its own
        return ""
    written = ("standard output", sys.stdout) if sys.platform == "win32" else ("standard error", sys.stderr)
    for name, stream in (("standard input", sys.stdin), written):
        if stream is None or stream.closed or not stream.isatty():
            return f"{name} is not a terminal"
    kind = os.environ.get("TERM", "")
    cannot_draw = kind in ("", "dumb", "unknown") and sys.platform != "win32"
    return f"this terminal says that it cannot draw (TERM is '{kind}')" * cannot_draw


class Progress:
    """A line on standard error that tells how far a long run has come, where that is a terminal.

    Args:
        session: what runs.
    """

    def __init__(self, session: Session) -> None:
        self.session = session
        self.wanted = sys.stderr is not None and sys.stderr.isatty()

    def __enter__(self) -> None:
        self._begin, self._update, self._drawn = perf_counter(), self.session.position.update, 0.0

    def __exit__(self, *_: object) -> None:
        if self._drawn:
            print("\r\x1b[K", end="", file=sys.stderr, flush=True)

    def show(self) -> bool:
        """Draw the line anew a few times a second; never ends the run."""
        now = perf_counter()
        if self.wanted and now - max(self._drawn, self._begin) > _BETWEEN:
            self._drawn = now
            position = self.session.position
            rate = (position.update - self._update) / (now - self._begin)
            bar = "#" * round(30 * position.update / position.updates)
            text = f"[{bar:<30}] update {position.update}/{position.updates}, {rate:.0f} a second (ctrl-c stops)"
            columns = 0
            with suppress(OSError, ValueError):
                columns = os.get_terminal_size(sys.stderr.fileno()).columns
            print(f"\r{text[: (columns or 80) - 1]}", end="\x1b[K", file=sys.stderr, flush=True)
        return False


def answer(session: Session, command: str, result: Result, as_json: bool) -> None:
    """Print a result, at once, so that a program at the other end of a pipe need not wait."""
    text = to_json(command, session.position, result) if as_json else result.text
    if text:
        with whole_line:
            print(text, flush=True)
