"""A formula's value, node by node, with fresh arrays: for print, conditions and explanations.

The stages of an update run through :mod:`bpdebug.core.compiler`, which applies the same NumPy functions in the same order
to buffers; a property test holds the two bit-identical.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import numpy.typing as npt

from bpdebug.core.functions import ARITHMETIC, ELEMENTWISE, FUNCTIONS, power_of
from bpdebug.core.parser import Formula, constant_of
from bpdebug.core.tensors import Array
from bpdebug.core.tree import Binary, Call, Index, Name, Number, Transpose, Tree, Unary


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
        if id(tree) not in self._known:
            self._known[id(tree)] = (tree, getattr(self, f"_{type(tree).__name__.lower()}")(tree))
        return self._known[id(tree)][1]

    def _number(self, tree: Number) -> Any:
        return np.array(tree.value, dtype=self.dtype)

    def _name(self, tree: Name) -> Any:
        constant = None if tree.name in self.values else constant_of(tree)
        return self.values[tree.name] if constant is None else np.array(constant, dtype=self.dtype)

    def _unary(self, tree: Unary) -> Any:
        operand = self.value(tree.operand)
        if tree.operator == "not":
            return np.logical_not(operand)
        return np.negative(self._number_of(operand), order="C")

    def _number_of(self, value: Any) -> Any:
        """A truth value or a count as a number of the formula's precision."""
        return value.astype(self.dtype, order="C") if value.dtype.kind in "biu" else value

    def _binary(self, tree: Binary) -> Any:
        left = self.value(tree.left)
        if tree.operator == "**" and isinstance(tree.right, Number) and (cheaper := power_of(tree.right.value)):
            return cheaper(self._number_of(left), order="C")
        right = self.value(tree.right)
        if tree.operator == "@":
            return np.dot(self._number_of(left), self._number_of(right))
        if tree.operator in ARITHMETIC:
            left, right = self._number_of(left), self._number_of(right)
        return ELEMENTWISE[tree.operator](left, right, order="C")

    def _transpose(self, tree: Transpose) -> Any:
        return np.transpose(self.value(tree.operand))

    def _call(self, tree: Call) -> Any:
        function = FUNCTIONS[tree.function]
        arguments = [self.value(argument) for argument in tree.arguments]
        if function.result == "float":
            arguments = [value if place in function.truths else self._number_of(value) for place, value in enumerate(arguments)]
        if not function.reduces:
            return np.asarray(function.run(*arguments), order="C")
        return function.run(arguments[0], axis=tree.axis, keepdims=tree.keepdims)

    def _index(self, tree: Index) -> Any:
        return self.value(tree.operand)[tree.key()]
