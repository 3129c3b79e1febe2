"""Keys and palette, made from the command table and the panes."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping
from string import ascii_letters
from typing import Any, NamedTuple, cast

from rich.text import Text
from textual.binding import Binding, BindingType
from textual.command import DiscoveryHit, Hit, Hits, Provider
from textual.content import Content
from textual.markup import escape

from bpdebug.core.errors import BpdebugError
from bpdebug.session.commands import COMMANDS
from bpdebug.ui.draw.glyphs import key_name
from bpdebug.ui.pane import Pane

_RESIZING = (
    ("less_than_sign", "width", -1),
    ("greater_than_sign", "width", 1),
    ("left_curly_bracket", "height", -1),
    ("right_curly_bracket", "height", 1),
)
"""Keys that make the pane in use narrower, wider, shorter and taller."""


class Entry(NamedTuple):
    """What the palette offers.

    Attributes:
        name: what is searched for first.
        more: what follows the name.
        text: what it means.
        run: what it does.
        shown: whether it is there before anything is typed.
    """

    name: str
    more: str
    text: str
    run: Callable[[], object]
    shown: bool = True


class TableCommands(Provider):
    """The command table, and what else the app can do, in the palette."""

    def _entries(self) -> Iterator[Entry]:
        yield from cast(Any, self.app).entries()

    async def discover(self) -> Hits:
        """What is offered before anything is typed."""
        for name, more, text, run, shown in self._entries():
            if shown:
                yield DiscoveryHit(Text(name + more), run, name, escape(text))

    async def search(self, query: str) -> Hits:
        """The commands and themes whose names fit, those that begin like the query first; then those whose help has it."""
        matcher, typed = self.matcher(query), query.lower()
        for name, more, text, run, _ in self._entries():
            score = matcher.match(name) + name.startswith(typed) or 0.1 * (typed in text.lower())
            if score:
                yield Hit(score, Content.assemble(matcher.highlight(name), more), run, name, escape(text))


def bindings() -> Iterator[Binding]:
    """The keys of the commands and of the prompt."""
    for command in COMMANDS.values():
        for key in command.keys:
            yield Binding(key_name(key), f"command('{command.name}')", command.help, show=False, priority=key.startswith("ctrl"))
    yield Binding("colon", "prompt", "type a command", show=False)
    yield Binding("ctrl+o", "open", "open another scenario", show=False)


def pane_bindings(panes: Mapping[str, type[Pane]]) -> Iterator[Binding]:
    """The keys of the panes, and of their sizes."""
    yield Binding("z", "maximise", "maximise the pane, or restore all", show=False)
    for key, axis, by in _RESIZING:
        yield Binding(key, f"resize('{axis}', {by})", f"the pane {axis}", show=False)
    yield Binding("0", "usual", "restore the sizes of all panes", show=False)
    for name, pane in panes.items():
        yield Binding(key_name(pane.key), f"pane('{name}')", f"the {name} pane", show=False)


def left_to_panes(panes: Mapping[str, type[Pane]]) -> list[BindingType]:
    """The keys of the panes but for those that the user has given to a command."""
    taken = {binding.key for binding in bindings()}
    return [binding for binding in pane_bindings(panes) if binding.key not in taken]


def refuse_clashes(panes: Mapping[str, type[Pane]], chosen: Collection[str]) -> None:
    """Of two panes, commands or other uses of a key, one would be out of reach; only the user may want that.

    Args:
        panes: by name.
        chosen: the commands whose keys the user has chosen himself.

    Raises:
        BpdebugError: where a pane's key is no single character, or has another use.
    """
    taken = _uses(panes, {f"command('{name}')" for name in chosen})
    free = " ".join(letter for letter in ascii_letters if letter not in taken)
    for name, pane in panes.items():
        users = taken.get(key_name(pane.key), [])
        if len(pane.key) != 1 or len(users) > 1:
            by = f" is taken by {next((user for user in users if user != name), name)}" if len(pane.key) == 1 else " is none"
            raise BpdebugError(f"the pane {name} needs a key of its own, one character: '{pane.key}'{by}; free are {free}")


def _uses(panes: Mapping[str, type[Pane]], theirs: Collection[str]) -> dict[str, list[str]]:
    """What each key is for, but for some actions: a command, a pane, or what else the app does."""
    uses = [binding for binding in (*bindings(), *pane_bindings(panes)) if binding.action not in theirs]
    uses += [binding for pane in panes.values() for binding in pane.BINDINGS if isinstance(binding, Binding)]
    taken: dict[str, list[str]] = {}
    for binding in uses:
        for key in binding.key.split(","):
            taken.setdefault(key, []).append(binding.action.rpartition("('")[2].strip("')"))
    return taken
