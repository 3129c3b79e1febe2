"""Where the cell cursor goes at the edges of a table."""

from __future__ import annotations

from collections.abc import Collection

from bpdebug.core.cells import Cell
from bpdebug.ui.draw.matrix_layout import Block, Layout


def step_from(layout: Layout, names: Collection[str], block: Block, index: Cell, down: int, right: int) -> tuple[str, Cell] | None:
    """The cell that one step leads to: over the upper or lower edge of a block in the part of its tensor before or after; where there is
    none, the nearest cell of the next block in that direction, or where none stands there, of the next in order; None at the end.

    Args:
        layout: where the blocks stand.
        names: the tensors whose cells can be chosen.
        block, index: where from.
        down, right: one row or one column; -1 for up and left.
    """
    row, column = block.part.place(index)
    if 0 <= row + down < block.rows and 0 <= column + right < block.columns:
        return block.name, block.part.index(row + down, column + right)
    part = block.part.beside(down) if down else None
    if part:
        return block.name, part.index(0 if down > 0 else block.rows - 1, column)
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
    return found.name, found.part.index(min(row, found.rows - 1), 0 if right > 0 else found.columns - 1)
