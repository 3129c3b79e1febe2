"""The line above the panes and the one below them, that of the guided tour, and what the app says: a few lines above the footer, over the
panes, until the next command or for some seconds."""

from __future__ import annotations

from collections.abc import Callable
from typing import Literal, NamedTuple

from rich.text import Text
from textual import events
from textual.reactive import reactive
from textual.timer import Timer
from textual.widgets import Static

from bpdebug.session.view import View
from bpdebug.ui.draw.bars import Place, footer_key, footer_line
from bpdebug.ui.draw.glyphs import key_name
from bpdebug.ui.draw.source import has_source
from bpdebug.ui.draw.spans import Line, wrap_lines
from bpdebug.ui.painting import Lines
from bpdebug.ui.pane import REGISTERED, Pane


class FooterBar(Lines):
    """What can be pressed; a click on it does the same.

    Args:
        alone: whether a pane has the whole body.
    """

    view: reactive[View | None] = reactive(None)

    def __init__(self, alone: Callable[[], bool]) -> None:
        super().__init__(id="footer")
        self._alone = alone

    def on_mount(self) -> None:
        """Follow the focus, and the text that is selected."""
        for name in ("focused", "selections"):
            self.watch(self.screen, name, self.watch_view, init=False)

    def watch_view(self) -> None:
        """Say what can be pressed now."""
        if self.view and self.is_attached:
            self.show(footer_line(self.view, self.app.size.width, self._place))

    @property
    def _place(self) -> Place:
        pane = self.screen.focused if isinstance(self.screen.focused, Pane) else None
        hints, cells = (pane.hints, pane.cells) if pane else ((), True)
        scripts = self.view is not None and has_source(self.view)
        letters = (
            pane.key for pane in REGISTERED.values() if not pane.key.isdigit() and (scripts or pane.spot not in ("source", "output"))
        )
        return Place(hints, cells, bool(self.screen.selections), self._alone(), (*letters,))

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


Severity = Literal["information", "warning", "error"]
_ROLES: dict[Severity, tuple[str, str]] = {"information": ("", ""), "warning": ("⚠ ", "changed"), "error": ("✗ ", "bad")}
_SECONDS, _MOST = 8.0, 12
"""How long what is no mistake is said, and how many lines there are for it."""


class Note(NamedTuple):
    """Something to say.

    Attributes:
        text: one line or several.
        severity: a mistake stays until the next command.
        seconds: how long it stays otherwise.
    """

    text: str
    severity: Severity = "information"
    seconds: float = _SECONDS


def note_lines(notes: list[Note], columns: int) -> list[Line]:
    """The latest notes as lines; what there is no room for is counted."""
    drawn = list[Line]()
    for note in notes:
        sign, role = _ROLES[note.severity]
        drawn += wrap_lines(note.text, columns, role, sign)
    more = len(drawn) - _MOST
    return [*drawn[: _MOST - 1], ((f"  … {more + 1} lines more", "dim"),)] if more > 0 else drawn


class MessageBar(Lines):
    """The lines.

    Attributes:
        notes: what has been said since the last command.
    """

    def __init__(self) -> None:
        super().__init__(id="message")
        self.notes: list[Note] = []
        self._hushing: Timer | None = None

    def say(self, note: Note) -> None:
        """Show a note; unless it is a mistake, for some seconds."""
        self.notes.append(note)
        self._speak()
        if self._hushing:
            self._hushing.stop()
        self._hushing = None if any(said.severity == "error" for said in self.notes) else self.set_timer(note.seconds, self.hush)

    def hush(self) -> None:
        """Say nothing any more."""
        if self.notes:
            self.notes.clear()
            self._speak()

    def _speak(self) -> None:
        self.display = bool(self.notes)
        drawn = note_lines(self.notes, max(self.app.size.width - 2, 20))
        self.styles.height = max(len(drawn), 1)
        self.show(*drawn)

    def on_click(self) -> None:
        """Go away."""
        self.display = False
