"""The edges of the network's drawing.

An edge is solid for a positive weight and broken for a negative one, wider and stronger in colour the larger it is beside the
others of its layer. Where there are more edges than the eye can follow, the weak ones are left out; each neuron keeps its strongest.
Those of wide layers are a ribbon that tells how many weights there are and their size, with the strongest of the selected neuron.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property
from itertools import pairwise

import numpy as np

from bpdebug.core.cells import Cell
from bpdebug.core.description import Array
from bpdebug.core.numbers import short
from bpdebug.core.record import Record
from bpdebug.core.render import render_name
from bpdebug.core.shapes import shape_text
from bpdebug.ui.draw.network_plan import Column
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
    """The edges between two layers that are shown side by side."""

    scene: Scene
    left: Column
    right: Column

    @cached_property
    def name(self) -> str:
        """The tensor that they show."""
        return self.scene.parts.edges(self.right.layer)

    @cached_property
    def weights(self) -> Array:
        """Its numbers."""
        return self.scene.parts.view.tensors[self.name]

    @cached_property
    def sizes(self) -> Array:
        """How large they are; one that is not finite counts as the largest."""
        return np.where(np.isfinite(self.weights), np.abs(self.weights), largest(self.weights))

    @cached_property
    def chosen(self) -> tuple[int | None, int | None] | None:
        """From which neuron (None: from all) to which those of the selected cell are; None where it has none here."""
        return self.scene.parts.chosen_edges(self.right.layer)

    @property
    def is_ribbon(self) -> bool:
        """Whether there are too many for a line each."""
        return not (self.left.rows and self.right.rows)

    @property
    def across(self) -> tuple[int, int]:
        """The dots between which they are drawn: they begin behind the numbers, also where these are still to be computed."""
        return 2 * self.left.right + 1, 2 * self.right.left - 2

    @cached_property
    def units(self) -> tuple[Sequence[int], Sequence[int]]:
        """The neurons between which they are; over a ribbon those of the strongest of the selected cell."""
        if not self.is_ribbon:
            return range(self.left.units), range(self.right.units)
        if self.chosen is None:
            return [], []
        i, j = self.chosen
        begin = [i] if i is not None else _first(self.sizes[:, j])
        return begin, [j] if j is not None else _first(self.sizes[i])

    @cached_property
    def lines(self) -> tuple[list[int], list[int]]:
        """The lines of dots at which these neurons stand."""
        line, (begin, end) = self.scene.plan.line, self.units
        return [line(self.left, unit) for unit in begin], [line(self.right, unit) for unit in end]

    @cached_property
    def shares(self) -> Array:
        """The weights beside the largest, from one of these neurons to the other."""
        return self.weights[np.ix_(*self.units)] / largest(self.weights)

    @cached_property
    def own(self) -> Array:
        """Which of them are the selected cell's."""
        ends = zip(self.chosen or (-1, -1), self.units, strict=True)
        begin, end = (np.array([one in (None, unit) for unit in units], bool) for one, units in ends)
        return np.asarray(begin[:, None] & end)

    @cached_property
    def drawn(self) -> Array:
        """Which of them are drawn; those of the selected cell in any case."""
        if self.is_ribbon:
            return np.ones(self.shares.shape, bool)
        sizes, room = self.sizes, max(_DENSE, (self.right.left - self.left.right) * self.scene.plan.height // _CELLS)
        strong = sizes >= np.sort(sizes, axis=None)[-min(room, sizes.size)]
        return np.asarray(strong | (sizes == sizes.max(axis=0)) | (sizes == sizes.max(axis=1, keepdims=True)) | self.own)

    def nearest(self, x: int, y: int) -> tuple[str, Cell] | None:
        """The weight of the edge that is nearest to a place; where only a ribbon is near, the largest of all; None where none is."""
        (first, last), (starts, ends), (begin, end) = self.across, self.lines, self.units
        along = max(last - first, 1)
        rise = np.subtract.outer(ends, starts).T
        away = np.abs(np.array(starts)[:, None] + rise * ((2 * x + 0.5 - first) / along) - (4 * y + 1.5)) / np.hypot(1, rise / along)
        away = np.where(self.drawn, away, np.inf)
        if away.min(initial=np.inf) <= _NEAR:
            i, j = divmod(int(away.argmin()), away.shape[1])
            return self.name, (begin[i], end[j])
        strongest = np.unravel_index(np.abs(self.weights).argmax(), self.weights.shape)
        return (self.name, tuple(map(int, strongest))) if self.is_ribbon else None


def edges_of(scene: Scene) -> list[Edges]:
    """The edges between all layers that are shown."""
    return [Edges(scene, left, right) for left, right in pairwise(scene.plan.shown)]


def _first(sizes: Array) -> list[int]:
    return sorted(np.argsort(-sizes, axis=None, kind="stable")[:_STRONGEST].tolist())


def draw_edges(edges: Edges) -> None:
    """All edges between two layers, those of the selected cell once more on top, and the way around a residual layer."""
    parts, plan, layer, most = edges.scene.parts, edges.scene.plan, edges.right.layer, 3
    if edges.is_ribbon:
        _ribbon(edges)
    else:
        aside = parts.active not in (0, layer) or (edges.chosen and edges.shares.size > _DENSE)
        most = 1 + sum(4 * plan.height / max(edges.shares.shape) >= room for room in _ROOM)
        idle = parts.idle(layer)[:, None] | bool(aside)
        _draw(edges, edges.drawn & idle, "pale", most)
        _draw(edges, edges.drawn & ~idle, "ink", most)
    if edges.chosen:
        _draw(edges, edges.own, "path", most)
    if parts.names(layer).layer.residual and plan.top:
        _shortcut(edges.scene, edges.left, edges.right)


def _draw(edges: Edges, chosen: Array, kind: str, most: int) -> None:
    """Some of the edges, by their shares of the largest."""
    sizes = np.where(np.isfinite(edges.shares), np.abs(edges.shares), 1.0)
    widths, (starts, ends), (first, last) = np.minimum(1 + sum(sizes > share for share in _WIDE), most), edges.lines, edges.across
    for i, j in np.argwhere(chosen).tolist():
        share, strength = float(edges.shares[i, j]), float(sizes[i, j]) + 2 * (kind == "path")
        edges.scene.canvas.segment((first, starts[i]), (last, ends[j]), heat(kind, share), strength, int(widths[i, j]), share < 0)


def _ribbon(edges: Edges) -> None:
    """The outline of all edges together, how many and how large they are, and which neurons the strongest of the selected one lead to."""
    scene, left, right, (start, stop) = edges.scene, edges.left, edges.right, edges.across
    for first, last in ((0, 0), (left.units - 1, right.units - 1)):
        scene.canvas.segment((start, scene.plan.line(left, first)), (stop, scene.plan.line(right, last)), "faint", -1.0)
    _ribbon_text(scene, left.right + 1, right.left - left.right - 2, edges.weights)
    if right.left - left.right < _INDEXED:
        return
    for column, units, lines in zip((left, right), edges.units, edges.lines, strict=True):
        for unit, line in zip(units, lines, strict=True) if len(units) > 1 and not column.rows else ():
            text = f"[{unit}]"
            scene.write(column.right if column is left else column.left - len(text), line // 4, text, "dim")


def _ribbon_text(scene: Scene, start: int, room: int, weights: Array) -> None:
    """The shape of the weights and their root mean square, in the middle of so many columns."""
    shape = shape_text(weights.shape[:: -1 if scene.parts.view.style.columns else 1])
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
