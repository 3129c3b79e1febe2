"""The pane of the network."""

from __future__ import annotations

from collections.abc import Iterator
from typing import ClassVar

from textual.binding import BindingType
from textual.geometry import Offset, Size

from bpdebug.core.cells import NamedCell, cell_name
from bpdebug.session.view import View
from bpdebug.ui.draw.bars import ARROWS, command_keys, own_keys
from bpdebug.ui.draw.network import cell_at, cell_beside, network_drawing
from bpdebug.ui.draw.spans import Line
from bpdebug.ui.pane import ListPane, pane
from bpdebug.ui.pointing import CellChosen, arrows

_HINTS = (own_keys("neuron", *ARROWS), command_keys("reverse-sample", "sample"), command_keys("origin"))


@pane("network", "2", "top", hints=_HINTS)
class NetworkPane(ListPane):
    """Neurons and edges for one sample of the batch."""

    BINDINGS: ClassVar[list[BindingType]] = [*arrows("neuron above", "neuron below", "layer before", "layer after")]

    def draw(self, view: View, size: Size) -> list[Line]:
        """See :mod:`bpdebug.ui.draw.network`."""
        title = f"{self.title}  {_sample(view)}"
        lines, note = network_drawing(view, size.width, size.height)
        self.frame(title, note)
        return lines

    def action_cursor(self, down: int, right: int) -> None:
        """Move the cell cursor from neuron to neuron."""
        chosen = cell_beside(self.view, *self.size, down, right) if self.view else None
        if chosen:
            self.post_message(CellChosen(*chosen))

    def spots(self) -> Iterator[tuple[Offset, str]]:
        """The neurons, where their numbers stand."""
        program, found = self.view.program if self.view else None, set[NamedCell]()
        for place in (Offset(x, y) for y in range(self.area.height) for x in range(self.area.width)):
            cell = self.cell_under(place)
            if program and cell and cell not in found and cell[0] in program.sampled:
                found.add(cell)
                yield place, f"select {cell_name(*cell)}"

    def cell_under(self, place: Offset) -> NamedCell | None:
        """The number of the neuron, or of the edge, that the mouse points at."""
        return cell_at(self.view, *self.size, place.x, place.y + self.scroll_offset.y) if self.view else None


def _sample(view: View) -> str:
    """The sample in sight, counted from 0 as its row in the tensors is; its place in the data where that is another one."""
    samples = view.finished.samples if view.finished else view.samples
    row = min(view.sample, len(samples) - 1)
    sample, rows = int(samples[row]), len(samples)
    if rows == 1:
        return f"sample {sample}"
    return f"sample {sample} of {rows}" if sample == row else f"row {row} of {rows}: sample {sample}"
