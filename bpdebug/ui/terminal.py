"""What our app does otherwise than Textual's: keys in their order, notes, and nothing ends it but the user, or a signal, in order."""

from __future__ import annotations

import asyncio
import os
import signal
from contextlib import suppress
from time import perf_counter
from types import FrameType
from typing import ClassVar

from textual import events
from textual.actions import SkipAction
from textual.binding import Binding, BindingType

from bpdebug.core import interruption
from bpdebug.core.interruption import Interrupted
from bpdebug.session.rescue import DEBUG, told
from bpdebug.session.session import Session
from bpdebug.ui.bars import MessageBar, Note
from bpdebug.ui.long_runs import Work
from bpdebug.ui.painting import Painted, Standing
from bpdebug.ui.type_ahead import TypeAhead

_LONG = 0.3
"""Seconds from which on a command that goes on in one piece is worth an interruption."""
_STOPPING = ("ctrl+c", "ctrl+q", "escape")
"""Keys that stop a run even before it says that any does."""


class TerminalApp(Standing, Painted):
    """An app that goes on, and that puts everything in order whoever ends it.

    Attributes:
        session: what is debugged.
        work: what is being done.
        typed: what waits for its turn.
        message: what is said.
    """

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape", "hush", "close the message", show=False),
        Binding("ctrl+z", "suspend", "back to the shell for a while", show=False, priority=True),
        Binding("ctrl+c", "interrupt", "close what lies over the panes", show=False, priority=True),
    ]
    session: Session | None = None
    _meant: float | None = None
    _running_loop: asyncio.AbstractEventLoop | None = None

    def __init__(self) -> None:
        super().__init__()
        self.work, self.message = Work(), MessageBar()
        self.typed = TypeAhead(self, self.work)
        self._told: set[tuple[type, str]] = set()

    @property
    def notes(self) -> list[Note]:
        """What has been said since the last command."""
        return self.message.notes

    def say(self, note: Note) -> None:
        """See :meth:`MessageBar.say`."""
        self.message.say(note)

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

    async def on_event(self, event: events.Event) -> None:
        """While a run says that any key stops it, a key does, and nothing else; what was typed before waits for the end of the run.

        ctrl+c also takes back what waits, ctrl+q goes on to quit, and ctrl+z stops the whole program for a while.
        """
        key = event.key if self.work.busy and isinstance(event, events.Key) else ""
        if key == "ctrl+z":
            self.action_suspend()
            return
        if key and (self.work.announced or key in _STOPPING):
            self.work.interrupted = True
            if key == "ctrl+c":
                self.typed.forget()
            if key != "ctrl+q":
                return
        if not self.typed.holds(event):
            await super().on_event(event)

    def simulate_key(self, key: str) -> None:
        """As if a key had been pressed, before any that waits."""
        self.typed.first(events.Key(key, None))

    def keep(self) -> None:
        """Keep what the next start brings back."""

    def on_load(self) -> None:
        """From now on there is something to put in order."""
        self._running_loop = asyncio.get_running_loop()
        if not self.is_headless:
            self.heed_signals()

    def heed_signals(self) -> None:
        """Answer to the signals by ending in order."""
        interruption.heed(self._signalled)

    def _signalled(self, number: int, _: FrameType | None) -> None:
        """End in order, asked twice at once; SIGINT stops a command that is being carried out instead.

        Raises:
            Interrupted: where there is one.
        """
        if number == signal.SIGINT:
            meant, self._meant = self._meant, None
            if meant not in (None, self.work.piece):
                return  # what ctrl+c was to stop has ended by itself
        if self.work.piece is None or number != signal.SIGINT:
            interruption.heed(interruption.end_at_once)
            self.ask_to_end(128 + number)
        if self.work.piece is not None:
            raise Interrupted(number)

    def ask_to_end(self, status: int) -> None:
        """End as soon as what is being done is done; from any thread."""
        if self._running_loop and not self._running_loop.is_closed():
            self._running_loop.call_soon_threadsafe(self.exit, None, status)

    def interrupt(self) -> bool:
        """Stop what is being computed in one piece, where that takes long; whether it does. From any thread."""
        piece = self.work.piece
        long = piece is not None and perf_counter() - piece > _LONG
        if long and self._meant is None:
            self._meant = piece
            os.kill(os.getpid(), signal.SIGINT)
        return long

    def action_interrupt(self) -> None:
        """Close what lies over the panes, or say how to quit; where text is selected, ctrl+c is there to copy it.

        Raises:
            SkipAction: in that case.
        """
        if self.screen.get_selected_text() or getattr(self.focused, "selected_text", ""):
            raise SkipAction
        if len(self.screen_stack) > 1:
            self.screen.dismiss(None)
        else:
            self.say(Note("q quits, ctrl+c stops a run, and copies text that is selected"))

    def action_suspend(self) -> None:
        """Stop, as a shell expects it, until the shell goes on with us."""
        if self._driver is None or not self._driver.can_suspend:
            self.say(Note("there is no shell to go back to here"))
        else:
            signal.raise_signal(signal.SIGTSTP)
