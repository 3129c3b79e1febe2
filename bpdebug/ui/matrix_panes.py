"""The panes of tables: tensors of the layer in focus, with the cell cursor."""

from __future__ import annotations

from typing import ClassVar

from textual import events
from textual.binding import Binding, BindingType
from textual.geometry import Region, Size

from bpdebug.debugger.view import View
from bpdebug.ui.draw_matrix import Block, Layout, as_row_column, cursor_in, deltas_of, focus_layer, layout_line, make_layout, values_of
from bpdebug.ui.panes import CellChosen, Pane
from bpdebug.ui.spans import Line


class MatrixPane(Pane):
    """Tensors as tables, with the cell cursor."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("up", "cursor(-1, 0)", "cell above", show=False),
        Binding("down", "cursor(1, 0)", "cell below", show=False),
        Binding("left", "cursor(0, -1)", "cell to the left", show=False),
        Binding("right", "cursor(0, 1)", "cell to the right", show=False),
        Binding("pageup", "cursor(-10, 0)", "ten rows up", show=False),
        Binding("pagedown", "cursor(10, 0)", "ten rows down", show=False),
        Binding("home", "cursor(0, -1000000)", "first column", show=False),
        Binding("end", "cursor(0, 1000000)", "last column", show=False),
    ]

    def __init__(self, **arguments: str) -> None:
        super().__init__(**arguments)  # type: ignore[arg-type]
        self.layout_of = Layout(())

    def names(self, view: View) -> list[str]:
        """The tensors shown."""
        raise NotImplementedError

    def name_layer(self, view: View) -> None:
        """Say in the border which layer is shown."""
        title = f"{self.title} · layer {focus_layer(view)}"
        if self.border_title != title:
            self.border_title = title

    def prepare(self, view: View) -> None:
        """Place the blocks; keep the cursor, or the stage that has just run, in sight."""
        self.layout_of = make_layout(view, self.names(view), self.size.width)
        if self.layout_of.height > self.size.height:
            self.layout_of = make_layout(view, self.names(view), self.beside_scrollbar.width)
        self.extend(self.layout_of.width, self.layout_of.height)
        block = self.layout_of.find(view.selected[0]) if view.selected else None
        if block and view.selected:
            self._keep_in_sight()
            self.call_after_refresh(self._keep_in_sight)  # a scrollbar that has just appeared takes room
        else:
            self.scroll_to(0, 0, animate=False, force=True)

    def _keep_in_sight(self) -> None:
        """Scroll to the cell cursor."""
        block = self.layout_of.find(self.view.selected[0]) if self.view and self.view.selected else None
        if block and self.view and self.view.selected:
            row, column = as_row_column(self.view.selected[1])
            self.scroll_to_region(_sight(block, row, column, self.area), animate=False, force=True)

    def line_at(self, view: View, y: int) -> Line:
        """See :func:`bpdebug.ui.draw_matrix.layout_line`."""
        return layout_line(view, self.layout_of, y, self.scroll_offset.x, self.area.width)

    def action_cursor(self, down: int, right: int) -> None:
        """Move the cell cursor; over the edge of a tensor it goes to the next one."""
        if self.view is None:
            return
        block = self.layout_of.find(self.view.selected[0]) if self.view.selected else None
        if block is None:
            self._choose(next((b for b in self.layout_of.blocks if b.name in self.view.tensors), None), 0, 0)
            return
        row, column = cursor_in(self.view, block) or (0, 0)
        over = _over(row + down, block.rows) if abs(down) == 1 else _over(column + right, block.columns) if abs(right) == 1 else 0
        if over:
            self._choose(self._neighbour(block, over), row if right else 0, column if down else 0)
        else:
            self._choose(block, row + down, column + right)

    def _neighbour(self, block: Block, over: int) -> Block | None:
        """The next tensor that has a value."""
        known = [b for b in self.layout_of.blocks if self.view and b.name in self.view.tensors]
        place = known.index(block) + over
        return known[place] if 0 <= place < len(known) else None

    def _choose(self, block: Block | None, row: int, column: int) -> None:
        if block is None or self.view is None:
            return
        row, column = min(max(row, 0), block.rows - 1), min(max(column, 0), block.columns - 1)
        axes = len(self.view.shapes[block.name])
        self.post_message(CellChosen(block.name, (row, column)[2 - axes :]))

    def on_click(self, event: events.Click) -> None:
        """Put the cursor where the mouse points."""
        place = event.get_content_offset(self)
        found = self.layout_of.cell_at(place.x + self.scroll_offset.x, place.y + self.scroll_offset.y) if place else None
        if found and self.view and found[0] in self.view.tensors:
            self._choose(self.layout_of.find(found[0]), *found[1])


def _over(place: int, length: int) -> int:
    return -1 if place < 0 else 1 if place >= length else 0


def _sight(block: Block, row: int, column: int, size: Size) -> Region:
    """What should be visible for a cell: the whole block where it fits, else its beginning, else the cell."""
    width = block.width if block.width <= size.width else block.cell
    left = block.left if block.width <= size.width else block.left + column * block.cell
    if block.rows + 1 <= size.height:
        return Region(left, block.top, width, block.rows + 1)
    if row + 2 <= size.height:
        return Region(left, block.top, width, size.height)
    return Region(left, block.top + 1 + row, width, 1)


class ValuesPane(MatrixPane):
    """Weighted sums, activations, weights and inputs of the layer in focus."""

    title = "4 Values"

    def names(self, view: View) -> list[str]:
        """See :func:`bpdebug.ui.draw_matrix.values_of`."""
        self.name_layer(view)
        return values_of(view)


class DeltasPane(MatrixPane):
    """Gradients of the layer in focus."""

    title = "5 Deltas"

    def names(self, view: View) -> list[str]:
        """See :func:`bpdebug.ui.draw_matrix.deltas_of`."""
        self.name_layer(view)
        return deltas_of(view)
