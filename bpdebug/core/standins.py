"""Names that are none to Python, such as ``da1@z2`` and ``W[0]``: of which a formula may be made, and what stands for them there."""

from __future__ import annotations

import ast
import re
from collections.abc import Collection, Iterable, Iterator
from functools import cached_property

from bpdebug.core.record import Record

_WORD = re.compile(r"\w+")
_FILLER, _FIRST = "\u02d0", 0x4E00
"""Letters to Python, one column wide each, of which stand-ins are made."""


class Vocabulary(Record, eq=False):
    """What a formula may be made of beside the language itself.

    Attributes:
        joined: the names that are no Python names (``da1@z2``, ``blocks.0.weight``, ``W[0]``); the longest that fits is read.
    """

    joined: Collection[str] = ()

    @cached_property
    def _by_word(self) -> dict[str, list[str]]:
        return {}

    def add(self, names: Iterable[str]) -> None:
        """More names that are no Python names."""
        for name in names:
            word = _WORD.search(name)
            self._by_word.setdefault(word[0] if word else "", []).append(name)

    def within(self, text: str) -> list[str]:
        """Those whose letters stand in a text, the longest first."""
        if self.joined and not self._by_word:
            self.add(self.joined)
        near = (name for word in {"", *_WORD.findall(text)} for name in self._by_word.get(word, ()))
        return sorted((name for name in near if name in text), key=lambda name: (-len(name), name))


class StandIns:
    """A text in which names that are none to Python, such as ``da1@z2``, have stand-ins of the same length.

    Attributes:
        text: as it is given.
        source: as Python can read it.
        meant: the name of each stand-in.
    """

    def __init__(self, text: str, vocabulary: Vocabulary) -> None:
        known = {name: chr(_FIRST + n).ljust(len(name), _FILLER) for n, name in enumerate(vocabulary.within(text))}
        self.text, self.meant = text, {stand_in: name for name, stand_in in known.items()}
        parts, end = list[str](), 0
        for place, size, name in sorted((place, -len(one), one) for one in known for place in _places(one, text)):
            if place >= end:  # no longer name stands there
                parts += [text[end:place], known[name]]
                end = place - size
        self.source = "".join([*parts, text[end:]])

    def parsed(self) -> ast.expr | None:
        """The text as Python reads it; None where it does not."""
        try:
            return ast.parse(self.source, mode="eval").body
        except (SyntaxError, ValueError, MemoryError, RecursionError):
            return None

    def span(self, node: ast.expr) -> tuple[int, int]:
        """Where a node begins and ends in the text, in characters (``ast`` counts bytes)."""
        if self.source.isascii():
            return node.col_offset, node.end_col_offset or 0
        line = self.source.encode()
        first, last = (len(line[:place].decode(errors="ignore")) for place in (node.col_offset, node.end_col_offset or 0))
        return first, last


def _places(name: str, text: str) -> Iterator[int]:
    """Where a name stands in a text, and is no part of a longer word."""
    at, place = "@" * ("@" in name), text.find(name)
    while place >= 0:
        before, after = text[place - 1 : place], text[place + len(name) : place + len(name) + 1]
        if not (before and (before in "_." + at or before.isalnum())) and not (after and (after in "_" + at or after.isalnum())):
            yield place
        place = text.find(name, place + 1)
