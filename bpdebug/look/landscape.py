"""The loss of the present batch over two cells of parameters, around where they are: what a step in either direction would do."""

from __future__ import annotations

from math import isqrt

import numpy as np

from bpdebug.core.cells import NamedCell, cell_name, check_cell
from bpdebug.core.errors import BpdebugError
from bpdebug.core.evaluate import assigned
from bpdebug.core.network import Phase
from bpdebug.look.answer import reached
from bpdebug.look.aside import cost_of
from bpdebug.look.surface import Surface
from bpdebug.time.timeline import Timeline

Cells = tuple[NamedCell, NamedCell]
_WORK = 20_000_000
"""Multiplications that one picture may take."""
_FEWEST, _MOST = 9, 33
"""Points along each side."""


def check_cells(timeline: Timeline, cells: Cells) -> None:
    """Refuse what is no pair of cells over which there is a loss.

    Raises:
        BpdebugError: with what is expected.
    """
    for name, index in cells:
        if name not in timeline.program.parameters:
            raise BpdebugError(f"{name} is no parameter; there are {' '.join(timeline.program.parameters)}")
        check_cell(name, index, timeline.machine.shapes()[name])
    if cells[0] == cells[1]:
        raise BpdebugError(f"two cells are expected; found {cell_name(*cells[0])} twice")


def landscape_of(timeline: Timeline, cells: Cells) -> Surface:
    """The loss as a surface: its one sample is where the two cells are now, at most their own size, or 1, from the border."""
    machine, program = timeline.machine, timeline.program
    values = {**program.batch(min(machine.update, program.updates - 1)), **machine.persistent}
    forward = program.stages[: program.end_of(Phase.LOSS)]
    values |= program.run(values, len(forward))
    moved = reached(program, {name for name, _ in cells})
    again = [stage for stage in forward if stage.name in moved]
    points = min(max(isqrt(int(_WORK // (sum(cost_of(stage, values) for stage in again) + 1))), _FEWEST), _MOST)
    own = {name: machine.persistent[name].copy() for name, _ in cells}
    here = np.array([[float(own[name][index]) for name, index in cells]])
    axes = tuple(np.linspace(at - max(1.0, abs(at)), at + max(1.0, abs(at)), points) for at in here[0].tolist())
    grid = np.empty((1, points, points))
    for place in np.ndindex(points, points):
        for (name, index), axis, at in zip(cells, axes, place[::-1], strict=True):
            own[name][index] = axis[at]
        known = values | own
        for stage in again:
            known[stage.name] = assigned(stage.formula, known, program.kind(stage.name))
        grid[0][place] = known[program.loss]
    loss = np.array([[float(values[program.loss])]])
    finite = grid[np.isfinite(grid)]
    low, high = (float(finite.min()), float(finite.max())) if finite.size else (0.0, 1.0)
    names, reach = tuple(cell_name(*cell) for cell in cells), (high / 2 - low / 2) or 1.0
    no_sample = np.array([-1])
    return Surface(program.loss, "numbers", ("",), low / 2 + high / 2, reach, no_sample, here, loss, loss, names, axes, grid)
