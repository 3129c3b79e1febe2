"""Formulas over many copies of a network at once, each copy with one number changed.

A value is what it was (a plain array), or :class:`Copies` of it along a new first axis, or a :class:`Column`: copies that differ
from what it was in one column only, which is how a change of one weight or one bias arrives at its layer. Where nothing mixes the
columns, only that one is computed anew, and a product with the next layer's weights adds its change to what was there.

Steps may be real, or imaginary for the complex step (Squire and Trapp, "Using Complex Variables to Estimate Derivatives of Real
Functions" (1998)); functions with a corner then branch on the real part (Martins, Sturdza and Alonso, "The Complex-Step Derivative
Approximation" (2003), section 4.1).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import cached_property, partial
from typing import Any, cast

import numpy as np

from bpdebug.core.description import Array
from bpdebug.core.evaluate import Evaluator
from bpdebug.core.functions import Function
from bpdebug.core.record import Record
from bpdebug.core.tree import Call, Index, Name, Operation, Transpose, Tree, operation

_ZERO = np.float64(0)


class Copies(Record, eq=False):
    """``values`` is (copies, …), what comes after the first axis being the tensor's own shape."""

    values: Array

    def dense(self) -> Array:
        """The copies themselves."""
        return self.values


class Column(Record, eq=False):
    """Copies of ``base`` in which column ``place`` is ``values`` (copies, rows, 1).

    Attributes:
        moved: where one cell of the column is changed in each copy: its rows, and by how much; ``values`` is None then.
    """

    base: Array
    place: int
    values: Array | None
    moved: tuple[Array, Array] | None = None

    @cached_property
    def column(self) -> Array:
        """(copies, rows, 1)."""
        if self.moved is None:
            return np.asarray(self.values)
        rows, steps = self.moved
        column = np.repeat(self.base[None, :, self.place : self.place + 1], len(rows), 0).astype(steps.dtype)
        column[np.arange(len(rows)), rows, 0] += steps
        return column

    @cached_property
    def change(self) -> Array:
        """What the column has more than the base's, (copies, rows, 1)."""
        return np.asarray(self.column - self.base[:, self.place : self.place + 1])

    def dense(self) -> Array:
        """The copies in full, (copies, rows, columns)."""
        whole = np.repeat(self.base[None], len(self.column), 0).astype(self.column.dtype)
        whole[:, :, self.place] = self.column[:, :, 0]
        return whole


Changed = Copies | Column
Known = Array | Changed


