"""The network: neurons with their activations or deltas, and weighted edges, for one sample of the batch; and which cell is pointed
at in it, by a click or by the arrow keys: that of a neuron, of its bias or target, or of the weight of an edge."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import takewhile

import numpy as np
from rich.cells import cell_len

from bpdebug.core.cells import Cell
from bpdebug.core.numbers import written
from bpdebug.core.render import render_name
from bpdebug.session.view import View
from bpdebug.ui.draw.layers import TARGET, WEIGHT, is_past
from bpdebug.ui.draw.network_edges import Edges, draw_edges, edges_of
from bpdebug.ui.draw.network_parts import Parts
from bpdebug.ui.draw.network_plan import Column, hidden
from bpdebug.ui.draw.network_scene import Scene, draw_strip, scene_of, strongest_unit
from bpdebug.ui.draw.network_text import given_text, number_text
from bpdebug.ui.draw.scales import decade_share, heat
from bpdebug.ui.draw.spans import Line, first_that_fits

_BLOCKS = "▁▂▃▄▅▆▇█"
_CORNERS = 4
"""Columns of the border that stay beside what is said below the drawing."""
_NUMBERED = 3
"""Layers up to which no norms are told."""


def network_drawing(view: View, columns: int, rows: int) -> tuple[list[Line], str]:
    """The drawing in that much room, the names of the tensors shown below it; of a deep network the part around the layer in
    focus. And what is said below it: of which update it is, the norms of a deep network's gradients, what the sample gives to the
    selected gradient, what there is no room for."""
    scene = scene_of(view, columns, rows)
    edges = edges_of(scene)
    for between in edges:
        draw_edges(between)
    for column in scene.plan.shown:
        (_neurons if column.rows else draw_strip)(scene, column)
    _headings(scene)
    notes = list(_notes(scene, edges, columns - _CORNERS)) or [""]
    fitting = (" · ".join(notes[:count]) for count in range(len(notes), 0, -1))
    return scene.canvas.lines(), first_that_fits(fitting, columns - _CORNERS)


def _notes(scene: Scene, edges: list[Edges], room: int) -> Iterator[str]:
    """What is said below the drawing, the most important first."""
    parts, view = scene.parts, scene.parts.view
    if view.finished:
        yield f"of update {view.finished.update}"
    if parts.depth > _NUMBERED and np.isfinite(parts.deltas).any():
        yield _norms(parts)
    if parts.given_by_sample is not None and view.selected:
        number = f"{'+' * (parts.given_by_sample > 0)}{written(parts.given_by_sample, 3)}"
        gives = f"sample {int(view.samples[view.sample])} gives {number}"
        yield first_that_fits((f"{gives} to {render_name(parts.name, view.style, view.selected[1])}", gives, number), room)
    missing = [name for name, left_out in _left_out(scene, edges) if left_out]
    if missing:
        yield f"left out: {', '.join(missing)}"


def _norms(parts: Parts) -> str:
    """The norms of the gradients of all layers, also of those that are not shown, under what their names have in common."""
    names = [render_name(parts.program.gradients[layer.z], parts.view.style) for layer in parts.program.layers]
    name = "".join(letters[0] for letters in takewhile(lambda letters: len(set(letters)) == 1, zip(*names, strict=False)))
    norms = parts.deltas.tolist()
    known = [written(norm, 1) for norm in norms if not np.isnan(norm)]
    blocks = "".join(_block(parts, norm) for norm in norms)
    return " ".join((f"‖{name}‖", *known[:-1][:1], blocks, known[-1]))


def _block(parts: Parts, norm: float) -> str:
    """A norm as a bar of one character on the scale that all have in common."""
    return "·" if np.isnan(norm) else _BLOCKS[min(int(decade_share(norm, parts.decades) * len(_BLOCKS)), len(_BLOCKS) - 1)]


def _left_out(scene: Scene, edges: list[Edges]) -> Iterator[tuple[str, bool]]:
    """What may have to be left out, the first to go first, and whether it is."""
    parts, plan, program = scene.parts, scene.plan, scene.parts.program
    neurons = [column for column in plan.shown if column.rows]
    yield "weak edges", not all(between.drawn.all() for between in edges)
    yield "biases", any("b" not in column.below for column in neurons if column.layer and parts.names(column.layer).bias)
    named = ((0, plan.inputs, program.inputs), (parts.depth, plan.outputs, program.outputs))
    yield "names", any(plan.named(layer) and shown != names and shown[:1] in ((), ("x1",), ("y1",)) for layer, shown, names in named)
    yield "numbers", any(not column.number for column in neurons)


def _neurons(scene: Scene, column: Column) -> None:
    """The neurons of a layer with their numbers, or their signs where there is no more room: hollow as long as they are not computed,
    half filled where the layer has more to compute."""
    parts, name = scene.parts, scene.parts.tensor(column.layer)
    values, past = parts.row(name), is_past(parts.view, name)
    glyph = "●" if parts.complete(column.layer) else "◐"
    for unit, row in enumerate(column.rows):
        if values is None or parts.to_come(name, unit):
            scene.write(column.left, row, "○", "faint")
        else:
            value = float(values[unit])
            scene.write(column.left, row, glyph, f"{heat('pale' if past else 'ink', scene.share(name, value))} bold")
            role = "dim" if past else parts.emphasis(name, unit) or ("bold" if parts.lit == column.layer else "")
            text = (number_text if column.layer else given_text)(value, column.number or 1)
            scene.write(column.left + 1 + bool(column.number), row, text, role if np.isfinite(value) or role == "cursor" else "bad")
        for place in _beside(scene, column, unit):
            scene.write(*place)


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
        drawn = (plan.outputs[unit], "dim") if letter == "n" else (_target if letter == "y" else _bias)(parts, column, unit)
        yield column.left, below, *drawn


def _target(parts: Parts, column: Column, unit: int) -> tuple[str, str]:
    name, values = parts.program.target, parts.row(parts.program.target)
    text = "" if values is None else f"{column.label} {given_text(float(values[unit]), 5)}"
    return text, parts.emphasis(name, unit) or ("next" if parts.stage[0] == TARGET else "dim")


def _bias(parts: Parts, column: Column, unit: int) -> tuple[str, str]:
    """A neuron's bias, or its number in the selected tensor that belongs to the biases."""
    name = parts.bias(column.layer)
    values = parts.row(name)
    text = "" if values is None else f"{parts.letters_of_bias(name)} {number_text(float(values[unit]), column.number)}"
    return text, parts.emphasis(name, unit) or ("next" if name == parts.view.position.stage else "faint")


