"""How the app ends, or stops for a while, when it is not the user who quits: signals, a terminal or a page that is gone, ctrl+z."""

from __future__ import annotations

import asyncio
import os
import signal
from time import perf_counter
from types import FrameType
from typing import ClassVar

from textual.actions import SkipAction
from textual.binding import Binding, BindingType

from bpdebug.core import interruption
from bpdebug.core.interruption import Interrupted
from bpdebug.ui.speaking import Note, Speaking

_LONG = 0.3
"""Seconds from which on a command that goes on in one piece is worth an interruption."""


class Ending(Speaking):
    """An app that puts everything in order whoever ends it.

    Attributes:
        piece: since when something is computed during which no key can act, or None.
    """

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("ctrl+z", "suspend", "back to the shell for a while", show=False, priority=True),
        Binding("ctrl+c", "interrupt", "close what lies over the panes", show=False, priority=True),
    ]
    piece: float | None = None
    _meant: float | None = None
    _running_loop: asyncio.AbstractEventLoop | None = None

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
            if meant not in (None, self.piece):
                return  # what ctrl+c was to stop has ended by itself
        if self.piece is None or number != signal.SIGINT:
            interruption.heed(interruption.end_at_once)
            self.ask_to_end(128 + number)
        if self.piece is not None:
            raise Interrupted(number)

    def ask_to_end(self, status: int) -> None:
        """End as soon as what is being done is done; from any thread."""
        if self._running_loop and not self._running_loop.is_closed():
            self._running_loop.call_soon_threadsafe(self.exit, None, status)

    def interrupt(self) -> bool:
        """Stop what is being computed in one piece, where that takes long; whether it does. From any thread."""
        piece = self.piece
        long = piece is not None and perf_counter() - piece > _LONG
        if long and self._meant is None:
            self._meant = piece
            os.kill(os.getpid(), signal.SIGINT)
        return long

    def keep(self) -> None:
        """Keep what the next start brings back."""
        raise NotImplementedError

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
            self.say(Note("q quits · ctrl+c stops a run, and copies text that is selected"))

    def action_suspend(self) -> None:
        """Stop, as a shell expects it, until the shell goes on with us."""
        if self._driver is None or not self._driver.can_suspend:
            self.say(Note("there is no shell to go back to here"))
        else:
            signal.raise_signal(signal.SIGTSTP)
