"""What nobody foresaw in the app, and how it is told."""

from __future__ import annotations

import os
from contextlib import suppress

from bpdebug.session.rescue import DEBUG, told
from bpdebug.ui.long_runs import LongRuns
from bpdebug.ui.speaking import Note
from bpdebug.ui.standing import Standing


class StandingApp(Standing, LongRuns):
    """An app that goes on."""

    def __init__(self) -> None:
        super().__init__()
        self._told: set[tuple[type, str]] = set()

    def stands(self, error: Exception) -> bool:
        """Tell of an exception, each kind once, and save the session; whether there is an app to go on with."""
        if os.environ.get(DEBUG) or self.session is None or not self._running or not self.screen_stack:
            return False
        kind = (type(error), str(error))
        if kind not in self._told:
            self._told.add(kind)
            with suppress(Exception):
                note = Note(told(self.session, error), "error")
                if note not in self.notes:
                    self.say(note)
        return True

    def _handle_exception(self, error: Exception) -> None:
        """As Textual does where the app cannot go on, but with one message instead of a traceback."""
        cause = getattr(error, "error", error)
        if os.environ.get(DEBUG):
            super()._handle_exception(error)
        elif not self.stands(cause):
            self._return_code = 1
            self.panic(f"bpdebug: {told(self.session, cause)}")
