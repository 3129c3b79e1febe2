"""The prompt: a line to type a command in, with its history, its completion and its help; and the formula editor: one for a formula, and
below it what the program makes of it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from typing import ClassVar

from textual import events
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, Vertical
from textual.widgets import Input, Static

from bpdebug.core.schedule import Stage
from bpdebug.core.writing import BLANK
from bpdebug.session.command_completion import complete_command, meant
from bpdebug.session.completion import Completion, candidates, complete, draft
from bpdebug.session.prompt_history import earlier
from bpdebug.session.session import Session
from bpdebug.session.table import find_command
from bpdebug.session.usage import needs_arguments
from bpdebug.session.view import View
from bpdebug.ui.completing import CompletingInput, LineScreen
from bpdebug.ui.draw.spans import line
from bpdebug.ui.draw.typed import candidates_line, draft_lines, editor_title, mistake_line, prompt_lines
from bpdebug.ui.painting import Lines

_KEYS = line(("Tab", "key"), (" completes  ", "dim"), ("↑ ↓", "key"), (" earlier ones that begin like this  ", "dim"))
_ENDS = line(("Enter", "key"), (" runs  ", "dim"), ("Esc", "key"), (" leaves", "dim"))


class PromptScreen(LineScreen):
    """Asks for a command, or for the rest of one.

    Args:
        prefix: what stands before the answer and belongs to it.
        hint: what may be typed.
        session: whose names can be completed; None for an answer that is no command.
        history: commands to go back to, the latest last.
        text: what stands in the line at first.
        mistake: why that was refused.
    """

    def __init__(
        self, prefix: str, hint: str, session: Session | None = None, history: Sequence[str] = (), text: str = "", mistake: str = ""
    ) -> None:
        super().__init__()
        self.prefix, self.hint, self.mistake = prefix, hint, mistake
        self._session, self._text, self._refused = session, text, text
        self._before = f"{prefix} " if prefix else ""
        self._history = [past.removeprefix(self._before) for past in history if past.startswith(self._before)]
        self._place, self._recalled, self._beginning = len(self._history) - bool(mistake), text, ""  # what was refused is the last line

    @property
    def line_keys(self) -> dict[str, Callable[[], None]]:
        """Up and down; a colon, which is no mistake's correction, begins another command where nothing has been corrected yet."""
        keys: dict[str, Callable[[], None]] = {"up": partial(self._recall, -1), "down": partial(self._recall, 1)}
        if self.mistake and self._refused and self.line.value == self._refused:
            keys["colon"] = partial(self.leave, ":")
        return keys

    def compose(self) -> ComposeResult:
        """One line to type in, and what is said of it."""
        with Vertical(id="prompt"):
            yield Static(self.hint, id="hint", markup=False)
            with Horizontal(id="row"):
                yield Static(f"{self.prefix or ':'} ", id="target", markup=False)
                yield CompletingInput(self._completion, self._text, replaced=False)
            if self._session or self.mistake:
                yield Lines(id="offers", classes="" if self._session else "brief")
            if self._session:
                yield Lines(id="keys")

    def _completion(self, text: str, cursor: int) -> Completion:
        if self._session is None:
            return Completion(cursor, cursor, ())
        by = len(self._before)
        return complete_command(self._before + text, cursor + by, self._session).later(-by)

    def draw(self) -> None:
        """Say what is known of the line as it stands."""
        if not self._session and not self.mistake:
            return
        shown, typed = self.lines("offers"), self.line.value
        mistake = self.mistake if typed == self._refused else ""
        completion, chosen = self.line.offered
        command = meant(self._before + typed) if self._session and (self._before + typed).strip() else None
        shown.show(*prompt_lines(command, mistake, completion, chosen, shown.size.width, shown.size.height))
        for keys in self.query("#keys").results(Lines):
            keys.show((*_KEYS, *_ENDS))

    def on_key(self, event: events.Key) -> None:
        """What is typed before the line has the focus belongs to it, too."""
        if event.is_printable and event.character and not self.line.has_focus:
            self.line.insert_text_at_cursor(event.character)

    def _recall(self, by: int) -> None:
        """Bring back an earlier command that goes on from what was typed, or what was typed."""
        typed = self.line.value
        if typed != self._recalled:
            self._place, self._beginning = len(self._history), typed
        place = earlier(self._history, self._beginning, self._place, by)
        if place is None and by < 0:
            return
        self._place = len(self._history) if place is None else place
        self._recalled = self._beginning if place is None else self._history[place]
        self.line.put(self._recalled)

    def on_input_submitted(self, event: Input.Submitted) -> None:
        """Answer with the whole command; with its name alone, where it needs no more."""
        alone = bool(self._before) and not needs_arguments(find_command(self._before)[0].usage)
        self.leave(f"{self._before}{event.value}".strip() if event.value.strip() or alone else None)


