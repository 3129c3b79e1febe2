"""Which tensor's table stands where in a pane."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

from bpdebug.debugger.numbers import Statistics
from bpdebug.debugger.view import View
from bpdebug.engine.cells import Cell
from bpdebug.engine.description import Array
from bpdebug.engine.render import render_name
from bpdebug.engine.shapes import shape_text
from bpdebug.ui.draw.compare import theirs_of
from bpdebug.ui.draw.matrix_cells import Look, as_row_column, look_of, rows_and_columns

_GAP = 2
_LARGE = 400
"""Cells from which on a tensor always has its statistics above it, and an overview."""
_STATED = 24
"""Columns that statistics need."""
_BESIDE, _ABOVE = 36, 5
"""The smallest pane with a picture of a large tensor in it."""


@dataclass(frozen=True)
class Sight:
    """The cells of a tensor whose numbers are to be seen: the first row and column, and those after the last."""

    top: int
    left: int
    bottom: int
    right: int


@dataclass(frozen=True)
class Block:
    """A tensor's place in the pane.

    Attributes:
        name: the tensor.
        rows, columns: its shape as drawn (a number is 1×1, a list one row).
        look: how its numbers are written.
        width: of the block in columns of the terminal.
        theirs: whether it holds the user's own numbers for the tensor.
        turned: whether rows and columns are changed, as the column convention has it.
        left, top: where its title stands.
        head: lines before the first row: the title, and perhaps the statistics.
    """

    name: str
    rows: int
    columns: int
    look: Look
    width: int
    theirs: bool = False
    turned: bool = False
    left: int = 0
    top: int = 0
    head: int = 1

    @property
    def cell(self) -> int:
        """The width of one number, with the mark before it."""
        return self.look.width + 1

    @property
    def first(self) -> int:
        """The line of the first row."""
        return self.top + self.head

    @property
    def bottom(self) -> int:
        """The line after the block."""
        return self.first + self.rows

    @property
    def large(self) -> bool:
        """Whether it has too many cells to be looked at."""
        return self.rows * self.columns >= _LARGE

    def sight(self, x: int, y: int, columns: int, rows: int) -> Sight:
        """The cells that are to be seen of it in a window of that size."""
        top, bottom = (min(max(line - self.first, 0), self.rows) for line in (y, y + rows))
        left, right = (
            min(max(column // self.cell, 0), self.columns) for column in (x - self.left + self.cell - 1, x - self.left + columns)
        )
        return Sight(top, left, bottom, max(left, right))

    def place(self, index: Cell) -> tuple[int, int]:
        """The row and column that a cell of the tensor is drawn in."""
        row, column = as_row_column(index)
        return (column, row) if self.turned else (row, column)

    def index(self, row: int, column: int, axes: int) -> Cell:
        """The cell of the tensor, of so many axes, that is drawn in a row and column."""
        return ((column, row) if self.turned else (row, column))[2 - axes :]


@dataclass(frozen=True, eq=False)
class Layout:
    """All blocks of a pane."""

    blocks: tuple[Block, ...]

    @cached_property
    def width(self) -> int:
        """Columns that everything takes."""
        return max((block.left + block.width for block in self.blocks), default=0)

    @cached_property
    def height(self) -> int:
        """Lines that everything takes."""
        return max((block.bottom for block in self.blocks), default=0)

    def find(self, name: str) -> Block | None:
        """The block of a tensor; ours, which comes first."""
        return next((block for block in self.blocks if block.name == name), None)

    def bottom_of(self, name: str) -> int:
        """The line after the blocks of a tensor, ours and theirs."""
        return max(block.bottom for block in self.blocks if block.name == name)

    def cell_at(self, x: int, y: int) -> tuple[str, tuple[int, int]] | None:
        """The tensor, row and column drawn at a place."""
        for block in self.blocks:
            row, column = y - block.first, (x - block.left) // block.cell
            if 0 <= row < block.rows and 0 <= column < block.columns and x >= block.left:
                return block.name, (row, column)
        return None


def make_layout(view: View, names: list[str], columns: int, rows: int = 0) -> Layout:
    """Blocks side by side as long as they fit, then on the next shelf; where there are more rows than needed, gaps, then statistics."""
    shelves = list(_shelves(_blocks(view, names), columns))
    large = [any(block.large for block in shelf) for shelf in shelves]
    spare = rows - sum(1 + max(block.rows for block in shelf) for shelf in shelves) - sum(large)
    gap = int(len(shelves) - 1 <= spare)
    roomy = len(shelves) - sum(large) <= spare - gap * (len(shelves) - 1)
    stated = [any(block.large or (roomy and block.width >= _STATED) for block in shelf) for shelf in shelves]
    blocks: list[Block] = []
    top = 0
    for shelf, statistics in zip(shelves, stated, strict=True):
        blocks += [replace(block, top=top, head=1 + statistics) for block in shelf]
        top = max(block.bottom for block in blocks[-len(shelf) :]) + gap
    return Layout(tuple(blocks))


def has_overview(view: View, names: list[str], columns: int, rows: int) -> bool:
    """Whether a pane of that size shows only a part of a large tensor, and has room for a picture of the whole."""
    large = any(block.large and (block.rows >= rows or block.width > columns) for block in _blocks(view, names))
    return large and columns >= _BESIDE and rows >= _ABOVE


def _shelves(blocks: Iterable[Block], columns: int) -> Iterator[list[Block]]:
    """The blocks that stand side by side, each with its place from the left."""
    shelf: list[Block] = []
    for block in blocks:
        left = shelf[-1].left + shelf[-1].width + _GAP if shelf else 0
        if shelf and left + block.width > columns:
            yield shelf
            shelf, left = [], 0
        shelf.append(replace(block, left=left))
    if shelf:
        yield shelf


def _blocks(view: View, names: list[str]) -> Iterator[Block]:
    """The tensors, each followed by the user's own numbers for it, where there are some."""
    for name in names:
        yield _block(view, name, theirs=False)
        if theirs_of(view, name) is not None:
            yield _block(view, name, theirs=True)


