"""The help: the legend, all commands and keys, searched as one types."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial

from textual.app import ComposeResult
from textual.containers import Vertical
from textual.widgets import Input

from bpdebug.look.legend import Entry
from bpdebug.session.commands import COMMANDS, in_order
from bpdebug.session.usage import ways
from bpdebug.ui.completing import LineInput, LineScreen, RowList
from bpdebug.ui.draw.glyphs import meanings
from bpdebug.ui.draw.lists import LEGEND, help_rows
from bpdebug.ui.pane import Pane
from bpdebug.ui.panes import PANES

_KEYS = {pane.key: f"{name}: {pane.__doc__}" if pane.__doc__ else f"the {name} pane" for name, pane in PANES.items()}
"""Of the panes, with what each shows."""


class HelpScreen(LineScreen):
    """Shows the legend and the commands; answers with a colon and a command to put into the prompt, or with nothing.

    What is drawn in the pane that the user is in comes first.
    """

    here: Sequence[Entry] = ()

    def on_mount(self) -> None:
        """Look at the pane that the user is in."""
        pane = next((below.focused for below in reversed(self.app.screen_stack) if isinstance(below.focused, Pane)), None)
        if pane and pane.view:
            self.here = meanings(pane.id or "", [pane.line_at(pane.view, y + pane.scroll_offset.y) for y in range(pane.size.height)])

    @property
    def line_keys(self) -> dict[str, Callable[[], None]]:
        """The keys that move the cursor of the rows while the line has the focus."""
        move, page = self._rows.move, self._rows.page
        rows = {"up": partial(move, -1), "down": partial(move, 1), "home": partial(move, -1000), "end": partial(move, 1000)}
        return {**rows, "pageup": partial(page, -1), "pagedown": partial(page, 1)}

    def compose(self) -> ComposeResult:
        """A line to search with, and the rows that fit."""
        with Vertical(id="help") as box:
            box.border_title = "Help"
            box.border_subtitle = "↑ ↓ PgUp PgDn move   Enter puts a command into the prompt   Esc closes"
            yield LineInput(placeholder="type to search: a sign, a colour, a word, a key or a command", id="search")
            yield RowList(id="rows")

    @property
    def _rows(self) -> RowList:
        return self.query_one(RowList)

    def draw(self) -> None:
        """Search."""
        query, columns = self.query_one(Input).value.lstrip("/").strip(), self._rows.size.width - 1
        named = next((command.name for command in in_order() if query and command.name.startswith(query.split()[0])), "")
        self._rows.show(
            help_rows(in_order(), query, columns, _KEYS, self.here),
            named if query else self._rows.chosen,
        )

    def on_input_submitted(self, event: Input.Submitted) -> None:
        """Choose the command under the cursor."""
        self.choose(self._rows.chosen)

    def choose(self, name: str) -> None:
        """Put a command into the prompt, or show an entry of the legend."""
        if name:
            self.leave(f":{name}" if name.startswith(LEGEND) or ways(COMMANDS[name].usage) == ((),) else f":{name} ")
