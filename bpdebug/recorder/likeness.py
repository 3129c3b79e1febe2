"""Updates that do the same: what one is written as need not be found again for those that only have other numbers."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from bpdebug.recorder.graph import Node
from bpdebug.recorder.hooks import Hooks
from bpdebug.recorder.writer import INFIX, Writer

_LITERAL = (int, float, bool, str, type(None), type(...), range)
Origins = Mapping[str, tuple[str, Any]]
"""Where the number that stands at a place comes from: which node of the update, which one from before, or which number with a name."""


class UnlikeError(Exception):
    """What an operation takes cannot be compared."""


class Likeness:
    """What an update does, its numbers left out.

    Args:
        hooks: the run.
        start, end: the nodes of the update.

    Attributes:
        key: equal where two updates do the same with values of the same shapes.
        before: what is read from before the update.

    Raises:
        UnlikeError: where that cannot be told.
    """

    def __init__(self, hooks: Hooks, start: int, end: int) -> None:
        self._start, self._graph, self._nodes = start, hooks.graph, hooks.graph.nodes[start:end]
        self.before: dict[Node, int] = {}
        self._named: dict[tuple[str, Any], int] = {}
        sites, made = hooks.sites, list[Any]()
        for node in self._nodes:
            name = node.operation
            if node.site >= 0 and (name in INFIX or name == "[]" or name.startswith("put")):
                made += self._parts(node, sites[node.site][3])
            else:
                made += [self._part(one, "") for one in node.arguments]
            if node.keywords:
                made += [(name, self._part(one, "")) for name, one in node.keywords.items()]
            made.append((name, node.site))
            made += _look_of(node)
        for node in self.before:
            made += _look_of(node)
        self.key = tuple(made)

    def _parts(self, node: Node, texts: tuple[str, ...]) -> list[Any]:
        """The arguments, with the names that stand there for numbers."""
        if node.operation in INFIX:
            return [self._part(one, texts[n] if n < len(texts) else "") for n, one in enumerate(node.arguments)]
        parts = [self._part(one, "") for one in node.arguments]
        if len(parts) > 1 and (node.operation == "[]" or node.operation.startswith("put")):
            key = node.arguments[1]
            keys = key if isinstance(key, tuple) else (key,)
            parts[1] = [
                "named" if type(one) is int and text else self._part(one, "") for one, text in zip(keys, (*texts, *[""] * 9), strict=False)
            ]
            parts[1] = (type(key), *parts[1])
        return parts

    def _part(self, value: Any, text: str) -> Any:
        kind = type(value)
        if kind is Node:
            number = value.number - self._start
            return number if number >= 0 else -1 - self.before.setdefault(value, len(self.before))
        if kind in (int, float) and text:
            return kind, self._named.setdefault((text, value), len(self._named)), text
        if kind in _LITERAL:
            return kind, value
        if kind is tuple or kind is list:
            return kind, *[self._part(one, "") for one in value]
        if kind is slice:
            return kind, *[self._part(one, "") for one in (value.start, value.stop, value.step)]
        raise UnlikeError

    def origins(self, writer: Writer, values: Mapping[str, Any]) -> Origins | None:
        """Where the numbers come from that stand in the places of this update; None where that is not known of each."""
        found, keys = dict[str, tuple[str, Any]](), {f"§{number}§": key for key, number in writer.numbers.items()}
        for place in values:
            match keys[place]:
                case Node() as node:
                    inside = node.number >= self._start
                    found[place] = ("node", node.number - self._start) if inside else ("before", self.before.get(node))
                case (Node() as node, int() as part):
                    found[place] = "part", (node.number - self._start, part)
                case ("text", str() as text, value):
                    found[place] = "named", self._named.get((text, value))
        return None if len(found) < len(values) or any(place is None for _, place in found.values()) else found

    def values(self, origins: Origins) -> dict[str, Any]:
        """The numbers of this update in the places of one that does the same."""
        before, named, found = [*self.before], [value for _, value in self._named], dict[str, Any]()
        for name, (kind, place) in origins.items():
            if kind == "named":
                found[name] = named[place]
            elif kind == "part":
                key = self._nodes[place[0]].arguments[1]
                found[name] = (key if isinstance(key, tuple) else (key,))[place[1]]
            else:
                node = self._nodes[place] if kind == "node" else before[place]
                if not node.changed:
                    self._graph.keep(node)
                found[name] = node.numbers()
        return found


def _look_of(node: Node) -> list[Any]:
    """What of a value itself decides how it is written."""
    value, made = node.value, [node.changed, node.operation]
    made.append((value.shape, value.dtype.num) if isinstance(value, np.ndarray) else type(value))
    for slot, _, visited in node.slots:
        made += slot[1], visited
    return made
