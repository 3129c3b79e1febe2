"""Commands that take long in slices, so that the app shows how they go on and any key ends them."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from time import perf_counter

from textual import events, work

from bpdebug.debugger.results import Result
from bpdebug.debugger.session import Session
from bpdebug.engine.errors import BpdebugError
from bpdebug.ui.speaking import Note, Speaking

_SLICE, _PICTURE = 0.01, 0.05
"""Seconds of a long run between two looks at the keys, and between two pictures."""


def slice_over() -> Callable[[], bool]:
    """A function that says yes from the end of this slice on."""
    end = perf_counter() + _SLICE
    return lambda: perf_counter() > end


class LongRuns(Speaking):
    """An app whose session's moves go on in slices.

    Attributes:
        session: what moves.
    """

    session: Session | None = None
    _busy = _interrupted = False

    def show(self, message: str = "") -> None:
        """Bring the session's present moment to the screen."""
        raise NotImplementedError

    def finished(self, result: Result) -> None:
        """Show the answer of a command."""
        raise NotImplementedError

    def failed(self, error: BpdebugError) -> None:
        """Say why a command could not be carried out."""
        raise NotImplementedError

    @work(exclusive=True)
    async def go_on(self) -> None:
        """The rest of what takes long, with pictures in between; any key ends it."""
        self._busy, self._interrupted = True, False
        try:
            result = await self._slices(self.session) if self.session else None
        except BpdebugError as error:
            self.failed(error)
            result = None
        self._busy = False
        self.show()
        if result:
            self.finished(result)

    async def _slices(self, session: Session) -> Result | None:
        """The answer, or nothing where a key was pressed before there was one."""
        begin, first = perf_counter(), session.position.update
        drawn, result = begin, None
        while session.pending and not self._interrupted:
            await asyncio.sleep(0.001)
            result = session.resume(slice_over())
            if perf_counter() - drawn > _PICTURE:
                drawn = perf_counter()
                rate = (session.position.update - first) / (drawn - begin)
                said = f"running: {rate:,.0f} updates a second" if result.type == "stop" else result.text
                self.show(f"{said}; any key stops")
        if session.pending is None:
            return result
        self.say(Note(session.leave()))
        return None

    async def on_event(self, event: events.Event) -> None:
        """While a long move goes on, a key stops it and does nothing else."""
        if self._busy and isinstance(event, events.Key):
            self._interrupted = True
            return
        await super().on_event(event)
