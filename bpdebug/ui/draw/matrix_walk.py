"""Where the cell cursor goes at the edges of the tables."""

from __future__ import annotations

from collections.abc import Collection

from bpdebug.ui.draw.matrix_layout import Block, Layout

Place = tuple[Block, int, int]
"""A block, and a row and column in it."""


def step_from(layout: Layout, names: Collection[str], place: Place, down: int, right: int) -> Place | None:
    """The cell that one step leads to; over the edge of a block it is the nearest one of the next block in that direction, or where
    none stands there, of the next in order; None at the end.

    Args:
        layout: where the blocks stand.
        names: the tensors whose cells can be chosen.
        place: where from.
        down, right: one row or one column; -1 for up and left.
    """
    block, row, column = place
    if 0 <= row + down < block.rows and 0 <= column + right < block.columns:
        return block, row + down, column + right
    known = [other for other in layout.blocks if other.name in names and not other.theirs]
    found = _beyond(known, place, down) if down else _aside(known, block, right)
    found = found or _in_order(known, block, down + right)
    if found is None:
        return None
    if down:
        return found, 0 if down > 0 else found.rows - 1, _column_at(found, _middle(block, column))
    return found, min(row, found.rows - 1), 0 if right > 0 else found.columns - 1


def _middle(block: Block, column: int) -> int:
    return block.left + block.edge + column * block.cell + block.cell // 2


def _column_at(block: Block, x: int) -> int:
    return min(max((x - block.left - block.edge) // block.cell, 0), block.columns - 1)


def _beyond(known: list[Block], place: Place, down: int) -> Block | None:
    """The block below or above, on the nearest shelf that has one, and there the nearest."""
    block, _, column = place
    beyond = [other for other in known if (other.top - block.top) * down > 0]
    x = _middle(block, column)
    return min(beyond, key=lambda other: (abs(other.top - block.top), abs(_middle(other, _column_at(other, x)) - x)), default=None)


def _aside(known: list[Block], block: Block, right: int) -> Block | None:
    """The next block on the same shelf."""
    aside = [other for other in known if other.top == block.top and (other.left - block.left) * right > 0]
    return min(aside, key=lambda other: abs(other.left - block.left), default=None)


def _in_order(known: list[Block], block: Block, by: int) -> Block | None:
    if block not in known:
        return None
    place = known.index(block) + by
    return known[place] if 0 <= place < len(known) else None
