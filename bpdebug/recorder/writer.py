"""An update as text: a formula of NumPy for each value that depends on what is carried on, and numbers for all else."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from bpdebug.recorder.graph import Node, Slot
from bpdebug.recorder.hooks import Hooks
from bpdebug.recorder.lineage import is_real
from bpdebug.recorder.updates import Update, ancestors

INFIX = {"+", "-", "*", "/", "**", "@", "<", "<=", ">", ">=", "==", "!=", "&", "|"}
_SAME = {
    "pos",
    "copy",
    ".copy",
    "array",
    "asarray",
    "float",
    "float64",
    "ascontiguousarray",
    "asanyarray",
    ".astype",
    ".view",
    "item",
    ".item",
}
_WORDS = """
    sum mean exp log log1p expm1 sqrt tanh sinh cosh sin cos abs absolute fabs sign square maximum minimum where max min amax amin prod
    linalg.norm norm argmax any all cumsum einsum eye zeros ones zeros_like ones_like reshape transpose swapaxes moveaxis squeeze
    expand_dims broadcast_to concatenate stack pad repeat flip take tril triu clip var std outer add subtract multiply divide
    true_divide power negative reciprocal logical_and logical_or logical_not less less_equal greater greater_equal equal not_equal
    isnan isinf isfinite flatten ravel"""
_FUNCTIONS = {*_WORDS.split()}
_OF_ARRAYS = {*INFIX, "dot", ".dot", "matmul", "inner", "outer", "maximum", "minimum", "multiply", "add", "subtract", "divide"}
_PLACES = ("where#0", "nonzero#0", "flatnonzero")
_JOINED = {"vstack": ("reshape(stack({}), (-1, 1))", "stack({}, axis=0)", "concatenate({}, axis=0)")}
_JOINED["hstack"] = "stack({})", "concatenate({}, axis=0)", "concatenate({}, axis=-1)"
_JOINED["column_stack"] = "stack({})[None]", "stack({}, axis=-1)", "concatenate({}, axis=-1)"
"""How arrays without an axis, with one and with more are joined."""


_SUMMANDS = 50
"""Terms that are written as a sum, at most: a formula may not be nested deeper than 100 levels."""


class UnwritableError(Exception):
    """What no formula says, with the reason."""


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
            if node not in starts and any(parent in dependent for parent in node.parents()):
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
            np.asarray(one) if name in _OF_ARRAYS and _is_plain(one) else one for one in node.arguments[: 1 if name in _SAME else None]
        ]
        if name == "[]" or name.startswith("put"):
            arguments[1] = _mask_of(arguments[1])
        operands = [self._operand(one, texts[place] if place < len(texts) and name in INFIX else "") for place, one in enumerate(arguments)]
        if (name == "[]" or name.startswith("put")) and any(texts):
            operands[1] = self._place_of(node, texts)
        keywords = {key: self._operand(one, "") for key, one in node.keywords.items()}
        if name in INFIX and len(operands) == 2:
            left, right = _stretched(node, operands)
            return f"({left} {name} {right})"
        kind = "put" if name.startswith("put") or name == "add_at" else name
        if kind in _SPECIAL:
            return _SPECIAL[kind](node, operands)
        keywords = {key: self._operand(one, "") for key, one in node.keywords.items()}
        return _called(name, part, operands, keywords)

    def _place_of(self, node: Node, texts: tuple[str, ...]) -> str:
        """A subscript; whole numbers in it that have a name are given, since they may be others in the next update."""
        key = _mask_of(node.arguments[1])
        parts, made = key if isinstance(key, tuple) else (key,), list[str]()
        for place, (part, text) in enumerate(zip(parts, texts, strict=False)):
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


def _called(name: str, part: str, operands: list[str], keywords: dict[str, str]) -> str:
    """A call of a function of NumPy's, or of a method."""
    method, name = name.startswith("."), name.removeprefix(".")
    if name in ("split", "array_split", "hsplit"):
        keywords |= {"axis": "-1"} if name == "hsplit" else {}
        return f"split({', '.join([*operands, *(f'{key}={value}' for key, value in keywords.items())])})[{part}]"
    if name not in _FUNCTIONS or part:
        raise UnwritableError(name.removeprefix("call:"))
    if method and name in ("reshape", "transpose") and len(operands) > 2:
        operands = [operands[0], f"({', '.join(operands[1:])})"]
    given = [*operands, *(f"{key}={value}" for key, value in keywords.items() if key != "dtype")]
    return f"np.{name}({', '.join(given)})"


