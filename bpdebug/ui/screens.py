"""What the screens over the panes have in common, and the one for texts."""

from __future__ import annotations

from textual import events
from textual.app import ComposeResult
from textual.containers import ScrollableContainer
from textual.screen import ModalScreen
from textual.widgets import Static


class OnceScreen(ModalScreen[str | None]):
    """A screen that is left once, however many keys were waiting."""

    left = False

    def leave(self, answer: str | None = None) -> None:
        """Answer, the first time."""
        if not self.left:
            self.left = True
            self.dismiss(answer)

    def action_leave(self) -> None:
        """Answer nothing."""
        self.leave()


class TextScreen(OnceScreen):
    """A text that any key but a scrolling one closes."""

    AUTO_FOCUS = "*"

    def __init__(self, text: str, title: str) -> None:
        super().__init__()
        self.text, self.heading = text, title

    def compose(self) -> ComposeResult:
        """The text, scrollable."""
        with ScrollableContainer(id="text") as scroll:
            scroll.border_title = self.heading
            scroll.border_subtitle = "any key closes"
            yield Static(self.text, markup=False)

    def on_key(self, event: events.Key) -> None:
        """Close, unless the key scrolls."""
        if event.key not in ("up", "down", "left", "right", "pageup", "pagedown", "home", "end"):
            event.stop()
            self.leave()
