"""What the script has computed: a node an operation, by the identity of the objects that flow through the script."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterator, Mapping
from types import EllipsisType, MappingProxyType
from typing import Any, NamedTuple

import numpy as np

Array = np.ndarray[Any, Any]
ARRAYS = (np.ndarray, np.generic)
NUMERIC = (np.ndarray, np.generic, float)
_SEVERAL = (tuple, list)
_FLOAT = np.dtype(float)
_PLAIN = (int, str, type(None), type(...))
_NONE: Mapping[str, Any] = MappingProxyType({})
_LONGEST = 2000
"""Items of a list that are looked at."""
Slot = tuple[int, str]
"""Where something is kept: the object whose attribute it is, or 0, and how it is written."""


class Level(NamedTuple):
    """A call or a loop that is under way, or a turn of that loop.

    Attributes:
        above: the one that it is within.
        site: where it stands.
        said: of a call the function, of a turn what the loop goes through, such as ``t = 3``; "" for what the site tells.
        number: which call or run, or which turn of it.
    """

    above: Level | None
    site: int
    said: str
    number: int


class Node:
    """A value that the script has computed.

    Attributes:
        number: in the order of the program.
        operation: how it is written, ``+``, ``sum``; "" for what comes from elsewhere.
        arguments, keywords: what went in: nodes, and plain values; in lists and tuples too.
        value: the object, which the script may change later.
        kept: a copy of its numbers as they were, or None.
        site: where it was computed.
        texts: how the arguments are written.
        slots: the names under which it was kept, each with where; loop variables last.
        changed: whether its numbers were not copied since they were changed in place.
        read: whether something was computed from it.
        level: within which calls and loops it was first given a name, or where it has none, computed.
    """

    __slots__ = ("arguments", "changed", "kept", "keywords", "level", "number", "operation", "read", "site", "slots", "value")

    def __init__(
        self,
        number: int,
        operation: str,
        arguments: tuple[Any, ...],
        keywords: Mapping[str, Any],
        value: Any,
        site: int,
        level: Level | None,
    ) -> None:
        self.number = number
        self.operation = operation
        self.arguments = arguments
        self.keywords = keywords
        self.value = value
        self.site = site
        self.level = level
        self.changed = self.read = False
        self.kept: Array | None = None
        self.slots: list[tuple[Slot, int, bool]] = []

    def numbers(self) -> Any:
        """Its numbers, as they were when it was computed."""
        return self.value if self.kept is None else self.kept

    def parents(self) -> Iterator[Node]:
        """The nodes that went in."""
        stack: list[Any] = [*self.keywords.values(), *self.arguments[::-1]]
        while stack:
            one = stack.pop()
            if type(one) is Node:
                yield one
            elif isinstance(one, _SEVERAL):
                stack += reversed(one)
            elif isinstance(one, slice):
                stack += [one.step, one.stop, one.start]


def is_followed(value: Any) -> bool:
    """Whether it is an array of numbers, or a number that is no whole one of Python's: no array of anything else."""
    return type(value) is float or (isinstance(value, NUMERIC) and getattr(value, "dtype", _FLOAT).kind != "O")


def is_fresh(node: Node, hops: int = 4) -> bool:
    """Whether a value without a name was made of nothing that has one, such as ``0.1 * rng.normal(size=3)``."""
    return bool(node.operation) and not node.slots and hops > 0 and all(is_fresh(one, hops - 1) for one in node.parents())


def _is_basic(key: Any) -> bool:
    """Whether a subscript takes a part without a copy."""
    return all(isinstance(one, int | np.integer | slice | EllipsisType) for one in (key if isinstance(key, tuple) else (key,)))


def _written_back(taken: Node | None, whole: Node, part: Node) -> tuple[str, tuple[Any, ...]]:
    """How an array becomes what it is by the next version of a part of it, and of what; None where it is not known how that was taken."""
    if taken and taken.operation == "[]":
        return "put", (whole, taken.arguments[1], part)
    return (".T", (part,)) if taken else ("view", (whole, part))


