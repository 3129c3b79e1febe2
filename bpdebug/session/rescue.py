"""After an exception that nobody foresaw: the session stands where it stood before, and what it holds is in a file."""

from __future__ import annotations

import os
import traceback
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from bpdebug.core.errors import BpdebugError, presentable
from bpdebug.files import write_file
from bpdebug.session.script import orders_of, session_script
from bpdebug.session.session import Session
from bpdebug.session.state import user_folder

_MOST = 1000
"""Files with the same beginning beside one scenario."""
DEBUG = "BPDEBUG_DEBUG"
"""The variable of the environment with which an unforeseen exception is not caught, so that its traceback is seen."""


class UnforeseenError(BpdebugError):
    """What is said of an exception that nobody foresaw."""


class Mark:
    """Where a session stands, so that it can stand there again.

    Args:
        session: the session.
    """

    def __init__(self, session: Session) -> None:
        self._session, self._timeline = session, session.timeline
        self._clock, self._edits = session.timeline.clock, [*session.timeline.edits]
        self._selected = session.cursor.selected

    def return_to(self) -> None:
        """Stand there again, whatever is half done."""
        session = self._session
        session.depth = 0
        with suppress(Exception):
            session.journey.leave()
        if session.timeline is not self._timeline:
            session.stand_on(self._timeline)
        session.journey.pending = None
        self._timeline.recover(self._clock, self._edits)
        session.cursor.selected = self._selected
        session.after_edit()


@contextmanager
def guarded(session: Session, mark: Mark | None = None) -> Iterator[None]:
    """Carry out something, without more than a message when it fails.

    Args:
        session: on which.
        mark: where it then stands again; where it stands now, if not given.

    Raises:
        BpdebugError: what is wrong.
    """
    mark = mark or Mark(session)
    try:
        yield
    except BpdebugError:
        raise
    except Exception as error:
        if os.environ.get(DEBUG):
            raise
        with suppress(Exception):
            mark.return_to()
        raise UnforeseenError(told(session, error)) from error


def told(session: Session | None, error: BaseException) -> str:
    """What is said of an exception; the session is saved, where there is anything to save."""
    what = f"bpdebug itself has failed ({type(error).__name__}: {presentable(str(error).strip()) or 'no more is known'})"
    path = _saved(session, error) if session else None
    if path is None:
        return f"{what}; please report it with what you did ({DEBUG}=1 shows where)"
    return f"{what}. The session is in {path}: 'source {path}' brings it back; please report it with that file"


def _saved(session: Session, error: BaseException) -> Path | None:
    """The file, one for each exception, that the session has been written to; None where there is nothing to save, or no place."""
    try:
        script = session_script(session)
    except Exception:
        script = "".join(f"{edit}\n" for edit in session.timeline.edits)
    if [order.command for order in orders_of(script.splitlines(), "")] in ([], ["goto start"]):
        return None
    trace = "".join(traceback.format_exception(error))
    text = script + "".join(f"# {line}\n" for line in trace.splitlines())
    kind = (type(error), str(error))
    for folder in _folders(session.program.scenario.source):
        with suppress(OSError, BpdebugError):
            scenario = session.program.scenario
            path = session.rescued.get(kind) or _free(folder, Path(scenario.source or scenario.name).stem)
            write_file(path, text)
            session.rescued[kind] = path
            return path
    return None


def _folders(source: str) -> Iterator[Path]:
    """Beside the scenario, unless it came with the program; else where the stops are kept."""
    beside, package = Path(source).resolve().parent, Path(__file__).resolve().parent.parent
    if source and beside not in (package / "scenarios", package.parent / "scenarios"):
        yield beside
    yield user_folder("state")


def _free(folder: Path, name: str) -> Path:
    """A file that was not there and now is."""
    folder.mkdir(parents=True, exist_ok=True)
    for number in range(1, _MOST):
        path = folder / f"{name}.rescued-{number}.bp"
        with suppress(FileExistsError):
            path.open("x").close()
            return path
    raise FileExistsError(folder)