def _block(view: View, name: str, theirs: bool) -> Block:
    """A tensor's block, not in its place yet."""
    found: Block = once(view, "block", name, theirs, lambda: _made(view, name, theirs))
    return found


def _made(view: View, name: str, theirs: bool) -> Block:
    values = values_in(view, name, theirs)
    shape = view.shapes[name] if values is None or not theirs else values.shape
    turned = view.style.columns and len(shape) == 2
    rows, columns = rows_and_columns(shape[::-1] if turned else shape)
    look = look_of(statistics_in(view, name, theirs), view.number_style)
    title = f"{heading(view, name, theirs)} {shape_text((rows, columns)) if shape else ''}".strip()
    return Block(name, rows, columns, look, max(columns * (look.width + 1), len(title) + 1), theirs, turned)


def values_in(view: View, name: str, theirs: bool = False) -> Array | None:
    """Our numbers for a tensor, or the user's own; None where there are none yet."""
    return theirs_of(view, name) if theirs else view.tensors.get(name)


def once(view: View, what: str, name: str, theirs: bool, make: Callable[[], Any]) -> Any:
    """What is worked out once for a view, for all panes and lines."""
    known: dict[tuple[str, str, bool], Any] = view.__dict__.setdefault("_of_tensors", {})
    if (what, name, theirs) not in known:
        known[what, name, theirs] = make()
    return known[what, name, theirs]


def statistics_in(view: View, name: str, theirs: bool = False) -> Statistics | None:
    """The statistics of a tensor, or None where it has no value yet."""
    values = values_in(view, name, theirs)
    return None if values is None else once(view, "statistics", name, theirs, lambda: Statistics(values))


def heading(view: View, name: str, theirs: bool) -> str:
    """What a table is called."""
    return f"yours {render_name(name, view.style)}" if theirs else render_name(name, view.style)
