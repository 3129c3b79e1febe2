"""The panes of tables: tensors of the layer in focus, with the cell cursor."""

from __future__ import annotations

from collections.abc import Callable
from itertools import product
from typing import ClassVar

from textual.binding import Binding, BindingType
from textual.geometry import Offset, Region, Size

from bpdebug.core.cells import Cell
from bpdebug.session.view import View
from bpdebug.ui.draw.empty import nothing_yet
from bpdebug.ui.draw.footer import ARROWS, ORIGIN, HintOf, own_keys
from bpdebug.ui.draw.layers import counterpart, deltas_of, focus_layer, is_past, origin_of, values_of
from bpdebug.ui.draw.matrix import cursor_in, layout_line, note_text, past_text
from bpdebug.ui.draw.matrix_layout import Block, Layout, Sight, make_layout, step_from
from bpdebug.ui.draw.matrix_overview import has_overview, overview_cell, overview_lines, pictured_among
from bpdebug.ui.draw.spans import Line, fit
from bpdebug.ui.painting import few_colors
from bpdebug.ui.pane import Pane, pane
from bpdebug.ui.pointing import CELL_KEYS, CellChosen

_PICTURE = range(12, 25)
"""Columns that the overview of a large tensor may take; about a fifth of the pane."""


class MatrixPane(Pane):
    """Tensors as tables, with the cell cursor."""

    BINDINGS: ClassVar[list[BindingType]] = [
        *CELL_KEYS,
        Binding("shift+up,ctrl+up", "cursor(-10, 0)", "ten rows up", show=False),
        Binding("shift+down,ctrl+down", "cursor(10, 0)", "ten rows down", show=False),
        Binding("pageup", "layer(-1)", "the layer before", show=False),
        Binding("pagedown", "layer(1)", "the layer after", show=False),
    ]

    def __init__(self, **arguments: str) -> None:
        super().__init__(**arguments)  # type: ignore[arg-type]
        self.layout_of = Layout(())
        self._aside = 0
        self._arrived: tuple[int, tuple[str, Cell] | None] = (-1, None)
        self._picture: tuple[object, list[Line]] = (None, [])

    @property
    def numbers(self) -> Size:
        """The room for the numbers, beside the overview."""
        return Size(max(self.area.width - self._aside, 0), self.area.height)

    def names(self, view: View) -> list[str]:
        """The tensors shown."""
        raise NotImplementedError

    def prepare(self, view: View) -> None:
        """Place the blocks; keep the cursor, or the stage that has just run, in sight."""
        names, columns = self.names(view), self.size.width
        self._aside = _aside(columns) if has_overview(view, names, self.size.width, self.size.height) else 0
        self.layout_of = make_layout(view, names, columns - self._aside, self.size.height)
        if self.layout_of.height > self.size.height:
            self.layout_of = make_layout(view, names, self.beside_scrollbar.width - self._aside, self.size.height)
        self.extend(self.layout_of.width + self._aside, self.layout_of.height)
        note = note_text(view, self.layout_of, columns - 4) or self._nothing(view, names)
        self.frame(" · ".join(filter(None, (self.title, f"layer {focus_layer(view)}", past_text(view, names)))), note)
        if not self._at_answers(view) and self._wanted(view):
            self._keep_in_sight()
            self.call_after_refresh(self._keep_in_sight)  # a scrollbar that has just appeared takes room
        else:
            self.scroll_to(0, 0, animate=False, force=True)

    @staticmethod
    def _nothing(view: View, names: list[str]) -> str:
        """What to press where there is nothing of this update to be seen."""
        return "" if past_text(view, names) and not view.position.at_end else nothing_yet(view, names)

    def _at_answers(self, view: View) -> bool:
        """Whether the training has ended and nobody has moved the cell cursor since: then the answers are to be seen, not its cell."""
        if view.position.t != self._arrived[0]:
            self._arrived = (view.position.t, view.selected)
        return view.position.at_end and view.selected == self._arrived[1]

    def _keep_in_sight(self) -> None:
        """Scroll to the cell cursor and the operand."""
        sight = self._wanted(self.view) if self.view else None
        if sight:
            near = Region(*self.scroll_offset, *self.numbers).grow((self.area.height, self.area.width) * 2)
            self.scroll_to_region(sight.grow((0, self._aside, 0, 0)), animate=False, force=True, center=not near.overlaps(sight))

    def _wanted(self, view: View) -> Region | None:
        """What should be visible: the cell cursor and the operand that ``origin`` goes to, as much of their tensors as the pane holds;
        where it does not hold both cells, the cursor's tensor; None where neither is here."""
        cells = [cell for cell in (view.selected, origin_of(view)) if cell and self.layout_of.find(cell[0])]
        if len(cells) == 2:
            first, second = (self._sights(*cell) for cell in cells)
            both = (here.union(there) for here, there in product(first, second))
            found = next((sight for sight in both if sight.height <= self.numbers.height and sight.width <= self.numbers.width), None)
            if found:
                return found
        return self._sights(*cells[0])[0] if cells else None

    def _sights(self, name: str, index: Cell) -> tuple[Region, Region]:
        """As much of a cell's tensor as the pane holds; and the least: the cell's row with what stands above the tensor, or where the
        user's own numbers are compared with it, no less."""
        block = next(block for block in self.layout_of.blocks if block.name == name)
        row, column = block.place(index)
        left = block.first_column(column, self.scroll_offset.x, self.numbers.width) * block.cell
        bottom, size = self.layout_of.bottom_of(name), self.numbers
        # all of the tensor's blocks where they fit, else its own, else its beginning, else the cell; of a wide one all columns that fit
        # from there on, so that the first of them is a whole one
        across, width = (block.left + left, size.width) if block.width > size.width else (block.left, block.width)
        heights = [bottom - block.top, block.bottom - block.top, *[size.height] * (block.head + row + 1 <= size.height)]
        height = next((height for height in heights if height <= size.height), 0)
        sight = Region(across, block.top, width, height) if height else _cell_sight(block, row, across, width)
        return sight, sight if bottom > block.bottom else _cell_sight(block, row, sight.x, sight.width)

    def line_at(self, view: View, y: int) -> Line:
        """See :func:`bpdebug.ui.draw.matrix.layout_line`; the overview stands to the right of it and is not scrolled."""
        room, start = self._room.width - self._aside, self.scroll_offset
        drawn = layout_line(view, self.layout_of, y, start.x, room, range(start.y, start.y + self._room.height))
        beside, at = self._overview(view, start) if self._aside else [], y - start.y
        return (*fit(drawn, room), (" ", ""), *beside[at]) if at < len(beside) else drawn

    @property
    def pictured(self) -> tuple[Block, Sight] | None:
        """The large tensor with the cell cursor in it, or where it is elsewhere, with most of the lines in sight, and what is to be seen
        of it."""
        if not self._aside or self.view is None:
            return None
        known = pictured_among(self.view, [block.name for block in self.layout_of.blocks])
        x, y = self.scroll_offset
        large = (block for block in self.layout_of.blocks if block.large and block.name in known)
        seen = ((block, block.sight(x, y, self.numbers.width, self.numbers.height)) for block in large)
        return max(seen, key=lambda found: found[1].bottom - found[1].top, default=None)

    def _overview(self, view: View, start: Offset) -> list[Line]:
        """The lines of the overview, drawn once for all lines of the pane."""
        key = (view, start, self._room)
        if self._picture[0] != key:
            found, signs = self.pictured, few_colors(self)
            lines = overview_lines(view, *found, self._aside - 1, self._room.height, signs) if found else []
            self._picture = (key, lines)
        return self._picture[1]

    def action_cursor(self, down: int, right: int) -> None:
        """Move the cell cursor; with one step over the edge of a tensor it goes to the next one."""
        view = self.view
        if view is None:
            return
        block = self.layout_of.find(view.selected[0]) if view.selected else None
        known = {name for name in view.tensors if not is_past(view, name)}
        if block is None:
            first = next((block for block in self.layout_of.blocks if block.name in known), None)
            found = (first, 0, 0) if first else None
        else:
            row, column = cursor_in(view, block) or (0, 0)
            far = abs(down) + abs(right) > 1
            found = (block, row + down, column + right) if far else step_from(self.layout_of, known, (block, row, column), down, right)
        if found:
            block, row, column = found
            row, column = min(max(row, 0), block.rows - 1), min(max(column, 0), block.columns - 1)
            self.post_message(CellChosen(*_cell(view, block, row, column)))

    def action_layer(self, by: int) -> None:
        """Go to the same tensor of the layer before or after."""
        view = self.view
        if view is None:
            return
        layer, (name, index) = focus_layer(view), view.selected or ("", ())
        if 1 <= layer + by <= len(view.program.layers):
            there = counterpart(view, name, layer, layer + by)
            places = zip((*index, 0, 0), view.tensors[there].shape, strict=False)
            self.post_message(CellChosen(there, tuple(min(place, length - 1) for place, length in places)))

    def cell_under(self, place: Offset) -> tuple[str, Cell] | None:
        """The cell that the mouse points at; in the overview, the one in the middle of the patch."""
        view, x = self.view, place.x - self.numbers.width
        if view is None:
            return None
        if self._aside and x >= 0:
            pictured = self.pictured
            cell = overview_cell(pictured[0], self._aside - 1, self.area.height, x - 1, place.y) if pictured else None
            return _cell(view, pictured[0], *cell) if pictured and cell else None
        name, cell = self.layout_of.cell_at(*(place + self.scroll_offset), begin=self.scroll_offset) or ("", None)
        block = self.layout_of.find(name) if name in view.tensors and not is_past(view, name) else None
        return _cell(view, block, *cell) if block and cell else None


