"""What a plain scalar means by the core schema of YAML 1.2: ``1e-3`` is a number, ``on`` and ``1_000`` are text."""

from __future__ import annotations

import re

from bpdebug.frontends.nodes import Mapping, Node, Scalar, Sequence

Value = None | bool | int | float | str

_NULL = re.compile(r"null|Null|NULL|~|")
_BOOL = re.compile(r"(true|True|TRUE)|false|False|FALSE")
_INT = re.compile(r"[-+]?[0-9]+")
_BASED = re.compile(r"0o[0-7]+|0x[0-9a-fA-F]+")
_FLOAT = re.compile(r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?")
_SPECIAL = re.compile(r"[-+]?\.(inf|Inf|INF)|\.(nan|NaN|NAN)")
_DIGITS = 40
_SHOWN = 60


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
        return "a mapping" + (f" ({', '.join(list(node.entries)[:3])} …)" if node.entries else "")
    if is_nothing(node):
        return "nothing"
    shown = node.text if len(node.text) <= _SHOWN else node.text[:_SHOWN] + "…"
    value = value_of(node)
    return f"'{shown}'" if isinstance(value, str) else shown


def is_nothing(node: Node) -> bool:
    """Whether a key's value was left out (or is null)."""
    return isinstance(node, Scalar) and value_of(node) is None