def _stretched(node: Node, operands: list[str]) -> list[str]:
    """The operands of an operator; where NumPy has stretched both, what it does first is written out: a flat list becomes a row."""
    shapes = [np.shape(one.value if isinstance(one, Node) else one) for one in node.arguments]
    wide = max(map(len, shapes))
    filled = [(1,) * (wide - len(shape)) + shape for shape in shapes]
    if node.operation == "@" or np.shape(node.value) in filled:
        return operands
    flat = min(range(2), key=lambda place: len(shapes[place]))
    lacking = wide - len(shapes[flat])
    made = f"{operands[flat]}[{', '.join(['None'] * lacking)}]" if lacking else f"reshape({operands[flat]}, {shapes[flat]})"
    return [made if place == flat else text for place, text in enumerate(operands)]


def _put(node: Node, operands: list[str]) -> str:
    """What an assignment to some cells makes of an array."""
    (array, key, value), sign = operands, node.operation.removeprefix("put").removeprefix("add_at")
    place = node.arguments[1]
    mask = isinstance(place, Node) and getattr(place.value, "dtype", None) == np.dtype(bool)
    changed = f"({array} {sign} {value})" if sign in ("+", "-", "*", "/") else value
    if mask and np.ndim(node.arguments[2].value if isinstance(node.arguments[2], Node) else node.arguments[2]) == 0:
        return f"where({key}, {changed}, {array})"
    if sign in ("*", "/", "**"):
        raise UnwritableError(f"{sign}= of some cells")
    if not sign and isinstance(node.arguments[0], Node) and node.operation == "put" and np.any(node.arguments[0].numbers()):
        value = f"({value} - {array}[{_bare(key)}])"  # what stands there is replaced
    return f"add_at({array}, np.s_[{_bare(key)}], {'-' * (sign == '-')}{value})"


def _dot(node: Node, operands: list[str]) -> str:
    ranks = [np.ndim(one.value if isinstance(one, Node) else one) for one in node.arguments]
    if 0 in ranks:
        return f"({operands[0]} * {operands[1]})"
    if "inner" in node.operation and ranks != [1, 1]:
        raise UnwritableError("inner")
    return f"({operands[0]} @ {operands[1]})"


def _added(node: Node, operands: list[str]) -> str:
    inner, what = operands[0], node.arguments[0]
    if isinstance(what, Node):
        return f"np.sum({inner}, axis=0)"
    if inner[:1] not in "[(":
        raise UnwritableError("Python's sum of what is no list")
    if len(what) > _SUMMANDS:
        return f"np.sum(stack([{inner[1:-1].rstrip(',')}]))"
    return f"({inner[1:-1].rstrip(',').replace(', ', ' + ')})"


def _joined(node: Node, operands: list[str]) -> str:
    parts, axes = node.arguments[0], _JOINED[node.operation]
    ranks = {min(np.ndim(one.value if isinstance(one, Node) else one), 2) for one in parts} if isinstance(parts, list | tuple) else set()
    if len(ranks) != 1:
        raise UnwritableError(node.operation)
    return axes[ranks.pop()].format(f"[{operands[0][1:-1].rstrip(',')}]")


def _same(_: Node, operands: list[str]) -> str:
    return operands[0] if operands[0][:1] != "[" else f"stack({operands[0]})"


def _subscript(_: Node, operands: list[str]) -> str:
    return f"{operands[0]}[{_bare(operands[1])}]"


def _bare(key: str) -> str:
    return key[1:-1] if key[:1] == "(" and key[-1:] == ")" else key


_SPECIAL: dict[str, Callable[[Node, list[str]], str]] = {
    "neg": lambda _, operands: f"(-{operands[0]})",
    "invert": lambda _, operands: f"(~{operands[0]})",
    ".T": lambda _, operands: f"{operands[0]}.T",
    "[]": _subscript,
    "added": _added,
    **dict.fromkeys(_JOINED, _joined),
    "put": _put,
    **dict.fromkeys(_SAME, _same),
    **dict.fromkeys(("dot", ".dot", "matmul", "inner"), _dot),
    "largest": lambda _, operands: f"maximum({', '.join(operands)})",
    "least": lambda _, operands: f"minimum({', '.join(operands)})",
}
