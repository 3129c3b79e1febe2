"""An update as text: a formula of NumPy for each value that depends on what is carried on, and numbers for all else."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from bpdebug.recorder.graph import Node, Slot
from bpdebug.recorder.hooks import Hooks
from bpdebug.recorder.lineage import ancestors, is_real
from bpdebug.recorder.spelled import SAME, SPECIAL, UnwritableError, called, numbers_of, stretched
from bpdebug.recorder.updates import Update

INFIX = {"+", "-", "*", "/", "**", "@", "<", "<=", ">", ">=", "==", "!=", "&", "|"}
_OF_ARRAYS = {*INFIX, "dot", ".dot", "matmul", "inner", "outer", "maximum", "minimum", "multiply", "add", "subtract", "divide"}
_EMPTY = ("empty_like",)
"""What has a shape alone from what it is given."""
_PLACES = ("where#0", "nonzero#0", "flatnonzero")


class Writer:
    """The statements of one update.

    Args:
        hooks: the recording.
        update: which part of it.

    Attributes:
        order: the dependent nodes that matter, in the order of the program.
        partial: those that are changed in place, or added to under the same name.
        live: those of them from which the next versions are computed.
        given: what stands for a number or an array that is given; by the name of its place ``§n§``.
    """

    def __init__(self, hooks: Hooks, update: Update) -> None:
        self.hooks, self.update = hooks, update
        nodes = hooks.graph.nodes[update.start : update.end]
        starts, dependent = set(update.carried), set(update.carried)
        for node in nodes:
            if node not in starts and node.operation not in _EMPTY and any(parent in dependent for parent in node.parents()):
                dependent.add(node)
        self.dependent, self.starts = dependent, starts
        own = dependent - starts
        self.live = own.intersection(ancestors(update.carried.values(), update.start))
        named = [node for node in nodes if node in own and node.slots and np.size(node.value)]
        read = {parent for node in own for parent in node.parents()}
        named += [node for node in own - read if not node.slots and np.ndim(node.value) == 0 and is_real(node)]  # a loss that is printed
        self.order = sorted(own.intersection(ancestors([*named, *update.carried.values()], update.start)), key=lambda node: node.number)
        self.partial = {node.arguments[0] for node in own if node.operation.startswith("put")} | {*_added_to(own)}
        self._same: dict[Any, Node] = {}
        self.numbers: dict[Any, int] = {}
        self.given: dict[int, tuple[Any, list[tuple[Slot, bool]], str]] = {}

    def place(self, key: Any) -> str:
        """The token that stands for a value in a text."""
        return f"§{self.numbers.setdefault(key, len(self.numbers))}§"

    def text(self, node: Node) -> str:
        """The formula of a node.

        Raises:
            UnwritableError: where it has none.
        """
        name, texts = node.operation, self.hooks.sites[node.site][3] if node.site >= 0 else ()
        name, _, part = name.partition("#")
        arguments = [
            np.asarray(one) if name in _OF_ARRAYS and _is_plain(one) else one for one in node.arguments[: 1 if name in SAME else None]
        ]
        if name == "[]" or name.startswith("put"):
            arguments[1] = _mask_of(arguments[1])
        if any(map(callable, arguments)):
            raise UnwritableError(name.removeprefix("call:"))
        operands = [self._operand(one, texts[place] if place < len(texts) and name in INFIX else "") for place, one in enumerate(arguments)]
        if (name == "[]" or name.startswith("put")) and any(texts):
            operands[1] = self._place_of(node, texts)
        if name in INFIX and len(operands) == 2:
            left, right = stretched(node, operands)
            return f"({left} {name} {right})"
        kind = "put" if name.startswith("put") or name == "add_at" else name
        if kind in SPECIAL:
            return SPECIAL[kind](node, operands)
        if kind == "add.reduceat":
            return self._summed(node, operands)
        keywords = {key: self._operand(one, "") for key, one in node.keywords.items() if key != "dtype"}
        return called(name, part, operands, keywords)

    def _summed(self, node: Node, operands: list[str]) -> str:
        """The sums of the rows between some places."""
        starts = np.ravel(numbers_of(node.arguments[1]))
        rows = len(numbers_of(node.arguments[0]))
        if node.keywords.get("axis", (*node.arguments, 0)[2]) != 0 or (np.diff(starts) < 1).any():
            raise UnwritableError("add.reduceat")
        groups = np.repeat(np.arange(len(starts)), np.diff([*starts, rows]))
        self.give(("groups", node.number), groups, "groups")
        of = operands[0] if not starts[0] else f"{operands[0]}[{starts[0]}:]"
        return f"add_at(zeros({np.shape(node.value)}), {self.place(('groups', node.number))}, {of})"

    def _place_of(self, node: Node, texts: tuple[str, ...]) -> str:
        """A subscript; whole numbers in it that have a name are given, since they may be others in the next update."""
        key = _mask_of(node.arguments[1])
        parts, made = key if isinstance(key, tuple) else (key,), list[str]()
        for place, (part, text) in enumerate(zip(parts, [*texts, *("",) * len(parts)], strict=False)):
            if type(part) is int and text:
                self.give((node, place), part, text)
            made.append(self.place((node, place)) if type(part) is int and text else self._operand(part, ""))
        return f"({', '.join(made)}{',' * (len(made) == 1)})" if isinstance(key, tuple) else made[0]

    def _operand(self, value: Any, text: str) -> str:
        if isinstance(value, Node):
            if value in self.dependent or not self._is_said(value):
                node = value if value in self.dependent else self._same.setdefault(_made(value), value)
                self.give(node, value, text)
                return self.place(node)
            return self.text(value)
        if isinstance(value, list | tuple | range | slice):
            return self._several(value)
        if isinstance(value, np.ndarray):
            self.give(id(value), value, text or "list")
            return self.place(id(value))
        if type(value) in (int, float) and text:
            key = "text", text, value
            self.give(key, value, text)
            return self.place(key)
        if value is None or isinstance(value, bool | int | float | str | type(...)):
            return "..." if value is ... else f'"{value}"' if isinstance(value, str) else repr(value)
        raise UnwritableError(type(value).__name__)

    def _several(self, value: list[Any] | tuple[Any, ...] | range | slice) -> str:
        if isinstance(value, range):
            return f"np.arange({value.start}, {value.stop}, {value.step})" if value.start or value.step != 1 else f"np.arange({value.stop})"
        if isinstance(value, slice):
            bounds = ["" if one is None else self._operand(one, "") for one in (value.start, value.stop, value.step)]
            return ":".join(bounds[: 3 if bounds[2] else 2])
        inner = ", ".join(self._operand(one, "") for one in value)
        return f"[{inner}]" if isinstance(value, list) else f"({inner}{',' * (len(value) == 1)})"

    def _is_said(self, node: Node) -> bool:
        """Whether the formula of what is given is better than its numbers."""
        return node.number >= self.update.start and not node.slots and node.operation in INFIX | {"neg", ".T"}

    def give(self, key: Any, value: Any, text: str) -> None:
        """Take a value as given, under a name of its own or a text."""
        self.place(key)
        number = self.numbers[key]
        if number in self.given or (isinstance(value, Node) and value in self.dependent - self.starts):
            return
        if isinstance(value, Node) and value.operation == "[]" and value.site >= 0:
            text = (self.hooks.sites[value.site][3] or (text,))[-1]
        slots = [(slot, visited) for slot, _, visited in value.slots] if isinstance(value, Node) else []
        if isinstance(value, Node) and not value.changed:
            self.hooks.graph.keep(value)  # the script may use its memory for something else
        self.given[number] = value.numbers() if isinstance(value, Node) else value, slots, text


def _made(node: Node) -> Any:
    """What a part of an array that the script takes twice has in common."""
    base, *keys = node.arguments if node.operation == "[]" else (None,)
    parts = [part for key in keys for part in (key if isinstance(key, tuple) else (key,))]
    return (base, *map(repr, [id(part) if isinstance(part, Node) else part for part in parts])) if base else node


def _mask_of(key: Any) -> Any:
    """What chooses the cells of a subscript: the condition itself, where the script has looked up its places."""
    return key.arguments[0] if isinstance(key, Node) and key.operation in _PLACES and len(key.arguments) == 1 else key


def _is_plain(value: Any) -> bool:
    """Whether a value is a list of numbers that NumPy makes an array of."""
    return isinstance(value, list | tuple) and bool(value) and all(type(one) in (int, float) or _is_plain(one) for one in value)


def _added_to(nodes: set[Node]) -> Iterator[Node]:
    """What is only a part of a sum under the same name."""
    for node in nodes:
        names = {slot for slot, _, _ in node.slots}
        for one in node.arguments if names and node.operation in ("+", "-") else ():
            if isinstance(one, Node) and not names.isdisjoint(slot for slot, _, _ in one.slots):
                yield one
