"""What asks the program to end from outside: ctrl+c, a system that goes down, a terminal that is closed."""

from __future__ import annotations

import os
import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType

_ENDING = [getattr(signal, name) for name in ("SIGINT", "SIGTERM", "SIGHUP") if hasattr(signal, name)]
_IMPORTING = "<frozen importlib._bootstrap>"


class Interrupted(KeyboardInterrupt):
    """The program was asked to end.

    Attributes:
        status: what it then ends with.
    """

    def __init__(self, number: int) -> None:
        super().__init__("" if number == signal.SIGINT else signal.Signals(number).name)
        self.status = 128 + number


class WholeLine:
    """While it is entered something is written that nobody should find half; who asks for the end waits for it, the first time."""

    entered, asked = False, 0

    def __enter__(self) -> None:
        self.entered = True

    def __exit__(self, *_: object) -> None:
        self.entered = False
        if self.asked:
            raise Interrupted(self.asked)


whole_line = WholeLine()


def heed(answer: Callable[[int, FrameType | None], object]) -> None:
    """Answer to the signals in one way; those that the program was started to ignore stay ignored."""
    for number in _ENDING:
        if signal.getsignal(number) is not signal.SIG_IGN:
            signal.signal(number, answer)


@contextmanager
def heeded(answer: Callable[[int, FrameType | None], object]) -> Iterator[None]:
    """Answer to the signals in one way while it is entered, and then as before; a thread, to which no signal comes, changes nothing."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = [(number, signal.getsignal(number)) for number in _ENDING]
    heed(answer)
    try:
        yield
    finally:
        for number, old in before:
            signal.signal(number, old or signal.SIG_DFL)


@contextmanager
def put_off() -> Iterator[None]:
    """While it is entered something is done that must be complete: who asks for the end, however often, waits for it."""
    asked = list[int]()
    with heeded(lambda number, _: asked.append(number)):
        yield
    if asked:
        signal.raise_signal(asked[0])


def end_at_once(number: int, _: FrameType | None = None) -> None:
    """End where nothing is to be put in order."""
    try:
        os.write(2, b"interrupted\n")
    finally:
        os._exit(128 + number)


def end(number: int, frame: FrameType | None) -> None:
    """End by an exception, on which everything is put in order; but an import might swallow that, or show it with a traceback.

    Raises:
        Interrupted: where neither an import nor a line is in the way.
    """
    if whole_line.entered and not whole_line.asked:
        whole_line.asked = number
        return
    while frame and frame.f_code.co_filename != _IMPORTING:
        frame = frame.f_back
    if frame or whole_line.entered:
        end_at_once(number)
    raise Interrupted(number)
