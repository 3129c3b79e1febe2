"""Which tensor another one is the next version of: by what it is computed from, whatever it is called."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

import numpy as np

from bpdebug.recorder.graph import Node

_SEVERAL = (list, tuple)

SCALING = {"*", "/", "multiply", "divide"}
"""Operations by which a version is a multiple of another."""
_COPYING = {"pos", "copy", ".copy", "array", "asarray", "reshape", ".reshape", ".astype", "float", "float64", "squeeze"}
THROUGH = {"+", "-", "add", "subtract", "clip", ".clip", "nan_to_num", *_COPYING}
"""Operations through which a tensor stays the one that it was."""
_JOINING = {"concatenate", "hstack", "append"}
"""Operations that put arrays one behind the other."""
_FLAT = {"ravel", ".ravel", ".flatten", *_COPYING}
"""Operations that leave all numbers of an array in their order."""
_PARTS = {"[]": 0, "put": 2, **dict.fromkeys(("put+", "put-", "put*", "put/"), 0)}
"""Which operand of an operation on parts goes on to be what is made."""
_HOPS = 4
"""Operations between an array and what is written into it."""
EVEN = ("zeros", "ones", "empty", "full", "zeros_like", "ones_like", "empty_like", "full_like")
"""Operations that make an array of the same number, whatever the array is that they are given."""
_CELLS = 8
"""Cells that are assigned at the same time."""
HOPS = 20_000
"""Versions through which a tensor is followed back."""
Carried = dict[Node, Node]
"""The tensors that an update starts from, and what they become."""


def is_real(node: Node) -> bool:
    """Whether a value is made of floats."""
    return type(node.value) is float or getattr(getattr(node.value, "dtype", None), "kind", "") == "f"


def is_array(node: Node) -> bool:
    """Whether a value has more than one number, or axes at least."""
    return np.ndim(node.value) > 0


class Lineage:
    """Which tensor another one is the next version of.

    Args:
        nodes: of a run.
        replacing: whether what takes the place of a tensor counts as its next version.
    """

    def __init__(self, nodes: list[Node], replacing: bool = False) -> None:
        self.nodes, self._replacing = nodes, replacing
        self._known, self._holders = dict[int, Node | None](), dict[Any, Node]()
        self._joined = dict[int, int]()

    def before(self, node: Node) -> Node | None:
        """The tensor of which this is the next version: W of ``W - lr * dW``, whatever it is called."""
        if node.number not in self._known:
            self._known[node.number] = old = _before(node)
            if old is None and (part := _part(node)):
                self._known[node.number], self._joined[node.number] = part
        return self._known[node.number]

    def first(self, node: Node, start: int, known: dict[Node, Node]) -> Node:
        """The first version of a tensor that is known, but for those before the last one from before ``start``.

        Args:
            node: the version that is asked for.
            start: the number of a node.
            known: what was found for other versions.
        """
        later = list[Node]()
        while node not in known and node.number >= start and node.operation and (old := self.before(node)):
            if self._joined.get(node.number, start) < start:
                break  # what lies behind the other arrays there is itself carried on
            later.append(node)
            node = old
        first = known.get(node, node)
        known.update(dict.fromkeys(later, first))
        return first

    def is_replaced(self, node: Node) -> bool:
        """Whether something that is no next version of a tensor was kept later under its first name."""
        if not self._holders:
            self._holders = {slot: one for one in self.nodes for slot, _, _ in one.slots}
        one = self._holders.get(node.slots[0][0]) if node.slots else node
        for _ in range(HOPS):
            if one is None or one.number <= node.number:
                break
            one = self.before(one)
        return one is not node

    def carried(self, start: int, end: int) -> Carried:
        """The tensors from before ``start`` that have a next version within."""
        found, known = dict[Node, Node](), dict[Node, Node]()
        for node in self.nodes[start:end]:
            if not node.slots or not node.operation or not is_real(node):
                continue
            old = self.first(node, start, known)
            if old is not node and is_real(old) and (old.number < start or not old.operation) and not _is_copy(node, old):
                kept = found.get(old)
                if kept is None or _shares(node, old) or not _shares(kept, old):  # not m_hat, a multiple of the next m
                    found[old] = node
        return found | self.replaced(start, end, found) if self._replacing else found

    def replaced(self, start: int, end: int, carried: Carried) -> Carried:
        """The tensors from before ``start`` that are given up for what is only made of them, as by ``W =- rate * dW``: there is no next
        version, and nothing within reads what stands in their place."""
        last = {slot: node for node in self.nodes[start:end] for slot, _, _ in node.slots if node.operation and is_real(node)}
        earlier = (node for node in self.nodes[: end if last else 0] if node.number < start or not node.operation)
        before = {slot: node for node in earlier for slot, _, _ in node.slots if slot in last}
        users = carried.values() if carried else self.nodes[start:end]
        read = {*ancestors((parent for node in users for parent in node.parents()), start if carried else end)}
        found, known = dict[Node, Node](), dict[Node, Node]()
        for slot, node in last.items():
            old = before.get(slot)
            if old is None or old in carried or node in read or node.operation in EVEN or np.shape(old.value) != np.shape(node.value):
                continue
            made = _node(node.arguments[2]) if node.operation == "put" else node
            first = self.first(node, start, known)
            if made and first.number >= start and first is not old and old in ancestors([made], start):
                found[old] = node
        return found

    def changed(self, start: int, end: int) -> Carried:
        """What a turn carries on, but for what it only moves to and fro, as a numerical check of gradients does."""
        return {old: new for old, new in self.carried(start, end).items() if not self._is_restored(old, new)}

    def _is_restored(self, old: Node, new: Node) -> bool:
        """Whether a tensor is what it was, after it has been another one; a bias before a batch norm, which hardly moves, is not."""
        one = self.before(new) if _is_near(old, new) else None
        for _ in range(HOPS):
            if one is None or one is old:
                break
            if not _is_near(old, one):
                return True
            one = self.before(one)
        return False


def _is_copy(node: Node, old: Node) -> bool:
    """Whether one is but a copy of the other."""
    while node is not old and node.operation in _COPYING and (inner := _node(node.arguments[0])):
        node = inner
    return node is old


def _is_near(old: Node, new: Node) -> bool:
    one, other = old.numbers(), new.numbers()
    return np.shape(one) == np.shape(other) and bool(np.allclose(one, other, 1e-9, 1e-12))


def _shares(node: Node, old: Node) -> bool:
    """Whether two values have been kept under one name."""
    return not {slot for slot, _, _ in node.slots}.isdisjoint(slot for slot, _, _ in old.slots)


def _before(node: Node) -> Node | None:
    if node.operation in ("add_at", "view"):
        return _node(node.arguments[0])
    if node.operation.startswith("put"):
        old, value = _node(node.arguments[0]), _node(node.arguments[2])
        return old if old and (node.operation != "put" or (value and any(_made_of(value, one, 0) for one in _puts(old)))) else None
    names, shape = {slot for slot, _, _ in node.slots}, np.shape(node.value)
    found, stack, order = list[tuple[bool, bool, int, Node]](), [(node, False)], 0
    while stack:
        one, scaled = stack.pop()
        if one is not node and (one.slots or not one.operation):
            if np.shape(one.value) == shape:
                order += 1
                found.append((names.isdisjoint(slot for slot, _, _ in one.slots), scaled, order, one))
        elif one.operation in THROUGH:
            stack += [(argument, scaled) for argument in reversed(one.arguments) if isinstance(argument, Node)]
        elif one.operation in SCALING:
            for this, other in (one.arguments, one.arguments[::-1]):
                if isinstance(this, Node) and np.size(other.value if isinstance(other, Node) else other) == 1:
                    stack += [(this, True)] if shape or not _is_of_arrays(other) else []
    found = [one for one in found if shape or not one[0]]  # of single numbers only the name tells
    return min(found, key=lambda one: one[:3])[3] if found else None


def _part(node: Node) -> tuple[Node, int] | None:
    """The array that a part of a joined one was before a step of that one, as where all parameters are laid one behind the other, moved at
    once and taken apart again; and the number of the node that joins them."""
    *_, one = _flat(node)
    whole, key = one.arguments if one.operation == "[]" else (None, None)
    if not isinstance(whole, Node) or not isinstance(key, slice) or np.ndim(whole.value) != 1:
        return None
    span, stack = range(np.size(whole.value))[key], [(whole, 0)]
    while stack:
        one, hops = stack.pop()
        if one.operation in _JOINING and (part := _at(one, span)):
            found = next((one for one in _flat(part) if one.slots and np.shape(one.value) == np.shape(node.value)), None)
            return (found, one.number) if found else None
        if one.operation in THROUGH and hops <= _HOPS:
            inner = [part for part in one.arguments if isinstance(part, Node) and np.shape(part.value) == np.shape(whole.value)]
            stack += [(part, hops + 1) for part in reversed(inner)]
    return None


def _at(joined: Node, span: range) -> Node | None:
    """The array that stands in a part of those that are joined, and is all of it."""
    several = joined.arguments[0]
    begin = 0
    for part in several if isinstance(several, _SEVERAL) else joined.arguments:
        size = np.size(part.value if isinstance(part, Node) else part)
        if (begin, size, 1) == (span.start, len(span), span.step):
            return _node(part)
        begin += size
    return None


def _flat(node: Node) -> Iterator[Node]:
    """An array, and what it was before it was given another shape."""
    inner: Node | None = node
    while inner and np.size(inner.value) == np.size(node.value):
        yield inner
        inner = _node(inner.arguments[0]) if inner.operation in _FLAT else None


def _is_of_arrays(value: Any, hops: int = 0) -> bool:
    """Whether a number is computed from arrays, such as a sum of squares: none that only scales another one."""
    parents = value.parents() if isinstance(value, Node) and hops <= _HOPS else ()
    return np.ndim(value.value if isinstance(value, Node) else value) > 0 or any(_is_of_arrays(one, hops + 1) for one in parents)


def ancestors(nodes: Iterable[Node], start: int) -> Iterator[Node]:
    """What some nodes were computed from, themselves among them, and what that read from before the update."""
    seen, stack = set[Node](), [*nodes]
    while stack:
        node = stack.pop()
        if node not in seen:
            seen.add(node)
            yield node
            if node.number >= start:
                stack += node.parents()


def _puts(node: Node) -> Iterator[Node]:
    """A version of an array and those from which it was made by other cells alone, as where several are assigned at the same time."""
    for _ in range(_CELLS):
        yield node
        before = _node(node.arguments[0]) if node.operation == "put" else None
        if before is None:
            break
        node = before


def _node(value: Any) -> Node | None:
    return value if isinstance(value, Node) else None


def _made_of(value: Node, old: Node, hops: int) -> bool:
    """Whether a value is the old one, or a part of it, plus or minus something."""
    if value is old:
        return True
    if value.operation in _PARTS and hops <= _HOPS:  # a part, or one into which a part is written
        part = value.arguments[_PARTS[value.operation]]
        return isinstance(part, Node) and _made_of(part, old, hops + 1)
    inner = value.arguments if hops <= _HOPS and value.operation in THROUGH | SCALING else ()
    return any(isinstance(one, Node) and _made_of(one, old, hops + 1) for one in inner)


__all__ = ["EVEN", "HOPS", "SCALING", "THROUGH", "Carried", "Lineage", "ancestors", "is_array", "is_real"]
