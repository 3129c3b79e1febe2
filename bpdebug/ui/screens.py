"""The screens over the panes: the prompt, texts, help, and the list of shipped scenarios."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from rich.console import Group
from rich.table import Table
from rich.text import Text
from textual import events
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import ScrollableContainer, Vertical
from textual.screen import ModalScreen
from textual.widgets import Input, OptionList, Static
from textual.widgets.option_list import Option

from bpdebug.debugger.commands import COMMANDS, GROUPS, Command
from bpdebug.scenario import ShippedScenario
from bpdebug.ui.draw.roles import Roles

_PANE_KEYS = (
    ("1 … 6", "choose a pane; where there is little room, show it"),
    ("tab", "the next pane"),
    ("arrows", "move the cell cursor (Values, Deltas), or the line of the listing (Program)"),
    (":", "type any command"),
    ("ctrl+p", "the palette: commands by name, themes"),
    ("✓ ⚠ !", "in the listing: computed, not finite, computed with a floating-point warning"),
    ("~ ✎ ●", "computed before something it depends on was edited, your own formula, a breakpoint"),
    ("✓ ✗ ↳", "after a check (v): right (bold), wrong, wrong only because of the gradient that arrives"),
    ("? ∧", "after a check: no verdict, a kink where there is no derivative"),
    ("esc", "close this; stop a long run (as any key does)"),
)


class OnceScreen(ModalScreen[str | None]):
    """A screen that is left once, however many keys were waiting."""

    left = False

    def leave(self, answer: str | None = None) -> None:
        """Answer, the first time."""
        if not self.left:
            self.left = True
            self.dismiss(answer)

    def action_leave(self) -> None:
        """Answer nothing."""
        self.leave()


class PromptScreen(OnceScreen):
    """Asks for a command, or for the rest of one.

    Args:
        prefix: what stands before the answer and belongs to it.
        hint: what may be typed.
    """

    AUTO_FOCUS = "Input"
    BINDINGS: ClassVar[list[BindingType]] = [Binding("escape", "leave", "cancel", show=False)]

    def __init__(self, prefix: str, hint: str) -> None:
        super().__init__()
        self.prefix, self.hint = prefix, hint

    def compose(self) -> ComposeResult:
        """One line to type in."""
        with Vertical(id="prompt"):
            yield Static(self.hint, id="hint", markup=False)
            yield Input(placeholder=self.prefix or "step 3, print a2, goto 40:dz2, help …", id="line")

    def on_input_submitted(self, event: Input.Submitted) -> None:
        """Answer with the whole command."""
        self.leave(f"{self.prefix} {event.value}".strip() if event.value.strip() else None)


class TextScreen(OnceScreen):
    """A text that any key but a scrolling one closes."""

    AUTO_FOCUS = "*"

    def __init__(self, text: Table | str, title: str) -> None:
        super().__init__()
        self.text, self.heading = text, title

    def compose(self) -> ComposeResult:
        """The text, scrollable."""
        with ScrollableContainer(id="text") as scroll:
            scroll.border_title = self.heading
            scroll.border_subtitle = "any key closes"
            yield Static(self.text, markup=False)

    def on_key(self, event: events.Key) -> None:
        """Close, unless the key scrolls."""
        if event.key not in ("up", "down", "left", "right", "pageup", "pagedown", "home", "end"):
            event.stop()
            self.leave()


def help_table(commands: Sequence[Command], roles: Roles) -> Table:
    """The help screen, from the command table."""
    table = Table.grid(padding=(0, 2, 0, 0))
    table.add_column(min_width=8, no_wrap=True)
    table.add_column(max_width=24)
    table.add_column()
    for group, title in GROUPS.items():
        table.add_row(Text(title, roles.style("heading")))
        for command in (c for c in commands if c.group == group):
            keys = " ".join(_shown(key) for key in command.keys)
            table.add_row(Text(f" {keys}", roles.style("key")), Text(command.usage, roles.style("bold")), command.help)
    table.add_row(Text("Panes", roles.style("heading")))
    for keys, meaning in _PANE_KEYS:
        table.add_row(Text(f" {keys}", roles.style("key")), "", meaning)
    return table


def _shown(key: str) -> str:
    return {"enter": "Enter", "backspace": "Bksp", "f1": "F1"}.get(key, key)


class HelpScreen(TextScreen):
    """All commands with their keys."""

    def __init__(self, roles: Roles) -> None:
        super().__init__(help_table(list(COMMANDS.values()), roles), "Help")


class ChooserScreen(OnceScreen):
    """The shipped scenarios, with a line on what each teaches."""

    AUTO_FOCUS = "OptionList"
    BINDINGS: ClassVar[list[BindingType]] = [Binding("q,escape,ctrl+q", "leave", "quit", show=False)]

    def __init__(self, scenarios: Sequence[ShippedScenario]) -> None:
        super().__init__()
        self.scenarios = scenarios

    def compose(self) -> ComposeResult:
        """A list to choose from."""
        with Vertical(id="chooser"):
            yield Static("bpdebug", id="name")
            yield Static("Step through back-propagation. Choose a scenario:", id="invitation")
            with Vertical(id="list"):
                yield OptionList(*(self._option(scenario) for scenario in self.scenarios))
            yield Static("Enter opens · q quits · your own: bpdebug FILE.yaml", id="hint")

    @staticmethod
    def _option(scenario: ShippedScenario) -> Option:
        table = Table.grid(padding=(0, 0, 0, 2))
        table.add_row(Text(scenario.description, "dim"))
        return Option(Group(Text(scenario.name, "bold"), table), id=scenario.name)

    def on_option_list_option_selected(self, event: OptionList.OptionSelected) -> None:
        """Answer with the scenario's name."""
        self.leave(event.option_id)
