"""A session as a script of its own commands, and scripts as lines of commands."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import groupby
from pathlib import Path

from bpdebug.core.cells import cell_name
from bpdebug.core.errors import BpdebugError, FormulaError, presentable, printable
from bpdebug.core.record import Record
from bpdebug.files import SCRIPT_BYTES, path_of, read_lines, refuse_program
from bpdebug.session.session import Session
from bpdebug.session.stop_lines import lines_of, stop_blocks
from bpdebug.time.results import Result

_DEEPEST = 8
"""Scripts that may call one another."""
_QUOTED = 200
"""Characters of a command that are quoted where it has failed."""


class ScriptError(BpdebugError):
    """A line of a script that cannot be carried out; the text begins with its place."""


def session_script(session: Session) -> str:
    """The commands that bring a fresh session of the same scenario to where this one is."""
    scenario = session.program.scenario
    lines = [f"# a session of bpdebug on {printable(scenario.source or scenario.name)}"]
    lines += [line for hunt in session.hunts for line in hunt.commands()]
    for place, edits in groupby(session.timeline.edits, lambda edit: session.place_of(edit.t)):
        lines += [f"goto {place}", *map(str, edits)]
    for name, t in session.bookmarks.items():
        lines += [f"goto {session.place_of(t)}", f"bookmark {name}"]
    lines += lines_of(stop_blocks(session.stops, session.displays, every=True), scenario.debug)
    lines.append(f"goto {session.place_of(session.position.t)}")
    travels = bool(session.timeline.edits or session.bookmarks)  # on which this script looks at some sample
    if session.cursor.sample or (session.selected[0] not in session.program.sampled if session.selected else travels):
        lines.append(f"sample {session.cursor.sample}")
    if session.selected:
        lines.append(f"select {cell_name(*session.selected)}")
    lines += session.predictions.commands(session.position.t)
    return "\n".join(lines) + "\n"


class Order(Record):
    """One command and where it was given: the number of its ``-x``, or a line of ``file``."""

    text: str
    number: int
    file: str = ""

    @property
    def command(self) -> str:
        """The command without the blanks around it."""
        return self.text.strip()

    def complaint(self, error: BpdebugError) -> str:
        """The error with its place; a formula's error knows its column, any other is that of the whole command."""
        message, column = str(error), 0
        if isinstance(error, FormulaError) and error.text:  # the formula may stand after the command's name
            message, column = error.message, max(self.command.rfind(error.text), 0) + error.column
        if self.file:
            return presentable(f"{self.file}:{self.number}:{self.text.find(self.command) + max(column, 1)}: {message}")
        shown = self.command if len(self.command) <= _QUOTED else f"{self.command[:_QUOTED]}…"
        return presentable(f'-x {self.number}: "{shown}": {f"column {column}: " if column else ""}{message}')


def orders_of(lines: Iterable[str], file: str) -> Iterator[Order]:
    """The commands of a script: its lines, but for blank ones and comments."""
    for number, line in enumerate(lines, 1):
        if line.strip() and not line.lstrip().startswith("#"):
            yield Order(line.rstrip("\r\n"), number, file)


def read_script(path: Path, file: str) -> Iterator[Order]:
    """The commands of a file, which is read at once.

    Raises:
        FileError: where it cannot be read, or is a program.
    """
    refuse_program(path)
    return orders_of(read_lines(path, "a script", SCRIPT_BYTES), file)


def run_script(session: Session, path: str) -> list[tuple[str, Result]]:
    """Carry out a script; the commands with their answers.

    Raises:
        ScriptError: with ``file:line:column`` of the command that failed; those before it have been carried out.
        FileError: where the script cannot be read.
    """
    if session.depth >= _DEEPEST:
        raise ScriptError(f"{path}: scripts call one another more than {_DEEPEST} deep")
    session.depth += 1
    answers: list[tuple[str, Result]] = []
    try:
        for order in read_script(path_of(path), path):
            try:
                answers.append((order.command, session.execute(order.command)))
            except ScriptError:
                raise
            except BpdebugError as error:
                raise ScriptError(order.complaint(error)) from None
            if answers[-1][1].type == "quit":
                break
        return answers
    finally:
        session.depth -= 1
