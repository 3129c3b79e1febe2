"""The pane of what the user's script prints."""

from __future__ import annotations

from collections.abc import Sequence

from textual.geometry import Size

from bpdebug.session.view import View
from bpdebug.ui.draw.output import output_lines, shown_until
from bpdebug.ui.draw.spans import Line
from bpdebug.ui.pane import ListPane, pane


@pane("output", "O", "output")
class OutputPane(ListPane):
    """What your script prints: each line with the update in which it was, and the line that prints it; dim what is still to come."""

    _live: Sequence[str] = ()

    def goes_on(self, printed: Sequence[str], state: str) -> None:
        """What a script has printed by now that still runs, and how it goes."""
        self._live = printed
        self.frame(self.title, state)
        self.redraw()

    def draw(self, view: View, size: Size) -> list[Line]:
        """See :mod:`bpdebug.ui.draw.output`."""
        lines = output_lines(view, size.width, self._live)
        until = len(lines) if self._live else shown_until(view)
        self.extend(0, len(lines))
        self.scroll_to(0, max(until - size.height, 0), animate=False)
        return lines
