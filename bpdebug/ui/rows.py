"""A list with a cursor, whose rows may have several lines."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from textual import events
from textual.geometry import Region, Size
from textual.message import Message
from textual.reactive import var
from textual.scroll_view import ScrollView
from textual.strip import Strip

from bpdebug.ui.draw.rows import Row
from bpdebug.ui.draw.spans import fit, lit
from bpdebug.ui.painting import to_strip


@dataclass
class RowChosen(Message):
    """A row was clicked."""

    name: str


class RowList(ScrollView):
    """Rows to choose from; who owns it moves its cursor."""

    rows: tuple[Row, ...] = ()
    cursor: var[int] = var(-1)

    def show(self, rows: Sequence[Row], name: str = "") -> None:
        """Other rows; the cursor stands on that of a name, else on the first that can be chosen."""
        self.rows = tuple(rows)
        self._tops = [0]
        for row in rows:
            self._tops.append(self._tops[-1] + len(row.lines))
        self.virtual_size = Size(self.scrollable_content_region.width, self._tops[-1])
        named = [place for place, row in enumerate(rows) if row.name == name and name]
        self.cursor = (named or self._choosable or [-1])[0]
        self.scroll_to(0, 0, animate=False, force=True)
        self._follow()

    @property
    def _choosable(self) -> list[int]:
        return [place for place, row in enumerate(self.rows) if row.name]

    @property
    def chosen(self) -> str:
        """The name of the row under the cursor, or ""."""
        return self.rows[self.cursor].name if self.cursor >= 0 else ""

    def move(self, by: int) -> None:
        """Move the cursor by so many rows that can be chosen; beyond the last of them, the list scrolls to its end."""
        places = self._choosable
        if not places:
            return
        wanted = places.index(self.cursor) + by
        self.cursor = places[min(max(wanted, 0), len(places) - 1)]
        self._follow()
        if wanted >= len(places):
            self.scroll_end(animate=False, force=True)
        elif wanted <= 0:
            self.scroll_home(animate=False, force=True)

    def page(self, by: int) -> None:
        """Move the cursor by as many lines as are visible."""
        top = self._tops[max(self.cursor, 0)] + by * max(self.size.height - 1, 1)
        ahead = [place for place in self._choosable if (self._tops[place] - top) * by >= 0 and (place - self.cursor) * by > 0]
        self.move(len(self.rows) * by if not ahead else self._choosable.index((min if by > 0 else max)(ahead)) - self._at)

    @property
    def _at(self) -> int:
        return self._choosable.index(self.cursor)

    def _follow(self) -> None:
        """Keep the cursor's row in sight."""
        if self.cursor >= 0:
            height = len(self.rows[self.cursor].lines)
            self.scroll_to_region(Region(0, self._tops[self.cursor], 1, height), animate=False, force=True)
        self.refresh()

    def _row_at(self, y: int) -> int:
        return next((place for place in range(len(self.rows)) if self._tops[place] <= y < self._tops[place + 1]), -1)

    def render_line(self, y: int) -> Strip:
        """A line of a row; those of the cursor's have a background of their own."""
        place, columns = self._row_at(y + self.scroll_offset.y), self.scrollable_content_region.width
        if place < 0:
            return to_strip(self, (), columns, self.rich_style)
        drawn = self.rows[place].lines[y + self.scroll_offset.y - self._tops[place]]
        if place == self.cursor:
            drawn = lit(fit(drawn, columns), "here")
        return to_strip(self, drawn, columns, self.rich_style)

    def on_click(self, event: events.Click) -> None:
        """Choose the row that was clicked."""
        offset = event.get_content_offset(self)
        place = self._row_at(offset.y + self.scroll_offset.y) if offset else -1
        if place >= 0 and self.rows[place].name:
            self.cursor = place
            self._follow()
            self.post_message(RowChosen(self.chosen))
