"""The user's own files as they ran: which of their lines compute what, which are worth seeing, and what their words are."""

from __future__ import annotations

import ast
import io
import keyword
import tokenize
from collections.abc import Iterator, Mapping
from functools import lru_cache
from itertools import pairwise

from bpdebug.core.errors import printable

Fold = tuple[int, int]
"""Lines that are folded away: the first, and the one after the last."""
Part = tuple[int, int, str]
"""Columns of a line, the first and the one after the last, and what they are: ``keyword``, ``string`` or ``comment``."""

_WORTH = 4
"""Lines from which on it is worth folding them away."""
_TAB = 4


@lru_cache(maxsize=8)
def text_of(text: str) -> list[str]:
    """The lines of a file as a terminal can show them."""
    return [printable(line.expandtabs(_TAB)) for line in text.removesuffix("\n").replace("\f", " ").split("\n")]


def folds_of(text: str, computing: frozenset[int]) -> list[Fold]:
    """The lines that have nothing to do with an update: neither what computes it, nor the loops and functions that this stands in."""
    count = len(text_of(text))
    shown = sorted({0, *computing, *_around(text, computing), count + 1})
    return [(one + 1, other) for one, other in pairwise(shown) if other - one - 1 >= _WORTH] if computing else []


def _around(text: str, computing: frozenset[int]) -> Iterator[int]:
    """The lines at which the loops, functions and classes begin that hold some, and all lines of statements that do."""
    try:
        tree = ast.parse(text)
    except (SyntaxError, ValueError, RecursionError):  # of another Python
        return
    for node in (node for node in ast.walk(tree) if isinstance(node, ast.stmt)):
        lines = range(node.lineno, (node.end_lineno or node.lineno) + 1)
        if not computing.isdisjoint(lines):
            yield from lines[:1] if hasattr(node, "body") else lines


@lru_cache(maxsize=8)
def parts_of(text: str) -> Mapping[int, list[Part]]:
    """The keywords, strings and comments of a file, by line; of one that cannot be read, none."""
    found, kinds = dict[int, list[Part]](), {tokenize.STRING: "string", tokenize.COMMENT: "comment"}
    shown = "\n".join(text_of(text))
    try:
        for token in tokenize.generate_tokens(io.StringIO(shown).readline):
            kind = "keyword" if token.type == tokenize.NAME and keyword.iskeyword(token.string) else kinds.get(token.type, "")
            (first, start), (last, end) = token.start, token.end
            for line in range(first, last + 1) if kind else ():
                found.setdefault(line, []).append((start if line == first else 0, end if line == last else len(shown), kind))
    except (tokenize.TokenError, SyntaxError):
        return found
    return found
