"""What a pane is: it shows the view through a drawing function, and posts what the user points at."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import ClassVar, Self, TypeVar

from rich.style import Style
from textual.content import Content
from textual.geometry import Offset, Region, Size
from textual.markup import escape
from textual.reactive import reactive
from textual.strip import Strip
from textual.visual import VisualType
from textual.widget import Widget

from bpdebug.session.view import View
from bpdebug.ui.draw.bars import HintOf
from bpdebug.ui.draw.glyphs import key_at, key_name, meaning_at
from bpdebug.ui.draw.spans import Line, plain
from bpdebug.ui.layout import Spot
from bpdebug.ui.painting import Standing, stands, to_strip
from bpdebug.ui.pointing import PointedAt

Shown = TypeVar("Shown", bound="Pane")


REGISTERED: dict[str, type[Pane]] = {}
"""All panes by name; see :mod:`bpdebug.ui.panes`."""


def pane(
    name: str, key: str, spot: Spot = "turn", needs: Sequence[str] = (), hints: Sequence[HintOf] = (), cells: bool = False
) -> Callable[[type[Shown]], type[Shown]]:
    """Register a pane; its widget, its key, its place, its hints and its line of the help follow.

    Args:
        name: what it is called, in a word.
        key: what brings it to the screen: one of the digits and letters that are free.
        spot: where it stands; usually it takes turns with the loss curve.
        needs: the fields of the view that are worked out only for it.
        hints: what the keys do that it has for itself, or that matter most in it.
        cells: whether it shows the selected cell: then the user is in it as long as he has chosen no other.

    Raises:
        ValueError: where another one has the name, or the view no such field.
    """
    if name in REGISTERED or not {*needs} <= {*View.record_fields}:
        raise ValueError(f"the pane {name} is there already, or the view has nothing called {' or '.join(needs)}")

    def register(made: type[Shown]) -> type[Shown]:
        made.key, made.spot, made.needs, made.hints, made.cells = key, spot, (*needs,), (*hints,), cells
        made.title = made.title or f"{key} {name.capitalize()}"
        REGISTERED[name] = made
        return made

    return register


_STATES = ("bad", "past", "empty")
"""The classes that the style sheet has other colours of titles for."""


class Pane(Standing, PointedAt, can_focus=True):
    """A bordered part of the screen that draws the view line by line.

    Attributes:
        title, key, spot, needs, hints, cells: see :func:`pane`.
    """

    title: ClassVar[str] = ""
    key: ClassVar[str] = ""
    spot: ClassVar[Spot] = "turn"
    needs: ClassVar[tuple[str, ...]] = ()
    hints: ClassVar[tuple[HintOf, ...]] = ()
    cells: ClassVar[bool] = False
    failure = ""
    _framed = ("", "", "")
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

    def frame(self, title: str, note: str = "", state: str = "") -> None:
        """Say something in the border, above and below, the former in the colour of what the pane shows; it is laid out anew only where
        that has changed.

        Args:
            title, note: the texts.
            state: ``bad`` for what is not finite, ``past`` for numbers of another update, ``empty`` for nothing.
        """
        if (title, note, state) != self._framed:
            self._framed = title, note, state
            self.border_title, self.border_subtitle = escape(title), escape(note)
            for name in _STATES:
                self.set_class(name == state, name)

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

    @property
    def tooltip(self) -> VisualType | None:
        """What the sign under the mouse means."""
        place = self.app.mouse_position - self.content_region.offset
        drawn = self.line_at(self.view, place.y + self.scroll_offset.y) if self.view and self.size.region.contains_point(place) else ()
        return Content(text) if (text := meaning_at(self.id or "", drawn, place.x)) else None

    @tooltip.setter
    def tooltip(self, tooltip: VisualType | None) -> None:
        """It cannot be set."""

    def render_line(self, y: int) -> Strip:
        """One visible line."""
        drawn: Line = ()
        with self._told():
            drawn = self._drawn(self.view, y) if self.view is not None and self.view is self._prepared and not self.failure else ()
        if self.failure and not y:
            drawn = ((f"this pane cannot be drawn: {self.failure}", "bad"),)
        # what the screen has got, be it nothing, is what the next line there is compared with
        place, lines = self._painted
        if place != (self.scroll_offset, self._room):
            self._painted = (None, [])
        elif y < len(lines):
            lines[y] = drawn
        return self.selectable(to_strip(self, drawn, self._room.width, self._base), y)

    def render_lines(self, crop: Region) -> list[Strip]:
        """The visible lines; the widget's own style and its room are worked out once for all of them."""
        self._base, self._room = self.rich_style, self.area
        return super().render_lines(crop)


class ListPane(Pane):
    """A pane that holds all its lines.

    Attributes:
        lines: as they are drawn.
        fixed: how many of the first ones stay where they are while the others scroll.
    """

    lines: Sequence[Line] = ()
    fixed = 0

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
        """One of the lines, those of the head where they stand; nothing below them."""
        row = y - self.scroll_offset.y if y - self.scroll_offset.y < self.fixed else y
        return self.lines[row] if row < len(self.lines) else ()

    def action_page_down(self) -> None:
        """On by as many lines as scroll."""
        self.scroll_relative(y=self.size.height - self.fixed, animate=False, immediate=True)

    def action_page_up(self) -> None:
        """Back by as many."""
        self.scroll_relative(y=self.fixed - self.size.height, animate=False, immediate=True)

    def clicked(self, place: Offset) -> bool:
        """A key that the text names is pressed by a click on it."""
        y = place.y + self.scroll_offset.y
        key = key_at(self.lines[y], place.x) if y < len(self.lines) else ""
        if key:
            self.app.simulate_key(key_name(key))
            return False
        return super().clicked(place)
