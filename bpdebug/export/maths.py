"""The LaTeX that the engine writes, read again: how wide it is, where a line may break, and (elsewhere) what it is in MathML.

Only what :mod:`bpdebug.core.render` and :mod:`bpdebug.export.matrices` write is understood; it is no LaTeX in general.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import lru_cache
from itertools import zip_longest

from bpdebug.core.record import Record, replace

_TOKEN = re.compile(r"\\[A-Za-z]+\*?|\\.|\d+(?:\.\d+)?|\s+|.", re.DOTALL)
_LETTERS = dict(
    zip((r"\eta", r"\mu", r"\epsilon", r"\lambda", r"\alpha", r"\beta", r"\delta", r"\pi", r"\infty"), "ημϵλαβδπ∞", strict=True)
)
_SIGNS = {
    r"\odot": "⊙",
    r"\cdot": "·",
    r"\le": "≤",
    r"\ge": "≥",
    r"\ne": "≠",
    r"\land": "∧",
    r"\lor": "∨",
    r"\lnot": "¬",
    r"\times": "×",
    r"\leftarrow": "←",
    r"\sum": "∑",
    r"\|": "‖",
    r"\partial": "∂",
    "-": "−",
    r"\top": "⊤",
    r"\dots": "…",
    r"\cdots": "⋯",
    r"\vdots": "⋮",
    r"\ddots": "⋱",
}
_SPACES = {r"\,": "0.167em", r"\quad": "1em", r"\qquad": "2em"}
_WORDS = (r"\exp", r"\log", r"\max", r"\min", r"\tanh", r"\sinh", r"\cosh", r"\sin", r"\cos")
_BINARY = tuple("+−⊙·≤≥≠∧∨×←=<>")
UNARY_AFTER = (*_BINARY, "(", ",")
"""After which a minus is no subtraction."""


class Node(Record):
    """A piece of a formula.

    Attributes:
        kind: ``number``, ``letter``, ``word``, ``sign``, ``space`` or ``text``; ``row``, ``fraction``, ``root``, ``under`` (what stands
            below, base), ``scripts`` (base, below, above), ``fence`` (its text is the two delimiters), ``grid`` (rows of cells; its
            text is the environment's name), ``lit`` (the cell that is worked out).
        source: its LaTeX, with the blanks after it.
        text: what is to be seen, where it is a leaf.
        parts: what it is made of.
    """

    kind: str
    source: str
    text: str = ""
    parts: tuple[Node, ...] = ()


@lru_cache(maxsize=1024)
def read(latex: str) -> Node:
    """The formula as a row of nodes.

    Raises:
        ValueError: where brackets or environments are not closed.
    """
    return _Reader(latex).whole()


class _Reader:
    def __init__(self, latex: str) -> None:
        self.tokens = _TOKEN.findall(latex)
        self.at = 0

    def peek(self) -> str:
        """The next token that is no blank, or ""."""
        while self.at < len(self.tokens) and self.tokens[self.at].isspace():
            self.at += 1
        return self.tokens[self.at] if self.at < len(self.tokens) else ""

    def take(self, *wanted: str) -> str:
        token = self.peek()
        if not token or (wanted and token not in wanted):
            raise ValueError(f"{' or '.join(wanted) or 'more'} expected in {''.join(self.tokens)!r} at token {self.at}, found {token!r}")
        self.at += 1
        return token

    def whole(self) -> Node:
        row = self.row()
        if self.peek():
            raise ValueError(f"{self.peek()!r} is not expected in {''.join(self.tokens)!r}")
        return row

    def row(self, *ends: str) -> Node:
        """Nodes up to one of the ends, which is left."""
        start, parts = self.at, list[Node]()
        while self.peek() and self.peek() not in (*ends, "}"):
            begin, part = self.at, self.with_scripts()
            self.peek()
            parts.append(replace(part, source="".join(self.tokens[begin : self.at])))
        return self.made("row", start, parts=tuple(parts))

    def with_scripts(self) -> Node:
        self.peek()
        start, base = self.at, self.node()
        scripts = {"_": _NOTHING, "^": _NOTHING}
        while self.peek() in ("_", "^"):
            place = self.take()
            scripts[place] = self.node()
        if scripts["_"] is scripts["^"]:
            return base
        return self.made("scripts", start, parts=(base, scripts["_"], scripts["^"]))

    def node(self) -> Node:
        self.peek()
        start, first = self.at, self.take()
        if first == "{":
            return self.made("row", start, parts=self.until("}").parts)
        if first in _GROUPS:
            kind, count = _GROUPS[first]
            return self.made(kind, start, parts=tuple(self.group() for _ in range(count)))
        if first in _RAW:
            return self.made(_RAW[first], start, self.raw())
        if first == r"\left":
            before, inner, after = self.take(), self.until(r"\right"), self.take()
            return self.made("fence", start, _delimiter(before) + _delimiter(after), (inner,))
        return self.grid(start) if first == r"\begin" else _leaf(first)

    def made(self, kind: str, start: int, text: str = "", parts: tuple[Node, ...] = ()) -> Node:
        return Node(kind, "".join(self.tokens[start : self.at]), text, parts)

    def until(self, end: str) -> Node:
        """A row and its end."""
        inner = self.row(end)
        self.take(end)
        return inner

    def group(self) -> Node:
        self.take("{")
        return self.until("}")

    def raw(self) -> str:
        """A group's text as it stands."""
        self.take("{")
        end = self.tokens.index("}", self.at)
        text, self.at = "".join(self.tokens[self.at : end]), end + 1
        return text.replace(r"\_", "_")

    def grid(self, start: int) -> Node:
        """An environment: cells between ``&``, rows between ``\\\\``."""
        name, rows, end = self.raw(), [list[Node]()], ""
        if name == "array":
            self.raw()  # how its columns are aligned
        while end != r"\end":
            rows[-1].append(self.row("&", r"\\", r"\end"))
            end = self.take("&", r"\\", r"\end")
            rows += [[]] if end == r"\\" else []
        self.raw()
        return self.made("grid", start, name, tuple(Node("row", "", parts=tuple(row)) for row in rows))


_GROUPS = {
    r"\frac": ("fraction", 2),
    r"\sqrt": ("root", 1),
    r"\underset": ("under", 2),
    r"\mathbf": ("lit", 1),
    r"\phantom": ("phantom", 1),
}
_RAW = {r"\mathrm": "word", r"\text": "text"}
_NOTHING = Node("row", "")


def _delimiter(token: str) -> str:
    return {".": " ", r"\|": "‖", r"\rvert": "|"}.get(token, token)


def _leaf(text: str) -> Node:
    if text in _SPACES:
        return Node("space", text, _SPACES[text])
    if text in _WORDS:
        return Node("word", text, text[1:])
    if text in _LETTERS or text.isalpha():
        return Node("letter", text, _LETTERS.get(text, text))
    if text[0].isdigit():
        return Node("number", text, text)
    return Node("sign" if len(text) == 1 or text in _SIGNS else "word", text, _SIGNS.get(text, text))


def width(node: Node) -> float:
    """About how wide it is, in digits."""
    if node.kind == "grid":
        widths = [[width(cell) for cell in row.parts] for row in node.parts]
        return sum(max(column) + 2 for column in zip_longest(*widths, fillvalue=0.0)) + 2.0
    if not node.parts:
        return {"sign": 2.8 if node.text in _BINARY else 1.0, "letter": 1.2, "space": 3.0}.get(node.kind, float(len(node.text)))
    inner = [width(part) for part in node.parts]
    if node.kind in ("fraction", "under"):
        return max(inner[0] * (0.7 if node.kind == "under" else 1.0), inner[1]) + 0.5
    if node.kind == "scripts":
        return inner[0] + 0.7 * max(inner[1:])
    return sum(inner) + {"fence": 1.6, "root": 1.8}.get(node.kind, 0.0)


def lines(latex: str, most: float) -> list[str]:
    """The formula in lines of about that width at most; a line breaks before a plus or minus that stands outside of all brackets."""
    result, room = [""], most
    for chunk in _chunks(read(latex)):
        needed = sum(map(width, chunk))
        if needed > room and result[-1]:
            result.append("")
            room = most
        result[-1] += "".join(node.source for node in chunk)
        room -= needed
    return [line.strip() for line in result]


def _chunks(row: Node) -> Iterator[list[Node]]:
    """The terms of a sum, each with the sign before it."""
    chunk, depth = list[Node](), 0
    for node in row.parts:
        depth += {"(": 1, ")": -1}.get(node.text, 0)
        if not depth and node.text in ("+", "−") and chunk and chunk[-1].text not in UNARY_AFTER:
            yield chunk
            chunk = []
        chunk.append(node)
    yield chunk
