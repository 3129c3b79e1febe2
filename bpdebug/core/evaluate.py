"""A formula's value, node by node, with fresh arrays: for print, conditions and explanations.

The stages of an update run through :mod:`bpdebug.core.compiler`, which applies the same NumPy functions in the same order
to buffers; a property test holds the two bit-identical.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypeGuard, cast

import numpy as np
import numpy.typing as npt

from bpdebug.core.errors import FormulaError
from bpdebug.core.expansion import constant_of, expanded
from bpdebug.core.function import Function
from bpdebug.core.functions import FUNCTIONS, OPERATORS
from bpdebug.core.parser import Formula
from bpdebug.core.tensors import Array, Values
from bpdebug.core.tree import Binary, Call, Index, Item, Key, Length, Listing, Name, Operation, Text, Transpose, Tree, View, operation


def evaluate(formula: Formula, values: Values, dtype: npt.DTypeLike = np.float64, quickly: bool = False) -> Array:
    """The formula's value; NaN and inf are values like any other and raise nothing.

    Args:
        formula: with shapes already checked (:func:`bpdebug.core.shapes.infer`).
        values: every tensor that it reads.
        dtype: the precision of its literals.
        quickly: whether last bits do not count: then ``einsum`` adds up in another order, which takes a twentieth of the time.

    Raises:
        FormulaError: for a place that a tensor does not have, and lengths that only the run knows and that do not fit.
    """
    try:
        with np.errstate(all="ignore"):
            evaluator = Evaluator(values, dtype)
            evaluator.quickly = quickly
            return np.asarray(evaluator.value(formula.tree))
    except (IndexError, ValueError) as error:
        raise FormulaError(f"{formula.text} cannot be computed: {error}") from None


def assigned(formula: Formula, values: Values, dtype: npt.DTypeLike = np.float64, quickly: bool = False) -> Array:
    """What the stage of that formula computes, in its tensor's kind of number, also where the formula gives truth values or counts."""
    return np.asarray(evaluate(formula, values, dtype if np.dtype(dtype).kind in "fc" else np.float64, quickly), dtype)


class Evaluator:
    """Values of trees over one set of tensors; each node is computed once; ``quickly`` as in :func:`evaluate`."""

    quickly = False

    def __init__(self, values: Values, dtype: npt.DTypeLike = np.float64) -> None:
        self.values, self.dtype = values, np.dtype(dtype)
        self._known: dict[int, tuple[Tree, Any]] = {}

    def value(self, tree: Tree) -> Any:
        """The node's value, an array or a NumPy scalar."""
        known = self._known.get(id(tree))
        if known is None:
            known = self._known[id(tree)] = tree, self._computed(tree)
        return known[1]

    def _computed(self, tree: Tree) -> Any:
        if isinstance(tree, Name) and tree.name in self.values:
            return self.values[tree.name]
        constant = constant_of(tree)
        if constant is not None:
            return np.array(constant, dtype=None if isinstance(constant, int) else self.dtype)
        if isinstance(tree, View):
            return viewed(tree, self.value(tree.operand), self.argument)
        if isinstance(tree, Length):
            return np.array(length(np.shape(self.value(tree.operand)), tree.axis))
        if isinstance(tree, Call) and FUNCTIONS[tree.function].formula:
            return self.value(expanded(tree))
        row, operands = operation(cast(Operation, tree))
        return self._applied(tree, row, row.numbers(list(map(self.argument, operands)), self._number))

    def argument(self, tree: Tree) -> Any:
        """What a function takes for an argument: beside a value a text, a list, a subscript."""
        if isinstance(tree, Text):
            return tree.text
        if isinstance(tree, Listing):
            return list(map(self.argument, tree.items))
        if isinstance(tree, Key):
            return key_of(tree.items, self.argument)
        if isinstance(tree, Length) and tree.axis is ...:
            return np.shape(self.value(tree.operand))
        return self.value(tree)

    def _applied(self, tree: Tree, row: Function, values: list[Any]) -> Any:
        """What a node makes of its operands' values."""
        if single_power(tree, self.values) and not any(map(np.ndim, values)):
            base, exponent = POWER.numbers([*values, self.value(tree.right)][:2], self._number)
            return base[()] ** exponent[()]
        how = {"optimize": True} if self.quickly and row.name == "einsum" else options(tree) if isinstance(tree, Call) else {}
        return row.run(*statics(row, values), **how)

    def _number(self, value: Any) -> Any:
        """A truth value or a count as a number of the formula's precision."""
        return value.astype(self.dtype) if value.dtype.kind in "biu" else value


POWER = OPERATORS["**", 2]


def single_power(tree: Tree, values: Mapping[str, Any]) -> TypeGuard[Binary]:
    """Whether a node is a power that Python computes of two single numbers, not of arrays of rank 0, if their shapes are (): it is the
    C library's then, in place of NumPy's, which has another last bit here and there."""
    power = isinstance(tree, Binary) and tree.operator == "**"
    return power and all(_is_number(side, values) for side in (tree.left, tree.right))  # type: ignore[attr-defined]


def _is_number(tree: Tree, values: Mapping[str, Any]) -> bool:
    """Whether Python has a number, no array, for a node of shape (), as it does for what is computed."""
    match tree:
        case Name(name) if name in values:
            return not isinstance(values[name], np.ndarray)
        case Transpose(operand):
            return _is_number(operand, values)
        case Index(_, items):
            return ... not in items
        case Call(function):
            row = FUNCTIONS[function]
            own = row.reduces or function in ("take", "einsum") or (row.cellwise and function != "where")
            return _is_number(expanded(tree), values) if row.formula else own
    return True


def statics(row: Function, values: Sequence[Any]) -> list[Any]:
    """A row's arguments, those that have to be known before anything runs as Python's whole numbers."""
    return [whole_of(value) if row.static_at(place) else value for place, value in enumerate(values)]


def whole_of(value: Any) -> Any:
    """A number, or a list of such, as Python's whole numbers; a text as it is."""
    if isinstance(value, list | tuple):
        return tuple(map(whole_of, value))
    return value if isinstance(value, str) or float(value) != int(value) else int(value)


def options(call: Call) -> dict[str, Any]:
    """The keywords with which a call's function is run."""
    row = FUNCTIONS[call.function]
    return ({"axis": call.axis} if row.axes else {}) | ({"keepdims": call.keepdims} if row.reduces else {})


def key_of(items: Sequence[Item], value: Callable[[Tree], Any]) -> tuple[Any, ...]:
    """A subscript as NumPy takes it; what ``value`` gives for a place or a bound is made a whole number, arrays of numbers too."""
    return tuple(_part(item, value) for item in items)


def _part(item: Item, value: Callable[[Tree], Any]) -> Any:
    if isinstance(item, tuple):
        return slice(*(int(value(bound)) if isinstance(bound, Tree) else bound for bound in item))
    if not isinstance(item, Tree):
        return item
    found = np.asarray(value(item))
    return found if found.dtype.kind in "biu" else found.astype(np.intp)


def viewed(tree: Transpose | Index, operand: Any, value: Callable[[Tree], Any]) -> Any:
    """What a subscript or ``.T`` makes of its operand's value: no copy but where it asks for arrays of places."""
    if isinstance(tree, Transpose):
        return operand.T
    key = key_of(tree.items, value)
    return operand[key] if tree.arrays or ... in tree.items else operand[(*key, ...)]


def length(shape: Sequence[Any], axis: Any) -> Any:
    """The length of an axis; of all together without one; for ``...`` each."""
    return math.prod(shape) if axis is None else tuple(shape) if axis is ... else shape[axis]
