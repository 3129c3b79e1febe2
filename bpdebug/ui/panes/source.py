"""The pane of the user's own file, where the program is a script."""

from __future__ import annotations

from bpdebug.look.source import Fold
from bpdebug.session.view import View
from bpdebug.time.position import Place
from bpdebug.ui.cursor_pane import CursorPane, cursor_hints
from bpdebug.ui.draw.source import Row, Text, first_of, has_source, no_script, present_place
from bpdebug.ui.draw.spans import Line, first_that_fits
from bpdebug.ui.pane import pane


@pane("source", "L", "source", hints=cursor_hints("line", "reload"))
class SourcePane(CursorPane):
    """Your own file, of a script: the line that comes next, what the check says of each, and the shapes of what they make."""

    lines: Text | None = None
    marked = 0
    _file, _kept = "", False
    _unfolded = frozenset[Fold]()

    def prepare(self, view: View) -> None:
        """Keep the line that comes next in sight; the cursor stays where it is as long as the moment does."""
        if not has_source(view):
            self.lines = None
            return
        if self.moment != view.position.t or self._file not in view.program.scenario.files:
            self.moment, kept, self._kept = view.position.t, self._kept, False
            place = present_place(view) if not kept else Place(f"{self._file}:{self.marked}")
            self._file, self.marked = (place.file, place.number) if place else (next(iter(view.program.scenario.files)), 1)
        room = max(self.size.width - len(self.title) - 4, 0)
        self.frame(f"{self.title}  {first_that_fits((self._file, '…/' + self._file.rpartition('/')[2]), room, '')}".rstrip())
        self.lay(view)

    def made(self, view: View, columns: int) -> Text:
        """See :mod:`bpdebug.ui.draw.source`."""
        return Text(view, columns, self._file, self._unfolded)

    def sight(self, view: View) -> tuple[int, int]:
        """The cursor's line and some around it."""
        first, end = self.lines.lines_of(self.marked) if self.lines else (0, 0)
        around = min(max((self.area.height - (end - first)) // 3, 0), 4)
        return max(first - around, 0), max(first - around, 0) + end - first + 2 * around

    def line_at(self, view: View, y: int) -> Line:
        """One of the lines; where there is no script, what is said of that."""
        return super().line_at(view, y) if self.lines else no_script(self.size.width, y)

    def action_fold(self, away: bool) -> None:
        """Fold away the lines outside the update, or show those under the cursor, else all."""
        if self.lines:
            row = self.lines.rows[self.lines.row_of(self.marked)]
            folded = [one for one in self.lines.rows if not isinstance(one, int)]
            self._unfolded = frozenset() if away else self._unfolded | {*(folded if isinstance(row, int) else [row])}
            self.mark(self.marked)

    @property
    def place(self) -> str:
        """The line."""
        return f"{self._file}:{self.marked}" if self.lines else ""

    def action_choose(self) -> None:
        """Go to the line under the cursor; unfold what is folded there."""
        if self.lines and not isinstance(self.lines.rows[self.lines.row_of(self.marked)], int):
            self.action_fold(False)
        else:
            self._kept = bool(self.lines)
            super().action_choose()

    def point(self, row: Row, in_margin: bool) -> None:
        """Go to the line that was clicked; in the margin, set a breakpoint; unfold."""
        self.mark(first_of(row))
        (self.action_mark if in_margin and isinstance(row, int) else self.action_choose)()
