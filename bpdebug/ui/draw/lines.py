"""A widget that shows drawn lines and nothing else."""

from __future__ import annotations

from textual.strip import Strip
from textual.widget import Widget

from bpdebug.ui.draw.spans import Line
from bpdebug.ui.panes import to_strip


class Lines(Widget):
    """Lines in the colours of the theme; those that its height has no room for are not shown."""

    _lines: tuple[Line, ...] = ()

    def show(self, *lines: Line) -> None:
        """Put these lines in the place of the former ones."""
        self._lines = lines
        self.refresh()

    def render_line(self, y: int) -> Strip:
        """One of the lines, or blanks below them."""
        drawn = self._lines[y] if y < len(self._lines) else ()
        return to_strip(self, drawn, self.size.width, self.rich_style)
