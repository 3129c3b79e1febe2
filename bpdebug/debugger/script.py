"""A session as a script of its own commands, and scripts as lines of commands."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

from bpdebug.debugger.play.hunt import script_lines as hunt_lines
from bpdebug.debugger.play.predict import script_lines as predict_lines
from bpdebug.engine.cells import cell_name
from bpdebug.engine.errors import BpdebugError, FormulaError

if TYPE_CHECKING:
    from bpdebug.debugger.results import Result
    from bpdebug.debugger.session import Session

_DEEPEST = 8
"""Scripts that may call one another."""


class ScriptError(BpdebugError):
    """A script that cannot be read, or a line of it that cannot be carried out; the text begins with its place."""


def session_script(session: Session) -> str:
    """The commands that bring a fresh session of the same scenario to where this one is."""
    scenario = session.program.scenario
    lines = [f"# a session of bpdebug on {scenario.source or scenario.name}"]
    lines += hunt_lines(session)
    lines += _edits(session)
    for name, t in session.bookmarks.items():
        lines += [f"goto {session.place_of(t)}", f"bookmark {name}"]
    lines += stop_lines(session)
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


def stop_lines(session: Session) -> list[str]:
    """The commands that set the stops and displays again."""
    lines = []
    for stop in session.stops.all.values():
        lines.append(f"{stop.command} {stop.text}")
        lines += [f"commands last {'; '.join(stop.commands)}"] if stop.commands else []
        lines += [f"ignore last {stop.ignore}"] if stop.ignore else []
        lines += [] if stop.enabled else ["disable last"]
    debug = session.program.scenario.debug
    own = [f"break {' '.join(text.split())}" for text in debug.breakpoints] + [f"watch {' '.join(text.split())}" for text in debug.watches]
    changed = ["delete all"] * bool(own) + lines if lines != own else []
    state = [] if session.stops.catch_nonfinite else ["catch non-finite off"]
    return state + changed + [f"display {text}" for text in session.displays.values()]


def write_beside(path: Path, content: str | bytes) -> None:
    """Write a file (text as UTF-8) under another name in the same folder and rename it, so that nothing is lost half-way.

    Raises:
        ScriptError: where that cannot be done.
    """
    temporary = path.parent / f".{path.name}.{os.getpid()}"
    try:
        if isinstance(content, str):
            temporary.write_text(content, "utf-8", newline="\n")
        else:
            temporary.write_bytes(content)
        temporary.replace(path)
    except OSError as error:
        with suppress(OSError):
            temporary.unlink()
        raise ScriptError(f"{path}: cannot be written: {error.strerror or error}") from None


def path_of(text: str) -> Path:
    """A file's name as a path, with ``~`` for the home directory.

    Raises:
        ScriptError: where no file can have that name.
    """
    try:
        path = Path(text).expanduser()
    except RuntimeError:
        raise ScriptError(f"{text}: there is no such home directory") from None
    if "\0" in text or path.name in ("", ".."):
        raise ScriptError(f"{text!r}: this is not the name of a file")
    return path


def run_script(session: Session, path: str) -> list[tuple[str, Result]]:
    """Carry out a script; the commands with their answers.

    Raises:
        ScriptError: with ``file:line:column`` of the command that failed; those before it have been carried out.
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
    try:
        text = path_of(path).read_text("utf-8-sig")
    except OSError as error:
        raise ScriptError(f"{path}: the script cannot be read: {error.strerror or error}") from None
    except ValueError:
        raise ScriptError(f"{path}: the script is not UTF-8 text") from None
    return [(number, line) for number, line in enumerate(text.splitlines(), 1) if line.strip() and not line.lstrip().startswith("#")]


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


def state_folder() -> Path:
    """Where things are kept from one start to the next: under the XDG state directory."""
    base = os.environ.get("XDG_STATE_HOME") or ""
    return (Path(base) if Path(base).is_absolute() else Path.home() / ".local" / "state") / "bpdebug"


def state_file(scenario: str) -> Path:
    """Where the stops of a scenario are kept from one start to the next."""
    name = "".join(c if c.isalnum() or c in "-_." else "%" for c in str(Path(scenario).resolve()).strip("/\\"))
    return state_folder() / f"{name[-180:]}.stops"


def keep_stops(session: Session) -> None:
    """Keep the stops and displays for the next start; nothing is created before there is something to keep."""
    source = session.program.scenario.source
    lines = stop_lines(session)
    path = state_file(source)
    if not source or (not lines and not path.exists()):
        return
    try:
        if not lines:
            path.unlink()
            return
        path.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise ScriptError(f"{path}: cannot be written: {error.strerror or error}") from None
    write_beside(path, "\n".join([f"# stops of {source}", *lines]) + "\n")


def restore_stops(session: Session) -> int:
    """Set the kept stops again; how many lines could be carried out (what no longer fits the scenario is left out)."""
    path, done = state_file(session.program.scenario.source), 0
    if not session.program.scenario.source or not path.exists():
        return 0
    there = True
    for _, line in _lines(str(path)):
        of_last = line.split()[1:2] == ["last"]
        if of_last and not there:
            continue
        try:
            session.execute(line)
            done += 1
            there = True
        except BpdebugError:
            there = of_last
    return done
