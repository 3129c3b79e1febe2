"""Where everything stands in the picture of neurons, if so many can be read in so much room."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import accumulate, pairwise

from rich.cells import cell_len

from bpdebug.core.record import Record, replace
from bpdebug.ui.draw.network_parts import Parts
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
        number = min(max(parts.widest_input, 1), number)
    pitch = height // units
    pitch = (height - 1) // (units - 1) if pitch == 1 and units > 1 else pitch
    free = height - pitch * (units - 1) - 1
    wanted = ("y" + "n" * bool(named and parts.program.outputs)) * last + "+" * len(parts.beside(layer) if layer else ())
    below = wanted[: min(pitch - 1, free)]
    start, target = top + min(free // 2, free - len(below)), parts.widest_target * last
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
