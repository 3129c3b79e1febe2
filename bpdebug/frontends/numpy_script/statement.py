"""A line of a script, and a value that it computes in an update."""

from __future__ import annotations

import ast
from collections.abc import Mapping
from contextlib import suppress

from bpdebug.core.parser import Formula
from bpdebug.core.record import Record
from bpdebug.core.schedule import Level
from bpdebug.core.tree import Binary


class Line(Record):
    """A line of a file.

    Attributes:
        file, number, function: where; the function is "" for the module itself.
    """

    file: str
    number: int
    function: str = ""

    def __str__(self) -> str:
        return f"{self.file}:{self.number}"

    def is_at(self, asked: str) -> bool:
        """Whether it is the line that is asked for: ``net.py:30`` or ``:30``, also of ``lib/net.py``, or ``30``."""
        name, _, number = asked.rpartition(":")
        return number == str(self.number) and (not name or f"/{self.file}".endswith(f"/{name}"))


class Statement(Record):
    """A value of his update.

    Attributes:
        name: what it is called.
        formula: over names; None where no formula gives its numbers.
        reason: why there is none.
        line: of the assignment, or where an inner value is computed.
        made: where it is computed, if that is in another function.
        inner: whether the script gives it no name.
        live: whether the next parameters depend on it.
        partial: whether the script changes it later under the same name.
        opaque: what it is computed from out of sight, as where no formula gives its numbers.
        path: the calls and loops within the update in which it is computed.
        order: its place in the program.
        aliases: other names that it was given later, each with that line, and the order of what is computed next.
    """

    name: str
    formula: Formula | None
    reason: str
    line: Line
    made: Line
    inner: bool
    live: bool
    partial: bool = False
    opaque: tuple[str, ...] = ()
    path: tuple[Level, ...] = ()
    order: int = 0
    aliases: tuple[tuple[str, Line, int], ...] = ()

    @property
    def reads(self) -> tuple[str, ...]:
        """What it is computed from."""
        return (*self.formula.names, *self.opaque) if self.formula else self.opaque


def long_lines(files: Mapping[str, str]) -> dict[tuple[str, int], int]:
    """The last line of each simple statement that has several, by its file and first line."""
    found = dict[tuple[str, int], int]()
    for file, text in files.items():
        with suppress(SyntaxError, ValueError):
            for node in ast.walk(ast.parse(text)):
                if isinstance(node, ast.stmt) and not hasattr(node, "body") and node.end_lineno and node.end_lineno > node.lineno:
                    found[file, node.lineno] = node.end_lineno
    return found


def adds(one: Statement) -> bool:
    """Whether it is a sum; of one to which more is added no number is a gradient."""
    return one.formula is not None and isinstance(one.formula.tree, Binary) and one.formula.tree.operator == "+"


__all__ = ["Line", "Statement", "adds", "long_lines"]
