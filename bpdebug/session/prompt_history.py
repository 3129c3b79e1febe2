"""The commands that were typed at the prompt, of this session and of earlier ones."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

from bpdebug.files import FileError, write_file
from bpdebug.session.state import alone, read_back, user_folder

MOST = 300
"""Lines that are kept."""


@dataclass
class History:
    """Lines, the latest last; none occurs twice.

    Attributes:
        lines: all that can be gone back to.
        new: those of this session.
        wrong: what cannot be read of the earlier ones.
    """

    lines: list[str] = field(default_factory=list)
    new: list[str] = field(default_factory=list)
    wrong: list[str] = field(default_factory=list)

    def add(self, text: str) -> None:
        """A line has been typed."""
        self.lines = latest([*self.lines, text])
        self.new = latest([*self.new, text])


def latest(lines: list[str]) -> list[str]:
    """The last lines, each at the last place where it occurs."""
    return list(dict.fromkeys(reversed([line for line in lines if line.strip()])))[:MOST][::-1]


def earlier(lines: list[str], beginning: str, place: int, by: int) -> int | None:
    """The next place from ``place`` on, up (``by`` -1) or down (1), of a line that goes on from a beginning; None where there is none.

    Args:
        lines: the history.
        beginning: what has been typed.
        place: of the line that is shown; the number of lines for the one that is being typed.
        by: -1 or 1.
    """
    places = range(place + by, len(lines) if by > 0 else -1, by)
    return next((i for i in places if lines[i].startswith(beginning) and lines[i] != beginning), None)


def history_file() -> Path:
    """Where the history is kept from one start to the next."""
    return user_folder("state") / "history"


def load_history() -> History:
    """The kept lines; none where they cannot be read, which are kept aside then."""
    with suppress(FileError):
        lines, wrong = read_back(history_file(), "the commands of earlier sessions")
        return History(latest([line for line in lines if line.isprintable()]), wrong=wrong)
    return History()


def keep_history(history: History) -> None:
    """Add the lines of this session to those that are kept by now; where that cannot be done, they are lost and nothing else."""
    if history.new:
        with suppress(FileError), alone(history_file().parent):
            write_file(history_file(), "\n".join(latest([*load_history().lines, *history.new])) + "\n")
