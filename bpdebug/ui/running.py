"""A script of the user's own that runs beside the app."""

from __future__ import annotations

from collections.abc import Callable
from threading import Thread
from time import monotonic

from bpdebug.core.description import Scenario
from bpdebug.core.errors import BpdebugError
from bpdebug.frontends.numpy_script.child import Run
from bpdebug.look.source import Place
from bpdebug.session.rescue import UnforeseenError, told
from bpdebug.session.session import Session

Begin = Callable[[Run, Callable[[Scenario], None]], Scenario]
"""Runs a script: is given the run, and what to do with its first updates where it goes on for long; what it computes is the answer."""
Start = tuple[str, Begin, Callable[[Scenario], Session]]
"""A script's name, what runs it, and what makes a session of it."""
_PATIENCE = 2.0
"""Seconds in which a script that is ended has to be gone."""


class Job:
    """A run in a thread of its own, which begins at once.

    Args:
        source: the script's name.
        begin: runs it.

    Attributes:
        run: how it goes.
        place: the line that it is at.
        early: what its first updates are, where they are known before all is.
        answer: what came of it, or what is wrong; None as long as neither is known.
    """

    def __init__(self, source: str, begin: Begin) -> None:
        self.source, self.run, self.place = source, Run(), Place(f"{source}:0")
        self.early: Scenario | None = None
        self.answer: Scenario | BpdebugError | None = None
        self._begin, self._since = begin, monotonic()
        self._thread = Thread(target=self._work, daemon=True)
        self._thread.start()

    def _work(self) -> None:
        try:
            self.answer = self._begin(self.run, self._found)
        except BpdebugError as error:
            self.answer = error
        except Exception as error:
            self.answer = UnforeseenError(told(None, error))

    def _found(self, early: Scenario) -> None:
        self.early = early

    @property
    def state(self) -> str:
        """What is going on, where, and since when."""
        seconds = int(monotonic() - self._since)
        clock = f"{seconds // 60}:{seconds % 60:02}"
        if not self.run.running:
            return f"it has run; looking for its updates {clock}"
        line, called = self.run.place()
        self.place = Place(line) if line else self.place
        number = f"line {self.place.number}" if self.place.file == self.source else self.place
        return f"running {clock}{f', {number} {called}'.rstrip() if self.place.number else ''}"

    @property
    def failed(self) -> BpdebugError | None:
        """What is wrong."""
        return self.answer if isinstance(self.answer, BpdebugError) else None

    def end(self) -> None:
        """Leave nothing of it behind."""
        if self.run.running:
            self.run.end()
            self._thread.join(_PATIENCE)
