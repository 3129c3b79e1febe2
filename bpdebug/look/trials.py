"""A program at other parameters than its own: what depends on none of them, and what is linear at all of them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import numpy as np

from bpdebug.core.program import Program
from bpdebug.core.record import replace
from bpdebug.core.tensors import Array

SAME = 1e-9
"""How near numbers are, beside their size, that are called the same."""


class Trials:
    """A program at other parameters than its own, of which what depends on none of them is seen: twice all are positive, so that every
    relu has something to pass, twice the first weights are negative, since inputs may be so; and once all are of any sign."""

    def __init__(self, program: Program, persistent: Mapping[str, Array]) -> None:
        self.program, self._draws = replace(program, dtype=np.dtype(float)), list[dict[str, Array]]()
        generator, first = np.random.default_rng(20), program.layers[0].weight
        for trial in range(5):
            drawn = {name: generator.standard_normal(shape) for name, shape in program.parameters.items() if name in program.free}
            drawn = {name: (np.abs(value) + 0.05 if trial < 4 else value) / len(value) ** 0.5 for name, value in drawn.items()}
            if first in drawn and trial in (2, 3):
                drawn[first] = -drawn[first]
            self._draws.append({**persistent, **drawn})

    def run(self, given: Mapping[str, Array], upto: str) -> Iterator[dict[str, Array]]:
        """All tensors up to one of them, at each of the parameters in turn."""
        program = self.program
        for drawn in self._draws:
            values = {**drawn, **given}
            yield values | program.run(values, program.index[upto] + 1)

    def answers(self, x: Array, upto: str) -> list[Array]:
        """A tensor for these inputs, at each of the parameters."""
        program, y = self.program, self.program.data[self.program.target]
        given = {program.input: x, program.target: np.zeros((len(x), y.shape[1])), "m": np.array(len(x))}
        return [values[upto] for values in self.run({name: value.astype(program.dtype) for name, value in given.items()}, upto)]


def equal(values: list[Array], size: float) -> bool:
    """Whether they are the same at all parameters, and numbers."""
    return all(np.isfinite(value).all() for value in values) and bool(np.ptp(np.array(values), axis=0).max() <= SAME * size)


def shape_of(trials: Trials) -> tuple[bool, bool]:
    """Whether the last weighted sums are a linear function of the inputs, plus a constant; and whether they have a constant."""
    program, generator = trials.program, np.random.default_rng(21)
    inputs, last = len(program.inputs), program.layers[-1]
    zero, one, other = np.zeros((1, inputs)), *generator.standard_normal((2, 8, inputs))
    scale = np.abs(program.data[program.input]).max(axis=0) + 1e-300
    constant = not equal(trials.answers(zero, last.z), 1e-9) or bool(np.any(trials.answers(zero, last.z)[0]))
    bends = any(names.layer.activation != "identity" and not program.stage(names.a).edited for names in program.layers[:-1])
    if bends or last.layer.residual:
        return False, constant
    for found in trials.answers(np.vstack([zero, *(scale * part for part in (one, other, -one, 2 * one, one + other))]), last.z):
        origin, parts = found[:1], found[1:].reshape(5, 8, -1) - found[:1]
        size = SAME * float(np.abs(found).max())
        sums = (parts[2] + parts[0], parts[3] - 2 * parts[0], parts[4] - parts[0] - parts[1])
        if not np.isfinite(origin).all() or not all(np.abs(part).max() <= size for part in sums):
            return False, constant
    return True, constant
