"""Results stage by stage over the panes: a table with a cursor, and what it comes to."""

from __future__ import annotations

from collections.abc import Callable
from typing import ClassVar

from textual import events
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.geometry import Offset, Region, Size

from bpdebug.session.view import View
from bpdebug.trust.finding import Finding
from bpdebug.trust.report import Report
from bpdebug.ui.draw.check import folded, report_notes, report_table, report_title, worst
from bpdebug.ui.draw.spans import Line, fit, lit, width
from bpdebug.ui.pane import ListPane
from bpdebug.ui.screens import OnceScreen

_MARGIN = 4
"""Columns of the border and of the blanks beside the text."""
_LEAST = 80
"""Columns that the screen takes where there are as many."""
_KEYS = {
    "up": "cursor(-1)",
    "down": "cursor(1)",
    "pageup": "cursor(-1000)",
    "home": "cursor(-1000)",
    "pagedown": "cursor(1000)",
    "end": "cursor(1000)",
    "enter": "choose",
}
"""What the keys of the table do; any other one closes it."""


class ReportPane(ListPane):
    """The table with its cursor, then the notes.

    Args:
        view: the present moment.
        report: what is shown.
        answer: is given what leads to the stage that is chosen.
    """

    BINDINGS: ClassVar[list[BindingType]] = [Binding(key, action, show=False) for key, action in _KEYS.items()]

    def __init__(self, view: View, report: Report, answer: Callable[[str | None], None]) -> None:
        super().__init__(id="report")
        self.report, self.chosen, self._answer = report, report.culprit or report.shown[0], answer
        self.groups: list[list[Finding]] = []
        self.set_reactive(ReportPane.view, view)
        self.title = report_title(view, report)  # type: ignore[misc]
        self.border_subtitle = "Enter goes to the stage, any other key closes"

    def draw(self, view: View, size: Size) -> list[Line]:
        """See :mod:`bpdebug.ui.draw.check`."""
        notes = report_notes(self.report, size.width)
        self.groups = folded(self.report.shown, size.height - len(notes) - 2)
        return [*report_table(view, self.report, self.groups, size.width), (), *notes]

    def prepare(self, view: View) -> None:
        """Draw, and keep the cursor in sight."""
        super().prepare(view)
        self.scroll_to_region(Region(0, self.cursor + 1, 1, 1), animate=False, force=True)

    @property
    def cursor(self) -> int:
        """The row of the chosen finding, counted from 0 without the headings."""
        return next(place for place, group in enumerate(self.groups) if self.chosen in group)

    def line_at(self, view: View, y: int) -> Line:
        """A line; the cursor's with a background of its own."""
        drawn = super().line_at(view, y)
        if y != self.cursor + 1:
            return drawn
        return lit(fit(drawn, self.area.width), "here")

    def action_cursor(self, by: int) -> None:
        """Move to another stage; beyond the last one, to the notes."""
        moved = self.cursor + by
        self.chosen = worst(self.groups[min(max(moved, 0), len(self.groups) - 1)])
        sight = len(self.lines) - 1 if moved >= len(self.groups) else self.cursor + 1 if moved > 0 else 0
        self.scroll_to_region(Region(0, sight, 1, 1), animate=False, force=True)
        self.refresh()

    def action_choose(self) -> None:
        """Go to the stage under the cursor, where an update has it."""
        if self.view:
            way = f"goto {self.report.update}:{self.chosen.stage.name}\nselect {self.chosen.place}"
            self._answer(way if self.chosen.stage.name in self.view.program.index else None)

    def clicked(self, place: Offset) -> bool:
        """Go to the stage that was clicked."""
        row = place.y + self.scroll_offset.y - 1
        if 0 <= row < len(self.groups):
            self.chosen = worst(self.groups[row])
            self.action_choose()
        return False


class ReportScreen(OnceScreen):
    """Answers with the commands that lead to the worst cell of the chosen stage, or with nothing.

    Args:
        view: the present moment.
        report: what is shown.
    """

    AUTO_FOCUS = "ReportPane"

    def __init__(self, view: View, report: Report) -> None:
        super().__init__()
        self.view, self.report = view, report

    def compose(self) -> ComposeResult:
        """The results."""
        yield ReportPane(self.view, self.report, self.leave)

    def on_resize(self) -> None:
        """Take the room that the results need."""
        pane, (columns, rows) = self.query_one(ReportPane), self.app.size
        single = [[finding] for finding in self.report.shown]
        widest = max(map(width, report_table(self.view, self.report, single, columns - _MARGIN)))
        taken = min(columns, max(widest + _MARGIN, _LEAST))
        height = len(pane.draw(self.view, Size(taken - _MARGIN, rows - 2)))
        pane.styles.width, pane.styles.height = taken, min(height + 2, rows)

    def on_key(self, event: events.Key) -> None:
        """Close, unless the table has a use for the key."""
        if event.key not in _KEYS:
            self.leave_by(event)
