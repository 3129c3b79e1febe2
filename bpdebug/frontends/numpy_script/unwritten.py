"""Gradients that no formula gives: their numbers are held against the derived ones all the same."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from bpdebug.core.description import Array
from bpdebug.core.parser import Formula
from bpdebug.core.record import replace
from bpdebug.core.tree import Name, walk
from bpdebug.frontends.numpy_script.alike import is_cellwise
from bpdebug.frontends.numpy_script.recording import Recording, Statement


def with_unwritten(recording: Recording) -> Recording:
    """The recording with what parameters are moved by as a value that is read, where no formula gives it: with as many numbers as the
    parameter has, and up to its next version only cell by cell."""
    statements = {one.name: one for one in recording.statements}
    found = {name for new in recording.carried.values() for name in _moving(recording, statements, new)}
    found = {name for name in found if all(name in one for one in (*recording.given, *recording.values))}
    if not found:
        return recording
    taken = {*statements, *recording.given[0]}
    read = {name: next(text for n in range(1, len(taken) + 2) if (text := f"{name}.in{n if n > 1 else ''}") not in taken) for name in found}

    def with_read(one: Mapping[str, Array], given: bool) -> dict[str, Array]:
        kept = {name: value for name, value in one.items() if not (given and name in read)}
        return kept | {read[name]: one[name] for name in read}

    return replace(
        recording,
        statements=tuple(
            replace(one, formula=Formula.of(Name(read[one.name])), reason="") if one.name in read else one for one in recording.statements
        ),
        given=tuple(with_read(one, True) for one in recording.given),
        values=tuple(with_read(one, False) for one in recording.values),
    )


def _moving(recording: Recording, statements: Mapping[str, Statement], new: str) -> list[str]:
    """The values without a formula of which a version is made cell by cell."""
    found, stack, values = dict[str, None](), [new], recording.values[-1]
    while stack:
        one, size = statements.get(stack.pop()), np.size(values.get(new, 0))
        if one is None or size == 1 or np.size(values.get(one.name, 0)) != size:
            continue
        if one.formula is None and one.live and one.opaque and one.name != new:
            found[one.name] = None
        elif one.formula and all(map(is_cellwise, walk(one.formula.tree))):
            stack += [name for name in one.formula.names if name not in recording.start]
    return [*found]


__all__ = ["with_unwritten"]
