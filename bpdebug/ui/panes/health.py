"""The pane of the health of the layers."""

from __future__ import annotations

from textual.geometry import Size

from bpdebug.session.view import View
from bpdebug.ui.draw.spans import Line
from bpdebug.ui.pane import ListPane, pane


@pane("health", "8", needs=["health"])
class HealthPane(ListPane):
    """Gradients, steps, saturated and dead units, layer by layer."""

    def draw(self, view: View, size: Size) -> list[Line]:
        """See :mod:`bpdebug.ui.draw.health`."""
        from bpdebug.ui.draw.health import health_note, health_parts, health_title  # noqa: PLC0415 - a start does without

        self.frame(health_title(view, self.title), health_note(view, size.width, size.height))
        head, below = health_parts(view, size.width, size.height)
        self.fixed = len(head)
        return head + below
