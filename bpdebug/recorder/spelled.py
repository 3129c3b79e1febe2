"""How operations are written: each as a formula of NumPy over the texts of its operands."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from bpdebug.recorder.graph import Node

SAME = {
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
    sum mean exp log log1p expm1 sqrt tanh sinh cosh sin cos arcsin arccos arctan abs absolute fabs sign square maximum minimum where
    max min amax amin prod cumprod sliding_window_view linalg.norm norm argmax any all cumsum einsum eye zeros ones zeros_like ones_like
    reshape transpose logaddexp tensordot diag
    swapaxes moveaxis squeeze expand_dims broadcast_to concatenate stack pad repeat flip take tril triu clip var std outer add subtract
    multiply divide true_divide power negative reciprocal logical_and logical_or logical_not less less_equal greater greater_equal
    equal not_equal isnan isinf isfinite flatten ravel log2 log10 tan floor floor_divide trace vdot full nan_to_num take_along_axis"""
_FUNCTIONS = {*_WORDS.split()}
_PLAIN = {"lib.stride_tricks.sliding_window_view": "sliding_window_view"}
_PLAIN |= {"nansum": "sum", "nanmean": "mean", "nanmax": "max", "nanmin": "min", "average": "mean"}
"""What gives the same bits where nothing is missing or weighted; elsewhere no formula is taken that gives others."""
_JOINED = {"vstack": ("reshape(stack({}), (-1, 1))", "stack({}, axis=0)", "concatenate({}, axis=0)")}
_JOINED["row_stack"] = _JOINED["vstack"]
_JOINED["hstack"] = "stack({})", "concatenate({}, axis=0)", "concatenate({}, axis=-1)"
_JOINED["column_stack"] = "stack({})[None]", "stack({}, axis=-1)", "concatenate({}, axis=-1)"
"""How arrays without an axis, with one and with more are joined."""


_SUMMANDS = 50
"""Terms that are written as a sum, at most: a formula may not be nested deeper than 100 levels."""


class UnwritableError(Exception):
    """What no formula says, with the reason."""


def called(name: str, part: str, operands: list[str], keywords: dict[str, str]) -> str:
    """A call of a function of NumPy's, or of a method."""
    method, name = name.startswith("."), name.removeprefix(".")
    name = _PLAIN.get(name, name)
    if name in ("split", "array_split", "hsplit"):
        keywords |= {"axis": "-1"} if name == "hsplit" else {}
        return f"split({', '.join([*operands, *(f'{key}={value}' for key, value in keywords.items())])})[{part}]"
    if name not in _FUNCTIONS or part:
        raise UnwritableError(name.removeprefix("call:"))
    if method and name in ("reshape", "transpose") and len(operands) > 2:
        operands = [operands[0], f"({', '.join(operands[1:])})"]
    given = [*operands, *(f"{key}={value}" for key, value in keywords.items())]
    return f"np.{name}({', '.join(given)})"


def stretched(node: Node, operands: list[str]) -> list[str]:
    """The operands of an operator; where NumPy has stretched both, what it does first is written out: a flat list becomes a row."""
    shapes = [np.shape(one.value if isinstance(one, Node) else one) for one in node.arguments]
    wide = max(map(len, shapes))
    if node.operation == "@" or np.shape(node.value) in shapes:
        return operands
    flat = min(range(2), key=lambda place: len(shapes[place]))
    lacking = wide - len(shapes[flat])
    made = f"{operands[flat]}[{', '.join(['None'] * lacking)}]" if lacking else f"reshape({operands[flat]}, {shapes[flat]})"
    return [made if place == flat else text for place, text in enumerate(operands)]


def _put(node: Node, operands: list[str]) -> str:
    """What an assignment to some cells makes of an array."""
    (array, key, value), sign = operands, node.operation.removeprefix("put").removeprefix("add_at")
    place = node.arguments[1]
    if not sign and node.operation == "put" and (place is ... or (isinstance(place, slice | tuple) and place in (slice(None), (...,)))):
        return f"(zeros({np.shape(node.value)}) + {value})"  # every cell
    mask = isinstance(place, Node) and getattr(place.value, "dtype", None) == np.dtype(bool)
    changed = f"({array} {sign} {value})" if sign in ("+", "-", "*", "/") else value
    if mask and np.ndim(node.arguments[2].value if isinstance(node.arguments[2], Node) else node.arguments[2]) == 0:
        return f"where({key}, {changed}, {array})"
    if sign not in ("", "+", "-", "*", "/"):
        raise UnwritableError(f"{sign}= of some cells")
    if sign in ("*", "/"):
        sign, value = "", f"({array}[{_bare(key)}] {sign} {value} - {array}[{_bare(key)}])"
    elif not sign and isinstance(node.arguments[0], Node) and node.operation == "put" and np.any(node.arguments[0].numbers()):
        value = f"({value} - {array}[{_bare(key)}])"  # what stands there is replaced
    return f"add_at({array}, np.s_[{_bare(key)}], {'-' * (sign == '-')}{value})"


