"""Which cell is pointed at in the network's drawing, by a click or by the arrow keys: that of a neuron, of its bias or target, or of
the weight of an edge."""

from __future__ import annotations

from itertools import pairwise

import numpy as np

from bpdebug.core.cells import Cell
from bpdebug.session.view import View
from bpdebug.ui.draw.network_edges import edges_of, is_ribbon, span_of
from bpdebug.ui.draw.network_parts import Parts
from bpdebug.ui.draw.network_plan import Column
from bpdebug.ui.draw.network_scene import Scene, scene_of
from bpdebug.ui.draw.network_strip import group_of, strongest_unit

_NEAR = 3.0
"""Dots from an edge at which it is still meant."""


def cell_at(view: View, columns: int, rows: int, x: int, y: int) -> tuple[str, Cell] | None:
    """The cell that is drawn at a place of :func:`bpdebug.ui.draw.network.network_lines`, or None; only such that have a value."""
    scene = scene_of(view, columns, rows)
    for column in scene.plan.shown:
        if x in scene.plan.reach(column) and y < scene.plan.bottom:
            return _in_column(scene, column, x, y)
    for left, right in pairwise(scene.plan.shown):
        if left.right <= x < right.left and y < scene.plan.bottom:
            return _edge(scene, left, right, x, y)
    return None


def _in_column(scene: Scene, column: Column, x: int, y: int) -> tuple[str, Cell] | None:
    """The neuron in a row, or what stands below it."""
    parts, name = scene.parts, scene.parts.tensor(column.layer)
    if not column.rows:
        return _in_strip(scene, column, y) if y >= scene.plan.top else None
    for unit, row in enumerate(column.rows):
        if y == row and column.target and x >= column.right - column.target - len(column.label) - 1:
            return parts.cell(parts.view.program.target, unit)
        if y == row:
            return parts.cell(name, unit)
        if row < y <= row + len(column.below):
            return parts.cell({"y": parts.view.program.target, "b": parts.bias(column.layer), "n": name}[column.below[y - row - 1]], unit)
    return None


def _in_strip(scene: Scene, column: Column, y: int) -> tuple[str, Cell] | None:
    """The strongest neuron of a row."""
    name, plan = scene.parts.tensor(column.layer), scene.plan
    values = scene.parts.row(name)
    if values is None:
        return None
    groups = [group_of(column, 2 * (y - plan.top) + half, 2 * plan.height) for half in (0, 1)]
    return scene.parts.cell(name, strongest_unit(values, range(groups[0].start, groups[1].stop)))


def _edge(scene: Scene, left: Column, right: Column, x: int, y: int) -> tuple[str, Cell] | None:
    """The weight of the nearest edge; where only a ribbon is near, the largest of all."""
    edges, name = edges_of(scene, left, right), scene.parts.edges(right.layer)
    first, last = span_of(left, right)
    share = (2 * x + 0.5 - first) / max(last - first, 1)
    rise = np.subtract.outer(edges.ends, edges.starts).T
    away = np.abs(np.array(edges.starts)[:, None] + rise * share - (4 * y + 1.5)) / np.hypot(1, rise / max(last - first, 1))
    away = np.where(edges.drawn, away, np.inf)
    if away.min(initial=np.inf) <= _NEAR:
        i, j = divmod(int(away.argmin()), away.shape[1])
        return name, (edges.begin[i], edges.end[j])
    if not is_ribbon(left, right):
        return None
    weights = scene.parts.view.tensors[name]
    return name, tuple(map(int, np.unravel_index(np.abs(weights).argmax(), weights.shape)))


def cell_beside(view: View, down: int, right: int) -> tuple[str, Cell] | None:
    """The neuron's cell that is so many neurons and layers away from the selected one; layers without values are passed over. None
    where there is none."""
    parts = Parts(view)
    _, layer, index = parts.selected
    layers = [place for place in range(parts.depth + 1) if parts.row(parts.tensor(place)) is not None]
    if not parts.selected[0] or layer not in layers:
        return parts.cell(parts.tensor(layers[-1]), 0)
    goal = layers[max(min(layers.index(layer) + right, len(layers) - 1), 0)]
    return parts.cell(parts.tensor(goal), max(min(index[-1] + down, parts.units(goal) - 1), 0))
