"""What all parts of the network's drawing share: what is shown, where, and the canvas; and a wide layer, which is a strip of half
blocks instead of neurons."""

from __future__ import annotations

import numpy as np

from bpdebug.core.record import Record
from bpdebug.core.tensors import Array
from bpdebug.session.view import View
from bpdebug.ui.draw.braille import Canvas
from bpdebug.ui.draw.layers import is_gradient, values_in
from bpdebug.ui.draw.network_parts import Parts
from bpdebug.ui.draw.network_plan import MARKS, Column, Plan, plan_of
from bpdebug.ui.draw.network_text import number_text
from bpdebug.ui.draw.once import once
from bpdebug.ui.draw.roles import HEAT_STEPS
from bpdebug.ui.draw.scales import decade_share

_BAD = HEAT_STEPS + 1


class Scene(Record, eq=False):
    """A drawing in the making."""

    parts: Parts
    plan: Plan
    canvas: Canvas

    def write(self, column: int, row: int, text: str, role: str) -> None:
        """Put a text on the canvas."""
        self.canvas.write(column, row, text, role)

    def share(self, name: str, value: float) -> float:
        """A neuron's number with its sign, from -1 to 1: a gradient by its power of ten among those of the whole network, any other
        beside the largest of its tensor."""
        if not is_gradient(self.parts.program, name) or not np.isfinite(value):
            return value / largest(values_in(self.parts.view, name))
        return float(np.sign(value)) * max(decade_share(abs(value), self.parts.decades), 1 / HEAT_STEPS) if value else 0.0


def scene_of(view: View, columns: int, rows: int) -> Scene:
    """An empty drawing of that size, or of the least that a drawing needs."""
    parts = Parts(view)
    plan = plan_of(parts, columns, rows)
    return Scene(parts, plan, Canvas(plan.columns, plan.rows))


def largest(values: Array | None) -> float:
    """The largest finite size, for the heat; 1 where there is none."""
    if values is None:
        return 1.0
    return once(values, "largest", lambda: float(np.abs(values).max(where=np.isfinite(values), initial=0.0)) or 1.0)


def draw_strip(scene: Scene, column: Column) -> None:
    """Two neurons, or groups of them, a row, coloured by the strongest of each group; before them the sign of what is negative, and
    after them a mark at the output with the largest target."""
    parts, plan, name = scene.parts, scene.plan, scene.parts.tensor(column.layer)
    values, targets = parts.row(name), parts.row(parts.program.target)
    for row in range(plan.height):
        if values is None:
            scene.write(column.left + 1, plan.top + row, "░░", "faint")
        else:
            pair = [float(values[strongest_unit(values, column, group, group + 1, 2 * plan.height)]) for group in (2 * row, 2 * row + 1)]
            _pair(scene, column.left, plan.top + row, [scene.share(name, value) for value in pair])
    if column.target and targets is not None:
        mark = next(mark for mark in MARKS if len(mark) <= column.target)
        scene.write(column.left + 3, plan.line(column, int(targets.argmax())) // 4, mark, "dim")
    unit = parts.chosen_unit(column.layer)
    if unit is not None and values is not None:
        _chosen(scene, column, unit, number_text(float(values[unit]), column.number or 1))


def strongest_unit(values: Array, column: Column, first: int, last: int, groups: int) -> int:
    """The unit with the largest number by its size, one that is not finite before all others, from one of so many groups of a layer's
    neurons up to another; where there are fewer neurons than groups, several groups have the same one."""
    start, end = first * column.units // groups, (last - 1) * column.units // groups
    units = values[start : max(last * column.units // groups, end + 1)]
    return start + int(np.argmax(np.where(np.isfinite(units), np.abs(units), np.inf)))


def _pair(scene: Scene, left: int, row: int, pair: list[float]) -> None:
    """The sign of two numbers, then two half blocks in one character, twice."""
    sizes = [round(HEAT_STEPS * min(abs(value), 1.0)) if np.isfinite(value) else _BAD for value in pair]
    patches = ":".join(f"{size},{4 if value > 0 else -4}" for size, value in zip(sizes, pair, strict=True))
    scene.write(left + 1, row, "▀▀", f"patch:{patches}")
    signs = {np.sign(value) for value in pair}
    scene.write(left, row, "?" if _BAD in sizes else "±" if {-1, 1} <= signs else "−" if -1 in signs else " ", "dim")


def _chosen(scene: Scene, column: Column, unit: int, number: str) -> None:
    """Which neuron is selected and its number, beside its place on the side of the edges."""
    parts, row = scene.parts, scene.plan.line(column, unit) // 4
    last = column.layer == parts.depth
    before, after = f"{'' if last else '◂'}[{unit}] ", "▸" if last else ""
    start = column.left + 1 - len(before + number + after) if last else column.left + 3
    scene.write(start, row, before, "dim")
    scene.write(start + len(before), row, number, parts.emphasis(parts.tensor(column.layer), unit))
    scene.write(start + len(before + number), row, after, "dim")
