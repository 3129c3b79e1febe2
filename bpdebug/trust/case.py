"""A wrong array beside the right one, with all that a mistake may have been made of.

What formulas give over one set of tensors is seen in some cells first, which is enough to refute most of them, and as a whole."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import field
from functools import cached_property
from typing import Any

import numpy as np

from bpdebug.core.description import Array, Values
from bpdebug.core.errors import FormulaError
from bpdebug.core.evaluate import Evaluator
from bpdebug.core.program import Program
from bpdebug.core.record import Record
from bpdebug.core.schedule import Stage
from bpdebug.core.shapes import Inference, Shape, Shapes
from bpdebug.core.structure import Form, Forms
from bpdebug.core.tree import Call, Length, Name, Operation, Transpose, Tree, operation
from bpdebug.trust.site import AFTER, PREVIOUS, SHIFTED, Mistake, Site

Axis = tuple[int, ...] | None
"""The places along an axis that are wanted; None for all of them."""


class Operands:
    """Tensors as a stage reads them, and as they are at other times.

    Args:
        values: by name.
        after: the parameters after the update.
        previous: the tensors of the update before.
    """

    def __init__(self, values: Values, after: Values, previous: Values) -> None:
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

    def __init__(self, shapes: Shapes) -> None:
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

    def __init__(self, values: Values) -> None:
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
        whole = isinstance(tree, Length) or (isinstance(tree, Call) and not operation(tree)[0].cellwise)
        if isinstance(tree, Operation) and not whole:
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


def world(program: Program, stage: Stage, values: Values, rows: int, seed: int) -> Operands | None:
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


def _batch(program: Program, values: Values, rows: int, generator: np.random.Generator) -> dict[str, Array]:
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


_CLOSER = 0.002
"""A mistake explains a wrong array only where it comes this much nearer to it than the right one is."""
_EXACT, _SHORT = 1e-12, 1e-7
"""How near it has to come to a single number, where numbers have more digits than in single precision."""


class Evidence(Record, eq=False):
    """One wrong stage.

    Attributes:
        program: its formulas as they are meant: of a stage with a user's own formula the derived one counts.
        stage: the stage that is wrong.
        wrong: the user's numbers, of any shape; of the right one's, once only axes of length 1 tell them apart.
        right: the right ones; NaN where unknown.
        values: every tensor that the stage and its neighbours read, as the stage read it: the batch with ``m``, constants,
            parameters (for an update stage: from before it, and slots that an earlier stage has changed as they are by then),
            and what the update had computed; where the user's own operands are known, those.
        after: the parameters after this update, where known.
        previous: the tensors of the update before, where known.
        tolerance: what rounding may leave between two ways to compute the same, relative to the largest number.
        unseen: gradients that the user's code computes and does not show, so that the mistake may have been made in them.
        formula: the user's own formula, where that is known, so that mistakes can be told apart on other numbers, too.
    """

    program: Program
    stage: Stage
    wrong: Array
    right: Array
    values: Values
    after: Values = field(default_factory=dict)
    previous: Values = field(default_factory=dict)
    tolerance: float = 1e-8
    unseen: frozenset[str] = frozenset()
    formula: Tree | None = None

    @cached_property
    def site(self) -> Site:
        """Where the mistake was made."""
        return Site(self.program, self.stage, self.samples)

    @cached_property
    def operands(self) -> Operands:
        """What it may have been made of."""
        return Operands(self.values, self.after, self.previous)

    @property
    def samples(self) -> int:
        """The rows of the batch."""
        return int(self.values["m"]) if "m" in self.values else 0

    @cached_property
    def size(self) -> float:
        """The largest absolute value of the wrong array."""
        return float(np.abs(self.wrong).max())

    @cached_property
    def comparable(self) -> bool:
        """Whether the two have the same shape."""
        return self.wrong.shape == self.right.shape

    @cached_property
    def distance(self) -> float:
        """How far the wrong array is from the right one, at most."""
        return float(np.nanmax(np.abs(self.wrong - self.right), initial=0.0)) if self.comparable else np.inf

    @cached_property
    def single(self) -> bool:
        """Whether all there is to see is one number, in one cell or in several."""
        sizes = np.abs(self.wrong[self.wrong != 0])
        return not sizes.size or float(np.ptp(sizes)) <= self.tolerance * self.size

    @cached_property
    def allowed(self) -> float:
        """How far an explanation may be from the wrong array: a single number says so little that it has to be hit exactly."""
        tolerance = self.tolerance if not self.single else _EXACT if self.tolerance < _SHORT else self.tolerance / 50
        return min(tolerance * self.size, _CLOSER * self.distance)

    @cached_property
    def _looked_at(self) -> list[tuple[int, ...]]:
        """Some rows and columns of a matrix, those of the cell first that is most off, by which most explanations are refuted."""
        off = np.abs(self.wrong - self.right) if self.comparable else np.abs(self.wrong)
        place = int(np.nanargmax(off)) if np.isfinite(off).any() else 0
        cell, generator = np.unravel_index(place, self.wrong.shape), np.random.default_rng(0)
        return [(int(at), *map(int, generator.integers(0, length, 2))) for at, length in zip(cell, self.wrong.shape, strict=True)]

    def value(self, tree: Tree, overrides: Mapping[str, str] | None = None) -> Array | None:
        """What a formula gives here, where its tensors are known and fit."""
        return self.operands.value(tree, overrides)

    def in_proportion(self, made: Mistake) -> bool:
        """Whether the wrong numbers are one multiple of a mistake's, in the cells that are looked at."""
        cells = self.operands.cells(made.tree, made.overrides)
        shape = None if cells is None else cells.shape(made.tree)
        if cells is None or shape is None or not _alike(shape, self.wrong.shape):
            return False
        if shape == self.wrong.shape and len(shape) == 2:
            rows, columns = self._looked_at
            value, wrong = np.asarray(cells.part(made.tree, rows, columns), np.float64), self.wrong[np.ix_(rows, columns)]
        else:
            value, wrong = np.asarray(cells.value(made.tree), np.float64).reshape(-1), self.wrong.reshape(-1)
        value = np.broadcast_to(value, wrong.shape)  # of an axis of length 1 there is one cell, looked at three times
        first = int(np.abs(wrong).argmax())
        if not value.flat[first]:
            return not wrong.any() and not value.any()
        return bool((np.abs(wrong.flat[first] / value.flat[first] * value - wrong) <= self.allowed).all())

    def error(self, value: Array | None) -> float | None:
        """How far an explanation is from the wrong array, relative to its largest cell; None where it does not explain it."""
        value = None if value is None else fitted(value, self.wrong.shape)
        if value is None:
            return None
        distance = float(np.abs(value - self.wrong).max())
        return (distance / self.size if self.size else 0.0) if distance <= self.allowed else None

    def explains(self, value: Array | None) -> bool:
        """Whether these are the wrong array's numbers."""
        return self.error(value) is not None


def _alike(one: tuple[int, ...], other: tuple[int, ...]) -> bool:
    """Whether but for axes of length 1 two shapes are the same, or the first is that of a number."""
    lengths = [length for length in one if length != 1]
    return not lengths or lengths == [length for length in other if length != 1]


def fitted(value: Array, shape: tuple[int, ...]) -> Array | None:
    """The array in a shape that only axes of length 1 tell from its own, or one number in every cell; None where that cannot be."""
    if not _alike(value.shape, shape):
        return None
    return np.broadcast_to(value.reshape(()), shape) if value.size == 1 else value.reshape(shape)
