"""What formulas give over one set of tensors: in some cells first, which is enough to refute most of them, and as a whole."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, cast

import numpy as np

from bpdebug.core.description import Array
from bpdebug.core.parser import constant_of
from bpdebug.core.program import Program
from bpdebug.core.schedule import Stage
from bpdebug.core.shapes import Shape
from bpdebug.core.tensors import Role
from bpdebug.core.tree import Binary, Call, Index, Name, Number, Operation, Transpose, Tree, operation
from bpdebug.trust.site import AFTER, PREVIOUS

Axis = tuple[int, ...] | None
"""The places along an axis that are wanted; None for all of them."""


class Operands:
    """Tensors as a stage reads them, and as they are at other times.

    Args:
        values: by name.
        after: the parameters after the update.
        previous: the tensors of the update before.
    """

    def __init__(self, values: Mapping[str, Array], after: Mapping[str, Array], previous: Mapping[str, Array]) -> None:
        self.values = values
        self._versions = {AFTER: after, PREVIOUS: previous}
        self._cells: dict[tuple[tuple[str, str], ...], Cells | None] = {(): Cells(values)}

    def cells(self, overrides: Mapping[str, str]) -> Cells | None:
        """The tensors with some as they are in another version; None where that is not known."""
        key = tuple(overrides.items())
        if key not in self._cells:
            try:
                other = {name: self._version(name, version) for name, version in key}
            except KeyError:
                self._cells[key] = None
            else:
                self._cells[key] = Cells({**self.values, **other})
        return self._cells[key]

    def _version(self, name: str, version: str) -> Array:
        if version in self._versions:
            return np.asarray(self._versions[version][name])
        value = np.asarray(self.values[name])  # laid out anew, its transpose has the numbers in the order in which they are
        return value.reshape(value.shape[::-1]).T

    def shape(self, tree: Tree) -> Shape | None:
        """The shape of a formula's value; None where a tensor is not known or does not fit."""
        cells = self._cells[()]
        return None if cells is None else cells.shape(tree)

    def value(self, tree: Tree, overrides: Mapping[str, str] | None = None) -> Array | None:
        """What a formula gives, where its tensors are known and fit."""
        cells = self.cells(overrides or {})
        if cells is None or cells.shape(tree) is None:
            return None
        return np.asarray(cells.value(tree), np.float64)


class Cells:
    """Values of formulas in single cells; what formulas have in common is computed once."""

    def __init__(self, values: Mapping[str, Array]) -> None:
        self._values = {name: np.asarray(value) for name, value in values.items()}
        self._shapes: dict[int, tuple[Tree, Shape | None]] = {}
        self._known: dict[tuple[int, Axis, Axis], tuple[Tree, Any]] = {}

    def shape(self, tree: Tree) -> Shape | None:
        """The shape of a formula's value; None where a tensor is not known or does not fit."""
        found = self._shapes.get(id(tree))
        if found is None:
            found = self._shapes[id(tree)] = tree, self._shape(tree)
        return found[1]

    def _shape(self, tree: Tree) -> Shape | None:
        if isinstance(tree, Name | Number):
            given = self._values.get(tree.name) if isinstance(tree, Name) else None
            return given.shape if given is not None else () if constant_of(tree) is not None else None
        shapes = [self.shape(child) for child in tree.children()]
        if None in shapes:
            return None
        known = cast(list[Shape], shapes)
        match tree:
            case Transpose() | Index():
                return _of_view(tree, known[0])
            case Binary("@"):
                fits = len(known[0]) == len(known[1]) == 2 and known[0][1] == known[1][0]
                return (known[0][0], known[1][1]) if fits else None
            case Call() if tree.reduces:
                return _of_fold(tree, known[0])
        return _together(known)

    def value(self, tree: Tree, rows: Axis = None, columns: Axis = None) -> Any:
        """The value in these rows and columns of a formula that fits; an axis of length 1 stays whole."""
        key = id(tree), rows, columns
        known = self._known.get(key)
        if known is None:
            known = self._known[key] = tree, self._computed(tree, rows, columns)
        return known[1]

    def _computed(self, tree: Tree, rows: Axis, columns: Axis) -> Any:
        match tree:
            case Name() | Number():
                given = self._values.get(tree.name) if isinstance(tree, Name) else None
                return np.float64(constant_of(tree)) if given is None else _cut(given, rows, columns)
            case Transpose(operand) if len(self.shape(operand) or ()) > 1:
                return self.value(operand, columns, rows).T
            case Transpose(operand) | Index(operand):
                return _cut(tree.of(np.asarray(self.value(operand))), rows, columns)
            case Binary("@", left, right):
                return np.dot(_numbers(self.value(left, rows, None)), _numbers(self.value(right, None, columns)))
        row, operands = operation(cast(Operation, tree))
        if not isinstance(tree, Call) or not tree.reduces:
            return row.run(*row.numbers([np.asarray(self.value(operand, rows, columns)) for operand in operands], _numbers))
        wanted = (rows if tree.keepdims else columns, None) if tree.axis == 1 else (None, columns) if tree.axis == 0 else (None, None)
        folded = row.numbers([np.asarray(self.value(operands[0], *wanted))], _numbers)
        return row.run(*folded, axis=tree.axis, keepdims=tree.keepdims)


