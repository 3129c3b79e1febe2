"""Which tensor's table stands where in a pane."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator
from functools import cached_property, partial

import numpy as np

from bpdebug.core.cells import Cell, NamedCell
from bpdebug.core.misfits import shape_text
from bpdebug.core.record import Record, replace
from bpdebug.look.once import once
from bpdebug.session.view import View
from bpdebug.ui.draw.layers import heading, is_past, origin_of, samples_in, values_in
from bpdebug.ui.draw.matrix_block import Block, look_in, nearest, slice_of, step_in

_GAP = 2
_EDGE = 5
"""Columns that the numbers of many rows may take where a table has all the width."""
_STATED, _COUNTED = 24, 4
"""Columns that statistics need, and the rows that are counted at a glance."""


class Layout(Record, eq=False):
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

    def cell_at(self, x: int, y: int, begin: tuple[int, int] = (0, 0)) -> tuple[str, tuple[int, int]] | None:
        """The tensor, row and column drawn at a place, in a window that begins at ``begin``."""
        for block in self.blocks:
            row, column = y - block.first, (x - block.left - block.edge) // block.cell + block.shown.start
            free = x - max(block.left, begin[0]) >= block.edge and not block.head_at(y, begin[1])
            if free and row in block.drawn and column in block.shown:
                return block.name, (row, column)
        return None


def make_layout(view: View, names: list[str], columns: int, rows: int = 0, most: int = 0) -> Layout:
    """Blocks, perhaps with the most rows that each may show and then with no more columns than there are, side by side as long as they
    fit, then on the next shelf; where there are more rows than needed, gaps, then the numbers of columns, then statistics. The numbers of
    rows stand where one cannot count them, or they make nothing longer; without ``rows`` there are none of either."""
    blocks = [_windowed(view, block, most, columns) if most else block for block in blocks_of(view, names)]
    plain = list(_shelves(blocks, columns))
    least = max(rows, _lines(plain))
    edged = list(_edged_shelves(view, blocks, columns)) if rows else []
    numbered = bool(edged) and any(block.rows > _COUNTED for shelf in plain for block in shelf)
    shelves = next((shelves for shelves in edged if _lines(shelves) <= least), edged[-1] if numbered else plain)
    gap, heads = _heads(shelves, rows)
    placed: list[Block] = []
    top = 0
    for shelf, head in zip(shelves, heads, strict=True):
        placed += [replace(block, top=top, heads=head) for block in shelf]
        top = max(block.bottom for block in placed[-len(shelf) :]) + gap
    return Layout(tuple(placed))


def _windowed(view: View, block: Block, most: int, columns: int) -> Block:
    """A block of at most so many rows, and columns of the terminal: around the cells that make the selected number, all of these if that
    can be, else that which Enter goes to; or around the sample."""
    known = (origin_of(view), view.selected, *view.operands)
    cells = [block.part.place(index) for name, index in filter(None, known) if name == block.name and block.part.holds(index)]
    cells = cells or [(view.sample if batch_axis(view, block) == 0 else 0, 0)]
    rows, shown = _around([row for row, _ in cells], most, block.rows), block.shown
    room = columns - _EDGE * (block.rows > _COUNTED)
    if block.columns * block.cell > room:
        shown = _around([column for _, column in cells], max(room // block.cell, 1), block.columns)
        block = replace(block, width=min(block.width, max(len(shown) * block.cell, room)))
    return replace(block, drawn=rows, shown=shown)


def _around(places: list[int], most: int, length: int) -> range:
    """At most so many places of an axis around some, where all of these have no room around the first."""
    low, high = min(places), max(places)
    middle = (low + high if high - low < most else 2 * places[0]) + 1
    first = max(min((middle - most) // 2, length - most), 0)
    return range(first, min(first + most, length))


def _lines(shelves: list[list[Block]]) -> int:
    """The least that they take."""
    return sum(1 + max(len(block.drawn) for block in shelf) for shelf in shelves)


def _heads(shelves: list[list[Block]], rows: int) -> tuple[int, list[tuple[str, ...]]]:
    """The lines between the shelves, and what stands above the rows of each."""
    large = [any(block.large for block in shelf) for shelf in shelves]
    wide = [rows > 0 and any(block.columns > 1 for block in shelf) for shelf in shelves]
    spare = rows - _lines(shelves) - sum(large) - sum(map(min, large, wide))
    gap = int(len(shelves) - 1 <= spare)
    spare -= gap * (len(shelves) - 1)
    ruled = sum(wide) - sum(map(min, large, wide)) <= spare
    spare -= ruled * (sum(wide) - sum(map(min, large, wide)))
    roomy = len(shelves) - sum(large) <= spare
    stated = [any(block.large or (roomy and block.width >= _STATED) for block in shelf) for shelf in shelves]
    chosen = zip(stated, large, wide, strict=True)
    return gap, [("title", *["statistics"] * says, *["numbers"] * (many and (ruled or big))) for says, big, many in chosen]


def _edged_shelves(view: View, blocks: list[Block], columns: int) -> Iterator[list[list[Block]]]:
    """Shelves with room for the numbers of the rows: as much for each block, so that columns stand below columns, or what each needs."""
    edges = list[int]()
    for block in blocks:
        widest = [block.rows - 1]  # rows of which one has the longest number
        if batch_axis(view, block) == 0:
            widest.append(int(samples_in(view, block.name).argmax()))
        edges.append(0 if block.rows == 1 else max(len(label(view, block, row)) for row in widest))
    for chosen in ([max(edges, default=0)] * len(edges), edges):
        edged = list[Block]()
        for block, edge in zip(blocks, chosen, strict=True):
            full = block.rows <= _COUNTED and block.width <= columns < block.width + edge  # it would be too wide for a few rows
            edged.append(block if full else replace(block, edge=edge, width=block.width + edge))
        yield list(_shelves(edged, columns))


def batch_axis(view: View, block: Block) -> int | None:
    """Along which side the samples stand: 0 where each is a row, 1 where each is a column."""
    tensor = view.program.tensors.get(block.name)
    axes = (axis for axis, own in enumerate(block.part.axes) if tensor and own is not None and own == tensor.batch_axis)
    return next(axes, None)


def shape_of(block: Block) -> str:
    """The shape as it is drawn; of more than two axes the part that is drawn, and all."""
    part = block.part
    return f"{part.subscript} of {shape_text(part.shape)}" if part.others else shape_text(part.lengths)


def label(view: View, block: Block, place: int, axis: int = 0) -> str:
    """The number of a row (of a column where ``axis`` is 1): from 0; that of a sample as the data has it, with a sign where the batch has
    another order."""
    samples = samples_in(view, block.name)
    if batch_axis(view, block) != axis or place >= len(samples):
        return str(place)
    usual = once(view, ("in order", is_past(view, block.name)), lambda: np.array_equal(samples, np.arange(len(samples))))
    return str(place) if usual else f"#{samples[place]}"


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


def blocks_of(view: View, names: list[str]) -> Iterator[Block]:
    """The tensors, not in their places yet, each followed by the user's own numbers for it, where there are some."""
    for name in names:
        for theirs in (False, True) if values_in(view, name, theirs=True) is not None else (False,):
            yield once(view, ("block", name, theirs), partial(_block, view, name, theirs))


