"""Work on a session: in one piece, which ctrl+c ends, or in slices, between which the app shows how it goes on and any key ends it."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from time import perf_counter

from bpdebug.core.errors import BpdebugError
from bpdebug.session.rescue import Mark, guarded
from bpdebug.session.session import Session
from bpdebug.time.results import Result

_SLICE, _PICTURE = 0.01, 0.05
"""Seconds of a long run between two looks at the keys, and between two pictures."""


def slice_over() -> Callable[[], bool]:
    """A function that says yes from the end of this slice on."""
    end = perf_counter() + _SLICE
    return lambda: perf_counter() > end


class Work:
    """What is being done, if anything.

    Attributes:
        busy: whether a command goes on in slices.
        announced: whether the screen says that any key ends it.
        interrupted: whether one has.
        piece: since when something is computed during which no key can act, or None.
        mark: what the session is to be again where the command fails.
    """

    busy = announced = interrupted = False
    piece: float | None = None
    mark: Mark | None = None

    @contextmanager
    def in_one_piece(self, session: Session) -> Iterator[None]:
        """Do something that cannot look at the keys: ctrl+c stops it, and what fails is told; the session is then what it was.

        Raises:
            BpdebugError: in both cases.
        """
        self.mark = self.mark or Mark(session)
        self.piece = perf_counter()
        try:
            with guarded(session, self.mark):
                yield
        except KeyboardInterrupt:
            self.piece = None
            self.mark.return_to()
            raise BpdebugError("stopped") from None
        finally:
            self.piece = None
            self.mark = self.mark if session.journey.pending else None

    async def slices(self, session: Session, show: Callable[[str], None]) -> Result | None:
        """Go on with a command to its end: the answer, or nothing where a key was pressed before there was one.

        Args:
            session: what moves.
            show: shows the present moment with a message.
        """
        self.interrupted = self.announced = False
        begin, first = perf_counter(), session.position.update
        drawn, result, mark = begin, None, self.mark
        while session.journey.pending and not self.interrupted:
            await asyncio.sleep(0.001)
            with self.in_one_piece(session):
                result = session.resume(slice_over())
            if perf_counter() - drawn > _PICTURE:
                drawn = perf_counter()
                rate = (session.position.update - first) / (drawn - begin)
                said = f"running: {rate:,.0f} updates a second" if result.type == "stop" else result.text
                with guarded(session, mark):
                    show(f"{said}; any key stops")
                self.announced = True
        return result if session.journey.pending is None else None
