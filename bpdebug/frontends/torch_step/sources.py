"""What the user's lines say: the titles of what is folded."""

from __future__ import annotations

import ast
from collections.abc import Iterator, Mapping, Sequence
from functools import cache

from bpdebug.core.errors import printable

_LONG = 60
"""Characters of a title, at most."""


class Texts:
    """The statements of the user's files, by line.

    Args:
        files: their texts by name.
    """

    def __init__(self, files: Mapping[str, str]) -> None:
        self._files = files
        self._read = cache(lambda file: dict(_statements(files.get(file, ""))))

    def of(self, file: str, line: int) -> str:
        """The statement that a line belongs to, on one line; of one that cannot be read, where it stands."""
        text = printable(" ".join(self._read(file).get(line, "").split())) or f"{file}:{line}"
        return text if len(text) <= _LONG else f"{text[: _LONG - 1]}…"


def _statements(text: str) -> Iterator[tuple[int, str]]:
    """The lines, each with its innermost statement; of one with a body only what stands before that."""
    try:
        tree = ast.parse(text)
    except (SyntaxError, ValueError, RecursionError):  # of another Python
        return
    written = [line.encode() for line in text.split("\n")]
    for node in (node for node in ast.walk(tree) if isinstance(node, ast.stmt)):  # from the outermost on
        body = getattr(node, "body", None)
        lines = range(node.lineno, body[0].lineno if body else (node.end_lineno or node.lineno) + 1)
        said = _cut(written, node) if not body else written[node.lineno - 1].decode()
        yield from ((line, said) for line in lines)


def _cut(written: Sequence[bytes], node: ast.stmt) -> str:
    """A statement's text; ``ast.get_source_segment`` takes all of a file apart for each of them."""
    lines = [*written[node.lineno - 1 : node.end_lineno]]
    lines[-1] = lines[-1][: node.end_col_offset]
    lines[0] = lines[0][node.col_offset :]
    return b"\n".join(lines).decode()


__all__ = ["Texts"]
