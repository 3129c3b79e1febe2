"""The pane of the program: its stages, and where it stands in them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import ClassVar

from textual.binding import Binding, BindingType
from textual.geometry import Offset, Region
from textual.message import Message

from bpdebug.core.schedule import Stage
from bpdebug.look.folds import Heading, folds_of
from bpdebug.session.view import View
from bpdebug.ui.draw.footer import command_keys, own_keys
from bpdebug.ui.draw.program import Listing
from bpdebug.ui.draw.program_signs import explained_stage, lit
from bpdebug.ui.draw.rails import memory_text
from bpdebug.ui.draw.spans import Line
from bpdebug.ui.pane import Pane, pane


@dataclass
class StageChosen(Message):
    """The user has pointed at a stage of the listing."""

    name: str


@dataclass
class StageMarked(Message):
    """The user wants a breakpoint on a stage, or no longer."""

    name: str


@dataclass
class FoldChosen(Message):
    """The user wants to see the stages that a stage of the listing stands for, or no longer."""

    name: str
    is_open: bool


_MARGIN = 3
"""Columns of the listing in which a click sets a breakpoint."""


_HINTS = (
    own_keys("stage", "up", "down"),
    own_keys("go to", "enter"),
    command_keys("break"),
    own_keys("fold", "left", "right"),
    command_keys("formula"),
)


@pane("program", "1", "left", hints=_HINTS)
class ProgramPane(Pane):
    """The listing, with a cursor of its own while it has the focus."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("up", "cursor(-1)", "previous stage", show=False),
        Binding("down", "cursor(1)", "next stage", show=False),
        Binding("left", "fold(True)", "close the call, the loop or the group", show=False),
        Binding("right", "fold(False)", "open it", show=False),
        Binding("enter", "choose", "go to this stage", show=False),
        Binding("b", "mark", "breakpoint on this stage", show=False),
    ]

    lines: Listing | None = None

    def __init__(self, **arguments: str) -> None:
        super().__init__(**arguments)  # type: ignore[arg-type]
        self._marked, self._moment = "", -1

    def prepare(self, view: View) -> None:
        """Keep the next stage and the last one in sight; the cursor stays where it is as long as the moment does."""
        if self._moment != view.position.t or self._marked not in view.program.index:
            self._marked, self._moment = _present(view), view.position.t
        self._lay(view)

    def _lay(self, view: View) -> None:
        """Draw what is in sight: the cursor, and where it is at the stage that has run last, the next one and some lines around too."""
        self.lines = lines = Listing(view, self.size.width, self._marked)
        if len(lines) > self.size.height:
            self.lines = lines = Listing(view, self.beside_scrollbar.width, self._marked)
        self.frame(self.title, memory_text(view, self.size.width - 4))
        self.extend(0, len(lines))
        first, end = lines.lines_of(self._marked)
        if self._marked == _present(view):
            ahead = lines.lines_of(view.position.next or self._marked)[1]
            first, end = max(first - 2, 0), max(first - 2, 0) + max(min(ahead - first, 4), 1) + 4
        self.scroll_to_region(Region(0, first, 1, end - first), animate=False, force=True)

    def line_at(self, view: View, y: int) -> Line:
        """See :mod:`bpdebug.ui.draw.program`."""
        if not self.lines or y >= len(self.lines):
            return ()
        _, drawn = self.lines[y]
        first, end = self.lines.lines_of(self._marked)
        under = self.has_focus and first <= y < end and self._marked != explained_stage(view)
        return lit(drawn, "cursor") if under else drawn

    def on_blur(self) -> None:
        """Without the focus there is no cursor: what is meant is the stage that has run last."""
        if self.view and self._marked:
            self._mark(self.view, _present(self.view))

    def action_cursor(self, by: int) -> None:
        """Move to the next line that is a stage."""
        there = self.lines.beside(self._marked, by) if self.lines else ""
        if self.view and there:
            self._mark(self.view, there)

    def action_fold(self, away: bool) -> None:
        """Show the stages of the call, loop or group that the cursor is in as one row, or again one by one."""
        around = folds_of(self.view.program).around[self.view.program.index[self._marked]] if self.view and self._marked else ()
        if self.view and any((fold.key in self.view.folds) == away and fold.end - fold.first > 1 for fold in around):
            self.post_message(FoldChosen(self._marked, not away))

    def _mark(self, view: View, name: str) -> None:
        """Put the cursor on a stage."""
        self._marked = name
        self._lay(view)
        self._repaint(view)

    @property
    def pointed(self) -> Stage | None:
        """The stage under the cursor."""
        return self.view.program.stage(self._marked) if self.view and self._marked else None

    @property
    def pointed_away(self) -> str:
        """The stage under the cursor, where that is elsewhere than the program; else ""."""
        return self._marked if self.has_focus and self.view and self._marked != _present(self.view) else ""

    def action_choose(self) -> None:
        """Go to the stage under the cursor."""
        if self.pointed:
            self.post_message(StageChosen(self.pointed.name))

    def action_mark(self) -> None:
        """Set a breakpoint on the stage under the cursor, or take it away."""
        if self.pointed:
            self.post_message(StageMarked(self.pointed.name))

    def spots(self) -> Iterator[tuple[Offset, str]]:
        """The stages in sight."""
        for y in range(self.area.height):
            name = self.lines.stage_at(y + self.scroll_offset.y) if self.lines else ""
            if name:
                yield Offset(0, y), f"goto {name}"

    def clicked(self, place: Offset) -> bool:
        """Go to the stage that was clicked; in the margin, set a breakpoint; close a fold, or open it."""
        y = place.y + self.scroll_offset.y
        row = self.lines[y][0] if self.lines and y < len(self.lines) else ""
        if self.view and isinstance(row, Heading):
            self._marked = self.view.program.stages[row.fold.first].name
            self.action_fold(not row.closed)
        elif self.view and isinstance(row, Stage):
            self._mark(self.view, row.name)
            (self.action_mark if place.x < _MARGIN else self.action_choose)()
        return False


def _present(view: View) -> str:
    """The stage that has run last; before the first one, that."""
    return view.position.stage or view.position.next or view.program.stages[-1].name
