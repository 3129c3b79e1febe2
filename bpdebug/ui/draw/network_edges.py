"""The edges of the network's drawing.

An edge is solid for a positive weight and broken for a negative one, wider and stronger in colour the larger it is beside the
others of its layer. Where there are more edges than the eye can follow, the weak ones are left out; each neuron keeps its strongest.
Those of wide layers are a ribbon that tells how many weights there are and their size, with the strongest of the selected neuron.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from bpdebug.core.cells import Cell
from bpdebug.core.description import Array
from bpdebug.core.numbers import short
from bpdebug.core.record import Record, replace
from bpdebug.core.render import render_name
from bpdebug.core.shapes import shape_text
from bpdebug.ui.draw.network_plan import Column, Plan
from bpdebug.ui.draw.network_scene import Scene, largest
from bpdebug.ui.draw.once import once
from bpdebug.ui.draw.scales import heat
from bpdebug.ui.draw.spans import first_that_fits

_STRONGEST = 5
"""Edges of the selected neuron that are drawn over a ribbon."""
_INDEXED = 18
"""Columns between two layers from which on it is told which neurons these edges lead to."""
_WIDE = (0.4, 0.75)
"""Shares of the largest weight from which on an edge is two and three dots wide."""
_DENSE = 12
"""Edges between two layers from which on those of the selected cell are only seen when the others step back."""
_CELLS = 4
"""Characters between two layers that there must be for each edge beyond those."""
_ROOM = (5, 12)
"""Lines of dots a neuron must have for that."""
_NEAR = 3.0
"""Dots from an edge at which it is still meant."""


class Edges(Record, eq=False):
    """Edges between two layers, each from one of some neurons to one of others.

    Attributes:
        begin, end: these neurons.
        starts, ends: the lines of dots at which they stand.
        shares: the weights beside the largest, (begin, end).
        drawn: which of them are drawn.
    """

    begin: Sequence[int]
    end: Sequence[int]
    starts: tuple[int, ...]
    ends: tuple[int, ...]
    shares: Array
    drawn: Array

    def only(self, chosen: tuple[int | None, int | None]) -> Edges:
        """Those from one neuron, to one neuron, or between two."""
        keep = [np.array([one in (None, unit) for unit in units], bool) for one, units in zip(chosen, (self.begin, self.end), strict=True)]
        return replace(self, drawn=np.logical_and.outer(*keep))


def span_of(left: Column, right: Column) -> tuple[int, int]:
    """The dots between which edges are drawn: they begin behind the numbers, also where these are still to be computed."""
    return 2 * left.right + 1, 2 * right.left - 2


def is_ribbon(left: Column, right: Column) -> bool:
    """Whether the weights between two layers are too many for an edge each."""
    return not (left.rows and right.rows)


def edges_of(scene: Scene, left: Column, right: Column) -> Edges:
    """The edges between two layers; those of the selected cell are drawn in any case."""
    weights, chosen = scene.parts.view.tensors[scene.parts.edges(right.layer)], scene.parts.chosen_edges(right.layer)
    if is_ribbon(left, right):
        return _edges(scene.plan, left, right, weights, *_strongest(weights, chosen))
    edges = _edges(scene.plan, left, right, weights, range(left.units), range(right.units))
    sizes, room = _sizes(weights, largest(weights)), max(_DENSE, (right.left - left.right) * scene.plan.height // _CELLS)
    drawn = sizes >= np.sort(sizes, axis=None)[-min(room, sizes.size)]
    drawn |= (sizes == sizes.max(axis=0)) | (sizes == sizes.max(axis=1, keepdims=True))
    return replace(edges, drawn=drawn | edges.only(chosen).drawn if chosen else drawn)


def _edges(plan: Plan, left: Column, right: Column, weights: Array, begin: Sequence[int], end: Sequence[int]) -> Edges:
    """All edges between some neurons."""
    shares = weights[np.ix_(begin, end)] / largest(weights)
    starts, ends = (tuple(plan.line(column, unit) for unit in units) for column, units in ((left, begin), (right, end)))
    return Edges(begin, end, starts, ends, shares, np.ones(shares.shape, bool))


def _strongest(weights: Array, chosen: tuple[int | None, int | None] | None) -> tuple[list[int], list[int]]:
    """The neurons between which the selected cell's strongest weights are; none where it has none here."""
    if chosen is None:
        return [], []
    (i, j), most = chosen, largest(weights)
    begin = [i] if i is not None else _first(_sizes(weights[:, j], most))
    return begin, [j] if j is not None else _first(_sizes(weights[i], most))


def _first(sizes: Array) -> list[int]:
    return sorted(np.argsort(-sizes, axis=None, kind="stable")[:_STRONGEST].tolist())


