"""Carrying commands out: by key, from the prompt, one after the other; and showing what they answer."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from textual import work
from textual.app import ComposeResult
from textual.screen import Screen

from bpdebug.core.errors import BpdebugError
from bpdebug.core.record import replace
from bpdebug.session.commands import COMMANDS, Command, find_command
from bpdebug.session.prompt_history import History, load_history
from bpdebug.session.rescue import UnforeseenError, guarded
from bpdebug.session.session import Session
from bpdebug.session.themes import keep_theme
from bpdebug.session.usage import needs_arguments
from bpdebug.session.view import View
from bpdebug.time.results import Result
from bpdebug.ui.answers import note_of, question_screen, screen_of
from bpdebug.ui.arrangement import PaneScreen
from bpdebug.ui.bars import Note
from bpdebug.ui.cursor_pane import CursorPane
from bpdebug.ui.draw.bars import possible
from bpdebug.ui.draw.glyphs import key_of
from bpdebug.ui.draw.layers import deltas_of
from bpdebug.ui.long_runs import slice_over
from bpdebug.ui.panes.program import ProgramPane
from bpdebug.ui.screens import TextScreen
from bpdebug.ui.terminal import TerminalApp

_EXAMPLES = "a command, such as  step 3  print a2  goto 40:dz2  help"


class Commanding(TerminalApp):
    """An app that carries out the commands of the table, on a session that its panes show.

    Args:
        stateful: whether what is chosen and typed comes back at the next start.

    Attributes:
        panes: the screen with the panes.
        history: what has been typed at the prompt.
    """

    def __init__(self, stateful: bool) -> None:
        super().__init__()
        self.panes = PaneScreen(self.message, self.show)
        self._stateful, self.history = stateful, load_history() if stateful else History()
        self._asked: tuple[str, Callable[[str], None]] | None = None
        self._command: Command = COMMANDS["where"]
        self._queue: list[str] = []
        self._before: tuple[object, ...] = ()
        self._not_finite: int | None = None

    def choose_theme(self, name: str) -> None:
        """Other colours, now and at the next start."""
        self.theme = name
        if self._stateful:
            keep_theme(name)

    def get_default_screen(self) -> Screen[str | None]:
        """The screen with the panes."""
        return self.panes

    def compose(self) -> ComposeResult:
        """What is on that screen; it is there before anything else happens."""
        return self.panes.widgets()

    @property
    def view(self) -> View | None:
        """What the panes show."""
        return self.panes.view

    def show(self, message: str = "") -> None:
        """Bring the session's present moment to the panes; a message takes the footer's place."""
        if self.session and self.session.journey.searching and self.view:
            self.panes.see(replace(self.view, message=message))
        elif self.session:
            self.panes.follow(replace(self.session.view(self.panes.needs), message=message))

    def action_command(self, name: str) -> None:
        """Carry out a command of the table by its key; ask first for what it needs."""
        command = COMMANDS[name]
        if self.session is None:
            if name == "quit":
                self.exit(return_code=getattr(self.screen, "status", 0))
        elif name == "break":
            self.action_mark(self._stage_meant(self.session))
        elif name == "formula":
            self._edit_formula(self.session)
        elif name in ("into", "reverse-into") and (pointed := self.panes.query_one(ProgramPane).pointed_away):
            self.perform(f"{'unfold' if name == 'into' else 'fold'} {pointed}")
        elif (command.asks or needs_arguments(command.usage)) and self.view and possible(self.view, command):
            self.ask(command)
        else:
            self.perform(name)

    def action_mark(self, place: str) -> None:
        """Set a breakpoint on a stage, or on a line of the user's file, or delete it."""
        if self.session:
            names = {stage.name for stage in self.session.program.stages if place in (stage.line, stage.beside)}
            there = [stop.number for stop in self.session.stops.all.values() if stop.text in {place, *names}]
            self.perform(f"delete {there[0]}" if there else f"break {place}")

    def ask(self, command: Command) -> None:
        """Ask for what a command needs."""
        self.action_prompt(prefix=command.name, hint=command.asks or command.help)

    def action_prompt(self, prefix: str = "", hint: str = _EXAMPLES, text: str = "", mistake: str = "") -> None:
        """Ask for a command, or for the rest of one.

        Args:
            prefix: what stands before the answer and belongs to it.
            hint: what may be typed.
            text: what stands in the line at first.
            mistake: why that was refused.
        """
        from bpdebug.ui.prompt_screen import PromptScreen  # noqa: PLC0415 - a start does without

        def typed(text: str | None) -> None:
            if text and text != ":":
                self.history.add(text)
                self._asked = (text, lambda wrong: self.action_prompt(prefix, hint, text.removeprefix(f"{prefix} " * bool(prefix)), wrong))
            self.answered(text)

        if self.session:
            self.push_screen(PromptScreen(prefix, hint, self.session, self.history.lines, text, mistake), typed)

    def _edit_formula(self, session: Session) -> None:
        """Open the editor on a stage's formula, or say why it is not to be seen."""
        from bpdebug.ui.prompt_screen import FormulaScreen  # noqa: PLC0415 - a start does without

        name = self._stage_meant(session)
        try:
            text = session.execute(f"formula {name}").data["formula"]
        except BpdebugError as error:
            self.failed(error)
            return
        if self.view:
            self.push_screen(FormulaScreen(self.view, self.view.program.stage(name), text), self.answered)

    def _stage_meant(self, session: Session) -> str:
        """The stage under the cursor of the listing or the source, that of the selected cell, the one that has just run, or the next."""
        pane, position = self.panes.focused, session.position
        if isinstance(pane, CursorPane) and pane.pointed:
            return pane.pointed.name
        if session.cursor.selected and session.cursor.selected[0] in session.program.index:
            return session.cursor.selected[0]
        return position.stage or position.next or session.program.stages[-1].name

    def answered(self, text: str | None) -> None:
        """Carry out what a screen has answered: commands, a line each; after a colon, one to put into the prompt."""
        if text and text.startswith(":"):
            self.action_prompt(text=text[1:])
            return
        first, *others = (text or "").splitlines() or [""]
        if first:
            self.perform(first, others)

    def perform(self, text: str, others: Sequence[str] = ()) -> None:
        """Carry out a command, and others after it, and show what it says; what takes long goes on in slices."""
        if text.strip() == "hop":
            self._hop()
        elif not self.work.busy:
            self._queue = [*others]
            self.message.hush()
            self._before = self._looked_at()
            self._carry_out(text)

    def _hop(self) -> None:
        """Lay letters over what is on the screen."""
        from bpdebug.ui.hop_screen import HopScreen  # noqa: PLC0415 - a start does without

        panes = [pane for pane in self.panes.panes.values() if pane.display]
        spots = [(place + pane.scrollable_content_region.offset, text) for pane in panes for place, text in pane.spots()]
        self.push_screen(HopScreen(spots), self.answered)

    def _carry_out(self, text: str) -> None:
        if self.session is None or self.work.busy:
            return
        if self._asked and self._asked[0] != text:
            self._asked = None
        self.work.mark = None
        try:
            if find_command(text)[0].name == "continue" and self._asked_whether(self.session):
                return
            with self.work.in_one_piece(self.session):
                result = self.session.execute(text, slice_over())
                if result.type != "quit":
                    self._command = find_command(text)[0]
                    if self._command.name in ("into", "reverse-into") and result.type != "fold":
                        self.panes.layout_of.choose("equation", *self.size)
                    self.show()
        except BpdebugError as error:
            if self.session.question and text.startswith("answer ") and len(self.screen_stack) == 1:
                asked, given = self.session.question.prompt, text.removeprefix("answer ")
                self.push_screen(question_screen(asked, given, str(error)), self.answered)
            else:
                self.failed(error)
            return
        if self.session.journey.pending:
            self.go_on(self.session)
        else:
            self.finished(result)

    def go_on(self, session: Session) -> None:
        """The rest of what takes long, with pictures in between; any key ends it."""
        self.work.busy = True
        self._go_on(session)

    @work(exclusive=True)
    async def _go_on(self, session: Session) -> None:
        result, mark = None, self.work.mark
        try:
            result = await self.work.slices(session, self.show)
            if result is None:
                self.say(Note(session.journey.leave()))
            with guarded(session, mark):
                self.show()
        except BpdebugError as error:
            result = None
            self.failed(error)
        finally:
            self.work.busy = False
        if result:
            self.finished(result)

    def _asked_whether(self, session: Session) -> bool:
        """Where a run has stopped at a value that is not finite, ask once whether to run on with it; whether that was asked."""
        asked = session.position.t == self._not_finite
        if asked:
            self._not_finite = None
            text = f"{session.journey.stopped}\n\n{key_of('continue')} runs on with such numbers, any other key stays here."
            self.push_screen(TextScreen(text, "run on?"))
        return asked

    def _looked_at(self) -> tuple[object, ...]:
        """What the keys that move something move."""
        session = self.session
        return (session.position, session.cursor.selected, session.cursor.operand, session.cursor.sample) if session else ()

    def action_hush(self) -> None:
        """Close the message; where there is none, give a pane that has the whole body its place again, or from the equation go back to the
        pane of its tensor."""
        if not self.notes and self.panes.layout_of.maximised:
            self.panes.action_maximise()
        elif not self.notes and self.view and self.panes.pane_in_use in self.panes.layout_of.at("instead"):
            equation = self.view.equation
            self.panes.action_pane("deltas" if equation and equation.result.name in deltas_of(self.view) else "values")
        self.message.hush()

    def failed(self, error: BpdebugError) -> None:
        """Say what is wrong; what was typed at the prompt is given back to be corrected. Then show the moment, as far as that works."""
        self._queue.clear()
        asked, self._asked = self._asked, None
        if asked and not isinstance(error, UnforeseenError):
            asked[1](str(error))
        else:
            self.say(Note(str(error), "error"))
        try:
            self.show()
        except Exception as again:
            if not self.stands(again):
                raise

    def finished(self, result: Result) -> None:
        """Show an answer, as far as the panes do not, and go on with what is left to do."""
        if self.session and result.data.get("reason") == "non-finite":
            self._not_finite = self.session.position.t
        if self.session is None or self.view is None or result.type == "quit":
            self.exit()
        elif result.type == "theme":
            self.choose_theme(result.data["theme"])
        elif result.type == "copy":
            from bpdebug.ui.clipboard import put_on_clipboard  # noqa: PLC0415 - a start does without

            self.say(Note(f"copied: {result.data['copied']}{put_on_clipboard(self, result.data['text'])}"))
        elif screen := screen_of(self._command, result, self.view):
            self.push_screen(screen, self.answered)
        elif note := note_of(self._command, result, self.session.position.at_end, bool(self._queue) or self._looked_at() != self._before):
            self.say(note)
        if self._queue:
            self._carry_out(self._queue.pop(0))
