"""The pane of the network."""

from __future__ import annotations

from typing import ClassVar

from textual.binding import Binding, BindingType
from textual.geometry import Offset, Size

from bpdebug.debugger.view import View
from bpdebug.engine.cells import Cell
from bpdebug.ui.draw.network import network_drawing
from bpdebug.ui.draw.network_click import cell_at, cell_beside
from bpdebug.ui.draw.spans import Line
from bpdebug.ui.panes import ListPane
from bpdebug.ui.pointing import CellChosen


class NetworkPane(ListPane):
    """Neurons and edges for one sample of the batch."""

    title = "2 Network"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("up", "cursor(-1, 0)", "neuron above", show=False),
        Binding("down", "cursor(1, 0)", "neuron below", show=False),
        Binding("left", "cursor(0, -1)", "layer before", show=False),
        Binding("right", "cursor(0, 1)", "layer after", show=False),
    ]

    def draw(self, view: View, size: Size) -> list[Line]:
        """See :mod:`bpdebug.ui.draw.network`."""
        title = f"{self.title} · sample {int(view.samples[view.sample])}" + _of(view)
        if self.border_title != title:
            self.border_title = title
        lines, note = network_drawing(view, size.width, size.height)
        if self.border_subtitle != note:
            self.border_subtitle = note
        return lines

    def action_cursor(self, down: int, right: int) -> None:
        """Move the cell cursor from neuron to neuron."""
        chosen = cell_beside(self.view, down, right) if self.view else None
        if chosen:
            self.post_message(CellChosen(*chosen))

    def cell_under(self, place: Offset) -> tuple[str, Cell] | None:
        """The number of the neuron, or of the edge, that the mouse points at."""
        return cell_at(self.view, self.size.width, self.size.height, place.x, place.y + self.scroll_offset.y) if self.view else None


def _of(view: View) -> str:
    """Which row of how many the sample is."""
    return f" · {view.sample + 1} of {len(view.samples)}" if len(view.samples) > 1 else ""
