"""The edges of the network's drawing.

An edge is solid for a positive weight and broken for a negative one, wider and stronger in colour the larger it is beside the
others of its layer. Those of wide layers are bundles: each stands for the mean of its weights. Where there are more edges than the
eye can follow, the weak ones are left out; each neuron keeps its strongest.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from bpdebug.engine.description import Array
from bpdebug.engine.render import render_name
from bpdebug.ui.draw.network_plan import Column, Plan
from bpdebug.ui.draw.network_scene import Scene, heat, largest

_BUNDLES = 5
"""Places of a wide layer at which its bundles begin and end."""
_WIDE = (0.4, 0.75)
"""Shares of the largest weight from which on an edge is two and three dots wide."""
_DENSE = 12
"""Edges between two layers from which on those of the selected cell are only seen when the others step back."""
_CELLS = 4
"""Characters between two layers that there must be for each edge beyond those."""
_ROOM = (5, 12)
"""Lines of dots a neuron must have for that."""


@dataclass(frozen=True)
class Ports:
    """Where edges meet a layer.

    Attributes:
        lines: the lines of dots.
        starts: the first neuron of each bundle, counted in the weights that are drawn.
        units: how many neurons there are.
    """

    lines: tuple[int, ...]
    starts: tuple[int, ...]
    units: int

    def units_of(self, port: int) -> slice:
        """The neurons of a bundle."""
        return slice(self.starts[port], (*self.starts, self.units)[port + 1])

    def ports_of(self, unit: int | None) -> slice:
        """The bundle of a neuron; all for None."""
        port = int(np.searchsorted(self.starts, unit, "right")) if unit is not None else 0
        return slice(port - 1, port) if port else slice(None)


@dataclass(frozen=True, eq=False)
class Edges:
    """The edges between two layers.

    Attributes:
        begin, end: where they begin and end.
        shares: their weights beside the largest, (ports of the one layer, ports of the other).
        drawn: which of them are drawn.
    """

    begin: Ports
    end: Ports
    shares: Array
    drawn: Array


def ports_of(plan: Plan, column: Column, only: int | None = None) -> Ports:
    """A port for each neuron, or for each bundle of a wide layer; with ``only``, that neuron's."""
    if only is not None:
        return Ports((plan.line(column, only),), (0,), 1)
    count = column.units if column.rows else min(_BUNDLES, plan.height)
    starts = [place * column.units // count for place in range(count + 1)]
    middles = [plan.line(column, (a + b) // 2) for a, b in pairwise(starts)]
    return Ports(tuple(middles), tuple(starts[:-1]), column.units)


def span_of(left: Column, right: Column) -> tuple[int, int]:
    """The dots between which edges are drawn: they begin behind the numbers, also where these are still to be computed."""
    return 2 * left.right + 1, 2 * right.left - 2


def edges_of(scene: Scene, left: Column, right: Column) -> Edges:
    """The edges between two layers; those of the selected cell are drawn in any case."""
    parts, plan = scene.parts, scene.plan
    begin, end = ports_of(plan, left), ports_of(plan, right)
    means = _means(parts.view.tensors[parts.edges(right.layer)], begin, end)
    sizes = _sizes(means)
    room = max(_DENSE, (right.left - left.right) * plan.height // _CELLS)
    drawn = sizes >= np.sort(sizes, axis=None)[-min(room, sizes.size)]
    drawn |= (sizes == sizes.max(axis=0)) | (sizes == sizes.max(axis=1, keepdims=True))
    chosen = parts.chosen_edges(right.layer)
    if chosen:
        drawn[begin.ports_of(chosen[0]), end.ports_of(chosen[1])] = True
    return Edges(begin, end, means / largest(means), drawn)


def draw_edges(scene: Scene, left: Column, right: Column) -> None:
    """All edges between two layers, those of the selected cell once more on top, and the way around a residual layer."""
    parts, plan, edges = scene.parts, scene.plan, edges_of(scene, left, right)
    weights, chosen = parts.view.tensors[parts.edges(right.layer)], parts.chosen_edges(right.layer)
    across, shape = span_of(left, right), edges.shares.shape
    most = 1 + sum(4 * plan.height / max(shape) >= room for room in _ROOM)
    aside = parts.active not in (0, right.layer) or (chosen and edges.shares.size > _DENSE)
    _draw(scene, across, edges, "pale" if aside else "ink", most)
    if chosen:
        begin, end = ports_of(plan, left, chosen[0]), ports_of(plan, right, chosen[1])
        shares = _means(_only(weights, *chosen), begin, end) / largest(_means(weights, edges.begin, edges.end))
        _draw(scene, across, Edges(begin, end, shares, np.ones(shares.shape, bool)), "path", most)
    if parts.view.program.scenario.layers[right.layer - 1].residual and plan.top:
        _shortcut(scene, left, right)


def _sizes(shares: Array) -> Array:
    """How large weights are; one that is not finite counts as large."""
    finite = np.isfinite(shares)
    return np.where(finite, np.abs(shares), largest(shares))


def _only(weights: Array, i: int | None, j: int | None) -> Array:
    """The weights from one neuron, to one neuron, or between two."""
    return weights[slice(None) if i is None else [i]][:, slice(None) if j is None else [j]]


def _means(weights: Array, begin: Ports, end: Ports) -> Array:
    """The mean weight of each bundle."""
    for axis, ports in ((0, begin), (1, end)):
        if len(ports.starts) < ports.units:
            counts = np.diff([*ports.starts, ports.units])
            weights = np.add.reduceat(weights, ports.starts, axis=axis) / np.expand_dims(counts, 1 - axis)
    return weights


def _draw(scene: Scene, across: tuple[int, int], edges: Edges, kind: str, most: int) -> None:
    """The edges that are to be drawn, by their shares of the largest."""
    sizes = np.where(np.isfinite(edges.shares), np.abs(edges.shares), 1.0)
    widths = np.minimum(1 + sum(sizes > share for share in _WIDE), most)
    for i, j in np.argwhere(edges.drawn).tolist():
        share, size = float(edges.shares[i, j]), float(sizes[i, j])
        start, stop = (across[0], edges.begin.lines[i]), (across[1], edges.end.lines[j])
        scene.canvas.segment(start, stop, heat(kind, share, 1.0), size + 2 * (kind == "path"), int(widths[i, j]), share < 0)


def _shortcut(scene: Scene, left: Column, right: Column) -> None:
    """An arc above a residual layer, from its input to its sum."""
    parts, style, stage = scene.parts, scene.parts.view.style, scene.parts.view.position.stage or ""
    name = render_name(parts.shortcut(right.layer), style)
    text = f"◂{name}" if parts.backward else f"+{name}▸"
    start, room = left.left + 1, right.left - left.left - 2
    row = min([scene.plan.top + 1, *left.rows, *right.rows]) - 1 if left.rows and right.rows else 0
    lit = stage == f"r{right.layer}" or stage.endswith(f"@r{right.layer}")
    scene.write(start, row, f"╭{(text if len(text) <= room else '').center(room, '─')}╮", "next" if lit else "dim")
