"""The answers over one input: a curve for each output, and the samples."""

from __future__ import annotations

import numpy as np

from bpdebug.look.surface import Surface
from bpdebug.ui.draw.braille import Canvas
from bpdebug.ui.draw.plot import Plot
from bpdebug.ui.draw.roles import HEAT_STEPS
from bpdebug.ui.draw.sample_marks import Sight
from bpdebug.ui.draw.scales import even_ticks, ticks
from bpdebug.ui.draw.spans import Line

_LARGEST = 1e100
"""Beyond that no output is drawn."""


def response_lines(sight: Sight, columns: int, rows: int) -> list[Line]:
    """The curves in that much room, with their axes."""
    surface = sight.surface
    plot, axis = _plot(surface, columns, max(rows - 2, 1)), surface.axes[0]
    canvas = Canvas(plot.left + plot.columns, plot.rows)
    plot.scale(canvas)
    for x in range(2 * plot.left, 2 * canvas.columns, 4) if surface.task == "binary" else ():
        canvas.dot(x, int(plot.y(surface.middle)), "dim")
    _curves(sight, plot, canvas)
    _samples(sight, plot, canvas)
    below, name = plot.base(2, ticks(float(axis[0]), float(axis[-1]), max(plot.columns // 8, 2))), sight.view.program.inputs[0]
    below.write(canvas.columns - len(name) - 1, 0, f" {name} ", "dim")
    return [*canvas.lines(), *below.lines()]


def _plot(surface: Surface, columns: int, rows: int) -> Plot:
    parts = [surface.y, surface.outputs, *([surface.grid] if surface.grid is not None else [])]
    values = np.concatenate([part[np.abs(part) < _LARGEST] for part in parts])
    low, high = (float(values.min()), float(values.max())) if values.size else (0.0, 1.0)
    margin, axis = 0.04 * (high - low) or 1.0, surface.axes[0]
    low, high, marked = even_ticks(low - margin, high + margin, rows)
    left = max((len(text) for _, text in marked), default=0) + 1
    return Plot(left, max(columns - left, 4), rows, axis[0], axis[-1], low, high, marked, log=False)


def _curves(sight: Sight, plot: Plot, canvas: Canvas) -> None:
    """Every output over the input, the one that is looked at brightest."""
    surface = sight.surface
    for output, values in enumerate(surface.grid if surface.grid is not None else ()):
        chosen = output == sight.output
        role = f"upper:class:{output}:{HEAT_STEPS}" if surface.task == "classes" else "curve" if chosen else "faint"
        finite = np.abs(values) < _LARGEST
        dots = list(zip(plot.x(surface.axes[0][finite]).tolist(), plot.y(values[finite]).tolist(), strict=True))
        plot.path(canvas, dots, (role, ""), 1.0 + chosen)


def _samples(sight: Sight, plot: Plot, canvas: Canvas) -> None:
    """The samples at their targets; the present one with the way from its target to its answer."""
    surface = sight.surface
    for place in sight.order:
        output = int(surface.wanted[place]) if surface.task == "classes" else sight.output
        target, answer = (float(part[place, output]) for part in (surface.y, surface.outputs))
        x, y = int(plot.x(float(surface.x[place, 0]))), int(plot.y(target))
        if place == sight.present and abs(answer) < _LARGEST:
            canvas.segment((x, y), (x, int(plot.y(answer))), "next", 3.0)
        mark, role = sight.mark(place)
        canvas.write(x // 2, min(max(y // 4, 0), plot.rows - 1), mark, "next" if place == sight.present else role)
