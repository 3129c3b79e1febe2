"""The panes: each shows the view through a drawing function, and posts what the user points at."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar, cast

from rich.segment import Segment
from rich.style import Style
from textual.binding import Binding, BindingType
from textual.geometry import Offset, Region, Size
from textual.markup import escape
from textual.message import Message
from textual.reactive import reactive
from textual.strip import Strip
from textual.widget import Widget

from bpdebug.debugger.view import View
from bpdebug.engine.schedule import Stage
from bpdebug.ui.draw.glyphs import key_at
from bpdebug.ui.draw.program import Row, lit, program_lines
from bpdebug.ui.draw.spans import Line, fit, plain
from bpdebug.ui.draw.why import displays_in_border, why_lines
from bpdebug.ui.draw.why_click import operand_at
from bpdebug.ui.keys import key_name
from bpdebug.ui.pointing import PointedAt

if TYPE_CHECKING:
    from bpdebug.ui.app import DebuggerApp


@dataclass
class StageChosen(Message):
    """The user has pointed at a stage of the listing."""

    name: str


@dataclass
class StageMarked(Message):
    """The user wants a breakpoint on a stage, or no longer."""

    name: str


@dataclass
class OperandChosen(Message):
    """The user has pointed at a cell that the explained number is made of: which one, from 0."""

    place: int


_MARGIN = 3
"""Columns of the listing in which a click sets a breakpoint."""


def to_strip(widget: Widget, drawn: Line, columns: int, base: Style) -> Strip:
    """A drawn line in the colours of the theme, filled to the width; ``base`` is the widget's own style."""
    roles = cast("DebuggerApp", widget.app).roles
    return Strip([Segment(text, base + roles.style(role)) for text, role in fit(drawn, columns)], columns)


class Pane(PointedAt, can_focus=True):
    """A bordered part of the screen that draws the view line by line."""

    title: ClassVar[str] = ""
    _base = Style()
    _room = Size(0, 0)
    _painted: tuple[object, list[Line]] = (None, [])
    view: reactive[View | None] = reactive(None, repaint=False)

    @property
    def area(self) -> Size:
        """What is visible, without the scrollbars."""
        return self.scrollable_content_region.size

    @property
    def beside_scrollbar(self) -> Size:
        """The room that a vertical scrollbar leaves."""
        return Size(max(self.size.width - 1, 0), self.size.height)

    def on_mount(self) -> None:
        """Put the digit and the name into the border."""
        self.border_title = self.title

    def watch_view(self) -> None:
        """Draw the new view."""
        self.redraw()

    def on_resize(self) -> None:
        """Draw for the new size."""
        self.redraw()

    def redraw(self) -> None:
        """Lay the view out anew."""
        if self.view is not None and self.area.width:
            self.prepare(self.view)
            self._repaint(self.view)

    def _repaint(self, view: View) -> None:
        """Have the lines painted that are not what they were."""
        self._room, start = self.area, self.scroll_offset
        place, lines = (start, self._room), [self.line_at(view, y + start.y) for y in range(self._room.height)]
        (before, painted), self._painted = self._painted, (place, lines)
        changed = [y for y, drawn in enumerate(lines) if before != place or drawn != painted[y]]
        if changed:
            self.refresh(*(Region(0, y, self._room.width, 1) for y in changed))

    def extend(self, columns: int, rows: int) -> None:
        """Set the virtual size, at least what is visible: as long as all fits, nothing need be laid out anew."""
        size = Size(max(columns, self.beside_scrollbar.width), max(rows, self.size.height))
        if size != self.virtual_size:
            self.virtual_size = size
            self._refresh_scrollbars()  # Textual itself looks at them only when the widget's own size changes

    def prepare(self, view: View) -> None:
        """Compute what the lines are made of, and the virtual size."""
        raise NotImplementedError

    def line_at(self, view: View, y: int) -> Line:
        """The line of the virtual area, already cut to what is visible."""
        raise NotImplementedError

    def text_of(self, y: int) -> str:
        """A line as text; of a line that is wider than the pane what is visible."""
        return plain(self.line_at(self.view, y)) if self.view else ""

    def render_line(self, y: int) -> Strip:
        """One visible line."""
        drawn = self.line_at(self.view, y + self.scroll_offset.y) if self.view else ()
        return self.selectable(to_strip(self, drawn, self._room.width, self._base), y)

    def render_lines(self, crop: Region) -> list[Strip]:
        """The visible lines; the widget's own style and its room are worked out once for all of them."""
        self._base, self._room = self.rich_style, self.area
        return super().render_lines(crop)


class ListPane(Pane):
    """A pane that holds all its lines."""

    def __init__(self, **arguments: str) -> None:
        super().__init__(**arguments)  # type: ignore[arg-type]
        self.lines: list[Line] = []

    def draw(self, view: View, size: Size) -> list[Line]:
        """All lines for that size."""
        raise NotImplementedError

    def prepare(self, view: View) -> None:
        """Draw all lines."""
        self.lines = self.draw(view, self.size)
        if len(self.lines) > self.size.height:
            self.lines = self.draw(view, self.beside_scrollbar)
        self.extend(0, len(self.lines))

    def line_at(self, view: View, y: int) -> Line:
        """One of the lines, or nothing below them."""
        return self.lines[y] if y < len(self.lines) else ()

    def clicked(self, place: Offset) -> bool:
        """A key that the text names is pressed by a click on it."""
        y = place.y + self.scroll_offset.y
        key = key_at(self.lines[y], place.x) if y < len(self.lines) else ""
        if key:
            self.app.simulate_key(key_name(key))
            return False
        return super().clicked(place)