class Graph:
    """All nodes so far.

    Attributes:
        nodes: in the order of the program.
        bytes, held: copied so far, and held in memory.
        renamed: by the number of a node the other names that its object was given, each with where, and how many nodes there were.
        level: the call, or turn of a loop, that is under way.
    """

    def __init__(self) -> None:
        self.nodes: list[Node] = []
        self.level: Level | None = None
        self.bytes = self.held = 0
        self.renamed: dict[int, list[tuple[str, int, int]]] = {}
        self._known: dict[int, tuple[Any, Node]] = {}
        self._views = defaultdict[int, list[Node]](list)
        self._dropped: list[Node] = []

    def add(self, operation: str, arguments: tuple[Any, ...], value: Any, site: int, keywords: Mapping[str, Any] = _NONE) -> Node:
        """A new node, which is from now on what that object stands for."""
        node = Node(len(self.nodes), operation, arguments, keywords, value, site, self.level)
        self.nodes.append(node)
        if isinstance(value, NUMERIC):
            if isinstance(value, np.ndarray) and value.base is not None and operation == "[]":
                self._views[id(value.base)].append(node)
            elif isinstance(value, np.ndarray) and value.base is None and id(value) not in self._known:
                self.held += value.nbytes
            self._known[id(value)] = value, node
        return node

    def drop(self, count: int, read: Collection[Node] | None = None) -> None:
        """Forget the first nodes: what is read later is from elsewhere then; values that the last of them have not read are let go.

        Args:
            count: how many.
            read: what they have read from before them, where that is known.
        """
        old, self.nodes = self.nodes[:count], self.nodes[count:]
        read = {parent for node in old for parent in node.parents() if parent.number < 0} if read is None else read
        for node in self._dropped:
            if node not in read and self.known(node.value) is node:
                del self._known[id(node.value)]
        self._dropped = [*read, *old]
        self._views.clear()
        for node in old:
            node.number, node.keywords = -1, _NONE
            if node.operation != "[]":  # where a view is written to, its base is, too
                node.operation, node.arguments = "", ()
        for number, node in enumerate(self.nodes):
            node.number = number

    def spare(self, array: Array, key: Any = ...) -> None:
        """Copy what was read of an array as a view, before that part of it is changed in place."""
        views = self._views.pop(id(array if array.base is None else array.base), None)
        part = array[key] if views and _is_basic(key) else array
        for node in views or ():
            if node.read and node.kept is None and np.may_share_memory(node.value, part):
                self.keep(node)
            else:
                self._views[id(node.value.base)].append(node)

    def changed(self, array: Array, operation: str, arguments: tuple[Any, ...], site: int) -> Node:
        """The next version of an array that was changed in place; of the array of which it is a view, too."""
        old = self.known(array)
        if old and old.kept is None:
            old.changed = True
        node = self.add(operation, arguments, array, site)
        node.changed = not operation.startswith("call:")
        if not node.changed:
            self.keep(node)  # no formula gives its numbers
        node.slots = [*dict.fromkeys((slot, -1, visited) for slot, _, visited in old.slots)] if old else []
        base, whole = array.base, old.arguments[0] if old and old.operation in ("[]", ".T") else None
        if base is not None and isinstance(whole, Node) and getattr(whole.value, "base", None) is base:
            base = whole.value  # itself a view, in which the array is a part
        parent = self.known(base) if isinstance(base, np.ndarray) else None
        if isinstance(base, np.ndarray) and parent and old:
            self.changed(base, *_written_back(old if parent is whole else None, parent, node), site)
        return node

    def known(self, value: Any) -> Node | None:
        """The node that an object stands for, or None."""
        hit = self._known.get(id(value))
        return hit[1] if hit and hit[0] is value else None

    def of(self, value: Any) -> Any:
        """What stands for an operand: its node, one from elsewhere where it has none; plain values are what they are."""
        hit = self._known.get(id(value))
        if hit is not None and hit[0] is value:
            (node := hit[1]).read = True
            if node.changed:
                node.changed = False
                self.keep(node)
            return node
        if isinstance(value, _PLAIN):
            return value
        if isinstance(value, ARRAYS) and value.dtype != object:
            node = self.add("", (), value, -1)
            self.keep(node)
            return node
        if isinstance(value, slice):
            return slice(*map(self.of, (value.start, value.stop, value.step)))
        if isinstance(value, _SEVERAL) and len(value) <= _LONGEST and self.follows(value):
            return tuple(map(self.of, value)) if isinstance(value, tuple) else [*map(self.of, value)]
        return value

    def keep(self, node: Node) -> None:
        """Copy a node's numbers, since the script may change them."""
        if isinstance(node.value, np.ndarray) and node.kept is None:
            node.kept = node.value.copy("K")
            self.bytes += node.kept.nbytes

    def follows(self, *values: Any) -> bool:
        """Whether something among these is followed: arrays, and numbers that were computed or named."""
        for value in values:
            if isinstance(value, ARRAYS) or (type(value) is float and id(value) in self._known):
                return True
            if isinstance(value, _SEVERAL) and len(value) <= _LONGEST and self.follows(*value):
                return True
        return False
