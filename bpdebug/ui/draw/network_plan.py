"""Where everything stands in the picture of neurons, if so many can be read in so much room; and the edges in it: thin and grey, those of
the selected cell in the colour of their sign and with their number.

An edge is solid for a positive weight and broken for a negative one; only those that make the selected cell, or are it, are wide."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import cached_property
from itertools import accumulate, pairwise

import numpy as np
from rich.cells import cell_len

from bpdebug.core.cells import NamedCell
from bpdebug.core.numbers import narrow
from bpdebug.core.record import Record, replace
from bpdebug.core.tensors import Array
from bpdebug.ui.draw.braille import Canvas
from bpdebug.ui.draw.layers import WEIGHT
from bpdebug.ui.draw.network_parts import Parts, largest
from bpdebug.ui.draw.roles import HEAT_STEPS
from bpdebug.ui.draw.spans import short_names

_MOST_EDGES = 64
"""Edges between two layers that the eye can follow."""
_WAYS = ((6, 12), (6, 8), (5, 7))
"""The characters of a neuron's number with the least columns between two layers, so that the number of a weight has room there; the
widest first."""
_BREADTH = 2
"""Columns by which each gap grows before the names of the inputs do."""
_STEEP = 3
"""Columns for each row that a gap never exceeds."""


class Column(Record):
    """One layer's place.

    Attributes:
        layer: 0 is the input.
        number: the characters of the number in a neuron, which has a blank on both sides of it.
        rows: of the neurons.
        below: what stands below each, a letter a row: ``y`` its target, ``n`` its name, ``+`` another number of it.
        width: the columns that it takes with all that.
        left: the first of them.
    """

    layer: int
    number: int
    rows: tuple[int, ...]
    below: str
    width: int
    left: int = 0

    @property
    def right(self) -> int:
        """The first column after the neurons' own, where the edges begin."""
        return self.left + self.number + 2


class Plan(Record):
    """The whole picture.

    Attributes:
        columns, rows: its size; the last row has the names of what is shown.
        shown: the layers, from left to right.
        inputs, outputs: their names as there is room for them, none where there is none.
    """

    columns: int
    rows: int
    shown: tuple[Column, ...]
    inputs: tuple[str, ...] = ()
    outputs: tuple[str, ...] = ()

    @property
    def bottom(self) -> int:
        """The row of the names."""
        return self.rows - 1


def plan_of(parts: Parts, columns: int, rows: int) -> Plan | None:
    """The richest plan that fits, or None where not every neuron and edge can be read."""
    if not parts.program.layers:
        return None
    units = [parts.units(layer) for layer in range(parts.depth + 1)]
    top = int(rows > _STEEP + 1 and any(names.layer.residual for names in parts.program.layers))
    height, fewest = rows - 1 - top, sum(_WAYS[-1])
    if max(units) > height or parts.depth * fewest > columns or any(a * b > _MOST_EDGES for a, b in pairwise(units)):
        return None
    for number, gap in _WAYS:
        shown = tuple(_column(parts, layer, number, top, height) for layer in range(parts.depth + 1))
        spare = columns - sum(column.width for column in shown) - gap * parts.depth - 1 - _least(parts.program.inputs)
        if spare >= 0:
            return _placed(parts, Plan(columns, rows, shown), spare, gap, height)
    return None


def _column(parts: Parts, layer: int, number: int, top: int, height: int, named: bool = True) -> Column:
    """A layer without its place from the left; ``named`` where the names of outputs stand below them."""
    units, last = parts.units(layer), layer == parts.depth
    if layer == 0:
        number = min(max(parts.widest(parts.program.input, 6), 1), number)
    pitch = height // units
    pitch = (height - 1) // (units - 1) if pitch == 1 and units > 1 else pitch
    free = height - pitch * (units - 1) - 1
    wanted = ("y" + "n" * bool(named and parts.program.outputs)) * last + "+" * len(parts.beside(layer) if layer else ())
    below = wanted[: min(pitch - 1, free)]
    start, target = top + min(free // 2, free - len(below)), parts.widest(parts.program.target, 5) * last
    # a target stands below its neuron, or else behind it
    width = max(number + 2, len("target ") + target) if "y" in below else number + 2 + (len(" t ") + target) * last
    return Column(layer, number, tuple(range(start, start + pitch * (units - 1) + 1, pitch)), below, width)


def _least(names: Sequence[str]) -> int:
    """The columns of the shortest names that inputs may have."""
    return min(_longest(names), len(f"x{len(names)}"))


def _longest(names: Sequence[str]) -> int:
    return max(map(cell_len, names), default=0)


def _placed(parts: Parts, plan: Plan, spare: int, gap: int, height: int) -> Plan:
    """The plan with its places: the names of the inputs take what is spare first, then those of the outputs, then the gaps."""
    names, outputs, gaps = parts.program.inputs, parts.program.outputs, parts.depth
    inputs = short_names(names, _least(names) + max(spare - _BREADTH * gaps, 0), "x")
    spare -= _longest(inputs) - _least(names)
    last, shown = plan.shown[-1], plan.shown
    if outputs and spare > _longest(outputs) + _BREADTH * gaps:
        top = plan.bottom - height
        last = _column(parts, last.layer, last.number, top, height, named=False)
        spare -= 1 + _longest(outputs)
    elif "n" not in last.below:
        outputs = ()
    outputs = short_names(outputs, _longest(outputs) if "n" not in last.below else last.width, "y") if outputs else ()
    wider = max(min(spare // gaps, _STEEP * height - gap), 0)
    left = (spare - gaps * wider) // 2 + 1 + _longest(inputs)
    lefts = accumulate((column.width + gap + wider for column in shown), initial=left)
    placed = (replace(column, left=at) for column, at in zip((*shown[:-1], last), lefts, strict=False))
    return replace(plan, shown=tuple(placed), inputs=inputs, outputs=outputs)


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
        for i, j in [divmod(int(place), len(self.right.rows)) for place in order[: min(int((main | more).sum()), _NUMBERED)]]:
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
                yield f"{self.parts.view.named(other)} {narrow(float(values[i, j]), 6)}", other

    def nearest(self, x: int, y: int) -> NamedCell | None:
        """The weight of the edge that is nearest to a place; None where none is near."""
        starts, ends = (4 * np.array(column.rows) + 1.5 for column in (self.left, self.right))
        (first, last), rise = self.across, ends - starts[:, None]
        along = max(last - first, 1)
        away = np.abs(starts[:, None] + rise * ((2 * x + 0.5 - first) / along) - (4 * y + 1.5)) / np.hypot(1, rise / along)
        i, j = divmod(int(away.argmin()), len(self.right.rows))
        return (self.name, (i, j)) if away[i, j] <= _NEAR else None
