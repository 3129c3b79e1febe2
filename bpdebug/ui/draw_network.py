"""The network: neurons with their activations or deltas, and weighted edges, for one sample of the batch."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from rich.cells import cell_len

from bpdebug.debugger.numbers import cell
from bpdebug.debugger.view import View
from bpdebug.engine.description import Array
from bpdebug.engine.network import Phase
from bpdebug.engine.render import render_name
from bpdebug.ui.braille import Canvas
from bpdebug.ui.draw_matrix import focus_layer
from bpdebug.ui.roles import HEAT_STEPS
from bpdebug.ui.spans import Line

_NUMBER = 6
_OWN = 2 + _NUMBER
_GAP = 6
MOST_UNITS = 12
"""Units of a layer that are drawn one by one; wider layers are a strip."""


_FEW_EDGES, _WEAKEST = 24, 0.5
"""With more edges than that between two layers, those below that share of the largest weight are left out."""


@dataclass(frozen=True)
class _Column:
    """One layer of the drawing: 0 is the input; its units begin in row ``top``."""

    top: int
    layer: int
    units: int
    tensor: str
    values: Array | None
    left: int
    right: int


def network_lines(view: View, columns: int, rows: int, sample: int = 0) -> list[Line]:
    """The drawing in that much room, the names of the tensors shown below it; of a deep network the part around the layer
    in focus."""
    canvas = Canvas(max(columns, 12), max(rows, 3))
    shown = _window(view, canvas.columns)
    drawn = _columns(view, canvas.columns, shown, sample)
    for left, right in pairwise(drawn):
        _edges(view, canvas, left, right)
    for column in drawn:
        _nodes(view, canvas, column)
        label = render_name(column.tensor, view.style)
        role = "next" if column.layer == focus_layer(view) and view.position.stage else "dim"
        canvas.write(min(column.left, canvas.columns - len(label)), canvas.rows - 1, label, role)
    _hidden(view, canvas, shown)
    return canvas.lines()


def _window(view: View, columns: int) -> range:
    """The layers that are drawn; 0 is the input."""
    count = len(view.program.scenario.layers) + 1
    room = max((columns + _GAP) // (_OWN + _GAP), 2)
    start = min(max(focus_layer(view) - room // 2, 0), max(count - room, 0))
    return range(start, min(start + room, count))


def _hidden(view: View, canvas: Canvas, shown: range) -> None:
    """Say which layers are left out."""
    depth = len(view.program.scenario.layers)
    if shown.start > 0:
        canvas.write(0, 0, f"‹ {shown.start} layers", "faint")
    if shown.stop <= depth:
        text = f"{depth + 1 - shown.stop} layers ›"
        canvas.write(canvas.columns - len(text), 0, text, "faint")


def _columns(view: View, columns: int, shown: range, sample: int) -> list[_Column]:
    scenario = view.program.scenario
    widths = [len(scenario.inputs), *(layer.units for layer in scenario.layers)]
    spare = columns - len(shown) * _OWN - (len(shown) - 1) * _GAP
    spare += len(shown) - 1  # the gaps may give one column each
    names = max(map(cell_len, scenario.inputs), default=0) + 1 if shown.start == 0 else 0
    start = names if names <= spare else 0
    step = (columns - _OWN - start) / max(len(shown) - 1, 1)
    made = []
    for place, layer in enumerate(shown):
        tensor, left = _tensor(view, layer), round(start + place * step)
        values = view.tensors.get(tensor)
        row = None if values is None else values[min(sample, len(values) - 1)]
        made.append(_Column(int(len(shown) < len(widths)), layer, widths[layer], tensor, row, left, left + _OWN - 1))
    return made


def _tensor(view: View, layer: int) -> str:
    """What the neurons of a layer show: deltas from the backward phase on, activations before."""
    if layer == 0:
        return "x"
    backward = view.position.phase in (Phase.BACKWARD, Phase.UPDATE) and view.position.done
    if backward:
        return f"dz{layer}"
    return f"r{layer}" if f"r{layer}" in view.shapes else f"a{layer}"


def _place(canvas: Canvas, column: _Column, unit: int) -> int:
    """The row of a unit."""
    rows = canvas.rows - 1 - column.top
    return column.top + min(int((unit + 0.5) * rows / column.units), rows - 1)


def _single(canvas: Canvas, column: _Column) -> bool:
    return column.units <= min(MOST_UNITS, canvas.rows - 1 - column.top)


def _edges(view: View, canvas: Canvas, left: _Column, right: _Column) -> None:
    weights = view.tensors[f"W{right.layer}"]
    scale = float(np.abs(weights[np.isfinite(weights)]).max(initial=0.0)) or 1.0
    if not (_single(canvas, left) and _single(canvas, right)):
        return _band(canvas, left, right)
    weakest = _WEAKEST if left.units * right.units > _FEW_EDGES else 0.0
    for i in range(left.units):
        for j in range(right.units):
            weight = float(weights[i, j])
            start = (2 * (left.right if left.values is not None else left.left) + 3, 4 * _place(canvas, left, i) + 2)
            end = (2 * right.left - 2, 4 * _place(canvas, right, j) + 2)
            strength = abs(weight) / scale if np.isfinite(weight) else 1.0
            if strength < weakest:
                continue
            canvas.segment(start, end, _ink(weight, scale), strength)
    return None


def _ink(value: float, scale: float) -> str:
    if not np.isfinite(value):
        return "bad"
    level = round(HEAT_STEPS * max(-1.0, min(1.0, value / scale)))
    return f"ink:{level:+d}" if level else "faint"


def _band(canvas: Canvas, left: _Column, right: _Column) -> None:
    """Too many edges to tell apart: their outline."""
    for top in (True, False):
        start = 4 * left.top + 1 if top else 4 * (canvas.rows - 1) - 2
        ends = [start if not _single(canvas, c) else 4 * _place(canvas, c, 0 if top else c.units - 1) + 2 for c in (left, right)]
        canvas.segment((2 * left.right + 3, ends[0]), (2 * right.left - 2, ends[1]), "faint")


def _nodes(view: View, canvas: Canvas, column: _Column) -> None:
    if not _single(canvas, column):
        return _strip(canvas, column)
    scale = _scale(column.values)
    active = column.layer == focus_layer(view) and view.position.stage is not None
    for unit in range(column.units):
        row = _place(canvas, column, unit)
        value = None if column.values is None else float(column.values[unit])
        canvas.write(column.left, row, "○" if value is None else "●", "faint" if value is None else _ink(value, scale) + " bold")
        if value is not None:
            canvas.write(column.left + 2, row, _number(value), "bold" if active else "")
        if column.layer == 0 and column.left:
            canvas.write(0, row, view.program.scenario.inputs[unit][: column.left - 1], "dim")
    return None


def _number(value: float) -> str:
    """A value in the room that a neuron has."""
    texts = (cell(value, form).replace("-", "−") for form in ("+.3f", "+.1e", "+.0e", ".0e"))
    return next((text for text in texts if len(text) <= _NUMBER), "≈0" if abs(value) < 1 else "large")


def _scale(values: Array | None) -> float:
    if values is None:
        return 1.0
    return float(np.abs(values[np.isfinite(values)]).max(initial=0.0)) or 1.0


def _strip(canvas: Canvas, column: _Column) -> None:
    """A wide layer: one character a group of units, coloured by the strongest of them."""
    rows = canvas.rows - 1 - column.top
    scale = _scale(column.values)
    for row in range(rows):
        start, end = row * column.units // rows, max((row + 1) * column.units // rows, row * column.units // rows + 1)
        group = None if column.values is None else column.values[start:end]
        strongest = 0.0 if group is None else float(group[np.argmax(np.abs(group))])
        canvas.write(column.left, column.top + row, "░" if group is None else "█", "faint" if group is None else _ink(strongest, scale))
    if column.units > rows:
        canvas.write(column.left + 2, column.top + rows // 2, f"{column.units}", "dim")
