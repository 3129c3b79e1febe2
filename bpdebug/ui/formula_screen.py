"""The formula editor: a line to type in, and below it what the program makes of it."""

from __future__ import annotations

from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, Vertical
from textual.widgets import Input, Static

from bpdebug.core.render import render_name
from bpdebug.core.schedule import Stage
from bpdebug.core.writing import BLANK
from bpdebug.session.completion import candidates, complete, draft
from bpdebug.session.view import View
from bpdebug.ui.completing import CompletingInput, LineScreen
from bpdebug.ui.draw.typed import candidates_line, draft_lines, editor_title, mistake_line
from bpdebug.ui.painting import Lines


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
        return f"{render_name(self.stage.name, self.view.style)} = "

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
