"""Text to a small tree of nodes that know their place.

PyYAML's event parser reads the syntax; depth, size and everything that makes YAML more than data (anchors, tags, merge keys) is
refused while the tree grows. A plain scalar means what it does in the core schema of YAML 1.2: ``1e-3`` is a number, ``on`` and
``1_000`` are text.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from collections.abc import Mapping as Dictionary
from dataclasses import field
from typing import Any

import yaml
from yaml.reader import Reader

from bpdebug.core.record import Record
from bpdebug.frontends.report import Mark, Report

MAXIMUM_DEPTH = 20
MAXIMUM_NODES = 100_000
_TOO_DEEP = f"nested more than {MAXIMUM_DEPTH} deep"
_ELSEWHERE = "put large data in a CSV or npz file (data: {file: …})"
_NULL = re.compile(r"null|Null|NULL|~|")
_BOOL = re.compile(r"(true|True|TRUE)|false|False|FALSE")
_INT = re.compile(r"[-+]?[0-9]+")
_BASED = re.compile(r"0o[0-7]+|0x[0-9a-fA-F]+")
_FLOAT = re.compile(r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?")
_SPECIAL = re.compile(r"[-+]?\.(inf|Inf|INF)|\.(nan|NaN|NAN)")
_PLAIN = re.compile(r"[A-Za-z_]([\w .@/()'-]*[\w.)])?")
"""A text that needs no quotes, wherever it stands."""
_DIGITS = 40
_SHOWN = 60
_PARSER: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
"""Read for its events only: nothing is constructed."""


class Scalar(Record, eq=False):
    """A leaf; ``style`` is "" for a plain one, else its quote or block sign."""

    mark: Mark
    text: str
    style: str = ""


class Sequence(Record, eq=False):
    """A list."""

    mark: Mark
    items: list[Node] = field(default_factory=list)


class Mapping(Record, eq=False):
    """Keys and values in the order of the file; keys are unique."""

    mark: Mark
    entries: dict[str, tuple[Scalar, Node]] = field(default_factory=dict)


Node = Scalar | Sequence | Mapping
Value = None | bool | int | float | str
Path = tuple[str | int, ...]
"""Keys, and places in lists, that lead to a node."""


def parse(text: str, report: Report, example: str = "") -> Mapping:
    """The tree of a file's text; duplicate keys are noted in the report.

    Args:
        text: of the file.
        report: for what is wrong with it.
        example: lines of such a file, for messages.

    Raises:
        ScenarioError: where the text is not one YAML document that holds keys and values, or is more than data.
    """
    report.text = text
    if strange := Reader.NON_PRINTABLE.search(text):
        message = f"the character {strange.group()!a} cannot stand in such a file; is this a text file?"
        report.fail(place(text, strange.start()), message)
    root = _Builder(_events(text, report), report).document()
    if root is None:
        report.fail(Mark(1, 1), "the file is empty; expected lines such as these", example=example)
    if not isinstance(root, Mapping):
        report.fail(root.mark, f"expected lines such as these; found {found(root)}", example=example)
    return root


def place(text: str, position: int) -> Mark:
    """The line and column of a character."""
    before = text[:position]
    return Mark(before.count("\n") + 1, position - before.rfind("\n"))


def _events(text: str, report: Report) -> Iterator[Any]:
    parser = _PARSER(text)
    try:
        while (event := parser.get_event()) is not None:
            yield event
    except yaml.MarkedYAMLError as error:
        mark = _mark(error.problem_mark or error.context_mark)
        depth = 0  # parsers look ahead, and may give up on a depth of their own before we have seen ours
        for bracket in re.finditer(r"'[^']*'|\"(?:\\.|[^\"\\])*\"|[][{}]", text):
            depth += {"[": 1, "{": 1, "]": -1, "}": -1}.get(bracket.group(), 0)
            if depth > MAXIMUM_DEPTH and (opened := place(text, bracket.start())) <= mark:
                report.fail(opened, _TOO_DEEP)
        report.fail(mark, _syntax(error, text, mark))
    except yaml.YAMLError as error:
        report.fail(Mark(1, 1), f"this is not YAML: {str(error).splitlines()[0]}")


def _mark(mark: Any) -> Mark:
    return Mark(mark.line + 1, mark.column + 1) if mark else Mark(1, 1)


def _syntax(error: yaml.MarkedYAMLError, text: str, mark: Mark) -> str:
    """What the parser complains of, in words that do not ask for its own vocabulary."""
    lines = text.splitlines()
    line = lines[mark.line - 1] if mark.line <= len(lines) else ""
    if "\t" in line[: len(line) - len(line.lstrip())]:
        return "a tab cannot indent in YAML; use spaces"
    problem = error.problem or error.context or ""
    told = next((words for part, words in _COMPLAINTS.items() if part in problem), "it cannot be read from here on")
    return f"this is not YAML: {told.format(begin=_mark(error.context_mark).line, line=line.strip()[:40])}"


_COMPLAINTS = {
    "values are not allowed": "this ':' follows no key; text with ': ' in it needs quotes, and keys of one level the same indentation",
    "entries are not allowed": "the '-' of a list must begin its line",
    "could not find expected ':'": "line {begin} should be 'key: value'",
    "cannot start any token": "put the text in quotes: {line}",
    "end of stream": "the quote that opens in line {begin} is not closed",
    "expected ',' or": "the bracket that opens in line {begin} is not closed before this",
    "escape": "within double quotes, write a backslash twice",
    "node content": "a bracket closes that was never opened",
    "expected": "this does not follow from the lines above it; keys of one level, and the '-' of a list, need the same indentation",
}
"""What is said where PyYAML's parsers, the one in C and the one in Python, say this, in this order."""


