"""The network: neurons with their activations or deltas, and weighted edges, for one sample of the batch."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise, takewhile

import numpy as np
from rich.cells import cell_len

from bpdebug.core.numbers import short
from bpdebug.core.render import render_name
from bpdebug.session.view import View
from bpdebug.ui.draw.layers import TARGET, WEIGHT
from bpdebug.ui.draw.network_edges import draw_edges, edges_of
from bpdebug.ui.draw.network_parts import Parts
from bpdebug.ui.draw.network_plan import Column, hidden
from bpdebug.ui.draw.network_scene import Scene, heat, scene_of
from bpdebug.ui.draw.network_strip import draw_strip
from bpdebug.ui.draw.network_text import given_text, number_text
from bpdebug.ui.draw.scales import decade_share
from bpdebug.ui.draw.spans import Line

_BLOCKS = "▁▂▃▄▅▆▇█"
_CORNERS = 4
"""Columns of the border that stay beside what is said below the drawing."""
_NUMBERED = 3
"""Layers up to which no norms are told."""


def network_lines(view: View, columns: int, rows: int) -> list[Line]:
    """See :func:`network_drawing`."""
    return network_drawing(view, columns, rows)[0]


def network_drawing(view: View, columns: int, rows: int) -> tuple[list[Line], str]:
    """The drawing in that much room, the names of the tensors shown below it; of a deep network the part around the layer in
    focus. And what is said below it: of which update it is, the norms of a deep network's gradients, what the sample gives to the
    selected gradient, what there is no room for."""
    scene = scene_of(view, columns, rows)
    for left, right in pairwise(scene.plan.shown):
        draw_edges(scene, left, right)
    for column in scene.plan.shown:
        (_neurons if column.rows else draw_strip)(scene, column)
    _headings(scene)
    notes = list(_notes(scene, columns))
    fitting = [" · ".join(notes[:count]) for count in range(len(notes), 0, -1)]
    return scene.canvas.lines(), next((note for note in fitting if len(note) + _CORNERS <= columns), "".join(fitting[-1:]))


def _notes(scene: Scene, columns: int) -> Iterator[str]:
    """What is said below the drawing, the most important first."""
    parts, view = scene.parts, scene.parts.view
    if view.finished:
        yield f"of update {view.finished.update}"
    if parts.depth > _NUMBERED and np.isfinite(parts.deltas).any():
        yield _norms(parts)
    if parts.given_by_sample is not None and view.selected:
        yield _given(view, parts.given_by_sample, columns)
    missing = [name for name, left_out in _left_out(scene) if left_out]
    if missing:
        yield f"left out: {', '.join(missing)}"


def _given(view: View, value: float, columns: int) -> str:
    """What the sample in sight gives to the selected cell, in fewer words where there is little room."""
    number = f"{'+' * (value > 0)}{short(value, 3)}".replace("-", "−")
    sample, cell = f"sample {int(view.samples[view.sample])}", _selected(view)
    ways = (f"{sample} gives {number} to {cell}", f"{sample} gives {number}", number)
    return next((way for way in ways if len(way) + _CORNERS <= columns), number)


def _selected(view: View) -> str:
    """The name of the selected cell."""
    return render_name(view.selected[0], view.style, view.selected[1]) if view.selected else ""


def _norms(parts: Parts) -> str:
    """The norms of the gradients of all layers, also of those that are not shown."""
    gradients = parts.view.program.gradients
    names = [render_name(gradients[layer.z], parts.view.style) for layer in parts.view.program.layers]
    name = "".join(letters[0] for letters in takewhile(lambda letters: len(set(letters)) == 1, zip(*names, strict=False)))
    known = [norm for norm in parts.deltas.tolist() if not np.isnan(norm)]
    blocks = "".join(_block(parts, norm) for norm in parts.deltas.tolist())
    first, last = (short(norm, 1).replace("-", "−") for norm in (known[0], known[-1]))
    return f"‖{name}‖ {first} {blocks} {last}" if len(known) > 1 else f"‖{name}‖ {blocks} {last}"


def _block(parts: Parts, norm: float) -> str:
    """A norm as a bar of one character on the scale that all have in common."""
    return "·" if np.isnan(norm) else _BLOCKS[min(int(decade_share(norm, parts.decades) * len(_BLOCKS)), len(_BLOCKS) - 1)]


def _left_out(scene: Scene) -> Iterator[tuple[str, bool]]:
    """What may have to be left out, the first to go first, and whether it is."""
    parts, plan = scene.parts, scene.plan
    neurons, program = [column for column in plan.shown if column.rows], parts.view.program
    yield "weak edges", not all(edges_of(scene, left, right).drawn.all() for left, right in pairwise(plan.shown))
    yield "biases", any("b" not in column.below for column in neurons if parts.has_bias(column.layer))
    named = ((0, plan.inputs, program.inputs), (parts.depth, plan.outputs, program.outputs))
    yield "names", any(plan.named(layer) and _counted(shown, names) for layer, shown, names in named)
    yield "numbers", any(not column.number for column in neurons)


def _counted(shown: tuple[str, ...], names: tuple[str, ...]) -> bool:
    """Whether numbers stand for names, or nothing does."""
    return shown != names and (not shown or shown[0] in ("x1", "y1"))


def _neurons(scene: Scene, column: Column) -> None:
    """The neurons of a layer: hollow as long as they are not computed, half filled where the layer has more to compute."""
    name = scene.parts.tensor(column.layer)
    values = scene.parts.row(name)
    glyph = "●" if scene.parts.complete(column.layer) else "◐"
    kind = "pale" if scene.parts.is_past(name) else "ink"
    for unit, row in enumerate(column.rows):
        if values is None or scene.parts.to_come(name, unit):
            scene.write(column.left, row, "○", "faint")
        else:
            scene.write(column.left, row, glyph, f"{heat(kind, scene.share(name, float(values[unit])), 1.0)} bold")
            _number(scene, column, unit, float(values[unit]))
        for left, place, text, its in _beside(scene, column, unit):
            scene.write(left, place, text, its)


def _number(scene: Scene, column: Column, unit: int, value: float) -> None:
    """A neuron's number, or its sign where there is no more room."""
    parts = scene.parts
    name = parts.tensor(column.layer)
    role = "dim" if parts.is_past(name) else parts.emphasis(name, unit) or ("bold" if parts.lit == column.layer else "")
    text = (number_text if column.layer else given_text)(value, column.number or 1)
    role = role if np.isfinite(value) or role == "cursor" else "bad"
    scene.write(column.left + (2 if column.number else 1), column.rows[unit], text, role)


