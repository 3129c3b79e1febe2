"""The start: a scenario is chosen among those that come with the program, or a file of one's own is named."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from textual import events
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, Vertical
from textual.widgets import Input, Static

from bpdebug.frontends import ShippedScenario, load_scenario
from bpdebug.session.completion import Completion, complete_path
from bpdebug.ui.completing import CompletingInput, LineScreen, RowList
from bpdebug.ui.draw.lists import preview_lines, scenario_rows
from bpdebug.ui.draw.spans import Span, line, wrap_lines
from bpdebug.ui.draw.typed import candidate_lines
from bpdebug.ui.painting import Lines

ENDINGS = (".yaml", ".yml")
TOUR = "xor\ntour"
"""The answer of somebody who takes the tour: a scenario, and a command."""

_INVITATION = line(("bpdebug", "heading"), "  step through back-propagation: every number, forwards and back")
_LIST_KEYS = (("↑ ↓", "choose"), ("Enter", "or a click opens"), ("t", "tour"), ("o", "your own file"))
_PATH_KEYS = (("Enter", "opens"), ("Tab", "completes"), ("Esc", "back to the list"))


class ChooserScreen(LineScreen):
    """Answers with a scenario's name or path (on further lines, commands), or with nothing.

    Args:
        scenarios: the shipped ones.
        text: a path that was refused.
        mistake: why.
        leaving: what it means to choose none.
    """

    AUTO_FOCUS = "RowList"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape", "back", "back", show=False),
        Binding("q,ctrl+q", "leave", "quit", show=False),
        Binding("up", "move(-1)", "the scenario before", show=False),
        Binding("down", "move(1)", "the scenario after", show=False),
        Binding("pageup,home", "move(-1000)", "the first scenario", show=False),
        Binding("pagedown,end", "move(1000)", "the last scenario", show=False),
        Binding("enter", "choose", "open", show=False),
        Binding("t", f"leave({TOUR!r})", "the guided tour", show=False),
        Binding("o", "path", "a file", show=False),
    ]

    def __init__(self, scenarios: Sequence[ShippedScenario], text: str = "", mistake: str = "", leaving: str = "quits") -> None:
        super().__init__()
        self._entries = {entry.name: (entry, load_scenario(entry.path)) for entry in scenarios}
        self._text, self._mistake, self._leaving = text, mistake, leaving

    def compose(self) -> ComposeResult:
        """The list, what is in the chosen one, and a line for a path."""
        with Vertical(id="chooser"):
            yield Lines(id="invitation")
            yield RowList(id="rows", can_focus=True)
            yield Lines(id="preview")
            with Horizontal(id="row"):
                yield Static("your own file: ", id="target", markup=False)
                yield CompletingInput(lambda text, cursor: self._completion(text[:cursor]), self._text, False, "path of a YAML file")
            yield Lines(id="keys")

    def on_mount(self) -> None:
        """Follow the cursor of the list; that of the line stands where something was refused."""
        self.watch(self._rows, "cursor", self.draw, init=False)
        if self._mistake:
            self.line.focus()

    @property
    def _rows(self) -> RowList:
        return self.query_one(RowList)

    @staticmethod
    def _completion(text: str) -> Completion:
        return complete_path(text, ENDINGS)

    def on_resize(self) -> None:
        """Draw the list for the new width, once it is known."""
        self.call_after_refresh(self._list)

    def _list(self) -> None:
        self.lines("invitation").show(_INVITATION)
        self._rows.show(scenario_rows(list(self._entries.values()), self._rows.scrollable_content_region.width), self._rows.chosen)

    def draw(self) -> None:
        """What is in the scenario under the cursor; while a path is typed, why it was refused, or how it may go on; and the keys."""
        preview, typing = self.lines("preview"), self.line.has_focus
        columns, rows = preview.size
        if not typing:
            preview.show(*(preview_lines(*self._entries[self._rows.chosen], columns) if self._rows.chosen else ()))
        elif self._mistake and self.line.value == self._text:
            preview.show(*wrap_lines(self._mistake, columns, "bad"))
        else:
            completion, chosen = self.line.offered
            preview.show(*candidate_lines(completion.found, chosen, columns, rows))
        spans: list[Span] = []
        for key, label in _PATH_KEYS if typing else (*_LIST_KEYS, ("q", self._leaving)):
            spans += [(key, "key"), (f" {label}  ", "dim")]
        self.lines("keys").show(tuple(spans))

    def on_descendant_focus(self, event: events.DescendantFocus) -> None:
        """Other keys."""
        self.draw()

    def on_input_submitted(self, event: Input.Submitted) -> None:
        """Answer with the path."""
        if event.value.strip():
            self.leave(event.value.strip())

    def action_choose(self) -> None:
        """Answer with the scenario under the cursor."""
        self.leave(self._rows.chosen)

    def action_move(self, by: int) -> None:
        """Move the cursor."""
        self._rows.move(by)
        self._rows.focus()

    def action_path(self) -> None:
        """Type a path."""
        self.line.focus()

    def action_back(self) -> None:
        """From the path to the list; from there, leave."""
        if self.line.has_focus:
            self._rows.focus()
        else:
            self.leave()