class _Builder:
    """Puts the events together."""

    def __init__(self, events: Iterator[Any], report: Report) -> None:
        self.events, self.report = events, report
        self.nodes = 0

    def document(self) -> Node | None:
        """The root of the only document; None where there is none."""
        root, documents = None, 0
        for event in self.events:
            documents += isinstance(event, yaml.DocumentStartEvent)
            if documents > 1:
                self.report.fail(_mark(event.start_mark), "a second document starts here; a scenario is one document (remove the '---')")
            if isinstance(event, yaml.NodeEvent):
                root = self._node(event)
        return root

    def _node(self, event: Any, depth: int = 0) -> Node:
        mark = self._admitted(event, depth)
        if isinstance(event, yaml.ScalarEvent):
            return Scalar(mark, event.value, event.style or "")
        if isinstance(event, yaml.SequenceStartEvent):
            return Sequence(mark, [self._node(item, depth + 1) for item in self._inside()])
        made = Mapping(mark)
        for key_event in self._inside():
            place = self._admitted(key_event, depth + 1)
            if not isinstance(key_event, yaml.ScalarEvent):
                self.report.fail(place, "expected a key such as 'units'; found brackets in its place")
            key = Scalar(place, key_event.value, key_event.style or "")
            if key.text == "<<" and not key.style:
                self.report.fail(place, "a merge key (<<) is not supported; write the keys out")
            if first := made.entries.get(key.text):
                self.report.add(place, f"duplicate key '{key.text}'; it is given in line {first[0].mark.line} already")
            value = self._node(next(self.events), depth + 1)
            made.entries.setdefault(key.text, (key, value))
        return made

    def _inside(self) -> Iterator[Any]:
        """The beginnings of what a list or a mapping holds, up to its end."""
        while not isinstance(event := next(self.events), yaml.CollectionEndEvent):
            yield event

    def _admitted(self, event: Any, depth: int) -> Mark:
        """The place of what is no more than data."""
        mark, reason = _mark(event.start_mark), ""
        self.nodes += 1
        if event.anchor is not None:
            sign = "an alias (*" if isinstance(event, yaml.AliasEvent) else "an anchor (&"
            reason = f"{sign}{event.anchor}) is not supported; write the value out"
        elif getattr(event, "tag", None) is not None:
            reason = f"a tag ({event.tag}) is not supported: a scenario is data; write the value without it"
        elif depth >= MAXIMUM_DEPTH:
            reason = _TOO_DEEP
        elif self.nodes > MAXIMUM_NODES:
            reason = f"more than {MAXIMUM_NODES:,} values; {_ELSEWHERE}"
        if reason:
            self.report.fail(mark, reason)
        return mark


def value_of(scalar: Scalar) -> Value:
    """The value: what is quoted is text, what is plain is resolved."""
    text = scalar.text
    if scalar.style:
        return text
    if _NULL.fullmatch(text):
        return None
    if found := _BOOL.fullmatch(text):
        return found.group(1) is not None
    number = number_of(text)
    return text if number is None else number


def number_of(text: str) -> int | float | None:
    """The number that a text is, or None."""
    if len(text) <= _DIGITS and _INT.fullmatch(text):
        return int(text)
    if len(text) <= _DIGITS and _BASED.fullmatch(text):
        return int(text, 0)
    if _FLOAT.fullmatch(text):
        return float(text)
    return float(text.replace(".", "")) if _SPECIAL.fullmatch(text) else None


def found(node: Node) -> str:
    """What stands there, for "expected …; found …"."""
    if isinstance(node, Sequence):
        return f"a list of {len(node.items)}" if node.items else "an empty list"
    if isinstance(node, Mapping):
        return _cut(flow(node))
    if is_nothing(node):
        return "nothing"
    shown, value = _cut(node.text), value_of(node)
    return f"'{shown}'" if isinstance(value, str) else shown


def _cut(text: str) -> str:
    return text if len(text) <= _SHOWN else text[:_SHOWN] + "…"


def made_of(mark: Mark, values: Dictionary[str, Node]) -> Mapping:
    """Keys and values that stand for something else at that place."""
    return Mapping(mark, {name: (Scalar(mark, name), value) for name, value in values.items()})


def flow(node: Node) -> str:
    """The node as YAML on one line."""
    if isinstance(node, Sequence):
        return f"[{', '.join(map(flow, node.items))}]"
    if isinstance(node, Mapping):
        return f"{{{', '.join(f'{flow(key)}: {flow(value)}' for key, value in node.entries.values())}}}"
    plain = not node.style or (_PLAIN.fullmatch(node.text) and isinstance(value_of(Scalar(node.mark, node.text)), str))
    return node.text if plain else "'" + node.text.replace("'", "''") + "'"


def is_nothing(node: Node) -> bool:
    """Whether a key's value was left out (or is null)."""
    return isinstance(node, Scalar) and value_of(node) is None


def entry(root: Mapping, path: Path) -> tuple[Mark, Node]:
    """Where the key (or list entry) at the end of a path stands, and its value; its nearest ancestor where it is not there."""
    mark = root.mark
    node: Node = root
    for step in path:
        if isinstance(node, Mapping) and str(step) in node.entries:
            key, node = node.entries[str(step)]
            mark = key.mark
        elif isinstance(node, Sequence) and isinstance(step, int) and step < len(node.items):
            node = node.items[step]
            mark = node.mark
        else:
            break
    return mark, node


def mark_of(root: Mapping, path: Path, message: str = "") -> Mark:
    """The place of a path; within a list of names, the one that the message quotes."""
    mark, node = entry(root, path)
    if isinstance(node, Sequence):
        quoted = [item for item in node.items if isinstance(item, Scalar) and f"'{item.text}'" in message]
        return quoted[0].mark if quoted else mark
    return mark