def _beside(scene: Scene, column: Column, unit: int) -> Iterator[tuple[int, int, str, str]]:
    """Name, target and bias of a neuron, as far as there is room: column, row, text and role of each."""
    row, plan, parts = column.rows[unit], scene.plan, scene.parts
    if column.layer == 0:
        yield column.left - 1 - cell_len(plan.inputs[unit]), row, plan.inputs[unit], "dim"
        return
    if column.layer == parts.depth and plan.outputs and not plan.names_below:
        yield column.right + 1, row, plan.outputs[unit], "dim"
    if column.target:
        yield column.right - column.target - len(column.label) - 1, row, *_target(parts, column, unit)
    for below, letter in enumerate(column.below, row + 1):
        text = (
            _target(parts, column, unit) if letter == "y" else _bias(parts, column, unit) if letter == "b" else (plan.outputs[unit], "dim")
        )
        yield column.left, below, *text


def _target(parts: Parts, column: Column, unit: int) -> tuple[str, str]:
    values = parts.row(parts.view.program.target)
    text = "" if values is None else f"{column.label} {given_text(float(values[unit]), 5)}"
    return text, parts.emphasis(parts.view.program.target, unit) or ("next" if parts.stage[0] == TARGET else "dim")


def _bias(parts: Parts, column: Column, unit: int) -> tuple[str, str]:
    """A neuron's bias, or its number in the selected tensor that belongs to the biases."""
    name = parts.bias(column.layer)
    values = parts.row(name)
    text = "" if values is None else f"{parts.letters_of_bias(name)} {number_text(float(values[unit]), column.number)}"
    return text, parts.emphasis(name, unit) or ("next" if name == parts.view.position.stage else "faint")


def _headings(scene: Scene) -> None:
    """What the neurons and the edges show, and the way that the numbers go; which layers are left out."""
    plan = scene.plan
    ends = [_heading(scene, column) for column in plan.shown]
    for column, end, (start, _) in zip(plan.shown[1:], ends, ends[1:], strict=False):
        _way(scene, end[1] + 1, start - end[1] - 2, column.layer)
    if plan.before:
        scene.write(0, plan.bottom, f"‹{plan.before}", "dim")
    if plan.after:
        scene.write(plan.columns - len(f"{plan.after}›"), plan.bottom, f"{plan.after}›", "dim")


def _heading(scene: Scene, column: Column) -> tuple[int, int]:
    """The name of what a layer shows, for a strip with its number of neurons; from where to where the layer goes."""
    text = column.heading
    start = max(min(column.left, scene.plan.columns - len(text) - hidden(scene.plan.after)), 0)
    scene.write(start, scene.plan.bottom, text, "next" if scene.parts.lit == column.layer else "dim")
    return start, max(start + len(text), column.right)


def _way(scene: Scene, start: int, room: int, layer: int) -> None:
    """The name of the weights between two layers on an arrow, as much of it as there is room for."""
    parts = scene.parts
    name = render_name(parts.edges(layer), parts.view.style)
    head, tail = {1: ("", "▸"), -1: ("◂", ""), 0: ("", "")}[
        parts.direction * (parts.selected[0] != WEIGHT or not parts.view.position.stage)
    ]
    if room < 1:
        return
    fill = "─" if head or tail else " "
    text = head + (name if len(head + name + tail) <= room else "").center(room - len(head + tail), fill) + tail
    scene.write(start, scene.plan.bottom, text, "next" if parts.active == layer else "dim")