def _dot(node: Node, operands: list[str]) -> str:
    ranks = [np.ndim(one.value if isinstance(one, Node) else one) for one in node.arguments]
    if 0 in ranks:
        return f"({operands[0]} * {operands[1]})"
    return f"({operands[0]} @ {operands[1]})"


def _inner(node: Node, operands: list[str]) -> str:
    rank = np.ndim(numbers_of(node.arguments[1]))
    if rank > 2:
        raise UnwritableError("inner")
    return _dot(node, [operands[0], f"{operands[1]}.T" if rank > 1 else operands[1]])


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


def _appended(node: Node, operands: list[str]) -> str:
    axis = node.keywords.get("axis", (*node.arguments, None, None)[2])
    parts = [f"reshape({text}, -1)" for text in operands[:2]] if axis is None else operands[:2]
    return f"concatenate([{', '.join(parts)}], axis={axis or 0})"


def _inserted(node: Node, operands: list[str]) -> str:
    """``insert`` and ``delete`` at one place: what is before it, what is new, what is behind it."""
    new, place = node.operation == "insert", node.arguments[1]
    axis = node.keywords.get("axis", ([*node.arguments, None] + [None] * (not new))[3 if new else 2])
    shape = np.shape(numbers_of(node.arguments[0]))
    if not isinstance(place, int) or isinstance(place, bool) or (axis is None and len(shape) != 1):
        raise UnwritableError(node.operation)
    axis = (axis or 0) % len(shape)
    place += shape[axis] * (place < 0)
    cut = ":, " * axis
    parts = [f"{operands[0]}[{cut}:{place}]"] if place else []
    if new:
        of = (*shape[:axis], 1, *shape[axis + 1 :])
        value = np.size(numbers_of(node.arguments[2])) == 1
        parts.append(f"({operands[2]} * ones({of}))" if value else f"reshape({operands[2]}, {of})")
    behind = place + (not new)
    parts += [f"{operands[0]}[{cut}{behind}:]"] if behind < shape[axis] else []
    return f"concatenate([{', '.join(parts)}], axis={axis})"


def _over(node: Node, operands: list[str]) -> str:
    """What SciPy computes over all numbers where no axis is given."""
    axis = node.keywords.get("axis", (*node.arguments, None)[1])
    if not isinstance(axis, int) and np.ndim(numbers_of(node.arguments[0])) != 1:
        raise UnwritableError(node.operation)
    kept = ", keepdims=True" * bool(node.keywords.get("keepdims"))
    return f"{node.operation}({operands[0]}, axis={-1 if axis is None else axis}{kept})"


def numbers_of(value: Any) -> Any:
    """The numbers of an operand."""
    return value.numbers() if isinstance(value, Node) else value


def _same(node: Node, operands: list[str]) -> str:
    kinds = [getattr(getattr(one, "value", one), "dtype", None) for one in (node.arguments[0], node)]
    if kinds[0] == np.dtype(bool) and kinds[1] != kinds[0]:
        return f"where({operands[0]}, 1, 0)"
    return operands[0] if operands[0][:1] != "[" else f"stack({operands[0]})"


def _subscript(_: Node, operands: list[str]) -> str:
    return f"{operands[0]}[{_bare(operands[1])}]"


def _bare(key: str) -> str:
    return key[1:-1] if key[:1] == "(" and key[-1:] == ")" else key


SPECIAL: dict[str, Callable[[Node, list[str]], str]] = {
    "neg": lambda _, operands: f"(-{operands[0]})",
    "invert": lambda _, operands: f"(~{operands[0]})",
    ".T": lambda _, operands: f"{operands[0]}.T",
    "[]": _subscript,
    "added": _added,
    **dict.fromkeys(_JOINED, _joined),
    "put": _put,
    **dict.fromkeys(SAME, _same),
    **dict.fromkeys(("dot", ".dot", "matmul"), _dot),
    "inner": _inner,
    "atleast_2d": lambda node, operands: f"reshape({operands[0]}, {np.shape(node.value)})",
    "append": _appended,
    **dict.fromkeys(("insert", "delete"), _inserted),
    **dict.fromkeys(("pow", "float_power"), lambda _, operands: f"({operands[0]} ** {operands[1]})"),
    "expit": lambda _, operands: f"sigmoid({operands[0]})",
    "logit": lambda _, operands: f"log({operands[0]} / (1 - {operands[0]}))",
    "log_expit": lambda _, operands: f"(-softplus(-{operands[0]}))",
    "xlogy": lambda _, operands: f"({operands[0]} * log({operands[1]}))",
    "erf": lambda _, operands: f"erf({operands[0]})",
    **dict.fromkeys(("softmax", "log_softmax", "logsumexp"), _over),
    "largest": lambda _, operands: f"maximum({', '.join(operands)})",
    "least": lambda _, operands: f"minimum({', '.join(operands)})",
}


__all__ = ["SAME", "SPECIAL", "UnwritableError", "called", "numbers_of", "stretched"]
