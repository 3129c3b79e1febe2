"""The small numbers that keep something in the forward pass from 0, which people leave out on the way back."""

from __future__ import annotations

import math
from collections.abc import Mapping

import numpy as np

from bpdebug.core.description import Array
from bpdebug.core.evaluate import assigned
from bpdebug.core.parser import Formula
from bpdebug.core.program import Program
from bpdebug.core.tree import Binary, Call, Name, Number, Tree
from bpdebug.frontends.numpy_script.multiples import told_apart

_SMALL, _BLUR = 1e-4, 1e-3
"""What is added to a logarithm so that it stays finite, at most; how far that may bring a gradient off, where it cannot be left out."""


def _bare(program: Program, start: Mapping[str, Array]) -> dict[str, Array]:
    """The gradients without such numbers; nothing where there are none.

    Args:
        program, start: what is derived, and the values that it starts from.
    """
    small = {name for name, value in program.constants.items() if 0 < abs(value) <= _SMALL}

    def without(tree: Tree, added: bool = False) -> Tree:
        if added and ((isinstance(tree, Number) and 0 < abs(tree.value) <= _SMALL) or (isinstance(tree, Name) and tree.name in small)):
            return Number(0)
        adds = isinstance(tree, Call) or (isinstance(tree, Binary) and tree.operator in ("+", "-"))
        return tree.rebuilt(lambda child: without(child, adds))

    known, changed = {**start}, False
    with np.errstate(all="ignore"):
        for stage in program.stages:
            tree = without(stage.formula.tree)
            changed |= tree is not stage.formula.tree
            formula = Formula.of(tree) if tree is not stage.formula.tree else stage.formula
            known[stage.name] = assigned(formula, known, program.kind(stage.name))
    return {tensor: known[name] for tensor, name in program.gradients.items() if name in known} if changed else {}


def blurs(program: Program, start: Mapping[str, Array], gradients: Mapping[str, Array]) -> dict[str, float]:
    """How far they bring the gradients off, by the tensor and relative to its largest; nothing where there are none.

    Args:
        program, start: see ``_bare``.
        gradients: what comes of that.
    """
    if not (found := _bare(program, start)):
        return {}
    off = {tensor: _off(gradients[tensor], found[tensor]) for tensor in told_apart(gradients)}
    return dict.fromkeys(gradients, 0.0) | {tensor: min(_BLUR, 2 * one) if math.isfinite(one) else _BLUR for tensor, one in off.items()}


def nearly(program: Program, start: Mapping[str, Array], gradients: Mapping[str, Array]) -> dict[str, Array]:
    """The gradients without such numbers, where they are nearly the same; see ``blurs``."""
    found = _bare(program, start)
    close = found and all(2 * _off(gradients[tensor], found[tensor]) <= _BLUR for tensor in told_apart(gradients))
    return {tensor: found[tensor] for tensor in gradients} if close else {}


@np.errstate(all="ignore")
def _off(one: Array, other: Array) -> float:
    return float(np.abs(one - other).max(initial=0) / (np.abs(one).max(initial=0) or 1.0))


__all__ = ["blurs", "nearly"]