def nearest_edge(scene: Scene, left: Column, right: Column, x: int, y: int) -> tuple[str, Cell] | None:
    """The weight of the edge that is nearest to a place; where only a ribbon is near, the largest of all; None where none is."""
    edges, name, (first, last) = edges_of(scene, left, right), scene.parts.edges(right.layer), span_of(left, right)
    along = max(last - first, 1)
    rise = np.subtract.outer(edges.ends, edges.starts).T
    away = np.abs(np.array(edges.starts)[:, None] + rise * ((2 * x + 0.5 - first) / along) - (4 * y + 1.5)) / np.hypot(1, rise / along)
    away = np.where(edges.drawn, away, np.inf)
    if away.min(initial=np.inf) <= _NEAR:
        i, j = divmod(int(away.argmin()), away.shape[1])
        return name, (edges.begin[i], edges.end[j])
    weights = scene.parts.view.tensors[name]
    return (name, tuple(map(int, np.unravel_index(np.abs(weights).argmax(), weights.shape)))) if is_ribbon(left, right) else None


def draw_edges(scene: Scene, left: Column, right: Column) -> None:
    """All edges between two layers, those of the selected cell once more on top, and the way around a residual layer."""
    parts, plan, edges = scene.parts, scene.plan, edges_of(scene, left, right)
    chosen, most = parts.chosen_edges(right.layer), 3
    if is_ribbon(left, right):
        _ribbon(scene, left, right, edges)
    else:
        aside = parts.active not in (0, right.layer) or (chosen and edges.shares.size > _DENSE)
        most = 1 + sum(4 * plan.height / max(edges.shares.shape) >= room for room in _ROOM)
        idle = parts.idle(right.layer)[list(edges.begin), None] | bool(aside)
        _draw(scene, span_of(left, right), replace(edges, drawn=edges.drawn & idle), "pale", most)
        _draw(scene, span_of(left, right), replace(edges, drawn=edges.drawn & ~idle), "ink", most)
    if chosen:
        _draw(scene, span_of(left, right), edges.only(chosen), "path", most)
    if parts.names(right.layer).layer.residual and plan.top:
        _shortcut(scene, left, right)


def _sizes(weights: Array, most: float) -> Array:
    """How large weights are; one that is not finite counts as the largest."""
    return np.where(np.isfinite(weights), np.abs(weights), most)


def _draw(scene: Scene, across: tuple[int, int], edges: Edges, kind: str, most: int) -> None:
    """The edges that are to be drawn, by their shares of the largest."""
    sizes = np.where(np.isfinite(edges.shares), np.abs(edges.shares), 1.0)
    widths = np.minimum(1 + sum(sizes > share for share in _WIDE), most)
    for i, j in np.argwhere(edges.drawn).tolist():
        share, size = float(edges.shares[i, j]), float(sizes[i, j])
        start, stop = (across[0], edges.starts[i]), (across[1], edges.ends[j])
        scene.canvas.segment(start, stop, heat(kind, share), size + 2 * (kind == "path"), int(widths[i, j]), share < 0)


def _ribbon(scene: Scene, left: Column, right: Column, edges: Edges) -> None:
    """The outline of all edges together, how many and how large they are, and which neurons the strongest of the selected one lead to."""
    (start, stop), plan = span_of(left, right), scene.plan
    for first, last in ((0, 0), (left.units - 1, right.units - 1)):
        scene.canvas.segment((start, plan.line(left, first)), (stop, plan.line(right, last)), "faint", -1.0)
    _ribbon_text(scene, left.right + 1, right.left - left.right - 2, scene.parts.edges(right.layer))
    if right.left - left.right < _INDEXED:
        return
    for column, units, lines in ((left, edges.begin, edges.starts), (right, edges.end, edges.ends)):
        for unit, line in zip(units, lines, strict=True) if len(units) > 1 and not column.rows else ():
            text = f"[{unit}]"
            scene.write(column.right if column is left else column.left - len(text), line // 4, text, "dim")


def _ribbon_text(scene: Scene, start: int, room: int, name: str) -> None:
    """The shape of the weights and their root mean square, in the middle of so many columns."""
    view, weights = scene.parts.view, scene.parts.view.tensors[name]
    shape = shape_text(weights.shape[:: -1 if view.style.columns else 1])
    rms, finite = once(weights, "ribbon", lambda: (float(np.sqrt(np.mean(np.square(weights)))), bool(np.isfinite(weights).all())))
    size = f"rms {short(rms, 2)}".replace(" 0.", " .")
    texts = [f"{shape} {size}"] if len(shape) + len(size) < room else [shape, size]
    top = scene.plan.top + (scene.plan.height - len(texts)) // 2
    for row, text in enumerate(texts, top):
        if len(text) <= room:
            scene.write(start + (room - len(text)) // 2, row, text, "dim" if finite else "bad")


def _shortcut(scene: Scene, left: Column, right: Column) -> None:
    """An arc above a residual layer, from its input to its sum: what goes around it, or on the way back the gradient of its sum."""
    parts, view, output = scene.parts, scene.parts.view, scene.parts.names(right.layer).output
    name = render_name(parts.program.gradients[output] if parts.backward else parts.tensor(left.layer), view.style)
    text = f"◂{name}" if parts.backward else f"+{name}▸"
    start, room = left.left + 1, right.left - left.left - 2
    row = min([scene.plan.top + 1, *left.rows, *right.rows]) - 1 if left.rows and right.rows else 0
    lit = view.position.stage and output in (view.position.stage, parts.program.stage(view.position.stage).through)
    scene.write(start, row, f"╭{first_that_fits((text, ''), room).center(room, '─')}╮", "next" if lit else "dim")
