"""Hidden units that are copies of each other: what comes in has the same weights, what goes out too, so that they learn the same.

A network in which two units may be exchanged stays so under any optimizer that treats all numbers alike (Goodfellow et al., Deep
Learning (2016), section 8.4: the start has to break the symmetry).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import numpy as np

from bpdebug.core.program import Program
from bpdebug.core.tensors import Array, Role
from bpdebug.look.finding import Finding

_SAME = {"float64": 1e-12, "float32": 1e-5}
"""How near the weights of two units are, beside the largest of their tensor, that have been rounded in other ways only."""


def copies(program: Program, persistent: Mapping[str, Array], update: int, threshold: float = 0.0) -> Iterator[Finding]:
    """A finding for each hidden layer with more units than ``threshold`` that are copies of others, the first layer first."""
    after: Mapping[str, Array] = {}
    for place, names in enumerate(program.layers[:-1]):
        if names.layer.units < 2:
            continue
        groups = _groups(_units(program, persistent, place), _SAME[program.dtype.name])
        if groups and not after:
            values = {**persistent, **program.batch(min(update, program.updates - 1))}
            after = {**persistent, **{name: value for name, value in program.run(values).items() if name in persistent}}
        if not groups or groups != _groups(_units(program, after, place), 1e3 * _SAME[program.dtype.name]):
            continue  # they are alike by chance, or a residual connection tells them apart
        units, spare = names.layer.units, sum(len(group) - 1 for group in groups)
        zero = not any(persistent[name].any() for name in (names.weight, program.layers[place + 1].weight))
        listed = [str(unit) for unit in groups[0]]
        listed = [*listed[:3], f"… {listed[-1]}"] if len(listed) > 5 else listed
        alike = f"{', '.join(listed[:-1])} and {listed[-1]}".replace(" and …", " …")
        what = f"{names.weight} and {program.layers[place + 1].weight} are all 0" if zero else "their weights in and out are equal"
        why = f"units {alike} of layer {names.number} are copies ({what}): they get equal gradients and stay one unit; "
        text = f"{spare + len(groups)} of {units} units are copies" if len(groups) > 1 else f"{len(groups[0])} of {units} units are copies"
        why += f"{spare} of {units} add nothing (threshold {threshold:g}): start the weights at random."
        if spare > threshold:
            yield Finding("copies", text, why, 2 * spare >= units, names.number, spare, threshold)


def _units(program: Program, persistent: Mapping[str, Array], place: int) -> Array:
    """All that belongs to each unit of a layer, (units, numbers), every tensor at size 1: weights, biases and their slots."""
    names, following = program.layers[place], program.layers[place + 1]
    rows = list[Array]()
    for name, value in persistent.items():
        tensor = program.tensors[name]
        of = name if tensor.role is Role.PARAMETER else tensor.of
        if of in (names.weight, names.bias, following.weight) and of:
            scale = float(np.abs(value).max()) or 1.0
            rows.append((value if of == following.weight else value.T) / scale)
    return np.hstack(rows)


def _groups(units: Array, same: float) -> list[list[int]]:
    """The units that are alike, two or more together: neighbours along a random direction are compared."""
    if not np.isfinite(units).all():
        return []
    order = np.argsort(units @ np.random.default_rng(5).standard_normal(units.shape[1]), kind="stable")
    groups = [[int(order[0])]]
    for unit in order[1:].tolist():
        if np.abs(units[unit] - units[groups[-1][0]]).max() <= same:
            groups[-1].append(unit)
        else:
            groups.append([unit])
    return sorted(sorted(group) for group in groups if len(group) > 1)
