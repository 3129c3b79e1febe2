"""A tensor's table: how its numbers are written, what of it is looked at and drawn, and which of its cells stands where."""

from __future__ import annotations

from collections.abc import Callable, Hashable
from math import inf, isfinite
from typing import Any

from bpdebug.core.cells import Cell
from bpdebug.core.description import Array
from bpdebug.core.numbers import NumberStyle, Statistics, aligned
from bpdebug.core.record import Record, replace
from bpdebug.core.shapes import Shape
from bpdebug.look.once import Made, once
from bpdebug.look.slices import Slice, owner_of, slice_at
from bpdebug.session.view import View
from bpdebug.ui.draw.layers import INPUT, TARGET, kin_of, part_of, values_in
from bpdebug.ui.draw.roles import HEAT_STEPS

NARROWEST = 6
"""The least width of a number, so that tables of short ones are not crowded."""
_WHOLE = "+.0f"
_FAINTER = 3.0
_FEW, _LONGEST = 2000, 24
"""Of how many numbers the longest is looked for, and how long a number with all its digits can be."""


class Look(Record):
    """How the numbers of one table are written.

    Attributes:
        form: their format.
        width: of the widest.
        scale: the largest absolute value, for the heat.
        behind: blanks after each number.
    """

    form: str = ""
    width: int = NARROWEST + 1
    scale: float = 1.0
    behind: int = 0

    def text(self, value: Any) -> str:
        """A number with its sign, flush right; digits stand below digits."""
        text = aligned(value, self.form).replace("-", "−", 1 if "e" not in self.form else -1)
        return text.ljust(self.width) if self.form == "full" else text.rjust(self.width - self.behind) + " " * self.behind

    def heat(self, value: float) -> str:
        """The background of a number: sign and size relative to the largest of its tensor."""
        if not isfinite(value):
            return "bad"
        level = round(HEAT_STEPS * max(-1.0, min(1.0, value / self.scale)))
        return f"heat:{level:+d}" * bool(level)


def look_of(known: Statistics | None, style: NumberStyle, narrowest: int = NARROWEST, among: bool = False, given: bool = False) -> Look:
    """The look of a table of these numbers; ``among`` others, the ones of whole numbers stand below the ones of fractions.

    A number of its own has no heat, since it is always the largest; ``given`` whole numbers, which never change, have little.
    """
    if known is None or not known.values.size:
        return Look()
    form = style.form(known)
    widest = max(len(text) for text in _examples(known, form))
    scale = max(abs(known.low), abs(known.high)) if known.finite.size else 0.0
    scale = inf if known.values.size == 1 else _FAINTER * scale if given and form == _WHOLE else scale
    behind = style.digits + 1 if among and form == _WHOLE else 0
    counted = known.values.dtype.kind in "biu" and form == _WHOLE  # truth values and places are no amounts, which have signs
    return Look(form.replace("+", "-") if counted else form, max(widest + behind, narrowest), scale or 1.0, behind)


def _examples(known: Statistics, form: str) -> list[str]:
    """The texts of which one is the longest."""
    if form == "full":
        return [aligned(value, form) for value in known.values.flat] if known.values.size <= _FEW else [" " * _LONGEST]
    extremes = (known.low, known.high, known.least) if known.finite.size else ()
    return [aligned(value, form) for value in extremes] + [f"{name:>4}" for name in known.broken]


def statistics_in(view: View, name: str, theirs: bool = False) -> Statistics | None:
    """The statistics of a tensor, or None where it has no value yet."""
    values = values_in(view, name, theirs)
    return None if values is None else of_numbers(view, ("statistics", name, theirs), values, lambda: Statistics(values))


def of_numbers(view: View, key: Hashable, values: Array, make: Callable[[], Made]) -> Made:
    """What is worked out of a tensor once for a view, and for those that follow until the tensor changes; the name is in the key."""
    return once(view, key, lambda: once(values, key, make))


def look_in(view: View, name: str, theirs: bool = False) -> Look:
    """How a tensor's numbers are written; those of a layer's weights, biases and sums in one width, since they stand below each other."""

    def look(name: str, theirs: bool = False) -> Look:
        given = part_of(view.program, name)[0] in (INPUT, TARGET)
        return look_of(statistics_in(view, name, theirs), view.number_style, 2 if given else NARROWEST, not given, given)

    own = look(name, theirs)
    return replace(own, width=max([own.width, *(look(other).width for other in kin_of(view.program, name))]))


def slice_of(view: View, name: str, shape: Shape) -> Slice:
    """The part that is looked at of a tensor, or of the user's numbers for it, of that shape: that with the selected cell, else with the
    operand that Enter goes to or with another one; else the sample in sight, and along the other axes where the selected cell is along its
    own of the same length."""
    operands = view.operands
    chosen = operands[view.operand % len(operands) :] if operands else ()
    cells = (index for owner, index in (*filter(None, [view.selected]), *chosen, *operands) if owner == name and len(index) == len(shape))
    cell = next(cells, None) or _alike(view, name, shape)
    cell = tuple(min(place, length - 1) for place, length in zip(cell, shape, strict=True))
    return slice_at(shape, cell, view.style.columns, view.axes.get(owner_of(view.program, name)))


