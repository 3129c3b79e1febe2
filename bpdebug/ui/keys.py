"""Keys and palette, made from the command table."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from functools import partial
from typing import TYPE_CHECKING, cast

from rich.text import Text
from textual.binding import Binding, BindingType
from textual.command import DiscoveryHit, Hit, Hits, Provider
from textual.content import Content
from textual.markup import escape

from bpdebug.session.commands import COMMANDS, Command, in_order
from bpdebug.session.usage import needs_arguments

if TYPE_CHECKING:
    from bpdebug.ui.app import DebuggerApp

_KEY_NAMES = {
    "[": "left_square_bracket",
    "]": "right_square_bracket",
    "?": "question_mark",
    "=": "equals_sign",
    "'": "apostrophe",
    ",": "comma",
    ".": "full_stop",
}
_RESIZING = (
    ("less_than_sign", "width", -1),
    ("greater_than_sign", "width", 1),
    ("left_curly_bracket", "height", -1),
    ("right_curly_bracket", "height", 1),
)
"""Keys that make the pane in use narrower, wider, shorter and taller."""
OWN_ACTIONS = frozenset(("command", "prompt", "open", "pane", "maximise", "resize", "usual"))
"""What the keys do while nothing lies over the panes."""


def key_name(key: str) -> str:
    """A key of the command table as Textual names it."""
    return _KEY_NAMES.get(key, key)


class TableCommands(Provider):
    """The command table, and what else the app can do, in the palette."""

    async def discover(self) -> Hits:
        """Every command, before anything is typed, and the themes that are made for the debugger."""
        for name, more, text, run in self._entries():
            if not name.startswith("theme ") or name.startswith("theme bpdebug"):
                yield DiscoveryHit(Text(name + more), run, name, escape(text))

    async def search(self, query: str) -> Hits:
        """The commands and themes whose names fit, those that begin like the query first; then those whose help has it."""
        matcher, typed = self.matcher(query), query.lower()
        for name, more, text, run in self._entries():
            score = matcher.match(name) + name.startswith(typed) or 0.1 * (typed in text.lower())
            if score:
                yield Hit(score, Content.assemble(matcher.highlight(name), more), run, name, escape(text))

    def _entries(self) -> Iterator[tuple[str, str, str, Callable[[], None]]]:
        """Names with what follows them, what they mean, and what they do."""
        app = cast("DebuggerApp", self.app)
        for command in in_order() if app.session else ():
            yield command.name, command.usage.removeprefix(command.name), command.help, partial(self._run, command)
        if app.session:
            yield "open", " another scenario", "Choose among the scenarios that come with bpdebug, or name a file.", app.action_open
        for theme in sorted(app.available_themes, key=lambda name: (not name.startswith("bpdebug"), name)):
            yield f"theme {theme}", "", "Other colours.", partial(setattr, app, "theme", theme)

    def _run(self, command: Command) -> None:
        app = cast("DebuggerApp", self.app)
        if needs_arguments(command.usage) and command.name != "formula":
            app.ask_for(command)
        else:
            app.action_command(command.name)


def bindings(panes: Sequence[str]) -> Iterator[BindingType]:
    """The keys of the commands, of the prompt, and of the panes."""
    for command in COMMANDS.values():
        for key in command.keys:
            yield Binding(key_name(key), f"command('{command.name}')", command.help, show=False, priority=key.startswith("ctrl"))
    yield Binding("colon", "prompt", "type a command", show=False)
    yield Binding("ctrl+o", "open", "open another scenario", show=False)
    yield Binding("z", "maximise", "the pane alone, or all again", show=False)
    for key, axis, by in _RESIZING:
        yield Binding(key, f"resize('{axis}', {by})", f"the pane {axis}", show=False)
    yield Binding("0", "usual", "all panes in their usual sizes", show=False)
    for digit, pane in enumerate(panes, 1):
        yield Binding(str(digit), f"pane('{pane}')", f"the {pane} pane", show=False)
