"""What formulas give over one set of tensors: in some cells first, which is enough to refute most of them, and as a whole."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from bpdebug.core.description import Array
from bpdebug.core.errors import FormulaError
from bpdebug.core.evaluate import Evaluator
from bpdebug.core.program import Program
from bpdebug.core.schedule import Stage
from bpdebug.core.shapes import Inference, Shape
from bpdebug.core.structure import Form, Forms
from bpdebug.core.tree import Call, Length, Name, Operation, Transpose, Tree, operation
from bpdebug.trust.site import AFTER, PREVIOUS, SHIFTED

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
        self._cells: dict[tuple[tuple[str, str], ...], Cells] = {}

    def cells(self, tree: Tree, overrides: Mapping[str, str] | None = None) -> Cells | None:
        """The tensors with some as they are in another version; None where that is not known, or where a formula does not fit them."""
        key = tuple((overrides or {}).items())
        if key not in self._cells:
            known = all(name in self._versions.get(version, self.values) for name, version in key)
            if not known:
                return None
            self._cells[key] = Cells({**self.values, **{name: self._version(name, version) for name, version in key}})
        cells = self._cells[key]
        return None if cells.shape(tree) is None else cells

    def _version(self, name: str, version: str) -> Array:
        if version in self._versions:
            return np.asarray(self._versions[version][name])
        value = np.asarray(self.values[name])
        match version:
            case "turned":
                return value[..., ::-1, ::-1]
            case "shifted" | "lagging":
                return np.roll(value, 1 if version == SHIFTED else -1, axis=0)
        return value.reshape(value.shape[::-1]).T  # laid out anew, its transpose has the numbers in the order in which they are

    def value(self, tree: Tree, overrides: Mapping[str, str] | None = None) -> Array | None:
        """What a formula gives, where its tensors are known and fit."""
        cells = self.cells(tree, overrides)
        try:
            return None if cells is None else np.asarray(cells.value(tree), np.float64)
        except (IndexError, ValueError):  # a place that is not there, which only the run can tell
            return None


class _Shapes(Inference):
    """Shapes of formulas in which everything may be paired with everything; of what formulas have in common they are inferred once."""

    def __init__(self, shapes: Mapping[str, Shape]) -> None:
        super().__init__("", shapes)

    def of_name(self, tree: Name) -> Form:
        if tree.name not in self.shapes:
            raise FormulaError("not known")
        return super().of_name(tree)

    def together(self, tree: Tree, operands: Sequence[Tree], shapes: Sequence[Shape]) -> Shape:
        try:
            return np.broadcast_shapes(*shapes)
        except ValueError:
            raise FormulaError("it does not fit") from None


class Cells(Evaluator):
    """Values of formulas, as a whole or in single cells; what formulas have in common is computed once."""

    def __init__(self, values: Mapping[str, Array]) -> None:
        super().__init__({name: np.asarray(value) for name, value in values.items()})
        self._shapes = _Shapes(Forms(self.values))
        self._parts: dict[tuple[int, Axis, Axis], tuple[Tree, Any]] = {}

    def shape(self, tree: Tree) -> Shape | None:
        """The shape of a formula's value; None where a tensor is not known or does not fit."""
        try:
            return self._shapes.shape(tree)
        except FormulaError:
            return None

    def part(self, tree: Tree, rows: Axis, columns: Axis) -> Any:
        """The value in these rows and columns of a formula that fits; an axis of length 1 stays whole."""
        key = id(tree), rows, columns
        if key not in self._parts:
            self._parts[key] = tree, self._part(tree, rows, columns)
        return self._parts[key][1]

    def _part(self, tree: Tree, rows: Axis, columns: Axis) -> Any:
        if isinstance(tree, Transpose) and len(self._shapes.shape(tree)) > 1:
            return self.part(tree.operand, columns, rows).T
        if (
            isinstance(tree, Operation)
            and not isinstance(tree, Length)
            and not (isinstance(tree, Call) and not operation(tree)[0].cellwise)
        ):
            row, operands = operation(tree)
            wanted = [(rows, None), (None, columns)] if row.name == "@" else [(rows, columns)] * len(operands)
            parts = [self.part(operand, *axes) for operand, axes in zip(operands, wanted, strict=True)]
            return self._applied(tree, row, row.numbers(parts, self._number))
        value = self.value(tree)
        if columns is not None and value.ndim and value.shape[-1] != 1:  # what is a list has columns alone
            value = value[..., list(columns)]
        if rows is not None and value.ndim > 1 and value.shape[-2] != 1:
            value = value[..., list(rows), :]
        return value


def world(program: Program, stage: Stage, values: Mapping[str, Array], rows: int, seed: int) -> Operands | None:
    """What a stage would read in the second update of a training with other samples, parameters and constants, so that no coincidence
    of the present numbers is left; None where the program does not run on them.

    Args:
        program, stage: whose operands.
        values: the present ones, the likes of which the targets are, and a little below which the constants.
        rows: of the batch.
        seed: of the numbers; every second one has large weights, so that not all samples are on one side of a corner.
    """
    generator, wide = np.random.default_rng(seed), 1 + 3 * (seed % 2)
    state = {name: np.zeros(shape) for name, shape in program.persistent.items()}
    rows = rows if program.network.generic else program.batches.largest
    for name, shape in program.parameters.items():
        state[name] = (wide if len(shape) > 1 and shape[0] > 1 else 1) * generator.standard_normal(shape) / np.sqrt((*shape, 1)[0])
    for name, number in program.constants.items():
        state |= {name: generator.uniform(0.6, 0.95) * np.asarray(values.get(name, number), np.float64)} if name != "t" else {}
    try:
        state |= _batch(program, values, rows, generator)
        previous = state | program.run(state)
        start = {name: previous[name] for name in program.persistent} | _batch(program, values, rows, generator)
        made = program.run(start)
    except (FormulaError, ValueError, IndexError, KeyError):
        return None
    after = {name: made.get(name, start[name]) for name in program.parameters}
    before = list(program.index)[: program.index.get(stage.name)]
    return Operands(start | {name: made[name] for name in before}, after, previous)


def _batch(program: Program, values: Mapping[str, Array], rows: int, generator: np.random.Generator) -> dict[str, Array]:
    made: dict[str, Array] = {"m": np.array(float(rows)), **program.fixed}
    shapes = program.shapes(rows) if program.draws else {}
    made |= {name: draw.values(int(generator.integers(2**31)), 0, shapes[name], values) for name, draw in program.draws.items()}
    made |= {name: np.asarray(values[name]) for name in program.data if name not in program.samples}
    for name, data in program.samples.items():
        given = np.asarray(values.get(name, data))
        some, others = (given[generator.integers(0, len(given), rows)] for _ in range(2))
        part = generator.random((rows, *(1,) * (given.ndim - 1)))
        classes = given.dtype.kind in "biu" or (name == program.target and set(np.unique(given)) <= {0.0, 1.0})  # stay classes
        mixed = generator.standard_normal(some.shape) if name == program.input else part * some + (1 - part) * others
        made[name] = others if classes else mixed
    return made
