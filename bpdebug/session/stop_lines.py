"""The stops and displays of a session as the commands that set them again."""

from __future__ import annotations

from collections.abc import Iterable

from bpdebug.core.description import Debug
from bpdebug.look.displays import Displays
from bpdebug.session.table import find_command
from bpdebug.time.stops import Stops

Block = tuple[str, ...]
"""The command that sets a stop or a display, by which it is known, and those that change it then."""
CLEARED, ANYTHING = ("delete all",), ("catch non-finite off",)
_REACHES_OUT = ("copy", "compare")
"""Commands that look, but write to the clipboard or read a file of their own choice."""


def harmless(text: str) -> bool:
    """Whether a command that a state file attaches to a stop may be: those that only look."""
    command = find_command(text)[0]
    return command.name in ("info", "display") or (command.group == "look" and command.name not in _REACHES_OUT)


def stop_blocks(stops: Stops, displays: Displays, every: bool = False) -> list[Block]:
    """The commands that set the stops and displays again.

    Args:
        stops, displays: of a session.
        every: also those attached commands that a state file may not have.
    """
    blocks: list[Block] = [] if stops.catch_nonfinite else [ANYTHING]
    for stop in stops.all.values():
        attached = [text for text in stop.commands if every or harmless(text)]
        lines = [f"{stop.command} {stop.text}", *[f"commands last {'; '.join(attached)}"] * bool(attached)]
        lines += [f"ignore last {stop.ignore}"] * bool(stop.ignore) + ["disable last"] * (not stop.enabled)
        blocks.append(tuple(lines))
    return [*blocks, *[(f"display {text}",) for text in displays.values()]]


def lines_of(blocks: Iterable[Block], debug: Debug) -> list[str]:
    """The lines that bring a session of a scenario, which sets some stops by itself, to these; none where there is nothing to say."""
    own, first, last = own_blocks(debug), list[Block](), list[Block]()
    stops = list[Block]()
    for block in blocks:
        (first if block == ANYTHING else last if block[0].startswith("display ") else stops).append(block)
    changed = [CLEARED] * bool(own) + stops if stops != own else []
    return [line for block in [*first, *changed, *last] for line in block]


def own_blocks(debug: Debug) -> list[Block]:
    """The stops that a scenario sets by itself."""
    texts = [f"break {text}" for text in debug.breakpoints] + [f"watch {text}" for text in debug.watches]
    return [(" ".join(text.split()),) for text in texts]
