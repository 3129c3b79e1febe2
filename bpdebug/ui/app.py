"""The app: keys to commands, the session's view to the panes. It knows no mathematics and draws nothing itself."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Iterator
from dataclasses import replace
from time import perf_counter
from typing import ClassVar

from textual import events, work
from textual.app import App, ComposeResult, SystemCommand
from textual.binding import BindingType
from textual.command import Provider
from textual.containers import Horizontal, Vertical
from textual.reactive import reactive
from textual.screen import Screen

from bpdebug.debugger.commands import COMMANDS, Command, find_command
from bpdebug.debugger.results import Result
from bpdebug.debugger.script import keep_stops, restore_stops
from bpdebug.debugger.session import Session
from bpdebug.debugger.view import View
from bpdebug.engine.errors import BpdebugError
from bpdebug.scenario import load_scenario, shipped
from bpdebug.ui.draw_matrix import deltas_of, values_of
from bpdebug.ui.keys import TableCommands, bindings
from bpdebug.ui.matrix_panes import DeltasPane, MatrixPane, ValuesPane
from bpdebug.ui.panes import (
    CellChosen,
    FooterBar,
    HeaderBar,
    LossPane,
    NetworkPane,
    Pane,
    ProgramPane,
    StageChosen,
    StageMarked,
    WhyPane,
)
from bpdebug.ui.roles import DARK, LIGHT, Roles
from bpdebug.ui.screens import ChooserScreen, HelpScreen, PromptScreen, TextScreen

_PANES = ("program", "network", "loss", "values", "deltas", "why")
_SILENT = ("break", "tbreak", "delete", "operand", "select")
"""Commands whose effect is to be seen in the panes."""
_SHORT = 120
"""Characters of an answer that is shown beside the panes."""
_SLICE, _PICTURE = 0.01, 0.05
"""Seconds of a long run between two looks at the keys, and between two pictures."""
_WIDE, _TALL = 110, 30
"""From this size on all panes are shown at once."""


class DebuggerApp(App[None]):
    """The debugger on one scenario, or on one that is chosen first.

    Args:
        session: what to debug, or None for the list of shipped scenarios.
        stateful: whether the stops of last time come back, and today's are kept.
    """

    CSS_PATH = "bpdebug.tcss"
    AUTO_FOCUS: ClassVar[str | None] = None
    TITLE = "bpdebug"
    COMMANDS: ClassVar[set[type[Provider] | Callable[[], type[Provider]]]] = {*App.COMMANDS, TableCommands}
    BINDINGS: ClassVar[list[BindingType]] = list(bindings(_PANES))

    view: reactive[View | None] = reactive(None)

    def __init__(self, session: Session | None = None, stateful: bool = False) -> None:
        super().__init__()
        self.session = session
        self._stateful = stateful
        self.animation_level = "none"
        self.register_theme(DARK)
        self.register_theme(LIGHT)
        self.theme = DARK.name
        self.slot = "values"
        self._busy = self._interrupted = False
        self._roles: tuple[str, Roles] | None = None

    @property
    def roles(self) -> Roles:
        """The styles of the current theme."""
        if self._roles is None or self._roles[0] != self.theme:
            self._roles = (self.theme, Roles(self.theme_variables))
        return self._roles[1]

    def compose(self) -> ComposeResult:
        """Header, panes, footer."""
        yield HeaderBar(id="header").data_bind(DebuggerApp.view)
        with Horizontal(id="body"):
            yield ProgramPane(id="program").data_bind(DebuggerApp.view)
            with Vertical(id="right"):
                with Horizontal(id="top"):
                    yield NetworkPane(id="network").data_bind(DebuggerApp.view)
                    yield LossPane(id="loss").data_bind(DebuggerApp.view)
                with Horizontal(id="middle"):
                    yield ValuesPane(id="values").data_bind(DebuggerApp.view)
                    yield DeltasPane(id="deltas").data_bind(DebuggerApp.view)
                yield WhyPane(id="why").data_bind(DebuggerApp.view)
        yield FooterBar(id="footer").data_bind(DebuggerApp.view)

    def on_mount(self) -> None:
        """Show the first view, or ask which scenario to open."""
        if self.session is None:
            self.push_screen(ChooserScreen(shipped()), self._open)
        else:
            self._begin()

    def _begin(self) -> None:
        """The first picture; the stops of last time come back."""
        if self.session and self._stateful and (count := restore_stops(self.session)):
            self.notify(f"stops of last time: {count} (B lists them, 'delete all' removes them)", markup=False)
        self.show()

    def on_unmount(self) -> None:
        """Keep the stops for the next start."""
        if self.session and self._stateful:
            keep_stops(self.session)

    def _open(self, name: str | None) -> None:
        if name is None:
            self.exit()
            return
        self.session = Session(load_scenario(name))
        self._begin()

    def get_system_commands(self, screen: Screen[object]) -> Iterator[SystemCommand]:
        """Textual's own commands, less those that the table has."""
        yield from (command for command in super().get_system_commands(screen) if command.title == "Theme")

    def show(self, message: str = "") -> None:
        """Bring the session's present moment to the panes; a message takes the footer's place."""
        if self.session:
            self.view = replace(self.session.view(), message=message)
            self.arrange()

    def on_resize(self) -> None:
        """Show as many panes as there is room for, once the new size is known."""
        self.call_later(self.arrange)

    def arrange(self) -> None:
        """All panes where there is room; else the listing, one pane beside it, and Why."""
        if self.view is None or not self.query("#why"):
            return
        small = self.size.width < _WIDE or self.size.height < _TALL
        self.set_class(small, "small")
        if self.slot in ("values", "deltas"):
            self.slot = self._pane_of_stage() or self.slot
            self._focus_slot()
        shown = {name: not small or name == self.slot for name in ("network", "loss", "values", "deltas")}
        shown["top"] = shown["network"] or shown["loss"]
        shown["middle"] = shown["values"] or shown["deltas"]
        for name, display in shown.items():
            widget = self.query_one(f"#{name}")
            if widget.display != display:  # setting it lays the whole screen out anew, even to what it was
                widget.display = display

    def _focus_slot(self) -> None:
        """The arrow keys go to the pane that holds the cell cursor, unless the user has chosen one without cells."""
        pane = self.query_one(f"#{self.slot}")
        if self.focused is not pane and (self.focused is None or isinstance(self.focused, MatrixPane)):
            pane.focus()

    def _pane_of_stage(self) -> str:
        """The pane that shows the selected tensor."""
        name = self.view.selected[0] if self.view and self.view.selected else ""
        if self.view is None or not name:
            return ""
        return "values" if name in values_of(self.view) else "deltas" if name in deltas_of(self.view) else ""

    def action_pane(self, name: str) -> None:
        """Give a pane the focus; show it first, where it is hidden."""
        if name in ("network", "loss", "values", "deltas"):
            self.slot = name
            self.arrange()
        self.query_one(f"#{name}", Pane).focus()

    def action_prompt(self) -> None:
        """Ask for a command."""
        if self.session is None:
            return
        self.push_screen(PromptScreen("", "a command, such as: step 3 · print a2 · goto 40:dz2 · help"), self._answered)

    def action_command(self, name: str) -> None:
        """Carry out a command of the table by its key; ask first for what it needs."""
        command = COMMANDS[name]
        if self.session is None:
            if name == "quit":
                self.exit()
        elif name == "break":
            self.query_one(ProgramPane).action_mark()
        elif command.asks:
            self.push_screen(PromptScreen(command.name, command.asks), self._answered)
        else:
            self.perform(name)

    def _answered(self, text: str | None) -> None:
        if text:
            self.perform(text)

    def perform(self, text: str) -> None:
        """Carry out a command, and show what it says; a long move goes on in slices."""
        if self.session is None or self._busy:
            return
        self.clear_notifications()
        try:
            result = self.session.execute(text, self._watch())
        except BpdebugError as error:
            self.notify(str(error), severity="error", markup=False)
            return
        self._take(find_command(text)[0], result)

    def _tell(self, command: Command, result: Result) -> None:
        """A short answer beside the panes, a long one over them."""
        if "\n" in result.text or len(result.text) > _SHORT or command.name == "help":
            self.push_screen(TextScreen(result.text, command.name))
        else:
            self.notify(result.text, markup=False)

    def _watch(self) -> Callable[[], bool]:
        """Says yes when a slice is over."""
        end = perf_counter() + _SLICE
        return lambda: perf_counter() > end

    def _take(self, command: Command, result: Result) -> None:
        if result.type == "quit":
            self.exit()
        elif command.name == "help" and len(result.data["commands"]) > 1:
            self.push_screen(HelpScreen(self.roles))
        elif result.type != "stop" and result.text and command.name not in _SILENT:
            self._tell(command, result)
        self.show()
        if self.session and self.session.pending:
            self.go_on()
        elif result.type == "stop":
            self._arrived(result)

    @work(exclusive=True)
    async def go_on(self) -> None:
        """The rest of a long move, with pictures in between; any key ends it."""
        self._busy, self._interrupted = True, False
        async for result in self._slices():
            if self.session is None or not self.session.pending:
                self._arrived(result)
        self._busy = False
        self.show()

    async def _slices(self) -> AsyncIterator[Result]:
        begin, first = perf_counter(), self.session.position.update if self.session else 0
        drawn = begin
        while self.session and self.session.pending and not self._interrupted:
            await asyncio.sleep(0.001)
            yield self.session.resume(self._watch())
            if perf_counter() - drawn > _PICTURE:
                drawn = perf_counter()
                rate = (self.session.position.update - first) / (drawn - begin)
                self.show(f"running: {rate:,.0f} updates a second; any key stops")
        if self.session and self.session.pending:
            self.session.pending = None
            self.notify(f"stopped in update {self.session.position.update}", markup=False)

    def _arrived(self, result: Result) -> None:
        """Say what the panes do not show by themselves."""
        if result.data.get("hits"):
            self.notify(result.text, timeout=8, markup=False)
        elif result.data["reason"] == "non-finite" and "culprit" in result.data:
            self.notify(result.text, severity="warning", timeout=6, markup=False)
        elif result.data["reason"] == "end" and self.session and self.session.position.at_end:
            self.notify(result.text, markup=False)

    async def on_event(self, event: events.Event) -> None:
        """While a long move goes on, a key stops it and does nothing else."""
        if self._busy and isinstance(event, events.Key):
            self._interrupted = True
            return
        await super().on_event(event)

    def on_cell_chosen(self, message: CellChosen) -> None:
        """The cell cursor moves."""
        if self.session and not self._busy:
            self.session.select(message.name, message.index)
            self.show()

    def on_stage_marked(self, message: StageMarked) -> None:
        """A breakpoint on a stage is set, or deleted."""
        plain = [stop.number for stop in self.session.stops.all.values() if stop.text == message.name] if self.session else []
        self.perform(f"delete {plain[0]}" if plain else f"break {message.name}")

    def on_stage_chosen(self, message: StageChosen) -> None:
        """A stage of the listing was pointed at."""
        self.perform(f"goto {message.name}")


def run_app(session: Session | None, fresh: bool = False) -> int:
    """Open the debugger on a session, or on the list of shipped scenarios; the exit status when the user has quit.

    Args:
        session: what to debug.
        fresh: whether to leave the stops of last time alone.
    """
    app = DebuggerApp(session, stateful=not fresh)
    app.run()
    return app.return_code or 0
