"""The pane of what the user's script prints."""

from __future__ import annotations

from textual.geometry import Size

from bpdebug.session.view import View
from bpdebug.ui.draw.output import output_lines, shown_until
from bpdebug.ui.draw.spans import Line
from bpdebug.ui.pane import ListPane, pane


@pane("output", "O", "output")
class OutputPane(ListPane):
    """What your script prints: each line with the update in which it was, and the line that prints it; dim what is still to come."""

    def draw(self, view: View, size: Size) -> list[Line]:
        """See :mod:`bpdebug.ui.draw.output`."""
        lines = output_lines(view, size.width)
        self.scroll_to(0, max(shown_until(view) - size.height, 0), animate=False)
        return lines