def _alike(view: View, name: str, shape: Shape) -> Cell:
    """A cell of a tensor that has to do with the selected one."""
    other, index = view.selected or ("", ())
    lengths = view.shapes.get(other, ())
    cell = tuple(index[axis] if lengths[axis : axis + 1] == (length,) else 0 for axis, length in enumerate(shape))
    tensor = view.program.tensors.get(name)
    return tensor.at_sample(cell, view.sample)[: len(shape)] if tensor else cell


_LARGE = 400
"""Cells from which on a tensor always has its statistics above it, and an overview."""


def nearest(part: Slice, row: int, column: int) -> Cell:
    """The cell in a row and column of a part, or where they are beyond its ends, the nearest one."""
    return part.index(*(min(max(place, 0), length - 1) for place, length in zip((row, column), part.size, strict=True)))


def step_in(part: Slice, row: int, column: int, down: int, right: int) -> Cell | None:
    """The cell that a step leads to: in the same part of a tensor, or over its upper or lower edge in the one before or after; None where
    there is none."""
    if 0 <= row + down < part.size[0] and 0 <= column + right < part.size[1]:
        return part.index(row + down, column + right)
    beside = part.beside(down) if down in (1, -1) else None
    return beside.index(0 if down > 0 else part.size[0] - 1, column) if beside else None


class Sight(Record):
    """The cells in sight: the first row and column, and those after the last."""

    top: int
    left: int
    bottom: int
    right: int


class Block(Record):
    """A tensor's place in the pane.

    Attributes:
        name: the tensor.
        part: what is shown of it.
        look: how its numbers are written.
        width: of the block in columns of the terminal.
        theirs: whether it holds the user's own numbers for the tensor.
        left, top: where its title stands.
        edge: columns at its left side for the numbers of its rows.
        heads: what stands in the lines before the first row: ``title``, and perhaps ``statistics`` and the ``numbers`` of its columns.
        drawn, shown: the rows and the columns that are drawn.
    """

    name: str
    part: Slice
    look: Look
    width: int
    theirs: bool = False
    left: int = 0
    top: int = 0
    edge: int = 0
    heads: tuple[str, ...] = ("title",)
    drawn: range = range(0)
    shown: range = range(0)

    @property
    def rows(self) -> int:
        """How many there are."""
        return self.part.size[0]

    @property
    def columns(self) -> int:
        """How many there are."""
        return self.part.size[1]

    @property
    def cell(self) -> int:
        """The width of one number, with the mark before it."""
        return self.look.width + 1

    @property
    def head(self) -> int:
        """Lines before the first row."""
        return len(self.heads)

    @property
    def lasting(self) -> tuple[str, ...]:
        """What stays in sight at the top of the pane where the block begins above it."""
        return tuple(head for head in self.heads if head != "statistics")

    @property
    def first(self) -> int:
        """The line of the first row, or where it would be if it were drawn."""
        return self.top + self.head - self.drawn.start

    @property
    def bottom(self) -> int:
        """The line after the block."""
        return self.first + self.drawn.stop

    @property
    def large(self) -> bool:
        """Whether it has too many cells to be looked at."""
        return self.rows * self.columns >= _LARGE

    def head_at(self, y: int, begin: int) -> str:
        """What of the heads is drawn in a line of a window that begins at line ``begin``, or ""."""
        heads, place = (self.lasting, y - begin) if self.top < begin <= y else (self.heads, y - self.top)
        return heads[place] if 0 <= place < len(heads) else ""

    def sight(self, x: int, y: int, columns: int, rows: int) -> Sight:
        """The cells that are to be seen of it in a window of that size."""
        begin = y + len(self.lasting) if self.top < y else y
        top, bottom = (min(max(line - self.first, self.drawn.start), self.drawn.stop) for line in (begin, y + rows))
        across = x - self.left + self.cell - 1, x - self.left + columns - self.edge
        start, stop = self.shown.start, self.shown.stop
        left, right = (min(max(column // self.cell + start, start), stop) for column in across)
        return Sight(top, left, max(top, bottom), max(left, right))

    def first_column(self, column: int, x: int, columns: int) -> int:
        """The first column to be seen in a window that began at ``x``, so that a column is in sight: the nearest, or one far before."""
        fit, first = max((columns - self.edge) // self.cell, 1), max(-(-(x - self.left) // self.cell), 0)
        if first - 1 <= column <= first + fit:
            return min(max(first, column - fit + 1), column)
        return max(min(column - fit // 2, self.columns - fit), 0)

    def middle(self, column: int) -> int:
        """The place of the middle of a column."""
        return self.left + self.edge + (column - self.shown.start) * self.cell + self.cell // 2

    def column_at(self, x: int) -> int:
        """The column that is nearest to a place."""
        return min(max((x - self.left - self.edge) // self.cell + self.shown.start, self.shown.start), self.shown.stop - 1)