def _of_view(tree: Transpose | Index, shape: Shape) -> Shape | None:
    try:
        return cast(Shape, tree.of(np.broadcast_to(np.empty(()), shape)).shape)
    except IndexError:
        return None


def _of_fold(tree: Call, shape: Shape) -> Shape | None:
    if tree.axis is None:
        return (1,) * (len(shape) * tree.keepdims)
    if tree.axis >= len(shape):
        return None
    return (*shape[: tree.axis], *(1,) * tree.keepdims, *shape[tree.axis + 1 :])


def _together(shapes: list[Shape]) -> Shape | None:
    """The shape of elementwise operands, where all have the same or NumPy spreads some of them."""
    different = [shape for shape in dict.fromkeys(shapes) if shape]
    if len(different) < 2:
        return different[0] if different else ()
    try:
        return np.broadcast_shapes(*different)
    except ValueError:
        return None


def _numbers(value: Any) -> Any:
    return value.astype(np.float64) if value.dtype.kind in "biu" else value


def _cut(value: Array, rows: Axis, columns: Axis) -> Array:
    """Some rows and columns; what is a list has columns alone."""
    if columns is not None and value.ndim and value.shape[-1] != 1:
        value = value[..., list(columns)]
    if rows is not None and value.ndim > 1 and value.shape[-2] != 1:
        value = value[..., list(rows), :]
    return value


def world(program: Program, stage: Stage, values: Mapping[str, Array], rows: int, seed: int) -> Operands | None:
    """What a stage would read in the second update of a training with other samples and other parameters, so that no coincidence
    of the present numbers is left; None where the program does not run on them.

    Args:
        program, stage: whose operands.
        values: the present ones, of which the constants count, and the likes of which the targets are.
        rows: of the batch.
        seed: of the numbers.
    """
    generator = np.random.default_rng(seed)
    state = {name: np.zeros(shape) for name, shape in program.persistent.items()}
    for name, shape in program.parameters.items():
        state[name] = generator.standard_normal(shape) / np.sqrt(shape[0])
    for name, tensor in program.tensors.items():
        if tensor.role is Role.CONSTANT and name != "t":
            state[name] = np.asarray(values.get(name, program.constants[name]), np.float64)
    try:
        first = _batch(program, values, rows, generator)
        previous = {**state, **first, **program.run(state | first)}
        start = {name: previous[name] for name in program.persistent} | _batch(program, values, rows, generator)
        made = program.run(start)
    except (ValueError, IndexError, KeyError):
        return None
    names = list(program.index)
    known = {**start, **{name: made[name] for name in names[: program.index.get(stage.name, len(names))]}}
    return Operands(known, {name: made.get(name, start[name]) for name in program.parameters}, previous)


def _batch(program: Program, values: Mapping[str, Array], rows: int, generator: np.random.Generator) -> dict[str, Array]:
    x, y = (np.asarray(values.get(name, program.data[name])) for name in (program.input, program.target))
    some, others = (y[generator.integers(0, len(y), rows)] for _ in range(2))
    part = 0.0 if set(np.unique(y)) <= {0.0, 1.0} else generator.random((rows, 1))  # classes stay classes
    return {
        program.input: generator.standard_normal((rows, *x.shape[1:])),
        program.target: part * some + (1 - part) * others,
        "m": np.array(float(rows)),
    }