def _headings(scene: Scene) -> None:
    """What the neurons and the edges show, for a strip with its number of neurons, and the way that the numbers go; which layers are
    left out."""
    parts, plan, end = scene.parts, scene.plan, 0
    for place, column in enumerate(plan.shown):
        start = max(min(column.left, plan.columns - len(column.heading) - hidden(plan.after)), 0)
        scene.write(start, plan.bottom, column.heading, "next" if parts.lit == column.layer else "dim")
        if place:
            _way(scene, end + 1, start - end - 2, column.layer)
        end = max(start + len(column.heading), column.right)
    if plan.before:
        scene.write(0, plan.bottom, f"‹{plan.before}", "dim")
    if plan.after:
        scene.write(plan.columns - len(f"{plan.after}›"), plan.bottom, f"{plan.after}›", "dim")


def _way(scene: Scene, start: int, room: int, layer: int) -> None:
    """The name of the weights between two layers on an arrow, as much of it as there is room for."""
    parts = scene.parts
    name = render_name(parts.edges(layer), parts.view.style)
    way = parts.direction * (parts.selected[0] != WEIGHT or not parts.view.position.stage)
    head, tail = "◂" * (way < 0), "▸" * (way > 0)
    if room >= 1:
        text = head + first_that_fits((name, ""), room - len(head + tail)).center(room - len(head + tail), "─" if way else " ") + tail
        scene.write(start, scene.plan.bottom, text, "next" if parts.active == layer else "dim")


def cell_at(view: View, columns: int, rows: int, x: int, y: int) -> tuple[str, Cell] | None:
    """The cell that is drawn at a place of :func:`network_drawing`, or None; only such that have a value."""
    scene = scene_of(view, columns, rows)
    if y >= scene.plan.bottom:
        return None
    found = next((column for column in scene.plan.shown if x in scene.plan.reach(column)), None)
    if found:
        return (_in_column if found.rows else _in_strip)(scene, found, x, y)
    return next((edges.nearest(x, y) for edges in edges_of(scene) if edges.left.right <= x < edges.right.left), None)


def _in_column(scene: Scene, column: Column, x: int, y: int) -> tuple[str, Cell] | None:
    """The neuron in a row, or what stands below it."""
    parts, name, target = scene.parts, scene.parts.tensor(column.layer), scene.parts.program.target
    for unit, row in enumerate(column.rows):
        if y == row:
            aside = column.target and x >= column.right - column.target - len(column.label) - 1
            return parts.cell(target if aside else name, unit)
        if row < y <= row + len(column.below):
            letter = column.below[y - row - 1]
            return parts.cell(target if letter == "y" else parts.bias(column.layer) if letter == "b" else name, unit)
    return None


def _in_strip(scene: Scene, column: Column, x: int, y: int) -> tuple[str, Cell] | None:
    """The strongest neuron of a row."""
    name, row = scene.parts.tensor(column.layer), 2 * (y - scene.plan.top)
    values = scene.parts.row(name)
    if values is None or row < 0:
        return None
    return scene.parts.cell(name, strongest_unit(values, column, row, row + 2, 2 * scene.plan.height))


def cell_beside(view: View, down: int, right: int) -> tuple[str, Cell] | None:
    """The neuron's cell that is so many neurons and layers away from the selected one; layers without values are passed over. None
    where there is none."""
    parts = Parts(view)
    part, layer, index = parts.selected
    layers = [place for place in range(parts.depth + 1) if parts.row(parts.tensor(place)) is not None]
    if not part or layer not in layers:
        return parts.cell(parts.tensor(layers[-1]), 0)
    goal = layers[max(min(layers.index(layer) + right, len(layers) - 1), 0)]
    return parts.cell(parts.tensor(goal), max(min(index[-1] + down, parts.units(goal) - 1), 0))
