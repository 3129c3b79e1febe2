"""The app: keys to commands, the session's view to the panes. It knows no mathematics and draws nothing itself."""

from __future__ import annotations

import gc
import sys
from collections.abc import Callable, Iterator
from functools import partial
from typing import TYPE_CHECKING, ClassVar

from textual.binding import BindingType
from textual.command import Provider
from textual.driver import Driver

from bpdebug.core import interruption
from bpdebug.core.description import Scenario
from bpdebug.core.errors import BpdebugError
from bpdebug.frontends import load_scenario, shipped
from bpdebug.play.hunt import task_lines
from bpdebug.session.commands import Command, in_order
from bpdebug.session.prompt_history import keep_history
from bpdebug.session.session import Session
from bpdebug.session.settings import Settings
from bpdebug.session.state import keep_stops, restore_stops
from bpdebug.session.themes import THEMES, kept_theme
from bpdebug.session.usage import needs_arguments
from bpdebug.ui.bars import Note
from bpdebug.ui.keys import Entry, TableCommands, bindings, refuse_clashes
from bpdebug.ui.panes import PANES
from bpdebug.ui.pointing import Asked, CellChosen
from bpdebug.ui.screens import TextScreen
from bpdebug.ui.scripted import Scripted

if TYPE_CHECKING:
    from bpdebug.ui.running_screen import Start


_LONG = 3600.0
"""Seconds for which it is said what was found of a script: until the next command."""


class DebuggerApp(Scripted):
    """The debugger on one scenario, or on one that is chosen first.

    Args:
        session: what to debug, or None for the list of shipped scenarios.
        stateful: whether the stops and the prompt's history of last time come back, and today's are kept.
        settings: what the user prefers; a session that is opened here follows them.
        start: a script that is run first.
    """

    CSS_PATH = "bpdebug.tcss"
    AUTO_FOCUS: ClassVar[str | None] = None
    TITLE = "bpdebug"
    COMMANDS: ClassVar[set[type[Provider] | Callable[[], type[Provider]]]] = {TableCommands}
    BINDINGS: ClassVar[list[BindingType]] = list(bindings())

    def __init__(
        self, session: Session | None = None, stateful: bool = False, settings: Settings | None = None, start: Start | None = None
    ) -> None:
        super().__init__(stateful)
        self.session, self._start = session, start
        self.animation_level = "none"
        self._settings = settings or Settings()
        THEMES.update({name: "one of Textual's own" for name in sorted(self.available_themes) if name not in THEMES})
        if self._settings.asked:
            self.choose_theme(self._settings.asked)
        else:
            self.theme = (stateful and kept_theme()) or self._settings.theme
        refuse_clashes(PANES, self._settings.keys)

    def entries(self) -> Iterator[Entry]:
        """What the palette offers: the commands, another scenario, and the themes."""
        for command in in_order() if self.session else ():
            yield Entry(command.name, command.usage.removeprefix(command.name), command.help, partial(self._chosen, command))
        if self.session:
            text = "Choose among the scenarios that come with bpdebug, or name a file."
            yield Entry("open", " another scenario", text, self.action_open)
        for theme, text in THEMES.items():
            own = theme.startswith("bpdebug")
            yield Entry(f"theme {theme}", "", f"{text[0].upper()}{text[1:]}.", partial(self.choose_theme, theme), own)

    def _chosen(self, command: Command) -> None:
        if needs_arguments(command.usage) and command.name != "formula":
            self.ask(command)
        else:
            self.action_command(command.name)

    def get_driver_class(self) -> type[Driver]:
        """Textual's choice; of those for terminals and pages, ours."""
        usual = super().get_driver_class()
        if usual.__name__ not in ("LinuxDriver", "WebDriver"):
            return usual
        from bpdebug.ui.drivers import PageDriver, TerminalDriver  # noqa: PLC0415 - not on every system

        return TerminalDriver if usual.__name__ == "LinuxDriver" else PageDriver

    def on_mount(self) -> None:
        """Show the first view, or ask which scenario to open."""
        self.call_after_refresh(_collect_again)
        for wrong in filter(None, (self._settings.wrong, *self.history.wrong)):
            self.say(Note(wrong, "error"))
        if self._start:
            self.push_running(*self._start[:2], self._has_run, first=True)
        elif self.session is None:
            self.action_open()
        else:
            self._begin()

    def _has_run(self, found: Scenario) -> None:
        """The script that was to be run first has run, or its first updates are there: what was found is shown before all."""
        if self._start:
            self.session = self._start[2](found)
            self._settings.apply(self.session)
            self._begin()
            self.say(Note(found.description, seconds=_LONG))

    def _begin(self) -> None:
        """The first picture; the stops of last time come back."""
        count, wrong = restore_stops(self.session) if self.session and self._stateful else (0, [])
        if count:
            self.say(Note(f"restored {count} stop{'s' * (count != 1)} (B lists them, 'delete all' removes them)"))
        if wrong:
            self.say(Note("\n".join(wrong), "error"))
        self.show()
        if self.session and self.session.hunts and not self.session.position.t:
            self.push_screen(TextScreen("\n".join(task_lines(self.session.hunts, self.session.program)), "hunt"))

    def on_unmount(self) -> None:
        """Keep the stops and the history for the next start."""
        super().on_unmount()
        self.keep()

    def keep(self) -> None:
        """Keep the stops and the history for the next start."""
        if self._stateful:
            keep_history(self.history)
        if self.session and self._stateful:
            try:
                lost = keep_stops(self.session)
            except BpdebugError as error:
                lost = f"the stops are not kept: {error}"
            self.lost = f"bpdebug: {lost}" * bool(lost)

    def action_open(self, text: str = "", mistake: str = "") -> None:
        """Choose a scenario; a path that was refused is given back with the reason."""
        from bpdebug.ui.chooser_screen import ChooserScreen  # noqa: PLC0415 - a start on a scenario does without

        if not self.work.busy:
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
            self.keep()
            if self.session:
                opened.cursor.style, opened.number_style = self.session.cursor.style, self.session.number_style
            else:
                self._settings.apply(opened)
            self.session = opened
            self._begin()
            self.answered("\n".join(commands))

    def on_resize(self) -> None:
        """Show as many panes as there is room for, once the new size is known."""
        self.call_later(self.show)

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """While a screen asks for something, the keys of the commands are its own, but for the one that quits."""
        return len(self.screen_stack) == 1 or action not in ("command", "prompt", "open") or parameters == ("quit",)

    def on_cell_chosen(self, message: CellChosen) -> None:
        """The cell cursor moves."""
        if self.session and not self.work.busy:
            self.session.cursor.select(message.name, message.index)
            self.show()

    def on_asked(self, message: Asked) -> None:
        """Something was pointed at: carry out what it stands for."""
        self.answered(message.commands)


def _collect_again() -> None:
    """The garbage collector works again after the start, and leaves alone what that has made."""
    if not gc.isenabled():
        gc.freeze()
        gc.enable()


def run_app(session: Session | None, fresh: bool = False, settings: Settings | None = None, start: Start | None = None) -> int:
    """Open the debugger on a session, or on the list of shipped scenarios; the exit status when the user has quit.

    Args:
        session: what to debug.
        fresh: whether to leave the stops of last time alone.
        settings: what the user prefers.
        start: a script that is run first.
    """
    app = DebuggerApp(session, not fresh, settings, start)
    interruption.heed(interruption.end_at_once)  # until the app itself answers to the signals
    app.run()
    if app.lost:
        print(app.lost, file=sys.stderr)
    return app.return_code or 0
