"""The panes that look at the training as a whole: the loss curve, the health of the layers, the answers of the network."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from textual import events
from textual.binding import Binding, BindingType
from textual.geometry import Size
from textual.message import Message

from bpdebug.debugger.view import View
from bpdebug.ui.draw.health import health_lines, health_title
from bpdebug.ui.draw.loss import loss_lines, newest, update_at, updates_a_column
from bpdebug.ui.draw.spans import Line
from bpdebug.ui.draw.surface import surface_lines, surface_title
from bpdebug.ui.panes import ListPane


@dataclass
class MomentChosen(Message):
    """The user has pointed at the loss of an update."""

    update: int


class TitledPane(ListPane):
    """A pane whose border says more than its name."""

    def name_border(self, text: str) -> None:
        """Put a text into the border; it is laid out anew only where it has changed."""
        if self.border_title != text:
            self.border_title = text


class LossPane(ListPane):
    """The loss curve; left and right go through the training along it."""

    title = "3 Loss"
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
            self.post_message(MomentChosen(update))

    def on_click(self, event: events.Click) -> None:
        """Go to the update whose loss was clicked."""
        place = event.get_content_offset(self)
        update = update_at(self.view, self.size.width, self.size.height, place.x) if place and self.view else None
        if update is not None:
            self.post_message(MomentChosen(update))


class HealthPane(TitledPane):
    """Gradients, steps, saturated and dead units, layer by layer."""

    title = "8 Health"

    def draw(self, view: View, size: Size) -> list[Line]:
        """See :mod:`bpdebug.ui.draw.health`."""
        self.name_border(health_title(view, self.title))
        return health_lines(view, size.width, size.height)


class SurfacePane(TitledPane):
    """What the network answers: over the plane or line of its inputs, or sample by sample."""

    title = "9 Surface"

    def draw(self, view: View, size: Size) -> list[Line]:
        """See :mod:`bpdebug.ui.draw.surface`."""
        self.name_border(surface_title(view, self.title))
        return surface_lines(view, size.width, size.height)
