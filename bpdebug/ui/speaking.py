"""What the app says: a few lines above the footer, over the panes, until the next command or for some seconds."""

from __future__ import annotations

from typing import Literal, NamedTuple

from textual.timer import Timer

from bpdebug.ui.draw.spans import Line, wrap
from bpdebug.ui.painting import Lines

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
        for text in note.text.splitlines():
            drawn += wrap(text, columns, role, "  " if sign else "", sign)
            sign = " " * len(sign)
    more = len(drawn) - _MOST
    return [*drawn[: _MOST - 1], ((f"  … {more + 1} lines more", "dim"),)] if more > 0 else drawn


class MessageBar(Lines):
    """The lines.

    Attributes:
        notes: what has been said since the last command.
    """

    ALLOW_SELECT = False

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