class Perturbed:
    """Values of trees over copies.

    Args:
        base: every tensor as it was.
        known: the tensors that have changed.
        halves: whether the second half of the copies has the opposite steps of the first.

    Attributes:
        corners: for each copy (of the first half), whether a corner of the formulas lies within its step.
    """

    def __init__(self, base: Mapping[str, Array], known: Mapping[str, Changed], copies: int, halves: bool, evaluator: Evaluator) -> None:
        self.base, self.known, self.halves = base, dict(known), halves
        self.corners = np.zeros(copies // 2 if halves else copies, bool)
        self._evaluator = evaluator
        self._made: dict[int, tuple[Tree, Known]] = {}

    def value(self, tree: Tree) -> Known:
        """A node's value."""
        if isinstance(tree, Name) and tree.name in self.known:
            return self.known[tree.name]
        if id(tree) not in self._made:
            parts = [self.value(child) for child in tree.children()]
            changed = any(isinstance(part, Copies | Column) for part in parts)
            self._made[id(tree)] = (tree, self._of(tree, parts) if changed else np.asarray(self._evaluator.value(tree)))
        return self._made[id(tree)][1]

    def _of(self, tree: Tree, parts: list[Known]) -> Changed:
        if isinstance(tree, Transpose):
            dense = _dense(parts[0])
            return Copies(np.swapaxes(dense, -1, -2) if dense.ndim > 2 else dense)
        if isinstance(tree, Index):
            return Copies(_dense(parts[0])[(slice(None), *tree.key())])
        row, operands = operation(cast(Operation, tree))
        parts = [part if place in row.truths else _number(part) for place, part in enumerate(parts[: len(operands)])]
        if isinstance(tree, Call) and row.reduces:
            return self._reduction(tree, row, parts[0])
        if row.name == "@":
            return self._product(tree, *parts)
        return self._elementwise(tree, partial(self._branching, row.branch) if row.branch else row.run, parts)

    def _elementwise(self, tree: Tree, run: Any, parts: list[Known]) -> Changed:
        column = next((part for part in parts if isinstance(part, Column)), None)
        if column:
            narrow = [_narrowed(part, column) for part in parts]
            if all(part is not None for part in narrow):
                return Column(np.asarray(self._evaluator.value(tree)), column.place, run(*narrow))
        arrays, copied = [_dense(part) for part in parts], [isinstance(part, Copies | Column) for part in parts]
        axes = max(array.ndim - copy for array, copy in zip(arrays, copied, strict=True))
        for place, array in enumerate(arrays):  # the copies first and the tensor's own axes last, as broadcasting needs it
            if copied[place]:
                arrays[place] = array.reshape(len(array), *(1,) * (axes + 1 - array.ndim), *array.shape[1:])
        return Copies(run(*arrays))

    def _product(self, tree: Tree, left: Known, right: Known) -> Changed:
        if isinstance(right, Column) and isinstance(left, np.ndarray):
            result = np.asarray(self._evaluator.value(tree))
            if right.moved is not None:
                rows, steps = right.moved
                moved = left.T[rows][:, :, None] * steps[:, None, None]
            else:
                moved = np.matmul(left, right.change)
            return Column(result, right.place, result[:, right.place : right.place + 1] + moved)
        if isinstance(left, Column) and isinstance(right, np.ndarray) and right.ndim == 2:
            base = np.asarray(self._evaluator.value(tree))
            moved = left.change * right[left.place]
            moved += base
            return Copies(moved)
        left, right = _dense(left), _dense(right)
        if right.ndim == 2 and left.ndim == 3:
            return Copies((left.reshape(-1, left.shape[2]) @ right).reshape(*left.shape[:2], -1))
        return Copies(np.matmul(left, right))

    def _reduction(self, tree: Call, function: Function, part: Known) -> Changed:
        if isinstance(part, Column) and tree.axis == 0 and tree.keepdims and tree.function in ("sum", "mean"):
            return Column(np.asarray(self._evaluator.value(tree)), part.place, function.run(part.column, axis=1, keepdims=True))
        array = _dense(part)
        if tree.function in ("max", "min", "argmax"):
            return Copies(self._extreme(tree, array))
        axes = tuple(range(1, array.ndim)) if tree.axis is None else tree.axis + 1
        return Copies(function.run(array, axis=axes, keepdims=tree.keepdims))

    def _extreme(self, tree: Call, array: Array) -> Array:
        """The largest or smallest, by the real part; a change of place is a corner."""
        flat, axis = (array.reshape(len(array), -1), 1) if tree.axis is None else (array, tree.axis + 1)
        place = np.expand_dims((np.argmin if tree.function == "min" else np.argmax)(flat.real, axis=axis), axis)
        found = np.take_along_axis(flat, place, axis)
        self._branch(place)
        if np.iscomplexobj(flat):
            self._tie((flat.real == found.real) & (flat.imag != found.imag))
        found = place if tree.function == "argmax" else found
        if not tree.keepdims:
            return np.squeeze(found, axis)
        return found.reshape(len(array), *(1 if tree.axis in (None, n) else length for n, length in enumerate(array.shape[1:])))

    def _branch(self, chosen: Array) -> None:
        """A choice that differs between a step and its opposite lies at a corner."""
        if self.halves and len(chosen) == 2 * len(self.corners):
            half = len(self.corners)
            differ = chosen[:half] != chosen[half:]
            self.corners |= differ.reshape(half, -1).any(axis=1)

    def _tie(self, tied: Array) -> None:
        """Under an imaginary step, two equal numbers with different steps lie at a corner."""
        if len(tied) == len(self.corners):
            self.corners |= tied.reshape(len(tied), -1).any(axis=1)

    def _branching(self, branch: Callable[[Any, Any, Any], Any], a: Any, b: Any = _ZERO) -> Array:
        """A function that chooses by whether a is less than b, which is told by the real part; corners are noted."""
        if self.halves:
            self._branch(np.asarray(np.sign(a - b)))
        elif np.iscomplexobj(a) or np.iscomplexobj(b):
            self._tie((np.real(a) == np.real(b)) & (np.imag(a) != np.imag(b)))
        return np.asarray(branch(np.asarray(np.less(np.real(a), np.real(b))), a, b))


def _dense(part: Known) -> Array:
    return part.dense() if isinstance(part, Copies | Column) else part


def _narrowed(part: Known, column: Column) -> Array | None:
    """An operand in the column's place; None where it cannot be narrowed to that."""
    place, width = column.place, column.base.shape[1]
    if isinstance(part, Column):
        return part.column if part.place == place and part.base.shape[1] == width else None
    if isinstance(part, Copies) or part.ndim not in (0, 2) or (part.ndim and part.shape[1] not in (1, width)):
        return None
    return part[:, place : place + 1] if part.ndim and part.shape[1] > 1 else part


def _number(part: Known) -> Known:
    array = part if isinstance(part, np.ndarray) else part.values if isinstance(part, Copies) else part.base
    if array.dtype.kind not in "biu":
        return part
    if isinstance(part, Column):
        return Column(part.base.astype(np.float64), part.place, part.column.astype(np.float64))
    return Copies(array.astype(np.float64)) if isinstance(part, Copies) else array.astype(np.float64)
