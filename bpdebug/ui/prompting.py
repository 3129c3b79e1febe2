"""Asking for commands: the prompt with its history; what was refused is given back."""

from __future__ import annotations

from collections.abc import Callable

from textual.app import App

from bpdebug.core.errors import BpdebugError
from bpdebug.session.prompt_history import History
from bpdebug.session.session import Session
from bpdebug.session.table import Command
from bpdebug.session.usage import needs_arguments

_EXAMPLES = "a command, such as  step 3  print a2  goto 40:dz2  help"


class Prompting:
    """The prompt.

    Args:
        app: over which it lies.
        answered: carries out what was typed.

    Attributes:
        history: what has been typed.
    """

    def __init__(self, app: App[None], answered: Callable[[str | None], None]) -> None:
        self._app, self._carry_out = app, answered
        self.history = History()
        self._asked: tuple[str, Callable[[str], None]] | None = None

    def ask(self, session: Session, prefix: str = "", hint: str = _EXAMPLES, text: str = "", mistake: str = "") -> None:
        """Ask for a command, or for the rest of one.

        Args:
            session: whose names can be completed.
            prefix: what stands before the answer and belongs to it.
            hint: what may be typed.
            text: what stands in the line at first.
            mistake: why that was refused.
        """
        from bpdebug.session.command_completion import known_of  # noqa: PLC0415 - a start does without
        from bpdebug.ui.prompt_screen import PromptScreen  # noqa: PLC0415 - a start does without

        before = f"{prefix} " if prefix else ""

        def typed(text: str | None) -> None:
            if text and text != ":":
                self.history.add(text)
                self._asked = (text, lambda wrong: self.ask(session, prefix, hint, text.removeprefix(before), wrong))
            self._carry_out(text)

        self._app.push_screen(PromptScreen(prefix, hint, known_of(session), self.history.lines, text, mistake), typed)

    def taken(self, text: str) -> None:
        """A command is carried out; unless it is what was asked for, nothing is to be given back."""
        if self._asked and self._asked[0] != text:
            self._asked = None

    def given_back(self, error: BpdebugError) -> bool:
        """Give what was refused back to be corrected, with the reason; whether it was typed at the prompt."""
        asked, self._asked = self._asked, None
        if asked:
            asked[1](str(error))
        return asked is not None


def is_asked_for(command: Command) -> bool:
    """Whether a command that is given by its name alone asks for more."""
    return bool(command.asks) or needs_arguments(command.usage)
