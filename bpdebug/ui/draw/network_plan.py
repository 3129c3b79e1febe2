"""Where everything stands in the drawing of the network: which layers are shown, with how much beside each neuron."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import cache
from itertools import accumulate

from rich.cells import cell_len

from bpdebug.core.record import Record, replace
from bpdebug.core.render import render_name
from bpdebug.ui.draw.layers import focus_layer
from bpdebug.ui.draw.network_parts import Parts
from bpdebug.ui.draw.network_text import short_names

MOST_UNITS = 12
"""Neurons of a layer that are drawn one by one; wider layers are a strip."""
LEAST_COLUMNS, LEAST_ROWS = 12, 3
_FEW = 3
"""Layers that are shown without numbers rather than one of them not at all."""
_STRIP, _LEAST = 3, 2
"""Columns of a strip with the sign beside it, and of a neuron with its sign."""
_BRIEF = 2
"""Characters of targets that may stand beside the neurons, so that their names can stand below."""
_LABELS = ("target", "t")
"""What stands before a target, as there is room for it."""
MARKS = ("◂ target", "◂")
"""What stands beside the largest target of a strip."""
_BREADTH = 2
"""Columns by which each gap grows before the names of the inputs do."""


class Column(Record):
    """One layer's place.

    Attributes:
        layer, units: 0 is the input.
        number: the characters of the number beside a neuron; 0 where there is only its sign.
        rows: of the neurons; none for a strip.
        left, right: where the neurons stand, and the first column after what stands beside them.
        target: the characters of a target on the neuron's own row; 0 for none there. A strip has those of the mark of the largest.
        least: columns that what stands below needs.
        label: what stands before a target.
        below: what stands below each neuron, a row each: ``y`` its target, ``n`` its name, ``b`` its bias.
        heading: the name of what is shown, of a strip with its number of neurons.
        free: columns that are left to the edges after it besides the gap, where the heading needs them.
    """

    layer: int
    units: int
    number: int
    rows: tuple[int, ...]
    left: int = 0
    right: int = 0
    target: int = 0
    least: int = 0
    label: str = _LABELS[0]
    below: str = ""
    heading: str = ""
    free: int = 0

    @property
    def width(self) -> int:
        """The columns that it takes."""
        if not self.rows:
            return _STRIP + self.target
        own = 1 + (1 + self.number if self.number else 1) + (2 + len(self.label) + self.target if self.target else 0)
        return max(own, self.least)


class Plan(Record):
    """The whole drawing.

    Attributes:
        columns, rows: its size; the last row has the names of what is shown.
        top: the first row of the neurons.
        shown: the layers, from left to right.
        before, after: how many are left out on either side.
        inputs, outputs: their names as there is room for them, "" for none.
    """

    columns: int
    rows: int
    top: int
    shown: tuple[Column, ...]
    before: int
    after: int
    inputs: tuple[str, ...] = ()
    outputs: tuple[str, ...] = ()

    @property
    def height(self) -> int:
        """The rows that neurons may stand in."""
        return self.rows - 1 - self.top

    @property
    def bottom(self) -> int:
        """The row of the names."""
        return self.rows - 1

    @property
    def names_below(self) -> bool:
        """Whether the names of the outputs stand below them."""
        return "n" in self.shown[-1].below

    def named(self, layer: int) -> bool:
        """Whether a layer is shown neuron by neuron, so that each may have its name."""
        return any(column.layer == layer and column.rows for column in self.shown)

    def reach(self, column: Column) -> range:
        """The columns of the screen that a layer takes, with the names beside its neurons."""
        before = 1 + _longest(self.inputs) if column.layer == 0 and self.inputs else 0
        after = 1 + _longest(self.outputs) if column is self.shown[-1] and self.outputs and not self.names_below else 0
        return range(column.left - before, column.right + after)

    def line(self, column: Column, unit: int) -> int:
        """The line of dots, four to a row, of a neuron or of its place in the strip."""
        if column.rows:
            return 4 * column.rows[unit] + 2
        return 4 * self.top + int((unit + 0.5) * 4 * self.height / column.units)


def plan_of(parts: Parts, columns: int, rows: int) -> Plan:
    """The richest plan that fits: all layers with their numbers; then fewer numbers, away from the layer in focus; then fewer layers."""
    columns, rows = max(columns, LEAST_COLUMNS), max(rows, LEAST_ROWS)
    residual = any(names.layer.residual for names in parts.program.layers)
    sketch = Plan(columns, rows, int(residual and rows > 4), (), 0, 0)

    @cache
    def column(layer: int, number: int, label: str, gap: int) -> Column:
        made = _column(parts, sketch, layer, number, label)
        heading = render_name(parts.tensor(layer), parts.view.style) + ("" if made.rows else f" {made.units}")
        return replace(made, heading=heading, free=max(len(heading) + (gap > 0) - made.width - gap, 0))

    for (shown, gap), label in ((choice, label) for choice in _choices(parts, columns) for label in _LABELS):
        first, last = shown[0][0], shown[-1][0]
        made = tuple(column(layer, number, label, gap * (layer < last)) for layer, number in shown)
        plan = replace(sketch, shown=made, before=first, after=parts.depth - last)
        spare = _spare(parts, plan, gap)
        if spare >= 0:
            break
    return _placed(parts, plan, max(spare, 0), gap)


def _choices(parts: Parts, columns: int) -> Iterator[tuple[list[tuple[int, int]], int]]:
    """Layers, each with the size of the numbers beside its neurons, and the least gap between two; the best choice first. Of more layers
    than have room none is tried, so that a deep network costs no more than a long one."""
    focus, depth = focus_layer(parts.view), parts.depth

    def choice(start: int, count: int, size: int, near: int, gap: int) -> tuple[list[tuple[int, int]], int]:
        """So many layers, with numbers where they are that near to the one in focus, and beside the last."""
        numbers = (size if abs(layer - focus) <= near or layer == depth else 0 for layer in range(start, start + count))
        return list(enumerate(numbers, start)), gap

    def most(gap: int) -> int:
        return (columns + gap) // (_LEAST + gap)

    everything = [(6, depth, 8), (5, depth, 6), (5, 1, 5), (5, 0, 4)] + [(5, -1, 3), (0, 0, 3)] * (depth <= _FEW)
    yield from (choice(0, depth + 1, size, near, gap) for size, near, gap in everything if depth < most(gap))
    for size, near, gap, least in ((5, 1, 5, 3), (5, 0, 4, 3), (5, 0, 3, 2), (0, 0, 3, 2)):
        for count in range(min(depth, most(gap)), least - 1, -1):
            yield choice(min(max(focus - (count - parts.backward) // 2, 0), depth + 1 - count), count, size, near, gap)
    yield choice(depth - 1, 2, 0, 0, 1)


def hidden(layers: int) -> int:
    """Columns of the mark for that many layers that are left out."""
    return 1 + len(f"{layers}›") if layers else 0


def _column(parts: Parts, plan: Plan, layer: int, number: int, label: str) -> Column:
    """A layer without its place from the left."""
    units = parts.units(layer)
    if units > min(MOST_UNITS, plan.height):
        return Column(layer, units, number, (), target=len(MARKS[_LABELS.index(label)]) * (layer == parts.depth))
    if layer == 0:
        widest = parts.widest_input
        return Column(layer, units, min(widest, number) if number or widest > 2 else widest, _rows(plan, units, 0))
    column = _with_below(parts, plan, Column(layer, units, number, (0,), label=label), named=True)
    inline = layer == parts.depth and "y" not in column.below
    return replace(column, target=parts.widest_target if inline else 0)


def _with_below(parts: Parts, plan: Plan, column: Column, named: bool) -> Column:
    """A layer with as much below each neuron as there is room for; ``named`` where the names of outputs go there."""
    last, known = column.layer == parts.depth, column.number and parts.names(column.layer).bias
    order = "nyb" if parts.widest_target <= _BRIEF else "ynb"
    named = last and named and bool(parts.program.outputs)
    wanted = "".join(letter for letter in order if {"n": named, "y": last, "b": known}[letter])
    pitch = _pitch(plan, column.units)
    below = wanted[: min(pitch - 1, plan.height - pitch * (column.units - 1) - 1)]
    least = len(column.label) + 1 + parts.widest_target if "y" in below else 0
    rows, target = _rows(plan, column.units, len(below)), 0 if "y" in below else column.target
    return replace(column, rows=rows, target=target, least=least, below="".join(sorted(below, key="nyb".index)))


def _pitch(plan: Plan, units: int) -> int:
    """The rows from a neuron to the next: as many as there is room for, the same between all."""
    pitch = plan.height // units
    return (plan.height - 1) // (units - 1) if pitch == 1 and units > 1 else pitch


def _rows(plan: Plan, units: int, below: int) -> tuple[int, ...]:
    """The rows of the neurons, in the middle, with some free rows below the last."""
    pitch = _pitch(plan, units)
    free = plan.height - pitch * (units - 1) - 1
    start = plan.top + min(free // 2, free - below)
    return tuple(start + pitch * unit for unit in range(units))


def _least(names: Sequence[str], letter: str) -> int:
    """The columns of the shortest names."""
    return min(_longest(names), len(f"{letter}{len(names)}"))


def _longest(names: Sequence[str]) -> int:
    return max(map(cell_len, names), default=0)


def _spare(parts: Parts, plan: Plan, gap: int) -> int:
    """The columns that are left with the least gaps and the shortest names."""
    taken = sum(column.width + column.free for column in plan.shown) + gap * (len(plan.shown) - 1)
    taken += hidden(plan.before) + hidden(plan.after)
    names = parts.program.inputs
    return plan.columns - taken - (1 + _least(names, "x") if plan.named(0) else 0)


def _placed(parts: Parts, plan: Plan, spare: int, gap: int) -> Plan:
    """The plan with its places: the names of the inputs take what is spare first, then those of the outputs, then the gaps."""
    names, gaps = parts.program.inputs, len(plan.shown) - 1
    inputs = short_names(names, _least(names, "x") + max(spare - _BREADTH * gaps, 0), "x") if plan.named(0) else ()
    spare -= max(_longest(inputs) - _least(names, "x"), 0)
    plan = _with_outputs(parts, replace(plan, inputs=inputs), spare, gaps)
    spare -= 1 + _longest(plan.outputs) if plan.outputs and not plan.names_below else 0
    wider = min(spare // gaps, max(3 * plan.height - gap, 0))
    left = (spare - gaps * wider) // 2 + hidden(plan.before) + (1 + _longest(inputs) if inputs else 0)
    lefts = accumulate((column.width + column.free + gap + wider for column in plan.shown), initial=left)
    shown = (replace(column, left=at, right=at + column.width) for column, at in zip(plan.shown, lefts, strict=False))
    return replace(plan, shown=tuple(shown))


def _with_outputs(parts: Parts, plan: Plan, spare: int, gaps: int) -> Plan:
    """The plan with the names of the outputs: beside the neurons where that leaves the edges their room, else below them."""
    names, last = parts.program.outputs, plan.shown[-1]
    if not (names and plan.named(parts.depth)):
        return plan
    if spare >= 1 + _longest(names) + 2 * gaps or "n" not in last.below:
        beside = _with_below(parts, plan, last, named=False)
        shortest = short_names(names, spare - 1, "y")
        shortest = shortest if shortest == names or shortest[0] != "y1" else ()
        return replace(plan, shown=(*plan.shown[:-1], beside), outputs=shortest)
    return replace(plan, outputs=short_names(names, last.width, "y"))
