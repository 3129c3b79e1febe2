"""The pane of the answers of the network."""

from __future__ import annotations

from textual.geometry import Size

from bpdebug.session.view import View
from bpdebug.ui.draw.spans import Line
from bpdebug.ui.painting import few_colors
from bpdebug.ui.pane import ListPane, pane


@pane("surface", "9", "below", needs=["surface"])
class SurfacePane(ListPane):
    """What the network answers: over the plane or line of its inputs, or sample by sample."""

    def draw(self, view: View, size: Size) -> list[Line]:
        """See :mod:`bpdebug.ui.draw.surface`."""
        from bpdebug.ui.draw.surface import surface_parts, surface_title  # noqa: PLC0415 - a start does without

        self.frame(surface_title(view, self.title))
        head, below = surface_parts(view, size.width, size.height, few_colors(self))
        self.fixed = len(head)
        return head + below
