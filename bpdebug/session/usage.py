"""What a usage such as ``break LOCATION [if CONDITION]`` says of the words that may stand in a command.

Words in capitals (and ``n``) stand for something, all others for themselves; ``[…]`` may be left out, ``|`` is between alternatives,
``…`` may be repeated. A file's endings are written ``FILE.md|.tex``.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import cache

Way = tuple[str, ...]
"""One way to write the arguments: its words in order."""

_TOKENS = re.compile(r"FILE(?:\.\w+)?(?:\|\.\w+)*|[A-Z]+\[i,j\]|[][|]|[^][|\s]+")
_WORDS = re.compile(r"(?:\[[^\]]*\]?|[^\s\[])+")
_LONG = ("EXPRESSION", "CONDITION", "LOCATION", "MOMENT", "COMMAND;", "FILE")
"""What may hold blanks."""


@cache
def ways(usage: str) -> tuple[Way, ...]:
    """The ways to write a command's arguments."""
    items = _TOKENS.findall(usage)[1:]
    return tuple(dict.fromkeys(_alternatives(items)))


def _alternatives(items: list[str]) -> list[Way]:
    """The ways up to the closing bracket, or to the end; the items are used up."""
    done: list[Way] = []
    current: list[Way] = [()]
    while items and (item := items.pop(0)) != "]":
        if item == "|":
            done, current = [*done, *current], [()]
        else:
            parts = [*_alternatives(items), ()] if item == "[" else [(item,)]
            current = [(*way, *part) for way in current for part in parts]
    return [*done, *current]


def stands_for_itself(item: str) -> bool:
    """Whether a word of a usage is typed as it is written."""
    return not item[0].isupper() and item != "n"


def needs_arguments(usage: str) -> bool:
    """Whether a command means nothing without arguments."""
    return () not in ways(usage)


def expected(usage: str, text: str) -> list[tuple[str, int, bool]]:
    """What may stand at the end of the arguments so far.

    Returns:
        Words of the usage; for each, where in the text that which stands for it begins, and whether more has to follow it.
    """
    words = [(found.start(), found[0]) for found in _WORDS.finditer(text)]
    last = words.pop()[0] if words and not text[-1:].isspace() else len(text)
    own = {item for way in ways(usage) for item in way if stands_for_itself(item)}

    def after(way: Way, place: int, begun: int | None, word: str, start: int) -> Iterator[tuple[int, int | None]]:
        """Where a way has come after one more word; something long that has begun at a place in the text may go on."""
        if begun is not None:
            if word not in own:
                yield place, begun
            place += 1
        item = way[place] if place < len(way) else ""
        if item and stands_for_itself(item):
            if word == item:
                yield place + 1, None
        elif item and word not in own:
            long = item.startswith(_LONG) or item.endswith("…")
            yield (place, start) if long else (place + 1, None)

    found: dict[tuple[str, int], bool] = {}
    for way in ways(usage):
        states: set[tuple[int, int | None]] = {(0, None)}
        for start, word in words:
            states = {state for before in states for state in after(way, *before, word, start)}
        for place, begun in sorted(states, key=lambda state: state[0]):
            for at, start in [(place + 1, last), (place, begun)] if begun is not None else [(place, last)]:
                if at < len(way):
                    key = (way[at], start)
                    found[key] = found.get(key, True) and at + 1 < len(way)
    return [(item, start, more) for (item, start), more in found.items()]
