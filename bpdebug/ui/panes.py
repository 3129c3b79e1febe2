"""The panes: each shows the view through a drawing function, and posts what the user points at."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar, Self, cast

from rich.segment import Segment
from rich.style import Style
from textual.geometry import Offset, Region, Size
from textual.markup import escape
from textual.message import Message
from textual.reactive import reactive
from textual.strip import Strip
from textual.widget import Widget

from bpdebug.session.view import View
from bpdebug.ui.draw.glyphs import key_at
from bpdebug.ui.draw.spans import Line, fit, plain
from bpdebug.ui.draw.why import displays_in_border, why_lines
from bpdebug.ui.draw.why_click import operand_at
from bpdebug.ui.keys import key_name
from bpdebug.ui.pointing import PointedAt
from bpdebug.ui.standing import Standing, stands

if TYPE_CHECKING:
    from bpdebug.ui.app import DebuggerApp


@dataclass
class OperandChosen(Message):
    """The user has pointed at a cell that the explained number is made of: which one, from 0."""

    place: int


def to_strip(widget: Widget, drawn: Line, columns: int, base: Style) -> Strip:
    """A drawn line in the colours of the theme, filled to the width; ``base`` is the widget's own style."""
    roles = cast("DebuggerApp", widget.app).roles
    return Strip([Segment(text, base + roles.style(role)) for text, role in fit(drawn, columns)], columns)


def few_colors(widget: Widget) -> bool:
    """Whether pictures must be read without shades of colour: the terminal has 16 of them at most, or the user wants none."""
    return widget.app.no_color or cast("DebuggerApp", widget.app).roles.few


class Pane(Standing, PointedAt, can_focus=True):
    """A bordered part of the screen that draws the view line by line."""

    title: ClassVar[str] = ""
    failure = ""
    _base = Style()
    _room = Size(0, 0)
    _painted: tuple[object, list[Line]] = (None, [])
    _drawn_of: View | None = None
    _prepared: View | None = None
    """The view that has been laid out; a pane that was out of sight may have another one already, even of another network."""
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
            self.failure = ""
            with self._told():
                self.prepare(self.view)
                self._prepared = self.view
                self._repaint(self.view)

    @contextmanager
    def _told(self) -> Iterator[None]:
        """What cannot be drawn is said, here and in a message; all else goes on."""
        try:
            yield
        except Exception as error:
            self.failure = f"{type(error).__name__}: {error}"
            self.refresh()
            if not stands(self, error):
                raise

    def _repaint(self, view: View) -> None:
        """Have the lines painted that are not what they were."""
        self._room, start = self.area, self.scroll_offset
        place, lines = (start, self._room), [self.line_at(view, y + start.y) for y in range(self._room.height)]
        (before, painted), self._painted, self._drawn_of = self._painted, (place, lines), view
        changed = [y for y, drawn in enumerate(lines) if before != place or drawn != painted[y]]
        if changed:
            self.refresh(*(Region(0, y, self._room.width, 1) for y in changed))

    def refresh(self, *regions: Region, repaint: bool = True, layout: bool = False, recompose: bool = False) -> Self:
        """Have regions painted again, or all; then all lines are drawn anew, too."""
        if not regions:
            self._drawn_of = None
        return super().refresh(*regions, repaint=repaint, layout=layout, recompose=recompose)

    def _drawn(self, view: View, y: int) -> Line:
        """A visible line; as long as nothing has moved since it was compared with what was there, it is not drawn again."""
        place, lines = self._painted
        if self._drawn_of is view and place == (self.scroll_offset, self._room) and y < len(lines):
            return lines[y]
        return self.line_at(view, y + self.scroll_offset.y)

    def _note_painted(self, y: int, drawn: Line) -> None:
        """What the screen has got, be it nothing, is what the next line there is compared with."""
        place, lines = self._painted
        if place != (self.scroll_offset, self._room):
            self._painted = (None, [])
        elif y < len(lines):
            lines[y] = drawn

    def extend(self, columns: int, rows: int) -> None:
        """Set the virtual size, at least what is visible: as long as all fits, nothing need be laid out anew."""
        size = Size(max(columns, self.beside_scrollbar.width), max(rows, self.size.height))
        if size != self.virtual_size:
            self.set_reactive(Widget.virtual_size, size)  # an assignment lays the whole screen out anew; so does a scrollbar that comes
            self._scroll_update(size)

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
        drawn: Line = ()
        with self._told():
            drawn = self._drawn(self.view, y) if self.view is not None and self.view is self._prepared and not self.failure else ()
        if self.failure and not y:
            drawn = ((f"this pane cannot be drawn: {self.failure}", "bad"),)
        self._note_painted(y, drawn)
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
