"""Two axes of a tensor of any rank, at one place along each of the others: what a table can show of it, and which places those are."""

from __future__ import annotations

from math import prod

import numpy as np

from bpdebug.core.cells import Cell
from bpdebug.core.evaluate import Evaluator
from bpdebug.core.program import Program
from bpdebug.core.record import Record, replace
from bpdebug.core.shapes import Shape
from bpdebug.core.sources import is_layout
from bpdebug.core.tensors import Array, Values
from bpdebug.core.tree import Call, Name


class Slice(Record):
    """What a table shows of a tensor.

    Attributes:
        shape: of the tensor.
        axes: which one the rows run along, and which one the columns; None where there is none: a number is 1×1, a list one row.
        at: a place along each axis; those along the shown axes do not count.
    """

    shape: Shape
    axes: tuple[int | None, int | None]
    at: Cell

    @property
    def size(self) -> tuple[int, int]:
        """Rows and columns."""
        rows, columns = (1 if axis is None else self.shape[axis] for axis in self.axes)
        return rows, columns

    @property
    def lengths(self) -> Shape:
        """Rows and columns as a shape is written: that of a list is its own."""
        return self.size if len(self.shape) > 1 else self.shape

    @property
    def others(self) -> list[int]:
        """The axes that are not shown."""
        return [axis for axis in range(len(self.shape)) if axis not in self.axes]

    def table(self, values: Array) -> Array:
        """The part of the tensor's values, in two axes."""
        if not values.size:
            return np.empty(self.size, values.dtype)
        part = values[tuple(slice(None) if axis in self.axes else place for axis, place in enumerate(self.at))]
        return (part.T if self.turned else part).reshape(self.size)

    def place(self, index: Cell) -> tuple[int, int]:
        """The row and column of a cell, or where it would be if it were in this part."""
        row, column = (0 if axis is None else index[axis] for axis in self.axes)
        return row, column

    def holds(self, index: Cell) -> bool:
        """Whether a cell is in this part."""
        return len(index) == len(self.shape) and all(index[axis] == self.at[axis] for axis in self.others)

    def index(self, row: int, column: int) -> Cell:
        """The cell in a row and column."""
        shown = dict(zip(self.axes, (row, column), strict=True))
        return tuple(shown.get(axis, place) for axis, place in enumerate(self.at))

    def beside(self, by: int) -> Slice | None:
        """The part that comes so many after this one, the last of the other axes running fastest; None beyond the first and the last."""
        lengths = [self.shape[axis] for axis in self.others]
        place = int(np.ravel_multi_index([self.at[axis] for axis in self.others], lengths)) + by if lengths else -1
        if not 0 <= place < prod(lengths):
            return None
        there = dict(zip(self.others, map(int, np.unravel_index(place, lengths)), strict=True))
        return replace(self, at=tuple(there.get(axis, own) for axis, own in enumerate(self.at)))

    @property
    def turned(self) -> bool:
        """Whether the rows run along a later axis than the columns."""
        first, second = self.axes
        return first is not None and second is not None and first > second

    @property
    def subscript(self) -> str:
        """The part as NumPy writes it, such as ``[1,0,:,:]`` or ``[:,1,:].T``; "" where it is the whole tensor."""
        named = (":" if axis in self.axes else str(place) for axis, place in enumerate(self.at))
        return f"[{','.join(named)}]{'.T' * self.turned}" if self.others else ""


Chosen = tuple[int, int]
"""The axes of a tensor that somebody wants to see as rows and as columns."""


def owner_of(program: Program, name: str) -> str:
    """The tensor that another one is shown like: that which it is a gradient or a slot of, else itself."""
    return (program.tensors[name].of if name in program.tensors else "") or name


def slice_behind(tree: Call, name: str, values: Values, at: Cell) -> tuple[int, ...] | None:
    """The places along all axes but the last two of a tensor, where the cell ``at`` of what only lays it out anew comes from; None where
    a node does something else, or the tensor has no more than these."""
    value = values.get(name, np.empty(()))
    if tree.arguments[0] != Name(name) or not is_layout(tree) or value.ndim < 3:
        return None
    laid = np.asarray(Evaluator({**values, name: np.arange(value.size).reshape(value.shape)}).value(tree))
    return tuple(map(int, np.unravel_index(int(laid[at]), value.shape)[:-2])) if laid.ndim == len(at) else None


def slice_at(shape: Shape, index: Cell, columns: bool = False, chosen: Chosen | None = None) -> Slice:
    """Two axes at a cell: of more than two those that are chosen, else the last; of two, the other way round where a sample is a column."""
    axes = (None, None, *range(len(shape)))[-2:]
    if chosen and len(shape) > max(2, *chosen):
        axes = chosen
    return Slice(shape, axes[::-1] if columns and len(shape) == 2 else axes, index)
