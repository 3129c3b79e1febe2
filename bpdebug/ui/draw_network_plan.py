"""Where everything stands in the drawing of the network: which layers are shown, with how much beside each neuron."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import accumulate, pairwise

from rich.cells import cell_len

from bpdebug.debugger.numbers import cell, short
from bpdebug.engine.description import Array
from bpdebug.ui.draw_matrix import focus_layer
from bpdebug.ui.draw_network_parts import Parts
from bpdebug.ui.spans import crop, plain

MOST_UNITS = 12
"""Neurons of a layer that are drawn one by one; wider layers are a strip."""
LEAST_COLUMNS, LEAST_ROWS = 12, 3
_FEW = 3
"""Layers that are shown without numbers rather than one of them not at all."""
_STRIP = 3
"""A strip with the sign beside it."""
_HIDDEN = 4
"""Columns of the mark for layers that are left out."""
_SAMPLED = 32
"""Rows of a batch whose given numbers are looked at for their width."""


@dataclass(frozen=True)
class Column:
    """One layer's place.

    Attributes:
        layer, units: 0 is the input.
        number: the characters of the number beside a neuron; 0 where there is only its sign.
        rows: of the neurons; none for a strip.
        left, right: where the neurons stand, and the first column after what stands beside them.
        target: the characters of a target on the neuron's own row; 0 for none there.
        below: what stands below each neuron, a row each: ``y`` its target, ``b`` its bias.
    """

    layer: int
    units: int
    number: int
    rows: tuple[int, ...]
    left: int = 0
    right: int = 0
    target: int = 0
    below: str = ""

    @property
    def width(self) -> int:
        """The columns that it takes."""
        beside = (1 + self.number) if self.number else int(bool(self.rows))
        return (1 if self.rows else _STRIP) + beside + (3 + self.target if self.target else 0)


@dataclass(frozen=True)
class Plan:
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

    def reach(self, column: Column) -> range:
        """The columns of the screen that a layer takes, with the names of its neurons."""
        before = 1 + max(map(cell_len, self.inputs)) if column.layer == 0 and self.inputs else 0
        after = 1 + max(map(cell_len, self.outputs)) if column is self.shown[-1] and self.outputs else 0
        return range(column.left - before, column.right + after)

    def line(self, column: Column, unit: int) -> int:
        """The line of dots, four to a row, of a neuron or of its place in the strip."""
        if column.rows:
            return 4 * column.rows[unit] + 2
        return 4 * self.top + int((unit + 0.5) * 4 * self.height / column.units)


def plan_of(parts: Parts, columns: int, rows: int) -> Plan:
    """The richest plan that fits: all layers with their numbers; then fewer numbers, away from the layer in focus; then fewer layers."""
    columns, rows = max(columns, LEAST_COLUMNS), max(rows, LEAST_ROWS)
    residual = any(layer.residual for layer in parts.view.program.scenario.layers)
    sketch = Plan(columns, rows, int(residual and rows > 4), (), 0, 0)
    for shown, numbers, gap in _choices(parts):
        made = [_column(parts, sketch, layer, numbers(layer)) for layer in shown]
        plan = replace(sketch, shown=tuple(made), before=shown[0], after=parts.depth - shown[-1])
        spare = _spare(parts, plan, gap)
        if spare >= 0:
            break
    return _placed(parts, plan, max(spare, 0), gap)


def _choices(parts: Parts) -> Iterator[tuple[Sequence[int], Callable[[int], int], int]]:
    """Layers, the size of the numbers beside each, and the least gap between two; the best choice first."""
    focus, depth, whole = focus_layer(parts.view), parts.depth, range(parts.depth + 1)

    def around(layer: int) -> int:
        return 5 if abs(layer - focus) < 2 or layer == depth else 0

    def at(layer: int) -> int:
        return 5 if layer in (focus, depth) else 0

    def last(layer: int) -> int:
        return 5 * (layer == depth)

    yield from ((whole, lambda _: 6, 8), (whole, lambda _: 5, 6), (whole, around, 5), (whole, at, 4))
    yield from ((whole, last, 3), (whole, lambda _: 0, 3)) if depth <= _FEW else ()
    for numbers, gap, least in ((around, 5, 3), (at, 4, 3), (at, 3, 2), (lambda _: 0, 3, 2)):
        for count in range(depth, least - 1, -1):
            start = min(max(focus - (count + 1) // 2, 0), depth + 1 - count)
            yield range(start, start + count), numbers, gap
    yield range(depth - 1, depth + 1), lambda _: 0, 1


def _column(parts: Parts, plan: Plan, layer: int, number: int) -> Column:
    units = parts.units(layer)
    if units > min(MOST_UNITS, plan.height):
        return Column(layer, units, number, ())
    rows = _rows(plan, units)
    if layer == 0:
        widest = _widest(parts.view.tensors["x"], max(number, 2))
        return Column(layer, units, min(widest, number or 2), rows)
    wanted = "y" * (layer == parts.depth) + "b" * bool(number and f"b{layer}" in parts.view.shapes)
    column = Column(layer, units, number, rows, below=wanted[: _rows_below(plan, rows)])
    inline = layer == parts.depth and "y" not in column.below
    return replace(column, target=_widest(parts.view.tensors["y"], 5) if inline else 0)


def _rows(plan: Plan, units: int) -> tuple[int, ...]:
    """The rows of the neurons, as far apart as there is room for and all equally."""
    pitch = plan.height // units
    if pitch == 1 and units > 1:
        pitch = (plan.height - 1) // (units - 1)
    start = plan.top + (plan.height - pitch * (units - 1) - 1) // 2
    return tuple(start + pitch * unit for unit in range(units))


def _rows_below(plan: Plan, rows: tuple[int, ...]) -> int:
    """The free rows below every neuron."""
    return min([b - a for a, b in pairwise(rows)] + [plan.bottom - rows[-1]]) - 1


def _widest(values: Array, room: int) -> int:
    return max(len(given_text(float(value), room)) for value in values[:_SAMPLED].ravel())


def _spare(parts: Parts, plan: Plan, gap: int) -> int:
    """The columns that are left with the least gaps and the shortest names."""
    taken = sum(column.width for column in plan.shown) + gap * (len(plan.shown) - 1)
    taken += _HIDDEN * (bool(plan.before) + bool(plan.after))
    if plan.shown[0].layer == 0 and plan.shown[0].rows:
        names = parts.view.program.scenario.inputs
        taken += 1 + min(max(map(cell_len, names)), len(f"x{len(names)}"))
    return plan.columns - taken


def _placed(parts: Parts, plan: Plan, spare: int, gap: int) -> Plan:
    """The plan with its places: names take what is spare first, then the gaps."""
    scenario, first, last = parts.view.program.scenario, plan.shown[0], plan.shown[-1]
    inputs: tuple[str, ...] = ()
    outputs: tuple[str, ...] = ()
    if first.layer == 0 and first.rows:
        inputs = short_names(scenario.inputs, len(f"x{len(scenario.inputs)}") + spare, "x")
        spare -= max(max(map(cell_len, inputs)) - min(max(map(cell_len, scenario.inputs)), len(f"x{len(inputs)}")), 0)
    if last.layer == parts.depth and last.rows and scenario.outputs and spare >= 3:
        outputs = short_names(scenario.outputs, spare - 1, "y")
        spare -= 1 + max(map(cell_len, outputs))
    gaps = len(plan.shown) - 1
    wider = min(spare // gaps, max(3 * plan.height - gap, 0))
    left = (spare - gaps * wider) // 2 + _HIDDEN * bool(plan.before) + (1 + max(map(cell_len, inputs)) if inputs else 0)
    lefts = accumulate((column.width + gap + wider for column in plan.shown), initial=left)
    shown = (replace(column, left=at, right=at + column.width) for column, at in zip(plan.shown, lefts, strict=False))
    return replace(plan, shown=tuple(shown), inputs=inputs, outputs=outputs)


def short_names(names: Sequence[str], room: int, letter: str) -> tuple[str, ...]:
    """Names in that many columns: whole, cut at the end, cut in the middle, as long as no two become the same; else ``x1 x2 …``."""
    for cut in (_whole, _head, _ends):
        made = [cut(name, room) for name in names]
        if max(map(cell_len, made)) <= room and (cut is _whole or len(set(made)) == len(made)):
            return tuple(made)
    return tuple(f"{letter}{place}" for place in range(1, len(names) + 1))


def _whole(name: str, room: int) -> str:
    return name


def _head(name: str, room: int) -> str:
    return name if cell_len(name) <= room or room < 4 else _part(name, 0, room - 1) + "…"


def _ends(name: str, room: int) -> str:
    tail = (room - 1) // 2
    return name if cell_len(name) <= room or room < 5 else _part(name, 0, room - 1 - tail) + "…" + _part(name, cell_len(name) - tail, tail)


def _part(name: str, start: int, columns: int) -> str:
    return plain(crop(((name, ""),), start, columns)).strip()


def number_text(value: float, room: int) -> str:
    """A number in the room that a neuron has, with its sign; only its sign where there is no room."""
    if value == 0:
        return "0"
    texts = (_compact(cell(value, form), room) for form in ("+.3f", "+.2f", "+.1f", "+.1e", "+.0e", ".0e"))
    sign = "?" if value != value else "−" if value < 0 else "+"
    return next((text for text in texts if len(text) <= room), f"{sign}{'≈0' if abs(value) < 1 else 'big'}"[:room])


def _compact(text: str, room: int) -> str:
    """A number's text, in little room without the zero before the point."""
    text = text.replace("-", "−")
    return text[0] + text[2:] if room < 6 and text[1:3] == "0." else text


def given_text(value: float, room: int) -> str:
    """A number that was given, as short as it is."""
    texts = (short(value, digits).replace("-", "−") for digits in (4, 3, 2))
    return next((text for text in texts if len(text) <= room), number_text(value, room))
