"""A wide layer in the network's drawing: a strip of half blocks instead of neurons."""

from __future__ import annotations

import numpy as np

from bpdebug.engine.description import Array
from bpdebug.ui.draw.network_plan import Column
from bpdebug.ui.draw.network_scene import Scene, largest
from bpdebug.ui.draw.network_text import number_text
from bpdebug.ui.draw.roles import HEAT_STEPS

_BAD = HEAT_STEPS + 1


def draw_strip(scene: Scene, column: Column) -> None:
    """Two neurons, or groups of them, a row, coloured by the strongest of each group; beside them the sign of what is negative, and
    ``y`` at the output with the largest target."""
    name = scene.parts.tensor(column.layer)
    values, scale = scene.parts.row(name), largest(scene.parts.view.tensors.get(name))
    for row in range(scene.plan.height):
        place = column.left, scene.plan.top + row
        if values is None:
            scene.write(*place, "░░", "faint")
        else:
            pair = [strongest(values, group_of(column, half, 2 * scene.plan.height)) for half in (2 * row, 2 * row + 1)]
            _pair(scene, *place, pair, scale)
    targets = scene.parts.row("y")
    if column.target and targets is not None:
        scene.write(column.left + 3, scene.plan.line(column, int(targets.argmax())) // 4, "y", "dim")
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


def _pair(scene: Scene, left: int, row: int, pair: list[float], scale: float) -> None:
    """Two half blocks in one character, twice, and their sign."""
    sizes = [round(HEAT_STEPS * min(abs(value) / scale, 1.0)) if np.isfinite(value) else _BAD for value in pair]
    patches = ":".join(f"{size},{4 if value > 0 else -4}" for size, value in zip(sizes, pair, strict=True))
    scene.write(left, row, "▀▀", f"patch:{patches}")
    signs = {np.sign(value) for value in pair}
    scene.write(left + 2, row, "?" if _BAD in sizes else "±" if {-1, 1} <= signs else "−" if -1 in signs else " ", "dim")


def _chosen(scene: Scene, column: Column, unit: int, number: str) -> None:
    """The number of the selected neuron beside its place, on the side of the edges, and which neuron it is."""
    last = column.layer == scene.parts.depth
    row = scene.plan.line(column, unit) // 4
    other = row + 1 if row + 1 < scene.plan.bottom else row - 1
    role = scene.parts.emphasis(scene.parts.tensor(column.layer), unit)
    for place, text, its in ((row, f"{number}▸" if last else f"◂{number}", role), (other, f"[{unit}]", "dim")):
        scene.write(column.left - len(text) if last else column.left + 3, place, text, its)
