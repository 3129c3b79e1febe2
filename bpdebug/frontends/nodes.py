"""Text to a small tree of nodes that know their place.

PyYAML's event parser reads the syntax; the tree is built without recursion, and depth, size and everything that makes YAML
more than data (anchors, tags, merge keys) is refused while it grows.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
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


def parse(text: str, report: Report) -> Mapping:
    """The tree of a scenario's text; duplicate keys are noted in the report.

    Raises:
        ScenarioError: where the text is not one YAML document that holds a mapping, or is more than data.
    """
    _refuse_characters(text, report)
    builder = _Builder(report)
    for event in _events(text, report):
        builder.take(event)
    if builder.root is None:
        report.fail(Mark(1, 1), "the file is empty; expected a mapping with the keys 'network' and 'data'")
    if not isinstance(builder.root, Mapping):
        report.fail(builder.root.mark, "expected a mapping with the keys 'network' and 'data'; found something else at the top")
    return builder.root


def _refuse_characters(text: str, report: Report) -> None:
    found = Reader.NON_PRINTABLE.search(text)
    if found:
        message = f"the character {found.group()!a} cannot stand in a scenario file; is this a text file?"
        report.fail(place(text, found.start()), message)


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
        _refuse_depth(text, mark, report)
        report.fail(mark, _syntax(error, text, mark))
    except yaml.YAMLError as error:
        report.fail(Mark(1, 1), f"this is not YAML: {str(error).splitlines()[0]}")


def _refuse_depth(text: str, until: Mark, report: Report) -> None:
    """Parsers look ahead, and may give up on a depth of their own before we have seen ours."""
    depth = 0
    for bracket in re.finditer(r"'[^']*'|\"(?:\\.|[^\"\\])*\"|[][{}]", text):
        depth += {"[": 1, "{": 1, "]": -1, "}": -1}.get(bracket.group(), 0)
        if depth > MAXIMUM_DEPTH and (mark := place(text, bracket.start())) <= until:
            report.fail(mark, _TOO_DEEP)


def _mark(mark: Any) -> Mark:
    return Mark(mark.line + 1, mark.column + 1) if mark else Mark(1, 1)


def _syntax(error: yaml.MarkedYAMLError, text: str, mark: Mark) -> str:
    lines = text.splitlines()
    line = lines[mark.line - 1] if mark.line <= len(lines) else ""
    if "\t" in line[: len(line) - len(line.lstrip())]:
        return "a tab cannot indent in YAML; use spaces"
    start = f" (it begins in line {error.context_mark.line + 1}: {error.context})" if error.context_mark and error.context else ""
    return f"this is not YAML: {error.problem or error.context}{start}{_hint(error.problem or '', line)}"


def _hint(problem: str, line: str) -> str:
    if "mapping values are not allowed" in problem:
        return "; a text with ': ' in it needs quotes, and keys of one level the same indentation"
    if "cannot start any token" in problem:
        return f"; put the text in quotes: {line.strip()[:40]}"
    return ""


class _Builder:
    """Puts the events together, with a stack of open containers and the keys that wait for a value."""

    def __init__(self, report: Report) -> None:
        self.report = report
        self.root: Node | None = None
        self.open: list[Sequence | Mapping] = []
        self.keys: list[Scalar | None] = []
        self.documents = self.nodes = 0

    def take(self, event: Any) -> None:
        """One event."""
        if isinstance(event, yaml.DocumentStartEvent):
            self._document(event)
        elif isinstance(event, yaml.NodeEvent):
            self._node(event)
        elif isinstance(event, yaml.CollectionEndEvent):
            self.open.pop()
            self.keys.pop()

    def _document(self, event: Any) -> None:
        self.documents += 1
        if self.documents > 1:
            self.report.fail(_mark(event.start_mark), "a second document starts here; a scenario is one document (remove the '---')")

    def _node(self, event: Any) -> None:
        mark = _mark(event.start_mark)
        self._refuse(event, mark)
        if isinstance(event, yaml.ScalarEvent):
            self._place(Scalar(mark, event.value, "" if event.style in (None, "") else event.style))
            return
        container = Sequence(mark) if isinstance(event, yaml.SequenceStartEvent) else Mapping(mark)
        self._place(container)
        self.open.append(container)
        self.keys.append(None)

    def _refuse(self, event: Any, mark: Mark) -> None:
        self.nodes += 1
        reason = ""
        if event.anchor is not None:
            sign = "an alias (*" if isinstance(event, yaml.AliasEvent) else "an anchor (&"
            reason = f"{sign}{event.anchor}) is not supported; write the value out"
        elif getattr(event, "tag", None) is not None:
            reason = f"a tag ({event.tag}) is not supported: a scenario is data; write the value without it"
        elif len(self.open) >= MAXIMUM_DEPTH:
            reason = _TOO_DEEP
        elif self.nodes > MAXIMUM_NODES:
            reason = f"more than {MAXIMUM_NODES:,} values; {_ELSEWHERE}"
        if reason:
            self.report.fail(mark, reason)

    def _place(self, node: Node) -> None:
        if not self.open:
            self.root = node
            return
        parent = self.open[-1]
        if isinstance(parent, Sequence):
            parent.items.append(node)
        elif self.keys[-1] is None:
            self.keys[-1] = self._key(node)
        else:
            self._entry(parent, self.keys[-1], node)
            self.keys[-1] = None

    def _key(self, node: Node) -> Scalar:
        if not isinstance(node, Scalar):
            self.report.fail(node.mark, "expected a key; found a list or a mapping in its place")
        if node.text == "<<" and not node.style:
            self.report.fail(node.mark, "a merge key (<<) is not supported; write the keys out")
        return node

    def _entry(self, parent: Mapping, key: Scalar, value: Node) -> None:
        if key.text in parent.entries:
            first = parent.entries[key.text][0].mark.line
            self.report.add(key.mark, f"duplicate key '{key.text}'; it is given in line {first} already")
            return
        parent.entries[key.text] = (key, value)