class FormulaScreen(LineScreen):
    """Asks for a stage's formula; answers with the command that puts it in, or with nothing where it stays as it is.

    Args:
        view: the present moment.
        stage: whose formula.
        text: what stands in the line at first.
    """

    BINDINGS: ClassVar[list[BindingType]] = [Binding("ctrl+d", "derived", "the derived formula", show=False, priority=True)]

    def __init__(self, view: View, stage: Stage, text: str) -> None:
        super().__init__()
        text = "" if text == BLANK else text
        self.view, self.stage, self.first = view, stage, text
        self._known = candidates(view.program, stage.name, view.shapes)
        self._draft = draft(view.program, stage.name, text, view.shapes)

    @property
    def _target(self) -> str:
        return f"{self.view.named(self.stage.name)} = "

    def compose(self) -> ComposeResult:
        """Title, line, and what is said of it."""
        with Vertical(id="editor"):
            yield Lines(id="title")
            with Horizontal(id="row"):
                yield Static(self._target, id="target", markup=False)
                yield CompletingInput(lambda text, cursor: complete(text, cursor, self._known), self.first)
            yield Lines(id="mistake")
            yield Lines(id="verdict")
            yield Lines(id="names")

    def draw(self) -> None:
        """The verdict, the caret below a mistake, and what the word before the cursor may become."""
        verdict, mistake, names = (self.lines(name) for name in ("verdict", "mistake", "names"))
        self.lines("title").show(editor_title(self.view, self.stage, verdict.size.width))
        verdict.show(*draft_lines(self.view, self.stage, self._draft, verdict.size.width))
        start = self.line.region.x - mistake.region.x - int(self.line.scroll_x)
        mistake.show(mistake_line(self._draft, start, mistake.size.width))
        completion, chosen = self.line.offered
        names.show(candidates_line(completion.found, chosen, names.size.width))

    def action_derived(self) -> None:
        """Put the derived formula back into the line."""
        text = (self.stage.derived or self.stage.formula).text
        self.line.put("" if text == BLANK else text)

    def on_input_changed(self, event: Input.Changed) -> None:
        """Judge the text; a name and ``=`` before it turn to that stage."""
        name, sign, rest = event.value.partition("=")
        if sign and name.strip() in self.view.program.index and not rest.startswith("="):
            self.stage = self.view.program.stage(name.strip())
            self._known = candidates(self.view.program, self.stage.name, self.view.shapes)
            self.query_one("#target", Static).update(self._target)
            self.line.put(rest.lstrip())
            return
        self._draft = draft(self.view.program, self.stage.name, event.value, self.view.shapes)

    def on_input_submitted(self, event: Input.Submitted) -> None:
        """Answer with a formula that fits; with nothing, where it is the one that runs; else stay."""
        made = draft(self.view.program, self.stage.name, event.value, self.view.shapes)
        if made.running:
            self.leave()
        elif not made.message:
            self.leave(self._commands(event.value))

    def _commands(self, text: str) -> str:
        """What puts the formula in; a stage that has run in this update is run again with it, from the moment before it on."""
        name, position = self.stage.name, self.view.position
        edit = f"formula {name} = {text}"
        if self.view.program.index[name] >= position.done:
            return edit
        return f"goto {name}\nreverse-step\n{edit}\nuntil {name}"
