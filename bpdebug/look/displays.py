"""Expressions that are shown at every stop, with their history."""

from __future__ import annotations

from collections import UserDict, deque
from collections.abc import Iterator

import numpy as np

from bpdebug.core.description import Array
from bpdebug.core.errors import BpdebugError
from bpdebug.core.evaluate import evaluate
from bpdebug.core.misfits import shape_text
from bpdebug.core.numbers import short, sparkline
from bpdebug.core.shapes import infer
from bpdebug.look.explanation import not_there
from bpdebug.time.position import called
from bpdebug.time.timeline import Timeline

_REMEMBERED = 64


def value_of(timeline: Timeline, expression: str) -> Array:
    """The present value of an expression over the tensors, such as ``a2`` or ``max(abs(dz2))``.

    Raises:
        BpdebugError: where it does not parse or fit, or a tensor is not computed yet.
    """
    formula = timeline.program.parse(expression)
    values, shapes = timeline.machine.values(), timeline.machine.shapes()
    for name in formula.names:
        if name in shapes and name not in values:
            raise BpdebugError(not_there(timeline, name))
    infer(formula, shapes)
    return np.array(evaluate(formula, values, timeline.program.dtype))


class Displays(UserDict[int, str]):
    """The displayed expressions by number."""

    def __init__(self) -> None:
        super().__init__()
        self._seen: dict[str, deque[float]] = {}

    def lines(self, timeline: Timeline) -> list[str]:
        """The expressions with their present values; one that is not computed yet with its last one, and of which update that is."""
        return [f"{text} = {_shown(timeline, text)}" for text in self.values()]

    def remember(self, timeline: Timeline) -> None:
        """Keep the numbers of this stop (of a tensor, its norm)."""
        for text in self.values():
            try:
                value = value_of(timeline, text)
            except BpdebugError:
                continue
            number = float(value) if value.ndim == 0 else float(np.linalg.norm(value))
            self._seen.setdefault(text, deque(maxlen=_REMEMBERED)).append(number)

    def pictures(self, timeline: Timeline) -> Iterator[str]:
        """The lines with their histories."""
        for text, line in zip(self.values(), self.lines(timeline), strict=True):
            yield f"{line}  {sparkline(self._seen.get(text, ()))}".rstrip()


def _shown(timeline: Timeline, text: str) -> str:
    try:
        return _told(value_of(timeline, text))
    except BpdebugError:
        before = _before(timeline, text)
        return "not computed yet" if before is None else f"{_told(before)} ({called(timeline.program, timeline.machine.update - 1)})"


def _told(value: Array) -> str:
    return short(float(value), 8) if value.ndim == 0 else f"{shape_text(value.shape)}, norm {short(float(np.linalg.norm(value)), 6)}"


def _before(timeline: Timeline, text: str) -> Array | None:
    """The value in the update before, when all that it reads had just been computed; None where there is none."""
    program, update = timeline.program, timeline.machine.update - 1
    formula = program.parse(text)
    if not program.tensors.keys() >= {*formula.names} or not timeline.calendar.follows(update + 1):
        return None
    done = max((program.index[name] + 1 for name in formula.names if name in program.index and name not in program.persistent), default=0)
    if update < 0 or done in (0, program.calendar.length):
        return None
    with timeline.at(timeline.calendar.clock(update, done)) as machine, np.errstate(all="ignore"):
        infer(formula, machine.shapes())
        return np.array(evaluate(formula, machine.values(), program.dtype))
