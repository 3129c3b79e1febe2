"""Commands that take long without moving: they go on in slices, say how far they are, and can be given up."""

from __future__ import annotations

from collections.abc import Callable, Generator
from contextvars import Context, copy_context
from dataclasses import dataclass, field
from typing import TypeVar

from bpdebug.time.results import Result

T = TypeVar("T")
Stopper = Callable[[], bool]
"""Is asked every few milliseconds of what takes long; where it says yes, that ends early, or pauses."""
SLICE = 0.02
"""Seconds of work between two looks at whether to stop."""


@dataclass(eq=False)
class Task:
    """The work of a command.

    Attributes:
        steps: yields what it is doing, and returns the command's answer.
        said: what it was doing last.
        context: what its steps have set, such as how NumPy takes an overflow; that goes on with the work, not with the program around it.
    """

    steps: Generator[str, None, Result]
    said: str = ""
    context: Context = field(default_factory=copy_context)

    def go_on(self, stop: Stopper) -> Result | None:
        """Work until ``stop`` says yes; the answer, once there is one."""
        try:
            while True:
                self.said = self.context.run(next, self.steps)
                if stop():
                    return None
        except StopIteration as end:
            answer: Result = end.value
            return answer

    def close(self) -> None:
        """Give the work up."""
        self.context.run(self.steps.close)


def whole(steps: Generator[object, None, T]) -> T:
    """What work in steps comes to, without a pause."""
    while True:
        try:
            next(steps)
        except StopIteration as end:
            found: T = end.value
            return found
