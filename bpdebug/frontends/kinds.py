"""The kinds of value that a key of a scenario can have.

Each kind checks a node (noting what is wrong in a report) and says the same in JSON Schema, so that both come from one row of
the table in :mod:`bpdebug.frontends.schema`.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Iterable
from collections.abc import Mapping as Dictionary
from typing import Any

from bpdebug.core.record import Record, replace
from bpdebug.core.words import nearest
from bpdebug.frontends.nodes import Mapping, Node, Scalar, Sequence, found, is_nothing, number_of, value_of
from bpdebug.frontends.report import Report

HUGE = 1e30
"""The largest constant: what float32 still holds with room to square it away."""
_ACRONYM = 4
Schema = dict[str, Any]
_FLAGS = {"yes": "true", "on": "true", "1": "true", "true": "true", "no": "false", "off": "false", "0": "false", "false": "false"}


def likely(word: str, known: Iterable[str]) -> str:
    """``": did you mean 'x'?"`` where a known word is close, else ``"; expected …"``."""
    words = list(known)
    if close := nearest(word, words):
        return f": did you mean '{close}'?"
    return f"; expected one of {', '.join(words)}" if words else ""


class Kind(Record, eq=False):
    """What a value may be.

    Attributes:
        expected: for messages: "expected …".
        check: the value of a node, or None where a problem was noted.
        json: the same in JSON Schema.
        blank: of a container, which a key may leave blank, the value then, made from the key's default.
        spelled: a node as the kind has it: a short form that people type is spelled out, each part keeping the place where it was typed.
        parts: of what holds other kinds, the keys that a node of it may have (without one: any) by each of their names; that of a
            list's entries is ``""``.
        example: lines of YAML with such a value, for messages.
    """

    expected: str
    check: Callable[[Node, Report], Any]
    json: Callable[[], Schema]
    blank: Callable[[Any], Any] | None = None
    spelled: Callable[[Node], Node] = lambda node: node
    parts: Callable[..., Dictionary[str, Key]] = lambda *_: {}
    example: str = ""


class Key(Record, eq=False):
    """One row of a table of keys.

    Attributes:
        name: as it stands in the file.
        kind: what its value may be.
        doc: one line for the reader of the schema.
        default: the value where the key is left out; None: decided by what it belongs to.
        required: whether it must be there.
        also: other names that people give it.
        lifts: keys of the section that it is which may stand beside it, too.
    """

    name: str
    kind: Kind
    doc: str
    default: Any = None
    required: bool = False
    also: tuple[str, ...] = ()
    lifts: tuple[str, ...] = ()

    def json(self) -> Schema:
        """Kind, doc and default as JSON Schema."""
        usual = list(self.default) if isinstance(self.default, tuple) else self.default
        return self.kind.json() | {"description": self.doc} | ({} if usual is None else {"default": usual})

    def left_out(self) -> Any:
        """The value where the key is left out."""
        return self.kind.blank(self.default) if self.kind.blank else self.default

    def check(self, node: Node, report: Report) -> Any:
        """The value of a node; a container that was left blank is as good as left out."""
        return self.left_out() if is_nothing(node) and self.kind.blank and not self.required else self.kind.check(node, report)


SUCH_LINES = "lines such as these"


def refuse(node: Node, report: Report, expected: str, hint: str = "", example: str = "") -> Any:
    """Note that a node is something else than what is expected; the value is then nothing."""
    return report.add(node.mark, f"expected {expected}; found {found(node)}{hint}", example=example)


def _single(
    expected: str, json: Schema, taken: Callable[[Scalar, Any], Any], hint: Callable[[Scalar, Any], str], example: str = ""
) -> Kind:
    """One text, number or truth value.

    Args:
        expected, json: of the kind.
        taken: what is made of a scalar and its value; None where that is refused.
        hint: what may have been meant by what is refused.
        example: lines of YAML with such a value.
    """

    def check(node: Node, report: Report) -> Any:
        value = value_of(node) if isinstance(node, Scalar) else None
        if not isinstance(node, Scalar) or value is None:
            return refuse(node, report, expected, example=example)
        made = taken(node, value)
        return refuse(node, report, expected, hint(node, value), example) if made is None else made

    return Kind(expected, check, lambda: json)


def text(numbers: bool = False, example: str = "") -> Kind:
    """A text; ``numbers`` admits a plain number as the text that it is written as."""
    made = _single(
        "a text",
        {"type": ["string", "number"] if numbers else "string"},
        lambda node, value: node.text if isinstance(value, str) or (numbers and number_of(node.text) is not None) else None,
        lambda node, value: f" (in quotes it is a text: '{node.text}')" * (not example),
        example,
    )
    return replace(made, example=example)


def flag() -> Kind:
    """True or false."""
    return _single(
        "true or false",
        {"type": "boolean"},
        lambda node, value: value if isinstance(value, bool) else None,
        lambda node, value: f": did you mean {_FLAGS[str(value).lower()]}?" if str(value).lower() in _FLAGS else "",
    )


def real(low: float = -HUGE, high: float = HUGE, below: float = math.inf, whole: bool = False) -> Kind:
    """A finite number in a range; ``below`` is an upper bound that is not itself allowed. A whole one may be written ``1e3``."""
    upper = f" to below {_short(below)}" if below < math.inf else f" to {_short(high)}" if high < HUGE else ""
    bounds = (f" from {_short(low)}" if low > -HUGE else "") + upper

    def taken(node: Scalar, value: Any) -> float | None:
        if not is_number(value) or not (low <= value <= high and value < below) or (whole and value != int(value)):
            return None
        return int(value) if whole else float(value)

    def hint(node: Scalar, value: Any) -> str:
        if not whole and is_number(value):
            return " (not finite)" if not math.isfinite(value) else f" (beyond ±{high:g})" * (not bounds)
        if node.style and number_of(node.text) is not None:
            return f" (without quotes it is a number: {node.text})"
        meant = node.text.replace("_", "") if "_" in node.text else node.text.replace(",", ".")
        return f": did you mean {meant}?" if meant != node.text and number_of(meant) is not None else ""

    limits = {"minimum": low, "maximum": high, "exclusiveMaximum": below}
    schema = {"type": "integer" if whole else "number"} | {key: bound for key, bound in limits.items() if abs(bound) < HUGE}
    return _single(f"a {'whole ' * whole}number{bounds}", schema, taken, hint)


def is_number(value: object) -> bool:
    """Whether a value of a file is a number."""
    return isinstance(value, int | float) and not isinstance(value, bool)


def _short(value: float) -> str:
    return f"{value:,.0f}" if value == int(value) else f"{value:g}"


def choice(names: Iterable[str], also: Dictionary[str, str] = {}) -> Kind:
    """One of some names, in whatever capitals; ``also`` are other names of some of them."""
    options = list(names)
    known = {_folded(name): name for name in options} | {_folded(name): meant for name, meant in also.items()}
    expected = f"one of {', '.join(options)}"

    def spelled(node: Node) -> Node:
        meant = known.get(_folded(node.text)) if isinstance(node, Scalar) else None
        return replace(node, text=meant) if isinstance(node, Scalar) and meant else node

    def check(node: Node, report: Report) -> Any:
        if not isinstance(node, Scalar) or not isinstance(value_of(node), str):
            return refuse(node, report, expected)
        if _folded(node.text) in known:
            return known[_folded(node.text)]
        near, hint = likely(node.text, also), likely(node.text, options)
        return report.add(node.mark, f"unknown name '{node.text}'{near if '?' in near and '?' not in hint else hint}")

    def json() -> Schema:
        names = [*also, *options]
        forms = [*names, *map(str.capitalize, names), *(name.upper() for name in names if len(name) <= _ACRONYM)]
        others = [form for form in dict.fromkeys(forms) if form not in options]
        return {"anyOf": [{"type": "string", "enum": options}, {"type": "string", "enum": others}]}

    return Kind(expected, check, json, spelled=spelled)


def _folded(name: str) -> str:
    return re.sub(r"[-_ ]", "", name).lower()


def list_of(item: Kind, least: int = 0, most: int = 10_000, unique: bool = False, example: str = "") -> Kind:
    """A list of one kind."""
    expected = f"a list such as {example}" if example else "a list of texts"

    def check(node: Node, report: Report) -> Any:
        if not isinstance(node, Sequence):
            return refuse(node, report, expected, " (write [ ] around it)" if isinstance(node, Scalar) and not is_nothing(node) else "")
        if not least <= len(node.items) <= most:
            return report.add(node.mark, f"expected a list of {least} to {most:,} entries; found {len(node.items)}")
        seen: set[str] = set()
        for part in node.items if unique else ():
            name = part.text if isinstance(part, Scalar) else ""
            if name and name in seen:
                report.add(part.mark, f"'{name}' is given twice; names must differ")
            seen.add(name)
        node.items[:] = map(item.spelled, node.items)
        return tuple(item.check(part, report) for part in node.items)

    bounds = ({"minItems": least} if least else {}) | ({"uniqueItems": True} if unique else {})
    return Kind(
        expected,
        check,
        lambda: {"type": "array", "items": item.json()} | bounds,
        lambda default: default,
        parts=lambda *_: {"": Key("", item, "")},
    )


def map_of(value: Kind, example: str, most: int = 1000) -> Kind:
    """Names of the user's network, each with a value of one kind."""

    def check(node: Node, report: Report) -> Any:
        if not isinstance(node, Mapping):
            return refuse(node, report, SUCH_LINES, example=example)
        if len(node.entries) > most:
            return report.add(node.mark, f"expected at most {most} entries; found {len(node.entries)}")
        return {name: value.check(part, report) for name, (_, part) in node.entries.items()}

    return Kind(
        SUCH_LINES,
        check,
        lambda: {"type": "object", "additionalProperties": value.json()},
        lambda default: default,
        example=example,
    )


def either(scalar: Kind, other: Kind) -> Kind:
    """One kind where a single value stands, another where a list does."""
    expected = f"{scalar.expected} or {other.expected}"

    def check(node: Node, report: Report) -> Any:
        if isinstance(node, Sequence):
            return other.check(node, report)
        return refuse(node, report, expected) if not isinstance(node, Scalar) or is_nothing(node) else scalar.check(node, report)

    return Kind(expected, check, lambda: {"anyOf": [scalar.json(), other.json()]})