def _cell(view: View, block: Block, row: int, column: int) -> tuple[str, Cell]:
    return block.name, block.index(row, column, len(view.shapes[block.name]))


def _aside(columns: int) -> int:
    """The columns of the overview with the gap before it."""
    return min(max(columns // 5, _PICTURE.start), _PICTURE.stop - 1) + 1


def _cell_sight(block: Block, row: int, left: int, width: int) -> Region:
    """A row with what stays above it."""
    above = len(block.lasting)
    return Region(left, block.first + row - above, width, above + 1)


def _hints(names: Callable[[View], list[str]]) -> list[HintOf]:
    """The arrows where one of the tensors has a value, and where its cells come from."""
    return [own_keys("cell", *ARROWS, when=lambda view: any(name in view.tensors for name in names(view))), *ORIGIN]


@pane("values", "4", "middle", hints=_hints(values_of), cells=True)
class ValuesPane(MatrixPane):
    """Weighted sums, activations, weights and inputs of the layer in focus."""

    def names(self, view: View) -> list[str]:
        """See :func:`bpdebug.ui.draw.matrix.values_of`."""
        return values_of(view)


@pane("deltas", "5", "middle", hints=_hints(deltas_of), cells=True)
class DeltasPane(MatrixPane):
    """Gradients of the layer in focus."""

    def names(self, view: View) -> list[str]:
        """See :func:`bpdebug.ui.draw.matrix.deltas_of`; on a small screen, which hides the other panes, also the operands where there is
        room for them."""
        names = deltas_of(view)
        operands = view.explanation.operands if view.explanation and view.explanation.name in names and self.app.has_class("small") else ()
        more = list(dict.fromkeys([*names, *(name for name, _ in operands)]))
        fits = make_layout(view, more, self.size.width, self.size.height).height <= self.size.height
        return more if fits else names
