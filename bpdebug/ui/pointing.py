"""What the mouse does in a pane: clicks, dragged borders, and text that is selected to be copied;
and the keys of the cell cursor."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from rich.cells import cell_len
from rich.segment import Segment
from rich.style import Style
from textual import events
from textual.binding import Binding
from textual.geometry import Offset, Region
from textual.message import Message
from textual.scroll_view import ScrollView
from textual.selection import Selection
from textual.strip import Strip

from bpdebug.core.cells import Cell, NamedCell
from bpdebug.ui.layout import Side


@dataclass
class CellChosen(Message):
    """The user has put the cell cursor on a cell."""

    name: str
    index: Cell


def arrows(*names: str) -> list[Binding]:
    """The keys that move the cell cursor up, down, to the left and to the right, and what each is called."""
    steps = zip(("up", "down", "left", "right"), ("-1, 0", "1, 0", "0, -1", "0, 1"), names, strict=True)
    return [Binding(key, f"cursor({step})", name, show=False) for key, step, name in steps]


CELL_KEYS = [
    *arrows("cell above", "cell below", "cell to the left", "cell to the right"),
    Binding("home", "cursor(0, -1000000)", "first column", show=False),
    Binding("end", "cursor(0, 1000000)", "last column", show=False),
]
"""The keys that move the cell cursor in a table."""


@dataclass
class Asked(Message):
    """What the user has pointed at stands for commands, a line each."""

    commands: str


def side_at(region: Region, place: Offset) -> Side | None:
    """The side of a bordered region that a place is on, or None."""
    if not region.contains_point(place):
        return None
    sides: dict[Side, bool] = {
        "left": place.x == region.x,
        "right": place.x == region.right - 1,
        "top": place.y == region.y,
        "bottom": place.y == region.bottom - 1,
    }
    return next((side for side, here in sides.items() if here), None)


class PointedAt(ScrollView):
    """A bordered widget with lines of text that the mouse can point at."""

    _grabbed: tuple[Side, Offset] | None = None
    _moving = _painting = _hit = False
    _picked: Selection | None = None

    @property
    def allow_select(self) -> bool:
        """Whether text can be selected: not from a border, which is there to be dragged."""
        return self._grabbed is None and side_at(self.region, self.app.mouse_position) is None

    def cell_under(self, place: Offset) -> NamedCell | None:
        """The cell that is drawn at a place of what is visible."""
        return None

    def spots(self) -> Iterator[tuple[Offset, str]]:
        """The places in what is visible that letters can be laid over, each with the command that goes to what is there."""
        return iter(())

    def clicked(self, place: Offset) -> bool:
        """Do what a click on a place of what is visible does; whether it has put the cell cursor on a number."""
        chosen = self.cell_under(place)
        if chosen:
            self.post_message(CellChosen(*chosen))
        return chosen is not None

    async def on_click(self, event: events.Click) -> None:
        """Deal with a click, or with the second of two, which on the title gives the pane the whole body; the end of a drag is none."""
        event.prevent_default()  # Textual selects the whole text at two clicks
        place = event.get_content_offset(self)
        if self.screen.selections:
            return
        if event.chain == 1:
            self._hit = place is not None and self.clicked(place)
        elif event.chain == 2 and self._hit:
            self.post_message(Asked("origin"))
        elif event.chain == 2 and side_at(self.region, event.screen_offset) == "top":
            for action in (f"pane('{self.id}')", "maximise"):
                await self.run_action(f"screen.{action}")

    def on_mouse_down(self, event: events.MouseDown) -> None:
        """Grab a border."""
        side = side_at(self.region, event.screen_offset)
        if side and event.button == 1:
            self._grabbed, self._moving = (side, event.screen_offset), False
            self.capture_mouse()

    def on_mouse_move(self, event: events.MouseMove) -> None:
        """Drag the border that is grabbed."""
        if not event.button:
            self.on_mouse_up()  # the button was let go outside of the terminal
        elif self._grabbed:
            side, origin = self._grabbed
            way = event.screen_offset - origin
            by = way.x if side in ("left", "right") else way.y
            self.call_later(self.run_action, f"screen.drag('{self.id}', '{side}', {by}, {not self._moving})")
            self._moving = True

    def on_mouse_up(self) -> None:
        """Let the border go."""
        if self._grabbed:
            self._grabbed = None
            self.release_mouse()

    def text_of(self, y: int) -> str:
        """A line as text; of a line that is wider than the pane what is visible."""
        raise NotImplementedError

    def get_selection(self, selection: Selection) -> tuple[str, str] | None:
        """The selected text, without the blanks at the ends of its lines."""
        first = selection.start.y if selection.start else 0
        last = min(selection.end.y if selection.end else self.virtual_size.height, self.virtual_size.height - 1)
        lines = [(self.text_of(y), self._span(selection, y)) for y in range(first, last + 1)]
        return "\n".join(text[slice(*span)].rstrip() for text, span in lines), "\n"

    def _span(self, selection: Selection, y: int) -> tuple[int, int | None]:
        """The selected characters of what is visible of a line."""
        start, end = selection.get_span(y) or (0, 0)
        across = self.scroll_offset.x
        return max(start - across, 0), None if end < 0 else max(end - across, 0)

    def selectable(self, strip: Strip, y: int) -> Strip:
        """A visible line with what is selected in it marked, or, where the mouse asks, with the places of its characters."""
        if not self._painting:
            return strip.apply_offsets(self.scroll_offset.x, y + self.scroll_offset.y)
        if self._picked is None:
            return strip
        ground = Style(bgcolor=self.screen.get_component_rich_style("screen--selection").bgcolor)
        first, last = self._span(self._picked, y + self.scroll_offset.y)
        start = cell_len(strip.text[:first])
        end = strip.cell_length if last is None else cell_len(strip.text[:last])
        picked = [Segment(part, (own or Style()) + ground) for part, own, _ in strip.crop(start, end)]
        return Strip([*strip.crop(0, start), *picked, *strip.crop(end)], strip.cell_length)

    def render_lines(self, crop: Region) -> list[Strip]:
        """The visible lines; what is the same for all of them is looked up once."""
        self._picked, self._painting = self.text_selection, True
        try:
            return super().render_lines(crop)
        finally:
            self._painting = False
