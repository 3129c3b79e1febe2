"""The pane of the user's own file, where the program is a script."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import ClassVar

from textual.binding import Binding, BindingType
from textual.geometry import Offset, Region
from textual.message import Message

from bpdebug.core.schedule import Stage
from bpdebug.look.source import Fold, Place
from bpdebug.session.view import View
from bpdebug.ui.draw.footer import command_keys, own_keys
from bpdebug.ui.draw.program_signs import lit
from bpdebug.ui.draw.source import Row, Text, has_source, no_script, present_place
from bpdebug.ui.draw.spans import Line
from bpdebug.ui.pane import Pane, pane


@dataclass
class LineChosen(Message):
    """The user has pointed at a line of his file."""

    place: str


@dataclass
class LineMarked(LineChosen):
    """The user wants a breakpoint on a line, or no longer."""


_MARGIN = 3
"""Columns in which a click sets a breakpoint."""
_HINTS = (
    own_keys("line", "up", "down"),
    own_keys("go to", "enter"),
    command_keys("break"),
    own_keys("fold", "left", "right"),
    command_keys("reload"),
)


@pane("source", "L", "source", hints=_HINTS)
class SourcePane(Pane):
    """Your own file, of a script: the line that comes next, what the check says of each, and the shapes of what they make."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("up", "cursor(-1)", "previous line", show=False),
        Binding("down", "cursor(1)", "next line", show=False),
        Binding("left", "fold(True)", "fold away what is outside the update", show=False),
        Binding("right", "fold(False)", "unfold all lines", show=False),
        Binding("enter", "choose", "go to this line", show=False),
        Binding("b", "mark", "breakpoint on this line", show=False),
    ]
    lines: Text | None = None

    def __init__(self, **arguments: str) -> None:
        super().__init__(**arguments)  # type: ignore[arg-type]
        self._file, self._marked, self._moment, self._kept = "", 0, -1, False
        self._unfolded = frozenset[Fold]()

    def prepare(self, view: View) -> None:
        """Keep the line that comes next in sight; the cursor stays where it is as long as the moment does."""
        if not has_source(view):
            self.lines = None
            return
        if self._moment != view.position.t or self._file not in view.program.scenario.files:
            self._moment, kept, self._kept = view.position.t, self._kept, False
            place = present_place(view) if not kept else Place(f"{self._file}:{self._marked}")
            self._file, self._marked = (place.file, place.number) if place else (next(iter(view.program.scenario.files)), 1)
        self._lay(view)

    def _lay(self, view: View) -> None:
        """Draw what is in sight, the cursor among it."""
        self.lines = lines = Text(view, self.size.width, self._file, self._unfolded)
        if len(lines) > self.size.height:
            self.lines = lines = Text(view, self.beside_scrollbar.width, self._file, self._unfolded)
        self.frame(f"{self.title}  {self._file}"[: max(self.size.width - 2, 0)])
        self.extend(0, len(lines))
        first, end = lines.y_of(self._marked)
        around = min(max((self.area.height - (end - first)) // 3, 0), 4)
        self.scroll_to_region(Region(0, max(first - around, 0), 1, end - first + 2 * around), animate=False, force=True)

    def line_at(self, view: View, y: int) -> Line:
        """See :mod:`bpdebug.ui.draw.source`."""
        if self.lines is None:
            return no_script(self.size.width, y)
        if y >= len(self.lines):
            return ()
        row, drawn = self.lines[y]
        under = self.has_focus and self.lines.row_of(self._marked) == self.lines.row_of(row if isinstance(row, int) else row[0])
        return lit(drawn, "cursor") if under else drawn

    def on_blur(self) -> None:
        """Without the focus there is no cursor: what is meant is the line that comes next."""
        if self.view and self.lines:
            self._moment = -1
            self.redraw()

    def _mark(self, view: View, number: int) -> None:
        """Put the cursor on a line."""
        self._marked = number
        self._lay(view)
        self._repaint(view)

    def action_cursor(self, by: int) -> None:
        """Move by a line, or over lines that are folded away."""
        if self.view and self.lines:
            row = self.lines.row_of(self._marked) + by
            if 0 <= row < len(self.lines.rows):
                self._mark(self.view, _first(self.lines.rows[row]))

    def action_fold(self, away: bool) -> None:
        """Fold away the lines outside the update, or show those under the cursor, else all."""
        if self.view and self.lines:
            row = self.lines.rows[self.lines.row_of(self._marked)]
            folded = [one for one in self.lines.rows if not isinstance(one, int)]
            self._unfolded = frozenset() if away else self._unfolded | {*(folded if isinstance(row, int) else [row])}
            self._mark(self.view, self._marked)

    @property
    def pointed(self) -> Stage | None:
        """The stage that the line under the cursor computes now."""
        return self.lines.stage_at(self._marked) if self.lines else None

    def action_choose(self) -> None:
        """Go to the line under the cursor; unfold what is folded there."""
        if self.lines and not isinstance(self.lines.rows[self.lines.row_of(self._marked)], int):
            self.action_fold(False)
        elif self.lines:
            self._kept = True
            self.post_message(LineChosen(f"{self._file}:{self._marked}"))

    def action_mark(self) -> None:
        """Set a breakpoint on the line under the cursor, or take it away."""
        if self.lines:
            self.post_message(LineMarked(f"{self._file}:{self._marked}"))

    def _row(self, y: int) -> Row | None:
        """The row at a line of what is visible."""
        place = y + self.scroll_offset.y
        return self.lines[place][0] if self.lines and place < len(self.lines) else None

    def spots(self) -> Iterator[tuple[Offset, str]]:
        """The lines in sight that compute something."""
        for y in range(self.area.height):
            row = self._row(y)
            if self.lines and isinstance(row, int) and self.lines.stage_at(row):
                yield Offset(0, y), f"goto {self._file}:{row}"

    def clicked(self, place: Offset) -> bool:
        """Go to the line that was clicked; in the margin, set a breakpoint; unfold."""
        row = self._row(place.y)
        if self.view and row is not None:
            self._mark(self.view, _first(row))
            (self.action_mark if place.x < _MARGIN and isinstance(row, int) else self.action_choose)()
        return False


def _first(row: Row) -> int:
    """The line that a row begins with."""
    return row if isinstance(row, int) else row[0]
