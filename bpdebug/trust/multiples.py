"""By what all numbers of a tensor are too large, and what that is."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import combinations

import numpy as np

from bpdebug.core.numbers import short
from bpdebug.core.parser import parse
from bpdebug.core.tree import ONE, Binary, Number, Tree, Unary, walk
from bpdebug.trust.case import Evidence
from bpdebug.trust.site import M

_NAMED = 1e-9
"""How near a factor has to come to a number with a name, relatively, to be it."""


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
    return next((("minus " if factor < 0 else "") + text for text, value in _constants(case) if _is(abs(factor), value)), "")


def scale_of(case: Evidence, factor: float) -> tuple[str, Tree, str] | None:
    """The kind of mistake that a factor by itself is, the factor as a formula, and what it is; None where people make no such mistake."""
    asked, k, size = case.site.program.network.asked, float(case.site.outputs), abs(factor)
    rows = (
        ("sign", ONE, 1.0, ""),
        ("sum_for_mean" if asked.samples == "mean" else "stray_factor", M, float(case.samples), "it is multiplied by m"),
        ("m_twice" if asked.samples == "mean" else "mean_for_sum", Binary("/", ONE, M), 1 / case.samples, "it is divided by m"),
        ("outputs_factor", Number(k), k, f"it is multiplied by the number of outputs, {k:g}"),
        ("outputs_factor", Binary("/", ONE, Number(k)), 1 / k, f"it is divided by the number of outputs, {k:g}"),
        ("stray_factor", Number(2.0), 2.0, "it is twice as much"),
        ("stray_factor", Number(0.5), 0.5, "it is half as much"),
    )
    for kind, tree, value, says in rows:
        if _is(size, value):
            if factor > 0:
                return None if value == 1.0 else (kind, tree, says)
            turned = "every sign is turned round" + f", and {says}" * bool(says)
            return kind, Unary("-", tree) if tree != ONE else Unary("-", ONE), turned
    return None


def _is(size: float, value: float) -> bool:
    return abs(size - value) <= _NAMED * value


def _constants(case: Evidence) -> Iterator[tuple[str, float]]:
    """Numbers with a name, the simpler ones first; a formula of them is one, too."""
    program, k = case.site.program, str(case.site.outputs)
    names = [name for name in program.constants if name != "t"]
    texts = ["m", "m**2", k, f"{k} * m", *names, *(f"{name} * m" for name in names)]
    above = [(text, parse(text).tree) for text in texts]
    more = [f"{one}{name}" for name in names for one in ("1 - ", "1 + ")]
    more += [f"1 - {one} * {other}" for one, other in combinations(names, 2)]
    more += [f"1 - {name}**t" for name in names] + [f"sqrt(1 - {name}**t)" for name in names] + ["m - 1", "(m - 1) / m"]
    for text, tree in [*above, *((text, parse(text).tree) for text in more)]:
        value = case.value(tree)
        if value is None or not 0 < float(value) < np.inf or float(value) == 1.0:
            continue
        shown = text.replace(k, "the number of outputs") if text in (k, f"{k} * m") else text
        yield shown, float(value)
        yield f"1/{shown}" if shown.replace("_", "").isalnum() or shown == "m**2" else f"1 / ({shown})", 1 / float(value)
    for stage in program.stages:
        if stage.edited and not stage.of:
            for node in walk(stage.formula.tree):
                if isinstance(node, Number) and node.value not in (0.0, 1.0):
                    yield f"the {node.value:g} of your formula of {stage.name}", node.value
                    yield f"1/{node.value:g}, the {node.value:g} of your formula of {stage.name}", 1 / node.value
