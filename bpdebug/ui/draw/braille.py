"""A canvas of braille dots, 2×4 to a character, on which lines that cross do not erase each other."""

from __future__ import annotations

from collections import defaultdict
from itertools import groupby
from operator import itemgetter
from typing import Any

import numpy as np
import numpy.typing as npt
from rich.cells import cell_len

from bpdebug.ui.draw.spans import Line, Span

Dot = tuple[int, int]
Integers = npt.NDArray[np.int64]

_BITS = np.array([[0x01, 0x02, 0x04, 0x40], [0x08, 0x10, 0x20, 0x80]], np.uint8)
_GLYPHS = [" ", *(chr(0x2800 + dots) for dots in range(1, 256))]
_COVERED = ("", "")
"""The place that a wide character's second half takes."""
_PERIOD, _ON = 4, 2
"""A broken line is that many dots of so many."""


class Canvas:
    """Dots and texts on a grid of characters; each character has the role of the strongest thing drawn on it, the first one
    where several are equally strong.

    Args:
        columns, rows: the size in characters.

    Attributes:
        meant: what the text at a column and row stands for, where that was said.
    """

    def __init__(self, columns: int, rows: int) -> None:
        self.columns, self.rows = columns, rows
        self.meant: dict[tuple[int, int], Any] = {}
        self._strokes: list[tuple[int, int, int, int, float, int, bool]] = []
        self._roles: list[str] = []
        self._texts: defaultdict[int, dict[int, Span]] = defaultdict(dict)

    def dot(self, x: int, y: int, role: str, strength: float = 0.0) -> None:
        """Set one dot; ``x`` counts half columns, ``y`` quarter rows. Outside the canvas nothing happens."""
        self.segment((x, y), (x, y), role, strength)

    def segment(self, start: Dot, end: Dot, role: str, strength: float = 0.0, width: int = 1, broken: bool = False) -> None:
        """A straight line between two dots.

        Args:
            start, end: the dots.
            role: of the characters on which nothing stronger is drawn.
            strength: the stronger line gives a character its role; dots are kept of all.
            width: 1 to 3 dots.
            broken: whether to leave gaps.
        """
        self._strokes.append((*start, *end, strength, width, broken))
        self._roles.append(role)

    def write(self, column: int, row: int, text: str, role: str, means: object = None) -> None:
        """Put a text over whatever is there, and say what it stands for."""
        for character in text:
            size = cell_len(character)
            if size and 0 <= row < self.rows and column >= 0 and column + size <= self.columns:
                self._texts[row].update({column: (character, role), **({column + 1: _COVERED} if size > 1 else {})})
                if means:
                    self.meant[column, row] = means
            column += size

    def put(self, column: int, row: int, drawn: Line) -> None:
        """Put a line over whatever is there."""
        for text, role in drawn:
            self.write(column, row, text, role)
            column += cell_len(text)

    def lines(self) -> list[Line]:
        """The drawing."""
        dots, roles = self._raster()
        return [self._line(self._texts[row], dots[row].tolist(), roles[row].tolist()) for row in range(self.rows)]

    def _line(self, texts: dict[int, Span], dots: list[int], roles: list[int]) -> Line:
        drawn = [(_GLYPHS[bits], self._roles[role] if bits else "") for bits, role in zip(dots, roles, strict=True)]
        for column, span in texts.items():
            drawn[column] = span
        parts = groupby(filter(itemgetter(0), drawn), key=itemgetter(1))
        return tuple(("".join(text for text, _ in part), role) for role, part in parts)

    def _raster(self) -> tuple[npt.NDArray[np.uint8], Integers]:
        """The dots of every character, and which stroke gives it its role."""
        dots, roles = np.zeros(self.rows * self.columns, np.uint8), np.zeros(self.rows * self.columns, np.int64)
        if self._strokes:
            x, y, stroke = _dots_of(np.array(self._strokes, float))
            inside = (x >= 0) & (y >= 0) & (x < 2 * self.columns) & (y < 4 * self.rows)
            x, y, stroke = x[inside], y[inside], stroke[inside]
            cells = (y >> 2) * self.columns + (x >> 1)
            np.bitwise_or.at(dots, cells, _BITS[x & 1, y & 3])
            roles[cells] = stroke
        return dots.reshape(self.rows, self.columns), roles.reshape(self.rows, self.columns)


def _dots_of(strokes: npt.NDArray[Any]) -> tuple[Integers, Integers, Integers]:
    """The places of the dots of all strokes, and the stroke of each; those of the strongest come last."""
    strength, width, broken = strokes[:, 4], strokes[:, 5], strokes[:, 6]
    order = np.lexsort((-np.arange(len(strokes)), strength))
    beside = [(order, 0), (order[width[order] > 1], 1), (order[width[order] > 2], -1)]
    owner = np.concatenate([strokes for strokes, _ in beside])
    offset = np.concatenate([np.full(len(strokes), by) for strokes, by in beside])
    if len(owner) > len(order):
        again = np.argsort(np.argsort(order)[owner], kind="stable")
        owner, offset = owner[again], offset[again]
    start, delta = strokes[owner, :2], strokes[owner, 2:4] - strokes[owner, :2]
    steps = np.abs(delta).max(axis=1).astype(int)
    line = np.repeat(np.arange(len(owner)), steps + 1)
    step = np.arange(len(line)) - np.repeat(np.cumsum(steps + 1) - steps - 1, steps + 1)
    flat = np.abs(delta[:, 0]) >= np.abs(delta[:, 1])
    sideways = np.stack([np.where(flat, 0, offset), np.where(flat, offset, 0)], axis=1)
    places = np.rint(start[line] + delta[line] * (step / np.maximum(steps, 1)[line])[:, None]).astype(int) + sideways[line]
    kept = (broken[owner][line] == 0) | (step % _PERIOD < _ON)
    return places[kept, 0], places[kept, 1], owner[line][kept]
