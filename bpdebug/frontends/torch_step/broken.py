"""The first value of a recorded step that is not finite."""

from __future__ import annotations

import numpy as np

from bpdebug.core.description import Array, Scenario
from bpdebug.core.layers import make_program
from bpdebug.core.program import Program


def first_broken(scenario: Scenario) -> str:
    """The tensor, its cell, its formula and its line; "" where everything is finite, or infinite by a mask alone."""
    program: Program = scenario.ready() if scenario.ready else make_program(scenario)
    for name, values in program.fixed.items():
        if values.dtype.kind == "f" and np.isnan(values).any() and not name.endswith(".torch"):
            return f"not finite: {_cell(name, values, np.isnan(values))}, which the step is given"
    for stage in (one for one in program.stages if one.name in program.recorded):
        values = program.recorded[stage.name].value
        bad = stage.broken(values)
        if bad.any():
            shown = stage.meaning if stage.formula.text.endswith(".torch") else f"{stage.name} = {stage.formula.text}"
            return f"not finite: {_cell(stage.name, values, bad)}, {stage.line}: {shown} ({int(bad.sum())} of {bad.size} numbers)"
    return ""


def _cell(name: str, values: Array, bad: Array) -> str:
    place = tuple(int(n) for n in np.argwhere(bad)[0])
    where = f"[{','.join(map(str, place))}]" if place else ""
    return f"{name}{where} = {values[place]}"


__all__ = ["first_broken"]
