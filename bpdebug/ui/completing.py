"""Lines to type in, with keys of their own and with completion by Tab, and the screens that they are on."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from itertools import product
from typing import ClassVar

from textual import events
from textual.binding import Binding, BindingType
from textual.widgets import Input

from bpdebug.core.record import Record
from bpdebug.session.completion import Completion
from bpdebug.ui.painting import Lines
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
