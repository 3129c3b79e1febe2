"""The edges of the picture of neurons: thin and grey, those of the selected cell in the colour of their sign and with their number.

An edge is solid for a positive weight and broken for a negative one; only those that make the selected cell, or are it, are wide.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import cached_property

import numpy as np

from bpdebug.core.cells import Cell
from bpdebug.core.numbers import narrow
from bpdebug.core.record import Record
from bpdebug.core.render import render_name
from bpdebug.core.tensors import Array
from bpdebug.ui.draw.braille import Canvas
from bpdebug.ui.draw.layers import WEIGHT
from bpdebug.ui.draw.network_parts import Parts, largest
from bpdebug.ui.draw.network_plan import Column
from bpdebug.ui.draw.roles import HEAT_STEPS

_NEAR = 3.0
"""Dots from an edge at which it is still meant."""
_ALONG = (1 / 2, 1 / 3, 2 / 3, 1 / 4, 3 / 4)
"""Where on an edge its number may stand, the best place first."""
_NUMBERED = 5
"""Edges between two layers that have their numbers at most."""
_CLEAR = 4
"""Characters that each of the edges between two layers must have for the eye to tell it from the others."""
_PAIR, _AMPLE = 2, 4
"""So many edges have their numbers however narrow it is between the layers; others need so many columns beside theirs, or else the numbers
would look like another layer."""


class Edges(Record, eq=False):
    """The edges between two layers side by side."""

    parts: Parts
    left: Column
    right: Column

    @cached_property
    def name(self) -> str:
        """The tensor that they show."""
        return self.parts.edges(self.right.layer)

    @cached_property
    def weights(self) -> Array:
        """Its numbers."""
        return self.parts.view.tensors[self.name]

    @cached_property
    def chosen(self) -> tuple[Array, Array]:
        """Those that make or are the selected cell, and those that pass it on."""
        return self.parts.chosen(self.right.layer)

    @cached_property
    def across(self) -> tuple[int, int]:
        """The dots between which they are drawn, clear of the numbers on both sides."""
        return 2 * self.left.right, 2 * self.right.left - 1

    def place(self, i: int, j: int, along: float) -> tuple[float, float]:
        """The dot that lies so far along an edge."""
        (first, last), start, end = self.across, 4 * self.left.rows[i] + 1.5, 4 * self.right.rows[j] + 1.5
        return first + along * (last - first), start + along * (end - start)

    def crowded(self, rows: int) -> bool:
        """Whether there are more edges in so many rows than can be told from each other."""
        return (self.right.left - self.left.right) * rows < _CLEAR * self.weights.size

    def draw(self, canvas: Canvas) -> None:
        """All edges, those of the selected cell on top; where the others would be a blur, of these the largest into each neuron."""
        (main, more), shares = self.chosen, self.weights / largest(self.weights)
        rest = ~(main | more)
        if self.crowded(canvas.rows):
            sizes = np.nan_to_num(np.abs(shares), nan=np.inf)
            rest &= sizes == sizes.max(axis=0)
        for strength, (kind, these) in enumerate((("rest" if self.parts.name else "pale", rest), ("ink", more), ("path", main))):
            for i, j in np.argwhere(these).tolist():
                share, width = float(shares[i, j]), 1 + (kind == "path" and main.sum() <= _NUMBERED)
                start, end = ((round(x), round(y)) for x, y in (self.place(i, j, 0), self.place(i, j, 1)))
                level = max(round(HEAT_STEPS * abs(share)), 1) if np.isfinite(share) else 0  # the sign is told of the smallest, too
                role = "bad" if not level else kind if kind == "rest" else f"{kind}:{level if share > 0 else -level:+d}"
                canvas.segment(start, end, role, strength + abs(share), width, share < 0 and kind != "rest")

    def labels(self) -> Iterator[tuple[int, int, str, str, object]]:
        """The numbers of the selected cell's edges, as far as they have room beside each other: column, row, text, role and cell; where
        the cell is a weight or its gradient, the other one below it."""
        main, more = self.chosen
        room, taken = self.right.left - self.left.right - 2, set[tuple[int, int]]()
        order = np.argsort(-np.abs(self.weights) - largest(self.weights) * (2 * main + more), axis=None, kind="stable")
        for i, j in [divmod(int(place), self.right_units) for place in order[: min(int((main | more).sum()), _NUMBERED)]]:
            number = narrow(float(self.weights[i, j]), min(max(room - 1, 5), 6))
            texts = [(number, "cursor" if self.parts.selected[0] == WEIGHT and main[i, j] else "bold" if main[i, j] else "", self.name)]
            texts += [(text, "dim", name) for text, name in self._other(i, j) if main[i, j] and len(text) <= room]
            for along in _ALONG:
                x, y = self.place(i, j, along)
                row, long = round(y - 1.5) // 4, max(len(text) for text, *_ in texts)
                column = min(max(round((x + 1 - long) / 2), self.left.right + 1), self.right.left - 1 - long)
                cells = {(at, row + below) for below in range(len(texts)) for at in range(column - 1, column + long + 1)}
                if not cells & taken and ((main[i, j] and main.sum() <= _PAIR) or long + _AMPLE <= room):
                    break
            else:
                continue
            taken |= cells
            for below, (text, role, name) in enumerate(texts):
                start = column + (long - len(text)) // 2
                yield start - 1, row + below, " " * (len(text) + 2), "", None
                yield start, row + below, text, role, (name, (i, j))

    def _other(self, i: int, j: int) -> Iterator[tuple[str, str]]:
        """The gradient of a selected weight, or the weight of a selected gradient, with its name."""
        program = self.parts.program
        if self.parts.selected[0] == WEIGHT:
            weight = self.parts.names(self.right.layer).weight
            other = program.gradients.get(weight, "") if self.name == weight else weight
            values = self.parts.view.tensors.get(other)
            if values is not None:
                yield f"{render_name(other, self.parts.view.style)} {narrow(float(values[i, j]), 6)}", other

    @property
    def right_units(self) -> int:
        """How many neurons they lead to."""
        return len(self.right.rows)

    def nearest(self, x: int, y: int) -> tuple[str, Cell] | None:
        """The weight of the edge that is nearest to a place; None where none is near."""
        starts, ends = (4 * np.array(column.rows) + 1.5 for column in (self.left, self.right))
        (first, last), rise = self.across, ends - starts[:, None]
        along = max(last - first, 1)
        away = np.abs(starts[:, None] + rise * ((2 * x + 0.5 - first) / along) - (4 * y + 1.5)) / np.hypot(1, rise / along)
        i, j = divmod(int(away.argmin()), self.right_units)
        return (self.name, (i, j)) if away[i, j] <= _NEAR else None
