"""A wide layer in the network's drawing: a strip of half blocks instead of neurons."""

from __future__ import annotations

import numpy as np

from bpdebug.core.description import Array
from bpdebug.ui.draw.network_plan import MARKS, Column
from bpdebug.ui.draw.network_scene import Scene
from bpdebug.ui.draw.network_text import number_text
from bpdebug.ui.draw.roles import HEAT_STEPS

_BAD = HEAT_STEPS + 1


def draw_strip(scene: Scene, column: Column) -> None:
    """Two neurons, or groups of them, a row, coloured by the strongest of each group; before them the sign of what is negative, and
    after them a mark at the output with the largest target."""
    name = scene.parts.tensor(column.layer)
    values = scene.parts.row(name)
    for row in range(scene.plan.height):
        place = column.left, scene.plan.top + row
        if values is None:
            scene.write(place[0] + 1, place[1], "░░", "faint")
        else:
            pair = [strongest(values, group_of(column, half, 2 * scene.plan.height)) for half in (2 * row, 2 * row + 1)]
            _pair(scene, *place, [scene.share(name, value) for value in pair])
    targets = scene.parts.row(scene.parts.view.program.target)
    if column.target and targets is not None:
        mark = next(mark for mark in MARKS if len(mark) <= column.target)
        scene.write(column.left + 3, scene.plan.line(column, int(targets.argmax())) // 4, mark, "dim")
    unit = scene.parts.chosen_unit(column.layer)
    if unit is not None and values is not None:
        _chosen(scene, column, unit, number_text(float(values[unit]), column.number or 1))


def group_of(column: Column, group: int, groups: int) -> range:
    """The neurons of a group; where there are fewer neurons than groups, several groups have the same one."""
    start = group * column.units // groups
    return range(start, max((group + 1) * column.units // groups, start + 1))


def strongest(values: Array, units: range) -> float:
    """The largest number of a group by its size; one that is not finite before all others."""
    return float(values[strongest_unit(values, units)])


def strongest_unit(values: Array, units: range) -> int:
    """The unit of that number."""
    group = values[units.start : units.stop]
    return units.start + int(np.argmax(np.where(np.isfinite(group), np.abs(group), np.inf)))


def _pair(scene: Scene, left: int, row: int, pair: list[float]) -> None:
    """The sign of two numbers, then two half blocks in one character, twice."""
    sizes = [round(HEAT_STEPS * min(abs(value), 1.0)) if np.isfinite(value) else _BAD for value in pair]
    patches = ":".join(f"{size},{4 if value > 0 else -4}" for size, value in zip(sizes, pair, strict=True))
    scene.write(left + 1, row, "▀▀", f"patch:{patches}")
    signs = {np.sign(value) for value in pair}
    scene.write(left, row, "?" if _BAD in sizes else "±" if {-1, 1} <= signs else "−" if -1 in signs else " ", "dim")


def _chosen(scene: Scene, column: Column, unit: int, number: str) -> None:
    """Which neuron is selected and its number, beside its place on the side of the edges."""
    last = column.layer == scene.parts.depth
    row, before, after = scene.plan.line(column, unit) // 4, "" if last else "◂", "▸" if last else ""
    name = f"{before}[{unit}] "
    start = column.left + 1 - len(name + number + after) if last else column.left + 3
    scene.write(start, row, name, "dim")
    scene.write(start + len(name), row, number, scene.parts.emphasis(scene.parts.tensor(column.layer), unit))
    scene.write(start + len(name + number), row, after, "dim")
