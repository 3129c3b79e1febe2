"""Lines to type in, with keys of their own and with completion by Tab, the screens that they are on, and lists with a cursor."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from itertools import product
from typing import ClassVar, cast

from textual import events
from textual.binding import Binding, BindingType
from textual.geometry import Region, Size
from textual.reactive import var
from textual.scroll_view import ScrollView
from textual.strip import Strip
from textual.widgets import Input

from bpdebug.core.record import Record
from bpdebug.session.completion import Completion
from bpdebug.ui.draw.spans import Row, fit, lit
from bpdebug.ui.painting import Lines, to_strip
from bpdebug.ui.screens import OnceScreen


class _Tried(Record):
    """A candidate that Tab has put into the line, and what stood there before."""

    before: str
    completion: Completion
    chosen: int

    @property
    def word(self) -> str:
        return self.completion.found[self.chosen].word

    @property
    def text(self) -> str:
        return self.before[: self.completion.start] + self.word + self.before[self.completion.end :]

    @property
    def cursor(self) -> int:
        return self.completion.start + len(self.word)


class LineInput(Input):
    """A line to type in, with keys of its own.

    Bindings act when a key has come up to the app, which may be after the next one has been typed; here all keys act in their order.
    """

    def on_mount(self) -> None:
        """A cursor that blinks draws the screen for ever, and no two pictures are alike."""
        self.cursor_blink = False

    @property
    def own_keys(self) -> dict[str, Callable[[], None]]:
        """What the keys do that belong to the line, or to the screen that it is on."""
        return getattr(self.screen, "line_keys", {})

    async def _on_key(self, event: events.Key) -> None:
        """Do what the key is for."""
        if act := self.own_keys.get(event.key):
            event.stop()
            event.prevent_default()
            act()
        else:
            await super()._on_key(event)


class CompletingInput(LineInput):
    """A line whose words Tab completes.

    Args:
        finder: the candidates for the word before the cursor, from the text and the place of the cursor.
        text: what stands in the line at first.
        replaced: whether what is typed first takes its place.
        placeholder: what is shown in an empty line.
    """

    def __init__(self, finder: Callable[[str, int], Completion], text: str = "", replaced: bool = True, placeholder: str = "") -> None:
        super().__init__(text, placeholder, id="line", select_on_focus=replaced)
        self._finder = finder
        self._tried: _Tried | None = None

    @property
    def own_keys(self) -> dict[str, Callable[[], None]]:
        """Tab and the screen's."""
        return super().own_keys | {"tab": partial(self._complete, 1), "shift+tab": partial(self._complete, -1)}

    @property
    def offered(self) -> tuple[Completion, int | None]:
        """What the word before the cursor may become, and which of that Tab has put into the line."""
        tried = self._still_tried()
        return (tried.completion, tried.chosen) if tried else (self._completion(), None)

    def put(self, text: str, cursor: int | None = None) -> None:
        """Write something else into the line; the cursor stands at its end."""
        self.value = text
        self.cursor_position = len(text) if cursor is None else cursor

    def _completion(self) -> Completion:
        return self._finder(self.value, self.cursor_position)

    def _still_tried(self) -> _Tried | None:
        """The candidate in the line, where nothing has been typed since."""
        now = (self.value, self.cursor_position)
        return self._tried if self._tried and now == (self._tried.text, self._tried.cursor) else None

    def _complete(self, by: int) -> None:
        """Write what all candidates have in common; where nothing is left of that, try them one after the other."""
        tried, completion = self._still_tried(), self._completion()
        typed = self.value[completion.start : completion.end]
        if tried and len(tried.completion.found) > 1:
            self._try(_Tried(tried.before, tried.completion, (tried.chosen + by) % len(tried.completion.found)))
        elif completion.common != typed and len(completion.common) >= len(typed):
            word = completion.common
            self.put(self.value[: completion.start] + word + self.value[completion.end :], completion.start + len(word))
        elif len(completion.found) > 1:
            self._try(_Tried(self.value, completion, 0 if by > 0 else len(completion.found) - 1))

    def _try(self, tried: _Tried) -> None:
        self._tried = tried
        self.put(tried.text, tried.cursor)


class LineScreen(OnceScreen):
    """A screen with a line to type in, and what is drawn around it."""

    AUTO_FOCUS = "Input"
    BINDINGS: ClassVar[list[BindingType]] = [Binding("escape", "leave", "close", show=False)]

    @property
    def line(self) -> CompletingInput:
        """What is typed in, where Tab completes it."""
        return self.query_one(CompletingInput)

    def lines(self, name: str) -> Lines:
        """What is drawn in a place around it."""
        return self.query_one(f"#{name}", Lines)

    def draw(self) -> None:
        """Say what there is to be said of the line as it stands."""
        raise NotImplementedError

    def choose(self, name: str) -> None:
        """Answer with a row of a list that was chosen."""
        self.leave(name)

    def on_mount(self) -> None:
        """Follow the cursor of a line that is completed, and its scrolling."""
        for line, moved in product(self.query(CompletingInput), ("selection", "scroll_x")):
            self.watch(line, moved, self.draw, init=False)

    def on_input_changed(self, event: Input.Changed) -> None:
        """Say what is known of the line now."""
        self.draw()

    def on_resize(self) -> None:
        """Draw for the new width, once it is known."""
        self.call_after_refresh(self.draw)


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
            cast(LineScreen, self.screen).choose(self.chosen)
