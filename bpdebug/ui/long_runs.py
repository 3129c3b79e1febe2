"""Commands that take long in slices, so that the app shows how they go on and any key ends them."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from time import perf_counter

from textual import events, work

from bpdebug.core.errors import BpdebugError
from bpdebug.session.rescue import Mark, guarded
from bpdebug.session.session import Session
from bpdebug.time.results import Result
from bpdebug.ui.ending import Ending
from bpdebug.ui.speaking import Note
from bpdebug.ui.type_ahead import TypeAhead

_SLICE, _PICTURE = 0.01, 0.05
"""Seconds of a long run between two looks at the keys, and between two pictures."""


def slice_over() -> Callable[[], bool]:
    """A function that says yes from the end of this slice on."""
    end = perf_counter() + _SLICE
    return lambda: perf_counter() > end


_STOPPING = ("ctrl+c", "ctrl+q", "escape")
"""Keys that stop a run even before it says that any does."""


class LongRuns(TypeAhead, Ending):
    """An app whose session's moves go on in slices.

    Attributes:
        session: what moves.
    """

    session: Session | None = None
    _busy = _interrupted = _announced = False
    _mark: Mark | None = None

    def show(self, message: str = "") -> None:
        """Bring the session's present moment to the screen."""
        raise NotImplementedError

    def finished(self, result: Result) -> None:
        """Show the answer of a command."""
        raise NotImplementedError

    def failed(self, error: BpdebugError) -> None:
        """Say why a command could not be carried out."""
        raise NotImplementedError

    @property
    def running_on(self) -> bool:
        """Whether a run is under way."""
        return self._busy

    def go_on(self) -> None:
        """The rest of what takes long, with pictures in between; any key ends it."""
        self._busy, self._interrupted, self._announced = True, False, False
        self._go_on()

    @work(exclusive=True)
    async def _go_on(self) -> None:
        result, mark = None, self._mark
        try:
            if self.session:
                result = await self._slices(self.session)
                with guarded(self.session, mark):
                    self.show()
        except BpdebugError as error:
            result = None
            self.failed(error)
        finally:
            self._busy = False
        if result:
            self.finished(result)

    @contextmanager
    def piece_of_work(self, session: Session) -> Iterator[None]:
        """Do something that cannot look at the keys: ctrl+c stops it, and what fails is told; the session is then what it was.

        Raises:
            BpdebugError: in both cases.
        """
        self._mark = self._mark or Mark(session)
        self.piece = perf_counter()
        try:
            with guarded(session, self._mark):
                yield
        except KeyboardInterrupt:
            self.piece = None
            self._mark.return_to()
            raise BpdebugError("stopped") from None
        finally:
            self.piece = None
            self._mark = self._mark if session.journey.pending else None

    async def _slices(self, session: Session) -> Result | None:
        """The answer, or nothing where a key was pressed before there was one."""
        begin, first = perf_counter(), session.position.update
        drawn, result, mark = begin, None, self._mark
        while session.journey.pending and not self._interrupted:
            await asyncio.sleep(0.001)
            with self.piece_of_work(session):
                result = session.resume(slice_over())
            if perf_counter() - drawn > _PICTURE:
                drawn = perf_counter()
                rate = (session.position.update - first) / (drawn - begin)
                said = f"running: {rate:,.0f} updates a second" if result.type == "stop" else result.text
                with guarded(session, mark):
                    self.show(f"{said}; any key stops")
                self._announced = True
        if session.journey.pending is None:
            return result
        self.say(Note(session.journey.leave()))
        return None

    async def on_event(self, event: events.Event) -> None:
        """While a run says that any key stops it, a key does, and nothing else; what was typed before waits for the end of the run.

        ctrl+c also takes back what waits, ctrl+q goes on to quit, and ctrl+z stops the whole program for a while.
        """
        if self._busy and isinstance(event, events.Key) and event.key != "ctrl+z" and (self._announced or event.key in _STOPPING):
            self._interrupted = True
            if event.key == "ctrl+c":
                self._held_back.clear()
            if event.key != "ctrl+q":
                return
        if self._busy and isinstance(event, events.Key) and event.key == "ctrl+z":
            self.action_suspend()
        else:
            await super().on_event(event)
