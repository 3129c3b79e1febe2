"""Hidden units that are copies of each other: what comes in has the same weights, what goes out too, so that they learn the same.

A network in which two units may be exchanged stays so under any optimizer that treats all numbers alike (Goodfellow et al., Deep
Learning (2016), section 8.4: the start has to break the symmetry).
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from bpdebug.core.program import Program
from bpdebug.core.tensors import Array, Role, Values
from bpdebug.look.finding import Finding, listed
from bpdebug.time.parts import Part, parts_of

_SAME = {"float64": 1e-12, "float32": 1e-5}
"""How near the weights of two units are, beside the largest of their tensor, that have been rounded in other ways only."""


def copies(program: Program, persistent: Values, update: int, threshold: float = 0.0) -> Iterator[Finding]:
    """A finding for each hidden layer, or line with parameters, that has more units than ``threshold`` that are copies of others."""
    same, parts = _SAME[program.dtype.name], [part for part in parts_of(program) if part.feeds]
    found = {part: _groups(program, persistent, part, same) for part in parts}
    if not any(found.values()):
        return
    after = {**persistent, **program.run({**persistent, **program.batch(min(update, program.updates - 1), persistent)})}
    for part, groups in found.items():
        spare = sum(len(group) - 1 for group in groups)
        if spare <= threshold or groups != _groups(program, after, part, 1e3 * same):
            continue  # they are alike by chance, or a residual connection tells them apart
        where = part.name if program.layers else part.a
        why = f"units {listed(groups[0])} of {where} are copies: their weights in {part.weight} and {part.feeds[0]} are equal, and "
        why += f"their gradients stay so. {spare} of {part.units} units add nothing (threshold {threshold:g}). Start the weights at random."
        text = f"{spare + len(groups)} of {part.units} units are copies"
        yield Finding("copies", text, why, 2 * spare >= part.units, part.number, spare, threshold)


def _groups(program: Program, persistent: Values, part: Part, same: float) -> list[list[int]]:
    """The units of a part all of whose numbers (weights in and out, biases and their slots, each tensor at size 1) are alike, two or more
    together: neighbours along a random direction are compared."""
    columns = list[Array]()
    for name in program.persistent:
        tensor, value = program.tensors[name], persistent[name]
        of = name if tensor.role is Role.PARAMETER else tensor.of
        if of and of in (part.weight, part.bias, *part.feeds) and value.ndim:  # one number is the same for all units
            turned = value if of in part.feeds else np.moveaxis(value, -1, 0)
            columns.append(turned.reshape(part.units, -1) / (float(np.abs(value).max()) or 1.0))
    units = np.hstack(columns)
    order = np.argsort(units @ np.random.default_rng(5).standard_normal(units.shape[1]), kind="stable")
    apart = ~(np.abs(np.diff(units[order], axis=0)).max(axis=1) <= same)
    return sorted(sorted(part.tolist()) for part in np.split(order, np.flatnonzero(apart) + 1) if len(part) > 1)
