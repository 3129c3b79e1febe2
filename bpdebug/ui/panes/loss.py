"""The pane of the loss curve."""

from __future__ import annotations

from typing import ClassVar

from textual.binding import Binding, BindingType
from textual.geometry import Offset, Size

from bpdebug.session.view import View
from bpdebug.ui.draw.bars import own_keys
from bpdebug.ui.draw.loss import loss_lines, newest, update_at, updates_a_column
from bpdebug.ui.draw.spans import Line
from bpdebug.ui.pane import ListPane, pane
from bpdebug.ui.pointing import Asked


@pane("loss", "3", hints=[own_keys("along", "left", "right", when=lambda view: len(view.losses[0]) > 0)])
class LossPane(ListPane):
    """The loss curve; left and right go through the training along it."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("left", "along(-1)", "to an earlier loss", show=False),
        Binding("right", "along(1)", "to a later loss", show=False),
    ]

    def draw(self, view: View, size: Size) -> list[Line]:
        """See :mod:`bpdebug.ui.draw.loss`."""
        return loss_lines(view, size.width, size.height)

    def action_along(self, by: int) -> None:
        """Go as far along the curve as a column reaches."""
        if self.view and len(known := self.view.losses[0]):
            stride = updates_a_column(self.view, self.size.width, self.size.height)
            update = min(max(newest(self.view) + by * stride, 0), int(known[-1]))
            self.post_message(Asked(f"goto {update}:{self.view.program.loss}"))

    def clicked(self, place: Offset) -> bool:
        """Go to the update whose loss was clicked."""
        update = update_at(self.view, self.size.width, self.size.height, place.x) if self.view else None
        if self.view and update is not None:
            self.post_message(Asked(f"goto {update}:{self.view.program.loss}"))
        return False
