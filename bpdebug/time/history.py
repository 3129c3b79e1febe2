"""The loss of every update so far, in bounded memory."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from bpdebug.core.description import Array

_ROOM = 8192


class History:
    """Values by update number, recorded in order; when it is full every second one is dropped and the spacing doubles."""

    def __init__(self, known: Sequence[float] = ()) -> None:
        self._values = np.empty(_ROOM)
        self._stride, self._count = 1, 0
        self.next = 0
        """The update whose value is to be recorded next."""
        for update, value in enumerate(known):
            self.record(update, value)

    def record(self, update: int, value: float) -> None:
        """Note the value of an update; one that is known already is left alone."""
        if update != self.next:
            return
        if self._count == _ROOM:
            self._values[: _ROOM // 2] = self._values[::2].copy()
            self._count, self._stride = _ROOM // 2, 2 * self._stride
        self._values[self._count] = value
        self._count += 1
        self.next = self._count * self._stride

    def forget_from(self, update: int) -> None:
        """Drop the values of ``update`` and all later ones."""
        self._count = min(self._count, -(-update // self._stride))
        self.next = self._count * self._stride

    def points(self) -> tuple[Array, Array]:
        """The updates and their values, as copies."""
        return np.arange(self._count) * self._stride, self._values[: self._count].copy()
