"""Gradients that a user has clipped in another way than the scenario has it, and is right all the same."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from typing import Any

import numpy as np

from bpdebug.core.evaluate import assigned
from bpdebug.core.network import Phase
from bpdebug.core.program import Program
from bpdebug.core.record import replace
from bpdebug.core.schedule import Stage
from bpdebug.core.tensors import Array, Values
from bpdebug.trust.reading import Reading

_ADDED = 1e-6
"""What PyTorch adds to the norm."""


def in_place(program: Program, reading: Reading) -> Iterator[Reading]:
    """The reading of gradients that were clipped in their place: those of the file are the clipped ones."""
    used = zip(program.letters["w"], program.letters["g"], strict=True) if program.rule.clip else ()
    moved = {gradient: clipped for name, clipped in used if (gradient := program.gradients[name]) in reading.computed}
    if not moved or not reading.computed.keys().isdisjoint(moved.values()):
        return

    def renamed(given: Mapping[str, Any]) -> dict[str, Any]:
        return {moved.get(name, name): value for name, value in given.items()}

    printed = replace(reading.printed, formats=renamed(reading.printed.formats))
    note = f"your {' '.join(moved)} are clipped already: they count as {' '.join(moved.values())}"
    yield reading.noted(note, computed=renamed(reading.computed), kinds=renamed(reading.kinds), printed=printed)


def clipped_as_pytorch(program: Program, stage: Stage, values: Values, shown: Collection[str]) -> dict[str, Array]:
    """The values that a stage of the update would read if gradients were clipped by norm with what PyTorch adds to it; none for others.

    Args:
        program, stage: whose update.
        values: as they are.
        shown: the stages whose numbers are the user's own.
    """
    naming, clip = program.network.naming, program.rule.clip
    if stage.phase is not Phase.UPDATE or not clip or naming.norm not in values:
        return {}
    made = dict(values)
    made[naming.shrink] = np.minimum(1.0, clip["norm"] / (values[naming.norm] + _ADDED))
    for one in program.stages:
        if one.operation == "clip" and naming.shrink in one.formula.names and one.name not in shown:
            made[one.name] = assigned(one.formula, made)
    return made