def _block(view: View, name: str, theirs: bool) -> Block:
    values = values_in(view, name, theirs)
    part, look = slice_of(view, name, view.shapes[name] if values is None else values.shape), look_in(view, name, theirs)
    block = Block(name, part, look, 0, theirs, drawn=range(part.size[0]), shown=range(part.size[1]))
    title = f"{heading(view, name, theirs)} {shape_of(block) if part.shape else ''}".strip()
    return replace(block, width=max(block.columns * block.cell, len(title) + 1))


def step_from(layout: Layout, names: Collection[str], block: Block, index: Cell, down: int, right: int) -> NamedCell | None:
    """The cell that one step leads to: over the upper or lower edge of a block in the part of its tensor before or after; where there is
    none, the nearest cell of the next block in that direction, or where none stands there, of the next in order; None at the end.

    Args:
        layout: where the blocks stand.
        names: the tensors whose cells can be chosen.
        block, index: where from.
        down, right: one row or one column; -1 for up and left.
    """
    row, column = block.part.place(index)
    near = step_in(block.part, row, column, down, right)
    if near is not None:
        return block.name, near
    known = [other for other in layout.blocks if other.name in names and not other.theirs]
    x = block.middle(column)
    if down:  # on the nearest shelf that has one, and there the nearest
        beyond = [other for other in known if (other.top - block.top) * down > 0]
        found = min(beyond, key=lambda other: (abs(other.top - block.top), abs(other.middle(other.column_at(x)) - x)), default=None)
    else:
        aside = [other for other in known if other.top == block.top and (other.left - block.left) * right > 0]
        found = min(aside, key=lambda other: abs(other.left - block.left), default=None)
    if found is None and block in known:
        after = known.index(block) + down + right
        found = known[after] if 0 <= after < len(known) else None
    if found is None:
        return None
    if down:
        return found.name, found.part.index(0 if down > 0 else found.rows - 1, found.column_at(x))
    return found.name, nearest(found.part, row, 0 if right > 0 else found.columns)
