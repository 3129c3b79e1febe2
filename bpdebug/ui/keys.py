"""Keys and palette, made from the command table."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import partial

from textual.binding import Binding, BindingType
from textual.command import DiscoveryHit, Hit, Hits, Provider

from bpdebug.debugger.commands import COMMANDS, Command

_KEY_NAMES = {
    "[": "left_square_bracket",
    "]": "right_square_bracket",
    "?": "question_mark",
    "=": "equals_sign",
    "'": "apostrophe",
    ",": "comma",
    ".": "full_stop",
}


class TableCommands(Provider):
    """The command table in the palette."""

    async def discover(self) -> Hits:
        """Every command, before anything is typed."""
        for command in COMMANDS.values() if getattr(self.app, "session", None) else ():
            yield DiscoveryHit(f"{command.name}", partial(self._run, command), help=command.help)

    async def search(self, query: str) -> Hits:
        """The commands whose usage or help fits."""
        matcher = self.matcher(query)
        for command in COMMANDS.values():
            score = matcher.match(f"{command.name} {command.help}")
            if score > 0:
                yield Hit(score, matcher.highlight(command.name), partial(self._run, command), help=command.help)

    def _run(self, command: Command) -> None:
        run = getattr(self.app, "action_command", None)
        if run:
            run(command.name)


def bindings(panes: Sequence[str]) -> Iterator[BindingType]:
    """The keys of the commands, of the prompt, and of the panes."""
    for command in COMMANDS.values():
        for key in command.keys:
            yield Binding(_KEY_NAMES.get(key, key), f"command('{command.name}')", command.help, show=False, priority=key.startswith("ctrl"))
    yield Binding("colon", "prompt", "type a command", show=False)
    yield Binding("z", "maximise", "the pane alone, or all again", show=False)
    for digit, pane in enumerate(panes, 1):
        yield Binding(str(digit), f"pane('{pane}')", f"the {pane} pane", show=False)
