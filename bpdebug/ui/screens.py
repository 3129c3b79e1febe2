"""What the screens over the panes have in common, and the one for texts."""

from __future__ import annotations

import textwrap
from collections.abc import Iterator

from textual import events
from textual.app import ComposeResult
from textual.containers import ScrollableContainer
from textual.screen import ModalScreen, Screen
from textual.widgets import Static

from bpdebug.ui.painting import Standing

SCROLLING = ("up", "down", "left", "right", "pageup", "pagedown", "home", "end")
_CLOSING = ("escape", "enter", "space", "q")


class Sized(Standing, Screen[str | None]):
    """A screen that is told how large it is in time.

    Where two sizes were on their way to one of Textual's while the app ends, it lays itself out for each in turn, for ever.
    """

    async def _on_resize(self, event: events.Resize) -> None:
        """Pass over a size that is no longer that of the app."""
        if event.size != self.app.size:
            event.stop()
            event.prevent_default()


class OnceScreen(Sized, ModalScreen[str | None]):
    """A screen that is left once, however many keys were waiting."""

    left = False

    def leave(self, answer: str | None = None) -> None:
        """Answer, the first time."""
        if not self.left:
            self.left = True
            self.dismiss(answer)

    def action_leave(self, answer: str | None = None) -> None:
        """Answer, by a key; usually nothing."""
        self.leave(answer)

    def leave_by(self, event: events.Key) -> None:
        """Leave by any key; one that means something to the debugger then does that."""
        event.stop()
        self.leave()
        if event.key not in _CLOSING:
            self.app.call_later(self.app.simulate_key, event.key)


_SHARE, _AROUND = 0.96, 5
"""How much of the width a text may have (as in the style sheet), and the columns of its frame and scrollbar."""


class TextScreen(OnceScreen):
    """A text that any key but a scrolling one closes; a key that means something to the debugger then does that."""

    AUTO_FOCUS = "*"

    def __init__(self, text: str, title: str) -> None:
        super().__init__()
        self.text, self.heading = text, title

    def compose(self) -> ComposeResult:
        """The text, scrollable."""
        with ScrollableContainer(id="text") as scroll:
            scroll.border_title = self.heading
            scroll.border_subtitle = "Esc closes"
            yield Static(markup=False)

    def on_resize(self) -> None:
        """Break the lines that are too long for the terminal."""
        self.query_one(Static).update("\n".join(broken(self.text, int(self.app.size.width * _SHARE) - _AROUND)))

    def on_key(self, event: events.Key) -> None:
        """Close, unless the key scrolls."""
        if event.key not in SCROLLING:
            self.leave_by(event)


def broken(text: str, columns: int) -> Iterator[str]:
    """The lines of a text, those that are longer than the width broken, what is left of them indented."""
    for line in text.splitlines():
        margin = line[: len(line) - len(line.lstrip())] + "  "
        yield from textwrap.wrap(line, max(columns, 20), subsequent_indent=margin, replace_whitespace=False) or [""]
