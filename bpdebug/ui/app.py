"""The app: keys to commands, the session's view to the panes. It knows no mathematics and draws nothing itself."""

from __future__ import annotations

import gc
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import ClassVar

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
from bpdebug.ui.answers import note_of, question_screen, screen_of
from bpdebug.ui.curve_panes import HealthPane, LossPane, MomentChosen, SurfacePane
from bpdebug.ui.draw.matrix import deltas_of, values_of
from bpdebug.ui.draw.roles import CONTRAST, DARK, LIGHT, Roles
from bpdebug.ui.equation_pane import EquationPane
from bpdebug.ui.keys import TableCommands, bindings
from bpdebug.ui.layout import MATRICES, PANES, Layout, is_small
from bpdebug.ui.long_runs import LongRuns, slice_over
from bpdebug.ui.matrix_panes import DeltasPane, ValuesPane
from bpdebug.ui.network_pane import NetworkPane
from bpdebug.ui.panes import (
    CellChosen,
    FooterBar,
    HeaderBar,
    Pane,
    ProgramPane,
    StageChosen,
    StageMarked,
    TourBar,
    WhyPane,
)
from bpdebug.ui.screens import ChooserScreen, PromptScreen


class DebuggerApp(LongRuns):
    """The debugger on one scenario, or on one that is chosen first.

    Args:
        session: what to debug, or None for the list of shipped scenarios.
        stateful: whether the stops of last time come back, and today's are kept.
        theme: the name of the colours.
    """

    CSS_PATH = "bpdebug.tcss"
    AUTO_FOCUS: ClassVar[str | None] = None
    TITLE = "bpdebug"
    COMMANDS: ClassVar[set[type[Provider] | Callable[[], type[Provider]]]] = {*App.COMMANDS, TableCommands}
    BINDINGS: ClassVar[list[BindingType]] = list(bindings(PANES))

    view: reactive[View | None] = reactive(None)

    def __init__(self, session: Session | None = None, stateful: bool = False, theme: str = DARK.name) -> None:
        super().__init__()
        self.session = session
        self._stateful = stateful
        self.animation_level = "none"
        for made in (DARK, LIGHT, CONTRAST):
            self.register_theme(made)
        self.theme = theme
        self.layout_of = Layout()
        self._roles: tuple[str, Roles] | None = None
        self._command: Command = COMMANDS["where"]
        self._queue: list[str] = []

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
                    yield HealthPane(id="health").data_bind(DebuggerApp.view)
                    yield SurfacePane(id="surface").data_bind(DebuggerApp.view)
                with Horizontal(id="middle"):
                    yield ValuesPane(id="values").data_bind(DebuggerApp.view)
                    yield DeltasPane(id="deltas").data_bind(DebuggerApp.view)
                    yield EquationPane(id="equation").data_bind(DebuggerApp.view)
                yield WhyPane(id="why").data_bind(DebuggerApp.view)
        yield TourBar(id="tour").data_bind(DebuggerApp.view)
        yield FooterBar(id="footer").data_bind(DebuggerApp.view)

    def on_mount(self) -> None:
        """Show the first view, or ask which scenario to open."""
        self.call_after_refresh(_collect_again)
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
            panes = self.layout_of.shown(*self.size)
            self.view = replace(self.session.view([name for name in PANES if panes[name]]), message=message)
            self.arrange()

    def on_resize(self) -> None:
        """Show as many panes as there is room for, once the new size is known."""
        self.call_later(self.show)

    def arrange(self) -> None:
        """Show the panes that the layout has room for."""
        if self.view is None or not self.query("#why"):
            return
        self.set_class(is_small(*self.size), "small")
        self.set_class(bool(self.layout_of.maximised), "maximised")
        if self.layout_of.slot in MATRICES:
            self.layout_of.slot = self._pane_of_stage() or self.layout_of.slot
        self._focus_slot()
        for name, display in (self.layout_of.shown(*self.size) | {"tour": self.view.tour is not None}).items():
            widget = self.query_one(f"#{name}")
            if widget.display != display:  # setting it lays the whole screen out anew, even to what it was
                widget.display = display

    def _focus_slot(self) -> None:
        """The arrow keys go to the pane that holds the cell cursor, unless the user has chosen one without cells."""
        cells = (*MATRICES, "equation")
        if self.layout_of.slot in cells and (self.focused is None or self.focused.id in cells):
            pane = self.query_one(f"#{self.layout_of.slot}")
            if self.focused is not pane:
                pane.focus()

    def _pane_of_stage(self) -> str:
        """The pane that shows the selected tensor."""
        name = self.view.selected[0] if self.view and self.view.selected else ""
        if self.view is None or not name:
            return ""
        return "values" if name in values_of(self.view) else "deltas" if name in deltas_of(self.view) else ""

    def action_pane(self, name: str) -> None:
        """Give a pane the focus; show it first, where it is hidden."""
        self.layout_of.choose(name)
        self.show()
        self.query_one(f"#{name}", Pane).focus()

    def action_maximise(self) -> None:
        """Give the pane that has the focus the whole body, or take it back."""
        self.layout_of.maximise((self.focused.id if self.focused else None) or self.layout_of.slot)
        self.show()

    def action_prompt(self) -> None:
        """Ask for a command."""
        if self.session is None:
            return
        self.push_screen(PromptScreen("", "a command, such as: step 3 · print a2 · goto 40:dz2 · help"), self._answered)

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """While a screen asks for something, the keys of the commands are its own, but for the one that quits."""
        return action != "command" or len(self.screen_stack) == 1 or parameters == ("quit",)

    def action_command(self, name: str) -> None:
        """Carry out a command of the table by its key; ask first for what it needs."""
        command = COMMANDS[name]
        if self.session is None:
            if name == "quit":
                self.exit()
        elif name == "break":
            self.query_one(ProgramPane).action_mark()
        elif name == "formula":
            self._edit_formula(self.session)
        elif command.asks:
            self.push_screen(PromptScreen(command.name, command.asks), self._answered)
        else:
            self.perform(name)

    def _edit_formula(self, session: Session) -> None:
        """Open the editor on a stage's formula, or say why it is not to be seen."""
        from bpdebug.ui.formula_screen import FormulaScreen  # noqa: PLC0415 - a start does without

        name = self._stage_meant(session)
        try:
            text = session.execute(f"formula {name}").data["formula"]
        except BpdebugError as error:
            self.failed(error)
            return
        if self.view:
            self.push_screen(FormulaScreen(self.view, self.view.program.stage(name), text), self._answered)

    def _stage_meant(self, session: Session) -> str:
        """The stage under the listing's cursor, that of the selected cell, the one that has just run, or the next."""
        program, position = self.query_one(ProgramPane), session.position
        if program.has_focus and program.pointed:
            return program.pointed.name
        if session.selected and session.selected[0] in session.program.index:
            return session.selected[0]
        return position.stage or position.next or session.program.stages[-1].name

    def _answered(self, text: str | None) -> None:
        """Carry out what a screen has answered: commands, a line each."""
        self._queue = (text or "").splitlines()
        self._proceed()

    def _proceed(self) -> None:
        if self._queue:
            self.perform(self._queue.pop(0))

    def perform(self, text: str) -> None:
        """Carry out a command, and show what it says; what takes long goes on in slices."""
        if self.session is None or self._busy:
            return
        self.clear_notifications()
        try:
            result = self.session.execute(text, slice_over())
        except BpdebugError as error:
            self.failed(error)
            if self.session.question and text.startswith("answer "):
                self.push_screen(question_screen(self.session.question.prompt), self._answered)
            return
        self._command = find_command(text)[0]
        if self._command.name in ("into", "reverse-into"):
            self.layout_of.choose("equation")
        self.show()
        if self.session.pending:
            self.go_on()
        else:
            self.finished(result)

    def failed(self, error: BpdebugError) -> None:
        """Say what is wrong."""
        self._queue.clear()
        self.notify(str(error), severity="error", markup=False)

    def finished(self, result: Result) -> None:
        """Show an answer, as far as the panes do not, and go on with what is left to do."""
        if self.session is None or self.view is None or result.type == "quit":
            self.exit()
        elif screen := screen_of(self._command, result, self.view, self.roles):
            self.push_screen(screen, self._answered)
        elif result.type == "copy":
            self.copy_to_clipboard(result.data["text"])
            self.notify(f"copied: {result.data['name']} as {result.data['form']}", markup=False)
        elif note := note_of(self._command, result, self.session.position.at_end):
            self.notify(note.text, severity=note.severity, timeout=note.seconds, markup=False)
        self._proceed()

    def on_cell_chosen(self, message: CellChosen) -> None:
        """The cell cursor moves."""
        if self.session and not self._busy:
            self.session.select(message.name, message.index)
            self.show()

    def on_moment_chosen(self, message: MomentChosen) -> None:
        """A place on the loss curve was pointed at."""
        self.perform(f"goto {message.update}:loss")

    def on_stage_marked(self, message: StageMarked) -> None:
        """A breakpoint on a stage is set, or deleted."""
        plain = [stop.number for stop in self.session.stops.all.values() if stop.text == message.name] if self.session else []
        self.perform(f"delete {plain[0]}" if plain else f"break {message.name}")

    def on_stage_chosen(self, message: StageChosen) -> None:
        """A stage of the listing was pointed at."""
        self.perform(f"goto {message.name}")


def _collect_again() -> None:
    """The garbage collector works again after the start, and leaves alone what that has made."""
    if not gc.isenabled():
        gc.freeze()
        gc.enable()


def run_app(session: Session | None, fresh: bool = False, theme: str = DARK.name) -> int:
    """Open the debugger on a session, or on the list of shipped scenarios; the exit status when the user has quit.

    Args:
        session: what to debug.
        fresh: whether to leave the stops of last time alone.
        theme: the name of the colours.
    """
    app = DebuggerApp(session, stateful=not fresh, theme=theme)
    app.run()
    return app.return_code or 0