class WhyPane(ListPane):
    """Where the selected number comes from."""

    title = "6 Why"
    _shown = ""

    def draw(self, view: View, size: Size) -> list[Line]:
        """See :mod:`bpdebug.ui.draw.why`."""
        self.scroll_to(0, 0, animate=False)
        shown = displays_in_border(view, size.width)
        if shown != self._shown:
            self._shown, self.border_subtitle = shown, escape(shown)
        return why_lines(view, size.width, size.height)

    def clicked(self, place: Offset) -> bool:
        """Go to the operand that was clicked."""
        y = place.y + self.scroll_offset.y
        operand = operand_at(self.view, self.lines[y], place.x) if self.view and y < len(self.lines) else None
        if operand is None:
            return super().clicked(place)
        self.post_message(OperandChosen(operand))
        return False


def _present(view: View) -> str:
    """The stage that has run last; before the first one, that."""
    return view.position.stage or view.position.next or view.program.stages[-1].name


class ProgramPane(Pane):
    """The listing, with a cursor of its own while it has the focus."""

    title = "1 Program"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("up", "cursor(-1)", "previous stage", show=False),
        Binding("down", "cursor(1)", "next stage", show=False),
        Binding("enter", "choose", "go to this stage", show=False),
        Binding("b", "mark", "breakpoint on this stage", show=False),
    ]

    def __init__(self, **arguments: str) -> None:
        super().__init__(**arguments)  # type: ignore[arg-type]
        self.lines: list[tuple[Row, Line]] = []
        self._marked, self._moment = "", -1

    def prepare(self, view: View) -> None:
        """Keep the next stage and the last one in sight; the cursor stays where it is as long as the moment does."""
        if self._moment != view.position.t or self._marked not in view.program.index:
            self._marked, self._moment = _present(view), view.position.t
        self._lay(view)
        self._see(view)

    def _lay(self, view: View) -> None:
        self.lines = program_lines(view, self.size.width, self._marked)
        if len(self.lines) > self.size.height:
            self.lines = program_lines(view, self.beside_scrollbar.width, self._marked)
        self.extend(0, len(self.lines))

    def _place_of(self, name: str) -> tuple[int, int]:
        """The first line of a stage, and the one below its last."""
        places = [place for place, (row, _) in enumerate(self.lines) if isinstance(row, Stage) and row.name == name]
        return places[0], places[-1] + 1

    def line_at(self, view: View, y: int) -> Line:
        """See :mod:`bpdebug.ui.draw.program`."""
        if y >= len(self.lines):
            return ()
        row, drawn = self.lines[y]
        under = self.has_focus and isinstance(row, Stage) and row.name == self._marked != view.position.stage
        return lit(drawn, "cursor") if under else drawn

    def on_blur(self) -> None:
        """Without the focus there is no cursor: what is meant is the stage that has run last."""
        if self.view and self._marked:
            self._mark(self.view, _present(self.view))

    def action_cursor(self, by: int) -> None:
        """Move to the next line that is a stage."""
        names = [stage.name for stage in self.view.program.stages] if self.view else []
        place = names.index(self._marked) + by if names else -1
        if self.view and 0 <= place < len(names):
            self._mark(self.view, names[place])

    def _mark(self, view: View, name: str) -> None:
        """Put the cursor on a stage."""
        self._marked = name
        self._lay(view)
        self._see(view)
        self._repaint(view)

    def _see(self, view: View) -> None:
        """Scroll to the cursor; where it is at the stage that has run last, the next one and some lines around are in sight too."""
        first, end = self._place_of(self._marked)
        if self._marked == _present(view):
            ahead = self._place_of(view.position.next or self._marked)[1]
            first, end = max(first - 2, 0), max(first - 2, 0) + max(min(ahead - first, 4), 1) + 4
        self.scroll_to_region(Region(0, first, 1, end - first), animate=False, force=True)

    @property
    def pointed(self) -> Stage | None:
        """The stage under the cursor."""
        return self.view.program.stage(self._marked) if self.view and self._marked else None

    def action_choose(self) -> None:
        """Go to the stage under the cursor."""
        if self.pointed:
            self.post_message(StageChosen(self.pointed.name))

    def action_mark(self) -> None:
        """Set a breakpoint on the stage under the cursor, or take it away."""
        if self.pointed:
            self.post_message(StageMarked(self.pointed.name))

    def clicked(self, place: Offset) -> bool:
        """Go to the stage that was clicked; in the margin, set a breakpoint."""
        y = place.y + self.scroll_offset.y
        row = self.lines[y][0] if y < len(self.lines) else ""
        if self.view and isinstance(row, Stage):
            self._mark(self.view, row.name)
            (self.action_mark if place.x < _MARGIN else self.action_choose)()
        return False
