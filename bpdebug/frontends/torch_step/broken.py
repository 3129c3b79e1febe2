"""What is not finite in a recorded step: which of it matters, and where it begins."""

from __future__ import annotations

from collections.abc import Collection, Sequence

import numpy as np

from bpdebug.core.description import Array, Scenario
from bpdebug.core.layers import make_program
from bpdebug.core.program import Program
from bpdebug.core.tree import Name, walk
from bpdebug.frontends.torch_step.reading import Step
from bpdebug.frontends.torch_step.statements import Statement

_LASTING = ("parameter", "buffer", "slot")


def harmless_of(statements: Sequence[Statement], step: Step, infinite: Collection[int], nan: Collection[int]) -> set[int]:
    """The places of values in which nothing that is not finite matters: the −inf of a mask; and what goes no further, neither to the loss
    nor to a gradient of a parameter, nor to what is there after the step. (torch's way back through a norm of zeros divides 0 by 0, and
    puts zeros in the place of that.)

    Args:
        statements: of the step.
        step: the recording.
        infinite, nan: the places of values that have such numbers; of those with both, only ``nan`` has them.
    """
    made, broken = {one.place for one in statements}, {*infinite, *nan}
    meant = {place for place in infinite if place not in made}
    for one in statements:
        if one.place in infinite and (not meant.isdisjoint(one.reads) or _says_inf(one)):
            meant.add(one.place)
    lasting = {value.name for value in step.values if value.kind in _LASTING}
    matters = {*step.roots} | {gradient for place, gradient in step.gradients.items() if step.values[place].kind == "parameter"}
    matters |= {place for place, value in enumerate(step.values) if value.name.partition("'")[0] in lasting}
    matters |= set() if step.roots else made - {place for one in statements for place in one.reads}
    matters &= broken
    for one in reversed(statements):
        matters.update(broken.intersection(one.reads) if one.place in matters else ())
    return meant | (broken - matters)


def _says_inf(one: Statement) -> bool:
    return any(isinstance(node, Name) and node.name == "inf" for node in walk(one.formula.tree))


def first_broken(scenario: Scenario) -> str:
    """The tensor, its cell, its formula and its line; "" where everything is finite, or what is not does not matter."""
    program: Program = scenario.ready() if scenario.ready else make_program(scenario)
    given = {**program.fixed, **program.initial}
    for stage in (one for one in program.stages if one.name in program.recorded):
        values = program.recorded[stage.name].value
        bad = stage.broken(values)
        if bad.any():
            for name in stage.formula.names:
                if name in given and not name.endswith(".torch") and np.isnan(given[name]).any():
                    return f"not finite: {_cell(name, given[name], np.isnan(given[name]))}, which the step is given"
            shown = stage.meaning if stage.formula.text.endswith(".torch") else f"{stage.name} = {stage.formula.text}"
            return f"not finite: {_cell(stage.name, values, bad)}, {stage.line}: {shown} ({int(bad.sum())} of {bad.size} numbers)"
    return ""


def _cell(name: str, values: Array, bad: Array) -> str:
    place = tuple(int(n) for n in np.argwhere(bad)[0])
    where = f"[{','.join(map(str, place))}]" if place else ""
    return f"{name}{where} = {values[place]}"


__all__ = ["first_broken", "harmless_of"]
