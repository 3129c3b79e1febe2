"""A wrong array beside the right one, with all that a mistake may have been made of."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import field
from functools import cached_property

import numpy as np

from bpdebug.core.description import Array
from bpdebug.core.program import Program
from bpdebug.core.record import Record
from bpdebug.core.schedule import Stage
from bpdebug.core.tree import Tree
from bpdebug.trust.operands import Operands
from bpdebug.trust.site import Mistake, Site

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
    values: Mapping[str, Array]
    after: Mapping[str, Array] = field(default_factory=dict)
    previous: Mapping[str, Array] = field(default_factory=dict)
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
