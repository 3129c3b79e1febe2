"""The pane of the program: its stages, and where it stands in them."""

from __future__ import annotations

from collections.abc import Callable

from textual.timer import Timer

from bpdebug.core.schedule import Stage
from bpdebug.look.folds import Heading, Row, folds_of
from bpdebug.look.listing import ROOM, mark_of
from bpdebug.session.view import View
from bpdebug.ui.cursor_pane import CursorPane, cursor_hints
from bpdebug.ui.draw.program import Listing
from bpdebug.ui.draw.program_signs import explained_stage, memory_text
from bpdebug.ui.long_runs import slice_over
from bpdebug.ui.pane import pane
from bpdebug.ui.pointing import Asked

_AT_ONCE, _PAUSE = 2**12, 0.2
"""Numbers that are read for one stage while a key is answered; and seconds without one after which more are."""


@pane("program", "1", "left", hints=cursor_hints("stage", "formula"))
class ProgramPane(CursorPane):
    """The listing, with a cursor of its own while it has the focus."""

    lines: Listing | None = None
    marked = ""
    _waiting: Timer | None = None

    def prepare(self, view: View) -> None:
        """Keep the next stage and the last one in sight; the cursor stays where it is as long as the moment does."""
        if self.moment != view.position.t or self.marked not in view.program.index:
            self.marked, self.moment = _present(view), view.position.t
        self.frame(self.title, memory_text(view, self.size.width - 4))
        self.lay(view)
        if view.program.recorded:
            if self._hold(view, _AT_ONCE):
                self.lines = self.made(view, self.lines.columns if self.lines else 0)
            self._wait(_PAUSE)

    def _hold(self, view: View, room: int, over: Callable[[], bool] = lambda: False) -> bool:
        """Hold the formulas in sight against what was recorded, one after the other until time is over; whether any was."""
        lines, top, found = self.lines or (), self.scroll_offset.y, False
        for row in (lines[y][0] for y in range(top, min(top + self.size.height, len(lines)))):
            if isinstance(row, Stage) and not over():
                found |= mark_of(view.program, row) != mark_of(view.program, row, room)
        return found

    def _wait(self, seconds: float) -> None:
        """Hold those that take longer against it where no key is pressed for so long."""
        if self._waiting:
            self._waiting.stop()
        self._waiting = self.set_timer(seconds, self._go_on)

    def _go_on(self) -> None:
        if self.view and self.lines and self._hold(self.view, ROOM, slice_over()):
            self.lines = self.made(self.view, self.lines.columns)
            self._repaint(self.view)
            self._wait(0.0)

    def made(self, view: View, columns: int) -> Listing:
        """See :mod:`bpdebug.ui.draw.program`."""
        return Listing(view, columns, self.marked)

    def sight(self, view: View) -> tuple[int, int]:
        """The cursor, and where it is at the stage that has run last, the next one and some lines around too."""
        if not self.lines:
            return 0, 0
        first, end = self.lines.lines_of(self.marked)
        if self.marked == _present(view):
            ahead, before = self.lines.lines_of(view.position.next or self.marked)[1], max(first - 2, 0)
            return before, before + max(min(ahead - first, 4), 1) + 4
        return first, end

    def is_marked(self, y: int) -> bool:
        """Whether it is one of the cursor's; there is none on the stage that is explained."""
        return self.view is not None and self.marked != explained_stage(self.view) and super().is_marked(y)

    def action_fold(self, away: bool) -> None:
        """Show the stages of the call, loop or group that the cursor is in as one row, or again one by one."""
        around = folds_of(self.view.program).around[self.view.program.index[self.marked]] if self.view and self.marked else ()
        if self.view and any((fold.key in self.view.folds) == away and fold.end - fold.first > 1 for fold in around):
            self.post_message(Asked(f"{'fold' if away else 'unfold'} {self.marked}"))

    @property
    def place(self) -> str:
        """Its name."""
        return self.marked

    @property
    def pointed_away(self) -> str:
        """The stage under the cursor, where that is elsewhere than the program; else ""."""
        return self.marked if self.has_focus and self.view and self.marked != _present(self.view) else ""

    def point(self, row: Row, in_margin: bool) -> None:
        """Go to the stage that was clicked; in the margin, set a breakpoint; close a fold, or open it."""
        if self.view and isinstance(row, Heading):
            self.marked = self.view.program.stages[row.fold.first].name
            self.action_fold(not row.closed)
        elif isinstance(row, Stage):
            self.mark(row.name)
            (self.action_mark if in_margin else self.action_choose)()


def _present(view: View) -> str:
    """The stage that has run last; before the first one, that."""
    return view.position.stage or view.position.next or view.program.stages[-1].name
