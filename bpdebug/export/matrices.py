"""Tensors as matrices, aligned at the decimal point; large ones cut down to a corner and a summary.

LaTeX's ``array`` aligns by itself; what else would, a ``\\phantom`` in a ``bmatrix``, GitHub refuses in Markdown.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from bpdebug.core.boxes import BLANK, Box, Piece, fence, figure, group, row
from bpdebug.core.cells import Cell
from bpdebug.core.description import Array
from bpdebug.core.misfits import shape_text
from bpdebug.core.numbers import Statistics, cell, minus, number_format, short

_TABLE = 2
"""Axes of a table; a tensor with more of them is a column of such."""
LARGEST, SHOWN = 8, 6
"""Rows or columns that are all shown, and how many are where there are more."""


def fits(value: Array) -> bool:
    """Whether a tensor is shown as a whole."""
    return max(value.shape, default=0) <= LARGEST


def shown(value: Array) -> Array:
    """The corner of a tensor that is shown."""
    return value[tuple(slice(SHOWN if length > LARGEST else length) for length in value.shape)]


def matrix(value: Array, digits: int = 4, lit: Cell | None = None) -> Piece:
    """A tensor in brackets, its numbers aligned on the right (where all have the same decimals); a single number as itself.

    Args:
        value: any tensor.
        digits: after the decimal point, where that is faithful.
        lit: a cell to set in bold.
    """
    if value.ndim > _TABLE:
        parts: list[Piece] = [matrix(part, digits, lit[1:] if lit and lit[0] == place else None) for place, part in enumerate(shown(value))]
        return _stacked([(part,) for part in [*parts, *["⋮"] * (len(value) > len(parts))]])
    numbers, entries = np.asarray(shown(value), float), list[Piece]()
    whole = bool((np.isfinite(numbers) & (numbers == np.round(numbers)) & (np.abs(numbers) < 10**digits)).all())
    form = "+.0f" if whole else number_format(numbers, digits)
    for number in numbers.flat:  # without a plus sign; a power of ten stays short
        mantissa, exponent, power = cell(number, form).replace("+", "").partition("e")
        entries.append(row(figure(mantissa), Box("word", text="e"), group(figure(power))) if exponent else figure(mantissa))
    if value.ndim == 0:
        return entries[0]
    height, wide = np.atleast_2d(value).shape
    columns = shown(np.atleast_2d(value)).shape[1]
    rows = [entries[start : start + columns] for start in range(0, len(entries), columns)]
    place = (0, 0, *(lit or ()))[-2:]
    if lit and place[0] < len(rows) and place[1] < columns:
        rows[place[0]][place[1]] = Box("lit", (rows[place[0]][place[1]],))
    if height > len(rows):
        rows.append(["⋮"] * columns)
    if wide > columns:
        rows = [[*cells, "⋱" if cells[0] == "⋮" else "⋯"] for cells in rows]
    return _stacked(rows)


def gaps(value: Array) -> Piece:
    """A tensor to be filled in."""
    if value.ndim > _TABLE:
        return _stacked([(gaps(part),) for part in value])
    return _stacked([(BLANK,) * np.atleast_2d(value).shape[1]] * len(np.atleast_2d(value))) if value.ndim else BLANK


def _stacked(rows: Sequence[Sequence[Piece]]) -> Piece:
    """Rows in brackets."""
    return fence("[]", Box("grid", tuple(Box("row", tuple(cells)) for cells in rows), "array"))


def summary(value: Array) -> str:
    """What is to be known of a tensor of which only a corner is shown: shape, smallest, largest, norm, cells that are not finite."""
    known = Statistics(value)
    parts = [f"{shape_text(value.shape)}, of which a corner is shown"]
    if known.finite.size:
        parts += [f"smallest {short(known.low)}, largest {short(known.high)}", f"norm {short(known.norm)}"]
    return minus("; ".join([*parts, *(f"{count} times {name}" for name, count in sorted(known.broken.items()))]))


def telling_cell(value: Array) -> Cell:
    """The cell to work out in full: the first that is not finite, else the largest of those shown."""
    broken = np.argwhere(~np.isfinite(value))
    part = np.abs(shown(value))
    place = broken[0] if len(broken) else np.unravel_index(int(np.argmax(part)), part.shape)
    return tuple(int(at) for at in place)
