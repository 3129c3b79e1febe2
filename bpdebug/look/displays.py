"""Expressions that are shown at every stop, with their history."""

from __future__ import annotations

from collections import UserDict, deque
from collections.abc import Iterator
from typing import TYPE_CHECKING

import numpy as np

from bpdebug.core.errors import BpdebugError
from bpdebug.core.numbers import short, sparkline
from bpdebug.core.shapes import shape_text

if TYPE_CHECKING:
    from bpdebug.session.traveller import Traveller

_REMEMBERED = 64


class Displays(UserDict[int, str]):
    """The displayed expressions by number."""

    def __init__(self) -> None:
        super().__init__()
        self._seen: dict[str, deque[float]] = {}

    def lines(self, session: Traveller) -> list[str]:
        """The expressions with their present values; one that cannot be computed now says so."""
        return [f"{text} = {_shown(session, text)}" for text in self.values()]

    def remember(self, session: Traveller) -> None:
        """Keep the numbers of this stop (of a tensor, its norm)."""
        for text in self.values():
            try:
                value = session.value(text)
            except BpdebugError:
                continue
            number = float(value) if value.ndim == 0 else float(np.linalg.norm(value))
            self._seen.setdefault(text, deque(maxlen=_REMEMBERED)).append(number)

    def pictures(self, session: Traveller) -> Iterator[str]:
        """The lines with their histories."""
        for text, line in zip(self.values(), self.lines(session), strict=True):
            yield f"{line}  {sparkline(self._seen.get(text, ()))}".rstrip()


def _shown(session: Traveller, text: str) -> str:
    try:
        value = session.value(text)
    except BpdebugError:
        return "not computed yet"
    return short(float(value), 8) if value.ndim == 0 else f"{shape_text(value.shape)}, norm {short(float(np.linalg.norm(value)), 6)}"
