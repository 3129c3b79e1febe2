"""The line above the panes and the one below them, and that of the guided tour."""

from __future__ import annotations

from collections.abc import Callable

from rich.text import Text
from textual import events
from textual.reactive import reactive
from textual.strip import Strip
from textual.widget import Widget
from textual.widgets import Static

from bpdebug.session.view import View
from bpdebug.ui.draw.bars import header_line
from bpdebug.ui.draw.footer import Place, footer_key, footer_line
from bpdebug.ui.draw.glyphs import key_name
from bpdebug.ui.draw.source import has_source
from bpdebug.ui.draw.spans import Line
from bpdebug.ui.painting import to_strip
from bpdebug.ui.pane import REGISTERED, Pane


class Bar(Widget):
    """A line of text over the whole width."""

    ALLOW_SELECT = False
    view: reactive[View | None] = reactive(None)

    def draw(self, view: View, columns: int) -> Line:
        """The line."""
        raise NotImplementedError

    def render_line(self, y: int) -> Strip:
        """The line, or blanks before there is a view."""
        drawn = self.draw(self.view, self.size.width) if self.view else ()
        return to_strip(self, drawn, self.size.width, self.rich_style)


class HeaderBar(Bar):
    """Where we are."""

    def draw(self, view: View, columns: int) -> Line:
        """See :func:`bpdebug.ui.draw.bars.header_line`."""
        return header_line(view, columns)


class FooterBar(Bar):
    """What can be pressed; a click on it does the same.

    Args:
        alone: whether a pane has the whole body.
    """

    def __init__(self, alone: Callable[[], bool]) -> None:
        super().__init__(id="footer")
        self._alone = alone

    def on_mount(self) -> None:
        """Follow the focus, and the text that is selected."""
        for name in ("focused", "selections"):
            self.watch(self.screen, name, self._another, init=False)

    def _another(self) -> None:
        self.refresh()

    @property
    def _place(self) -> Place:
        pane = self.screen.focused if isinstance(self.screen.focused, Pane) else None
        hints, cells = (pane.hints, pane.cells) if pane else ((), True)
        scripts = self.view is not None and has_source(self.view)
        letters = (
            pane.key for pane in REGISTERED.values() if not pane.key.isdigit() and (scripts or pane.spot not in ("source", "output"))
        )
        return Place(hints, cells, bool(self.screen.selections), self._alone(), (*letters,))

    def draw(self, view: View, columns: int) -> Line:
        """See :func:`bpdebug.ui.draw.footer.footer_line`."""
        return footer_line(view, columns, self._place)

    def on_click(self, event: events.Click) -> None:
        """Press the key that was clicked."""
        key = footer_key(self.view, self.size.width, event.x, self._place) if self.view else ""
        if key:
            self.app.simulate_key(key_name(key))


class TourBar(Static):
    """What the guided tour asks for, while it is taken."""

    view: reactive[View | None] = reactive(None)

    def watch_view(self) -> None:
        """Show the present step."""
        if self.view and self.view.tour:
            heading, text = self.view.tour
            self.update(Text.assemble((f" tour {heading} ", "bold reverse"), ("  :tour next skips, :tour off ends\n", "dim"), text))
