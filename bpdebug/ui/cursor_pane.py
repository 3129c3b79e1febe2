"""Panes with a cursor of their own, which stands for a place of the program: its listing, and the user's file."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, ClassVar, cast

from textual.binding import Binding, BindingType
from textual.geometry import Offset, Region

from bpdebug.core.schedule import Stage
from bpdebug.session.view import View
from bpdebug.ui.draw.bars import HintOf, command_keys, own_keys
from bpdebug.ui.draw.spans import Line, lit
from bpdebug.ui.pane import Pane
from bpdebug.ui.pointing import Asked

_MARGIN = 3
"""Columns in which a click sets a breakpoint."""


def cursor_hints(row: str, command: str) -> tuple[HintOf, ...]:
    """What the keys do: a row is called so, and a command matters besides."""
    moving, going, folding = own_keys(row, "up", "down"), own_keys("go to", "enter"), own_keys("fold", "left", "right")
    return moving, going, command_keys("break"), folding, command_keys(command)


class CursorPane(Pane):
    """Lines of which one is under a cursor while the pane has the focus.

    Attributes:
        lines: what is drawn, each with the row that it belongs to; it knows which lines and which stage a row stands for, and which row
            is beside another one. None for nothing.
        marked: the row under the cursor, as the pane names it.
    """

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("up", "cursor(-1)", "the row above", show=False),
        Binding("down", "cursor(1)", "the row below", show=False),
        Binding("left", "fold(True)", "fold away what the cursor is in", show=False),
        Binding("right", "fold(False)", "unfold it", show=False),
        Binding("enter", "choose", "go there", show=False),
        Binding("b", "mark", "a breakpoint there", show=False),
    ]
    lines: Any = None
    marked: Any = None
    moment = -1
    """For which the cursor was put where it is."""

    def made(self, view: View, columns: int) -> Any:
        """The lines in so many columns."""
        raise NotImplementedError

    def sight(self, view: View) -> tuple[int, int]:
        """The first line that is to be seen, and the one below the last."""
        raise NotImplementedError

    def is_marked(self, y: int) -> bool:
        """Whether a line belongs to the row under the cursor."""
        first, end = self.lines.lines_of(self.marked) if self.lines else (0, 0)
        return bool(first <= y < end)

    def point(self, row: Any, in_margin: bool) -> None:
        """Do what a click on a row does."""
        raise NotImplementedError

    @property
    def pointed(self) -> Stage | None:
        """The stage that the row under the cursor stands for."""
        return cast("Stage | None", self.lines.stage_at(self.marked)) if self.lines else None

    @property
    def place(self) -> str:
        """The row under the cursor as a location, or ""."""
        raise NotImplementedError

    def lay(self, view: View) -> None:
        """Draw what is in sight, the cursor among it."""
        self.lines = self.made(view, self.size.width)
        if len(self.lines) > self.size.height:
            self.lines = self.made(view, self.beside_scrollbar.width)
        self.extend(0, len(self.lines))
        first, end = self.sight(view)
        self.scroll_to_region(Region(0, first, 1, end - first), animate=False, force=True)

    def mark(self, marked: Any) -> None:
        """Put the cursor on a row."""
        self.marked = marked
        if self.view:
            self.lay(self.view)
            self._repaint(self.view)

    def line_at(self, view: View, y: int) -> Line:
        """One of the lines; that of the cursor has a background of its own."""
        if not self.lines or y >= len(self.lines):
            return ()
        drawn: Line = self.lines[y][1]
        return lit(drawn, "cursor") if self.has_focus and self.is_marked(y) else drawn

    def on_blur(self) -> None:
        """Without the focus there is no cursor: what is meant is the present moment."""
        if self.view and self.lines:
            self.moment = -1
            self.redraw()

    def action_cursor(self, by: int) -> None:
        """Move to another row that can be chosen."""
        there = self.lines.beside(self.marked, by) if self.lines else None
        if there:
            self.mark(there)

    def action_choose(self) -> None:
        """Go to what is under the cursor."""
        if self.place:
            self.post_message(Asked(f"goto {self.place}"))

    def action_mark(self) -> None:
        """Set a breakpoint on what is under the cursor, or take it away."""
        if self.place:
            self.call_later(self.run_action, f"app.mark({self.place!r})")

    def spots(self) -> Iterator[tuple[Offset, str]]:
        """The places of the program that are in sight."""
        for y in range(self.area.height):
            if self.lines and (place := self.lines.place_at(y + self.scroll_offset.y)):
                yield Offset(0, y), f"goto {place}"

    def clicked(self, place: Offset) -> bool:
        """Point at the row that was clicked."""
        y = place.y + self.scroll_offset.y
        if self.view and self.lines and y < len(self.lines):
            self.point(self.lines[y][0], place.x < _MARGIN)
        return False
