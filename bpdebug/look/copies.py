"""Hidden units that are copies of each other: what comes in has the same weights, what goes out too, so that they learn the same.

A network in which two units may be exchanged stays so under any optimizer that treats all numbers alike (Goodfellow et al., Deep
Learning (2016), section 8.4: the start has to break the symmetry).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import numpy as np

from bpdebug.core.program import Program
from bpdebug.core.tensors import Array, Role
from bpdebug.look.finding import Finding, listed

_SAME = {"float64": 1e-12, "float32": 1e-5}
"""How near the weights of two units are, beside the largest of their tensor, that have been rounded in other ways only."""


def copies(program: Program, persistent: Mapping[str, Array], update: int, threshold: float = 0.0) -> Iterator[Finding]:
    """A finding for each hidden layer with more units than ``threshold`` that are copies of others, the first layer first."""
    same = _SAME[program.dtype.name]
    found = {place: _groups(program, persistent, place, same) for place in range(len(program.layers) - 1)}
    if not any(found.values()):
        return
    after = {**persistent, **program.run({**persistent, **program.batch(min(update, program.updates - 1))})}
    for place, groups in found.items():
        names, weights, units = program.layers[place], program.layers[place + 1].weight, program.layers[place].layer.units
        spare = sum(len(group) - 1 for group in groups)
        if spare <= threshold or groups != _groups(program, after, place, 1e3 * same):
            continue  # they are alike by chance, or a residual connection tells them apart
        why = f"units {listed(groups[0])} of layer {names.number} are copies: their weights in {names.weight} and {weights} are equal, and "
        why += f"so stay their gradients. {spare} of {units} add nothing (threshold {threshold:g}). Start the weights at random."
        text = f"{spare + len(groups)} of {units} units are copies"
        yield Finding("copies", text, why, 2 * spare >= units, names.number, spare, threshold)


def _groups(program: Program, persistent: Mapping[str, Array], place: int, same: float) -> list[list[int]]:
    """The units of a layer all of whose numbers (weights in and out, biases and their slots, each tensor at size 1) are alike, two or more
    together: neighbours along a random direction are compared."""
    names, following, columns = program.layers[place], program.layers[place + 1].weight, list[Array]()
    for name in program.persistent:
        tensor, value = program.tensors[name], persistent[name]
        of = name if tensor.role is Role.PARAMETER else tensor.of
        if of and of in (names.weight, names.bias, following):
            columns.append((value if of == following else value.T) / (float(np.abs(value).max()) or 1.0))
    units = np.hstack(columns)
    order = np.argsort(units @ np.random.default_rng(5).standard_normal(units.shape[1]), kind="stable")
    apart = ~(np.abs(np.diff(units[order], axis=0)).max(axis=1) <= same)
    return sorted(sorted(part.tolist()) for part in np.split(order, np.flatnonzero(apart) + 1) if len(part) > 1)
