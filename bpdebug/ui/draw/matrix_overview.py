"""A large tensor as a small picture of all its cells, with the part that the numbers show marked in it.

Each half of a character is a patch of cells: the brighter, the larger they are (root mean square, small differences enlarged); in the
colour of their sign where they have one in common, grey where it is mixed. Dead units and empty rows are dark lines.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from bpdebug.core.description import Array
from bpdebug.session.view import View
from bpdebug.ui.draw.layers import heading, is_past, values_in
from bpdebug.ui.draw.matrix_block import Block, Sight, of_numbers
from bpdebug.ui.draw.matrix_layout import blocks_of
from bpdebug.ui.draw.roles import HEAT_STEPS
from bpdebug.ui.draw.spans import Line, Span, first_that_fits, fit, line

_LINES_OF_TEXT = 2
"""The heading above the picture, and the rows and columns in sight below it."""
_BROKEN = HEAT_STEPS + 1
_BESIDE, _ABOVE = 36, 5
"""The smallest pane with a picture of a large tensor in it."""
_MOST_GAIN = 3.0
"""How much larger than they are the differences of sizes are drawn at most."""

Levels = npt.NDArray[np.int_]


def overview_lines(view: View, block: Block, sight: Sight, columns: int, rows: int, signs: bool = False) -> list[Line]:
    """The picture in that many columns and lines.

    Args:
        view: the moment.
        block: of which tensor.
        sight: what the pane shows of it.
        columns, rows: the size, with a line above and one below.
        signs: whether signs take the place of colours.
    """
    height, width = _size(block, columns, rows)
    values = values_in(view, block.name, block.theirs)
    role = "dim" if values is None or is_past(view, block.name) else "name"
    title = fit(line((heading(view, block.name, block.theirs), role)), columns)
    if values is None or height < 1:
        return [title]
    key = ("overview", block.name, block.theirs, block.part, height, width)
    sizes, leanings = of_numbers(view, key, values, lambda: _patches(values, block, height, width))
    here = _marked(block, sight, height, width)
    draw = _sign if signs else _half_blocks
    drawn = [tuple(draw(sizes, leanings, here, y, x) for x in range(width)) for y in range(-(-height // 2))]
    return [title, *drawn, fit(line((part_text(block, sight, columns), "dim")), columns)]


def overview_cell(block: Block, columns: int, rows: int, x: int, y: int) -> tuple[int, int] | None:
    """The row and column of the tensor that a place in the picture stands for; its middle cell."""
    height, width = _size(block, columns, rows)
    patch = 2 * (y - 1)
    if not (0 <= x < width and 0 <= patch < height):
        return None
    return _middle(patch, min(patch + 2, height), height, block.rows), _middle(x, x + 1, width, block.columns)


def _size(block: Block, columns: int, rows: int) -> tuple[int, int]:
    """Patches: two in a line, and no more of them than the tensor has rows."""
    return min(2 * (rows - _LINES_OF_TEXT), block.rows), columns


def _middle(first: int, last: int, patches: int, cells: int) -> int:
    return min((first + last) * cells // (2 * patches), cells - 1)


def _patches(values: Array, block: Block, height: int, width: int) -> tuple[Levels, Levels]:
    """For each patch how large its cells are, and how far their signs agree: from -4 (all negative) to 4 (all positive)."""
    table = block.part.table(values).astype(float)
    patches = ((block.rows, height), (block.columns, min(width, block.columns)))
    down, right = (np.arange(count + 1) * cells // count for cells, count in patches)
    with np.errstate(all="ignore"):
        table = table / (np.abs(table).max(where=np.isfinite(table), initial=0.0) or 1.0)
        counts = np.outer(np.diff(down), np.diff(right))
        means = _folded(table, down, right) / counts
        sizes = np.sqrt(_folded(table * table, down, right) / counts)
        leanings = np.where(sizes > 0, means / sizes, 0.0)
        levels = np.where(np.isfinite(sizes), np.ceil(HEAT_STEPS * _stretched(sizes)), _BROKEN)
    wide = np.arange(width) * len(counts[0]) // width
    return levels.astype(int)[:, wide], np.nan_to_num(np.round(4 * leanings)).astype(int)[:, wide]


def _stretched(sizes: Any) -> Any:
    """Sizes as shares of the largest, their differences enlarged as far as there is room, but not so far that noise looks like more."""
    known = sizes[np.isfinite(sizes) & (sizes > 0)]
    low, high = (known.min(), known.max()) if known.size else (0.0, 1.0)
    gain = min(_MOST_GAIN, high / (high - low)) if high > low else 1.0
    return np.where(sizes > 0, np.maximum(1 - gain * (high - sizes) / high, 0.5 / HEAT_STEPS), 0.0)


def _folded(table: Array, down: Levels, right: Levels) -> Any:
    return np.add.reduceat(np.add.reduceat(table, down[:-1], axis=0), right[:-1], axis=1)


def _marked(block: Block, sight: Sight, height: int, width: int) -> tuple[range, range]:
    """The lines and columns of the picture that show what is in sight."""
    top, bottom = sight.top * height // block.rows // 2, -(-sight.bottom * height // block.rows)
    return range(top, -(-bottom // 2)), range(sight.left * width // block.columns, -(-sight.right * width // block.columns))


def _half_blocks(sizes: Levels, leanings: Levels, here: tuple[range, range], y: int, x: int) -> Span:
    upper = f"{sizes[2 * y, x]},{leanings[2 * y, x]}"
    lower = f"{sizes[2 * y + 1, x]},{leanings[2 * y + 1, x]}" if 2 * y + 1 < len(sizes) else ""
    return "▀", f"patch:{upper}:{lower}" + ":seen" * (y in here[0] and x in here[1])


def _sign(sizes: Levels, leanings: Levels, here: tuple[range, range], y: int, x: int) -> Span:
    """The sign of the larger patch of a line; what is in sight stands out."""
    row = max((2 * y, min(2 * y + 1, len(sizes) - 1)), key=lambda row: int(sizes[row, x]))
    size, leaning = int(sizes[row, x]), int(leanings[row, x])
    text = "⚠" if size == _BROKEN else " " if size == 0 else "±" if leaning == 0 else "+" if leaning > 0 else "−"
    return text, "cursor" if y in here[0] and x in here[1] else "bold" if size > HEAT_STEPS // 2 else "dim"


def has_overview(view: View, names: list[str], columns: int, rows: int) -> bool:
    """Whether a pane of that size shows only a part of a large tensor, and has room for a picture of the whole."""
    large = any(block.large and (block.rows >= rows or block.width > columns) for block in blocks_of(view, pictured_among(view, names)))
    return large and columns >= _BESIDE and rows >= _ABOVE


def pictured_among(view: View, names: list[str]) -> list[str]:
    """Of which tensors a picture may stand beside the numbers: that of the cell cursor, or where it is elsewhere, those with a value."""
    return [view.name] if view.name in names else [name for name in names if values_in(view, name) is not None]


def part_text(block: Block, sight: Sight, columns: int, rows: bool = True) -> str:
    """Which rows and columns are in sight, in words as far as there is room; "" where none or all are."""
    high, wide = sight.bottom - sight.top, sight.right - sight.left
    down = _span(sight.top, sight.bottom) if rows and 0 < high < block.rows and wide else ""
    right = _span(sight.left, sight.right) if 0 < wide < block.columns and high else ""
    named = [f"row{'s' * (high > 1)} {down}"] * bool(down) + [f"column{'s' * (wide > 1)} {right}"] * bool(right)
    return first_that_fits((", ".join(named), ", ".join(filter(None, (down, right))), *named[:1], down, ""), columns)


def _span(first: int, end: int) -> str:
    return str(first) if end == first + 1 else f"{first}–{end - 1}"
