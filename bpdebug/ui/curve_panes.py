"""The panes that look at the training as a whole: the loss curve, the health of the layers, the answers of the network."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from textual.binding import Binding, BindingType
from textual.geometry import Offset, Size
from textual.message import Message

from bpdebug.session.view import View
from bpdebug.ui.draw.loss import loss_lines, update_at, updates_a_column
from bpdebug.ui.draw.loss_numbers import newest
from bpdebug.ui.draw.spans import Line
from bpdebug.ui.panes import ListPane, few_colors


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

    def clicked(self, place: Offset) -> bool:
        """Go to the update whose loss was clicked."""
        update = update_at(self.view, self.size.width, self.size.height, place.x) if self.view else None
        if update is not None:
            self.post_message(MomentChosen(update))
        return False


class HeadedPane(TitledPane):
    """A pane whose first lines stay where they are while the others scroll."""

    _fixed = 0

    def parts(self, view: View, size: Size) -> tuple[list[Line], list[Line]]:
        """What stays, and what scrolls."""
        raise NotImplementedError

    def draw(self, view: View, size: Size) -> list[Line]:
        """Both."""
        fixed, below = self.parts(view, size)
        self._fixed = len(fixed)
        return fixed + below

    def line_at(self, view: View, y: int) -> Line:
        """A line of the head where it stands, or one that is scrolled."""
        row = y - self.scroll_offset.y
        return super().line_at(view, row if row < self._fixed else y)

    def action_page_down(self) -> None:
        """On by as many lines as scroll."""
        self.scroll_relative(y=self.size.height - self._fixed, animate=False, immediate=True)

    def action_page_up(self) -> None:
        """Back by as many."""
        self.scroll_relative(y=self._fixed - self.size.height, animate=False, immediate=True)


class HealthPane(HeadedPane):
    """Gradients, steps, saturated and dead units, layer by layer."""

    title = "8 Health"

    def parts(self, view: View, size: Size) -> tuple[list[Line], list[Line]]:
        """See :mod:`bpdebug.ui.draw.health`."""
        from bpdebug.ui.draw.health import health_note, health_parts, health_title  # noqa: PLC0415 - a start does without

        self.name_border(health_title(view, self.title))
        note = health_note(view, size.width, size.height)
        if self.border_subtitle != note:
            self.border_subtitle = note
        return health_parts(view, size.width, size.height)


class SurfacePane(HeadedPane):
    """What the network answers: over the plane or line of its inputs, or sample by sample."""

    title = "9 Surface"

    def parts(self, view: View, size: Size) -> tuple[list[Line], list[Line]]:
        """See :mod:`bpdebug.ui.draw.surface`."""
        from bpdebug.ui.draw.surface import surface_parts, surface_title  # noqa: PLC0415 - a start does without

        self.name_border(surface_title(view, self.title))
        return surface_parts(view, size.width, size.height, few_colors(self))
