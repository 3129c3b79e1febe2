"""A session as a script of its own commands, and scripts as lines of commands."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from bpdebug.core.cells import cell_name
from bpdebug.core.errors import BpdebugError, FormulaError, printable
from bpdebug.files import SCRIPT_BYTES, path_of, read_lines
from bpdebug.play.hunt import script_lines as hunt_lines
from bpdebug.play.predict import script_lines as predict_lines
from bpdebug.session.state import lines_of, stop_blocks

if TYPE_CHECKING:
    from bpdebug.session.session import Session
    from bpdebug.time.results import Result

_DEEPEST = 8
"""Scripts that may call one another."""


class ScriptError(BpdebugError):
    """A line of a script that cannot be carried out; the text begins with its place."""


def session_script(session: Session) -> str:
    """The commands that bring a fresh session of the same scenario to where this one is."""
    scenario = session.program.scenario
    lines = [f"# a session of bpdebug on {printable(scenario.source or scenario.name)}"]
    lines += hunt_lines(session)
    lines += _edits(session)
    for name, t in session.bookmarks.items():
        lines += [f"goto {session.place_of(t)}", f"bookmark {name}"]
    lines += lines_of(stop_blocks(session, every=True), scenario.debug)
    lines.append(f"goto {session.place_of(session.position.t)}")
    if session.sample:
        lines.append(f"sample {session.sample}")
    if session.selected:
        lines.append(f"select {cell_name(*session.selected)}")
    lines += predict_lines(session)
    return "\n".join(lines) + "\n"


def _edits(session: Session) -> Iterator[str]:
    place = ""
    for edit in session.timeline.edits:
        if session.place_of(edit.t) != place:
            place = session.place_of(edit.t)
            yield f"goto {place}"
        yield str(edit)


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
        for number, line in _lines(path):
            answers.append(_carry_out(session, path, number, line))
            if answers[-1][1].type == "quit":
                break
        return answers
    finally:
        session.depth -= 1


def _lines(path: str) -> list[tuple[int, str]]:
    lines = read_lines(path_of(path), "a script", SCRIPT_BYTES)
    return [(number, line) for number, line in enumerate(lines, 1) if line.strip() and not line.lstrip().startswith("#")]


def _carry_out(session: Session, path: str, number: int, line: str) -> tuple[str, Result]:
    try:
        return line.strip(), session.execute(line.strip())
    except ScriptError:
        raise
    except BpdebugError as error:
        message, column = str(error), len(line) - len(line.lstrip()) + 1
        if isinstance(error, FormulaError) and error.text:
            message, column = error.message, max(line.rfind(error.text), 0) + error.column
        raise ScriptError(f"{path}:{number}:{column}: {message}") from None
