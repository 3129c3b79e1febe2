"""Asking for commands: the prompt with its history; what was refused is given back."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from bpdebug.core.errors import BpdebugError
from bpdebug.session.prompt_history import History
from bpdebug.session.table import Command
from bpdebug.session.usage import needs_arguments
from bpdebug.ui.unforeseen import StandingApp

if TYPE_CHECKING:
    from bpdebug.ui.prompt_screen import PromptScreen

_EXAMPLES = "a command, such as: step 3 · print a2 · goto 40:dz2 · help"


class Prompting(StandingApp):
    """An app with a prompt.

    Attributes:
        history: what has been typed at the prompt.
    """

    def __init__(self) -> None:
        super().__init__()
        self.history = History()
        self._asked: tuple[PromptScreen, str] | None = None

    def _answered(self, text: str | None) -> None:
        """Carry out what a screen has answered."""
        raise NotImplementedError

    def ask(self, prefix: str = "", hint: str = _EXAMPLES, text: str = "", mistake: str = "") -> None:
        """Ask for a command, or for the rest of one.

        Args:
            prefix: what stands before the answer and belongs to it.
            hint: what may be typed.
            text: what stands in the line at first.
            mistake: why that was refused.
        """
        from bpdebug.session.command_completion import known_of  # noqa: PLC0415 - a start does without
        from bpdebug.ui.prompt_screen import PromptScreen  # noqa: PLC0415 - a start does without

        if self.session:
            screen = PromptScreen(prefix, hint, known_of(self.session), self.history.lines, text, mistake)
            self.push_screen(screen, partial(self._typed, screen))

    def ask_for(self, command: Command) -> None:
        """Ask for what a command needs; an own screen may do that better."""
        self.ask(command.name, command.asks or command.help)

    def action_prompt(self) -> None:
        """Ask for a command."""
        self.ask()

    def _typed(self, screen: PromptScreen, text: str | None) -> None:
        if text and text != ":":
            self.history.add(text)
            self._asked = (screen, text)
        self._answered(text)

    def taken(self, text: str) -> None:
        """A command is carried out; unless it is what was asked for, nothing is to be given back."""
        if self._asked and self._asked[1] != text:
            self._asked = None

    def given_back(self, error: BpdebugError) -> bool:
        """Give what was refused back to be corrected, with the reason; whether it was typed at the prompt."""
        asked, self._asked = self._asked, None
        if asked is None:
            return False
        screen, text = asked
        before = f"{screen.prefix} " if screen.prefix else ""
        self.ask(screen.prefix, screen.hint, text.removeprefix(before), str(error))
        return True


def is_asked_for(command: Command) -> bool:
    """Whether a command that is given by its name alone asks for more."""
    return bool(command.asks) or needs_arguments(command.usage)
