"""The app: keys to commands, the session's view to the panes. It knows no mathematics and draws nothing itself."""

from __future__ import annotations

import gc
import sys
from collections.abc import Callable
from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import BindingType
from textual.command import Provider
from textual.containers import Horizontal, Vertical
from textual.screen import Screen

from bpdebug.core import interruption
from bpdebug.core.errors import BpdebugError
from bpdebug.core.record import replace
from bpdebug.frontends import load_scenario, shipped
from bpdebug.play.hunt import task_lines
from bpdebug.session.prompt_history import keep_history, load_history
from bpdebug.session.session import Session
from bpdebug.session.settings import Settings
from bpdebug.session.state import keep_stops, restore_stops
from bpdebug.ui.bars import FooterBar, HeaderBar, TourBar
from bpdebug.ui.commanding import Commanding
from bpdebug.ui.curve_panes import HealthPane, LossPane, MomentChosen, SurfacePane
from bpdebug.ui.draw.roles import CONTRAST, DARK, LIGHT, Roles
from bpdebug.ui.equation_pane import EquationPane
from bpdebug.ui.keys import OWN_ACTIONS, TableCommands, bindings
from bpdebug.ui.layout import PANES
from bpdebug.ui.matrix_panes import DeltasPane, ValuesPane
from bpdebug.ui.network_pane import NetworkPane
from bpdebug.ui.panes import OperandChosen, WhyPane
from bpdebug.ui.pointing import CellChosen, OriginAsked
from bpdebug.ui.program_pane import ProgramPane, StageChosen, StageMarked
from bpdebug.ui.screens import Sized, TextScreen
from bpdebug.ui.speaking import MessageBar, Note


class DebuggerApp(Commanding):
    """The debugger on one scenario, or on one that is chosen first.

    Args:
        session: what to debug, or None for the list of shipped scenarios.
        stateful: whether the stops and the prompt's history of last time come back, and today's are kept.
        settings: what the user prefers; a session that is opened here follows them.

    Attributes:
        lost: why the stops cannot be kept, to be told when the screen is gone, or "".
    """

    CSS_PATH = "bpdebug.tcss"
    AUTO_FOCUS: ClassVar[str | None] = None
    TITLE = "bpdebug"
    COMMANDS: ClassVar[set[type[Provider] | Callable[[], type[Provider]]]] = {TableCommands}
    BINDINGS: ClassVar[list[BindingType]] = list(bindings(PANES))

    def __init__(self, session: Session | None = None, stateful: bool = False, settings: Settings | None = None) -> None:
        super().__init__()
        self.session = session
        self._stateful = stateful
        self.lost = ""
        if stateful:
            self.history = load_history()
        self.animation_level = "none"
        for made in (DARK, LIGHT, CONTRAST):
            self.register_theme(made)
        self._settings = settings or Settings()
        self.theme = self._settings.theme
        self._roles: tuple[str, Roles] | None = None

    @property
    def roles(self) -> Roles:
        """The styles of the current theme."""
        if self._roles is None or self._roles[0] != self.theme:
            system = None if self.is_headless else self.console.color_system
            self._roles = (self.theme, Roles(self.theme_variables, system))
        return self._roles[1]

    def get_default_screen(self) -> Screen[str | None]:
        """The screen with the panes."""
        return Sized(id="_default")

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
        yield MessageBar(id="message")
        yield FooterBar(id="footer").data_bind(DebuggerApp.view)

    def on_mount(self) -> None:
        """Show the first view, or ask which scenario to open."""
        self.call_after_refresh(_collect_again)
        for wrong in filter(None, (self._settings.wrong, *self.history.wrong)):
            self.say(Note(wrong, "error"))
        if self.session is None:
            self.action_open()
        else:
            self._begin()

    def _begin(self) -> None:
        """The first picture; the stops of last time come back."""
        count, wrong = restore_stops(self.session) if self.session and self._stateful else (0, [])
        if count:
            self.say(Note(f"stops of last time: {count} (B lists them, 'delete all' removes them)"))
        if wrong:
            self.say(Note("\n".join(wrong), "error"))
        self.show()
        if self.session and self.session.hunts and not self.session.position.t:
            self.push_screen(TextScreen("\n".join(task_lines(self.session.hunts, self.session.program.scenario.name)), "hunt"))

    def on_unmount(self) -> None:
        """Keep the stops and the history for the next start."""
        self.keep()

    def keep(self) -> None:
        """Keep the stops and the history for the next start."""
        if self._stateful:
            keep_history(self.history)
        self._keep()

    def _keep(self) -> None:
        if self.session and self._stateful:
            try:
                self.lost = keep_stops(self.session)
            except BpdebugError as error:
                self.lost = f"the stops are not kept: {error}"

    def action_open(self, text: str = "", mistake: str = "") -> None:
        """Choose a scenario; a path that was refused is given back with the reason."""
        from bpdebug.ui.chooser_screen import ChooserScreen  # noqa: PLC0415 - a start on a scenario does without

        if not self._busy:
            self.push_screen(ChooserScreen(shipped(), text, mistake, "goes back" if self.session else "quits"), self._open)

    def _open(self, answer: str | None) -> None:
        """Open the scenario of an answer's first line, and carry out the commands of the others."""
        name, *commands = (answer or "").splitlines() or [""]
        try:
            opened = Session(load_scenario(name)) if name else self.session
        except BpdebugError as error:
            self.action_open(name, str(error))
            return
        if opened is None:
            self.exit()
        elif name:
            self._keep()
            if self.session:
                opened.style, opened.number_style = self.session.style, self.session.number_style
            else:
                self._settings.apply(opened)
            self.session = opened
            self._begin()
            self._answered("\n".join(commands))

    def show(self, message: str = "") -> None:
        """Bring the session's present moment to the panes; a message takes the footer's place."""
        if self.session and self.session.searching and self.view:
            self.view = replace(self.view, message=message)
        elif self.session:
            panes = self.layout_of.shown(*self.size)
            self.view = replace(self.session.view([name for name in PANES if panes[name]]), message=message)
            self.arrange()

    def on_resize(self) -> None:
        """Show as many panes as there is room for, once the new size is known."""
        self.call_later(self.show)

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """While a screen asks for something, the keys of the commands and panes are its own, but for the one that quits."""
        return len(self.screen_stack) == 1 or action not in OWN_ACTIONS or parameters == ("quit",)

    def on_cell_chosen(self, message: CellChosen) -> None:
        """The cell cursor moves."""
        if self.session and not self._busy:
            self.session.select(message.name, message.index)
            self.show()

    def on_origin_asked(self, _message: OriginAsked) -> None:
        """A cell was clicked twice."""
        self.perform("origin")

    def on_operand_chosen(self, message: OperandChosen) -> None:
        """An operand was clicked; where the number is of another moment, that is gone to first."""
        explained = self.view.explanation if self.view else None
        elsewhere = self.view and explained and explained.t not in (None, self.view.position.t)
        self._answered("origin\n" * bool(elsewhere) + f"operand {message.place + 1}\norigin")

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


def run_app(session: Session | None, fresh: bool = False, settings: Settings | None = None) -> int:
    """Open the debugger on a session, or on the list of shipped scenarios; the exit status when the user has quit.

    Args:
        session: what to debug.
        fresh: whether to leave the stops of last time alone.
        settings: what the user prefers.
    """
    app = DebuggerApp(session, not fresh, settings)
    interruption.heed(interruption.end_at_once)  # until the app itself answers to the signals
    app.run()
    if app.lost:
        print(f"bpdebug: {app.lost}", file=sys.stderr)
    return app.return_code or 0
