"""By what all numbers of a tensor are too large, and what that is."""

from __future__ import annotations

import numpy as np

from bpdebug.core.numbers import short
from bpdebug.core.tree import Number
from bpdebug.trust.case import Evidence


def times(case: Evidence) -> float | None:
    """The factor by which all cells, or an update's whole step, are larger than they should be; None where it is not one factor."""
    if not case.comparable:
        return None
    known, start = np.isfinite(case.right), np.zeros(case.right.shape)
    if case.site.updates:
        still = case.value(case.site.put(dict.fromkeys(case.site.moves, Number(0.0))))
        if still is None or still.shape != start.shape:
            return None
        start = still
    wrong, right = (case.wrong - start)[known], (case.right - start)[known]
    norm = float(np.vdot(right, right))
    factor = float(np.vdot(wrong, right)) / norm if norm > 0 else 0.0
    near = factor != 0 and float(np.abs(wrong - factor * right).max()) <= case.allowed
    return factor if near else None


def larger(case: Evidence, factor: float) -> str:
    """That every cell, or a step, is so many times what it should be."""
    number = short(factor, 6)
    if not case.site.updates:
        return f"every cell is {number} times the right value"
    parameter = case.site.stage.name in case.site.program.parameters
    return f"the step is {number} times the right one" if parameter else f"what the gradient adds is {number} times the right value"


def named(case: Evidence, factor: float) -> str:
    """What a factor is, such as ``1/m``; "" where it is nothing that this program has."""
    constants = {name: float(case.values[name]) for name in ("learning_rate", "l2") if name in case.values}
    numbers = {"m": float(case.samples), "the number of outputs": float(case.site.outputs), **constants}
    numbers |= {"m²": numbers["m"] ** 2, "m times the number of outputs": numbers["m"] * numbers["the number of outputs"]}
    numbers |= {f"1/{name}" if name in ("m", "m²") else f"1 / ({name})": 1 / value for name, value in numbers.items() if value}
    for name, value in numbers.items():
        if value not in (0.0, 1.0) and abs(abs(factor) - value) <= 1e-6 * value:
            return f"{'minus ' if factor < 0 else ''}{name.replace('_', ' ')}"
    return ""
