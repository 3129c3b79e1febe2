"""A tensor's table: how large it is, what of it is drawn, and which of its cells stands where."""

from __future__ import annotations

from bpdebug.core.record import Record
from bpdebug.look.slices import Slice
from bpdebug.ui.draw.matrix_cells import Look

_LARGE = 400
"""Cells from which on a tensor always has its statistics above it, and an overview."""


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
        window, across: the rows and the columns that are drawn; none for all.
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
    window: tuple[int, int] = (0, 0)
    across: tuple[int, int] = (0, 0)

    @property
    def rows(self) -> int:
        """How many there are."""
        return self.part.size[0]

    @property
    def columns(self) -> int:
        """How many there are."""
        return self.part.size[1]

    @property
    def drawn(self) -> range:
        """The rows that are drawn."""
        return range(*self.window) if any(self.window) else range(self.rows)

    @property
    def shown(self) -> range:
        """The columns that are drawn."""
        return range(*self.across) if any(self.across) else range(self.columns)

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
