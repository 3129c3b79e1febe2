"""A formula's value, node by node, with fresh arrays: for print, conditions and explanations.

The stages of an update run through :mod:`bpdebug.core.compiler`, which applies the same NumPy functions in the same order
to buffers; a property test holds the two bit-identical.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import numpy.typing as npt

from bpdebug.core.functions import Function
from bpdebug.core.parser import Formula, constant_of
from bpdebug.core.tensors import Array
from bpdebug.core.tree import Call, Name, Operation, Tree, View, operation


def evaluate(formula: Formula, values: Mapping[str, Array], dtype: npt.DTypeLike = np.float64) -> Array:
    """The formula's value; NaN and inf are values like any other and raise nothing.

    Args:
        formula: with shapes already checked (:func:`bpdebug.core.shapes.infer`).
        values: every tensor that it reads.
        dtype: the precision of its literals.
    """
    with np.errstate(all="ignore"):
        return np.asarray(Evaluator(values, dtype).value(formula.tree))


def assigned(formula: Formula, values: Mapping[str, Array], dtype: npt.DTypeLike = np.float64) -> Array:
    """What the stage of that formula computes: numbers, also where the formula gives truth values or counts."""
    return np.asarray(evaluate(formula, values, dtype), dtype)


class Evaluator:
    """Values of trees over one set of tensors; each node is computed once."""

    def __init__(self, values: Mapping[str, Array], dtype: npt.DTypeLike = np.float64) -> None:
        self.values, self.dtype = values, np.dtype(dtype)
        self._known: dict[int, tuple[Tree, Any]] = {}

    def value(self, tree: Tree) -> Any:
        """The node's value, an array or a NumPy scalar."""
        known = self._known.get(id(tree))
        if known is None:
            known = self._known[id(tree)] = tree, self._computed(tree)
        return known[1]

    def _computed(self, tree: Tree) -> Any:
        if not isinstance(tree, Operation):
            if isinstance(tree, View):
                return tree.of(self.value(tree.operand))
            given = self.values.get(tree.name) if isinstance(tree, Name) else None
            return np.array(constant_of(tree), dtype=self.dtype) if given is None else given
        row, operands = operation(tree)
        return self._applied(tree, row, row.numbers([self.value(operand) for operand in operands], self._number))

    def _applied(self, tree: Tree, row: Function, values: list[Any]) -> Any:
        """What a node makes of its operands' values."""
        if row.ufunc:
            return row.run(*values, order="C")
        if isinstance(tree, Call) and row.reduces:
            return row.run(*values, axis=tree.axis, keepdims=tree.keepdims)
        return np.asarray(row.run(*values), order="C")

    def _number(self, value: Any) -> Any:
        """A truth value or a count as a number of the formula's precision."""
        return value.astype(self.dtype, order="C") if value.dtype.kind in "biu" else value
