"""The kinds of value that a key of a scenario can have.

Each kind checks a node (noting what is wrong in a report) and says the same in JSON Schema, so that both come from one row of
the table in :mod:`bpdebug.frontends.schema`.
"""

from __future__ import annotations

import difflib
import math
from abc import ABC, abstractmethod
from collections.abc import Iterable
from typing import Any

from bpdebug.core.record import Record
from bpdebug.frontends.nodes import Mapping, Node, Scalar, Sequence
from bpdebug.frontends.report import Report
from bpdebug.frontends.scalars import found, is_nothing, number_of, value_of

HUGE = 1e30
"""The largest constant: what float32 still holds with room to square it away."""


def likely(word: str, known: Iterable[str], cutoff: float = 0.6) -> str:
    """``": did you mean 'x'?"`` where a known word is close, else ``"; expected …"``."""
    words = list(known)
    folded = {name.lower(): name for name in words}
    close = difflib.get_close_matches(word.lower(), folded, n=1, cutoff=cutoff)
    if close:
        return f": did you mean '{folded[close[0]]}'?"
    return f"; expected one of {', '.join(words)}" if words else ""


class Kind(Record, ABC):
    """What a value may be."""

    @property
    def expected(self) -> str:
        """For messages: "expected …"."""
        return self._expected()

    def check(self, node: Node, report: Report) -> Any:
        """The value, or None where a problem was noted."""
        return self._check(node, report)

    def json(self) -> dict[str, Any]:
        """The same in JSON Schema."""
        return self._json()

    @abstractmethod
    def _expected(self) -> str: ...

    @abstractmethod
    def _check(self, node: Node, report: Report) -> Any: ...

    @abstractmethod
    def _json(self) -> dict[str, Any]: ...

    def refuse(self, node: Node, report: Report, hint: str = "") -> Any:
        """Note that the node is something else; the value is then nothing."""
        report.add(node.mark, f"expected {self.expected}; found {found(node)}{hint}")
        return None


class Text(Kind):
    """A text; ``numbers`` admits a plain number as the text that it is written as."""

    numbers: bool = False

    def _expected(self) -> str:
        return "a text"

    def _check(self, node: Node, report: Report) -> Any:
        if not isinstance(node, Scalar) or is_nothing(node):
            return self.refuse(node, report)
        if not isinstance(value_of(node), str) and not (self.numbers and number_of(node.text) is not None):
            return self.refuse(node, report, f" (in quotes it is a text: '{node.text}')")
        return node.text

    def _json(self) -> dict[str, Any]:
        return {"type": ["string", "number"] if self.numbers else "string"}


class Flag(Kind):
    """True or false."""

    def _expected(self) -> str:
        return "true or false"

    def _check(self, node: Node, report: Report) -> Any:
        value = value_of(node) if isinstance(node, Scalar) else None
        if isinstance(value, bool):
            return value
        return self.refuse(node, report, self._hint(str(value).lower()))

    @staticmethod
    def _hint(word: str) -> str:
        meant = {"yes": "true", "on": "true", "1": "true", "true": "true", "no": "false", "off": "false", "0": "false", "false": "false"}
        return f": did you mean {meant[word]}?" if word in meant else ""

    def _json(self) -> dict[str, Any]:
        return {"type": "boolean"}


class Real(Kind):
    """A finite number in a range; ``below`` is an upper bound that is not itself allowed."""

    low: float = -HUGE
    high: float = HUGE
    below: float = math.inf

    def _expected(self) -> str:
        return f"a number{self.range}"

    @property
    def range(self) -> str:
        """The range in words."""
        lower = f" from {_plain(self.low)}" if self.low > -HUGE else ""
        upper = f" to {_plain(self.high)}" if self.high < HUGE else ""
        return lower + (f" to below {_plain(self.below)}" if self.below < math.inf else upper)

    def _check(self, node: Node, report: Report) -> Any:
        value = value_of(node) if isinstance(node, Scalar) else None
        if isinstance(value, bool) or not isinstance(value, int | float):
            return self.refuse(node, report, _number_hint(node))
        if not self.allows(value):
            finite = math.isfinite(value)
            return self.refuse(
                node, report, f" (beyond ±{self.high:g})" if finite and not self.range else "" if finite else " (not finite)"
            )
        return float(value)

    def allows(self, value: float) -> bool:
        """Whether a number is in the range (NaN is in none)."""
        return self.low <= value <= self.high and value < self.below

    def _json(self) -> dict[str, Any]:
        bounds = {"minimum": self.low, "maximum": self.high, "exclusiveMaximum": self.below}
        return {"type": "number"} | {key: bound for key, bound in bounds.items() if abs(bound) < HUGE}


def _plain(value: float) -> str:
    return f"{value:,.0f}" if value == int(value) else f"{value:g}"


def _number_hint(node: Node) -> str:
    if not isinstance(node, Scalar):
        return ""
    if node.style and number_of(node.text) is not None:
        return f" (without quotes it is a number: {node.text})"
    meant = node.text.replace("_", "") if "_" in node.text else node.text.replace(",", ".")
    return f": did you mean {meant}?" if meant != node.text and number_of(meant) is not None else ""


class Whole(Real):
    """A whole number in a range (``1e3`` is one)."""

    def _expected(self) -> str:
        return f"a whole number{self.range}"

    def _check(self, node: Node, report: Report) -> Any:
        value = value_of(node) if isinstance(node, Scalar) else None
        if isinstance(value, bool) or not isinstance(value, int | float) or not self.allows(value) or value != int(value):
            return self.refuse(node, report, _number_hint(node))
        return int(value)

    def _json(self) -> dict[str, Any]:
        return super()._json() | {"type": "integer"}


class Choice(Kind):
    """One of some names."""

    options: tuple[str, ...]

    def _expected(self) -> str:
        return f"one of {', '.join(self.options)}"

    def _check(self, node: Node, report: Report) -> Any:
        if isinstance(node, Scalar) and node.text in self.options:
            return node.text
        if not isinstance(node, Scalar) or not isinstance(value_of(node), str):
            return self.refuse(node, report)
        report.add(node.mark, f"unknown name '{node.text}'{likely(node.text, self.options)}")
        return None

    def _json(self) -> dict[str, Any]:
        return {"type": "string", "enum": list(self.options)}


class ListOf(Kind):
    """A list of one kind."""

    item: Kind
    least: int = 0
    most: int = 10_000
    unique: bool = False

    def _expected(self) -> str:
        return f"a list of {self.item.expected.removeprefix('a ')}s" if isinstance(self.item, Text) else "a list"

    def _check(self, node: Node, report: Report) -> Any:
        if not isinstance(node, Sequence):
            return self.refuse(node, report, " (write [ ] around it)" if isinstance(node, Scalar) and not is_nothing(node) else "")
        if not self.least <= len(node.items) <= self.most:
            report.add(node.mark, f"expected {self.expected} of {self.least} to {self.most:,} entries; found {len(node.items)}")
            return None
        if self.unique:
            self._refuse_repeated(node, report)
        return tuple(self.item.check(item, report) for item in node.items)

    @staticmethod
    def _refuse_repeated(node: Sequence, report: Report) -> None:
        seen: set[str] = set()
        for item in node.items:
            text = item.text if isinstance(item, Scalar) else ""
            if text and text in seen:
                report.add(item.mark, f"'{text}' is given twice; each name stands for one thing")
            seen.add(text)

    def _json(self) -> dict[str, Any]:
        bounds: dict[str, Any] = {"minItems": self.least} if self.least else {}
        return {"type": "array", "items": self.item.json()} | bounds | ({"uniqueItems": True} if self.unique else {})


class MapOf(Kind):
    """A mapping from names of the user's network to one kind."""

    value: Kind
    most: int = 1000

    def _expected(self) -> str:
        return "a mapping (name: value)"

    def _check(self, node: Node, report: Report) -> Any:
        if not isinstance(node, Mapping):
            return self.refuse(node, report)
        if len(node.entries) > self.most:
            report.add(node.mark, f"expected at most {self.most} entries; found {len(node.entries)}")
            return None
        return {name: self.value.check(value, report) for name, (_, value) in node.entries.items()}

    def _json(self) -> dict[str, Any]:
        return {"type": "object", "additionalProperties": self.value.json()}


class Either(Kind):
    """One kind where a scalar stands, another where a list or a mapping does."""

    scalar: Kind
    other: Kind
    form: type[Sequence] | type[Mapping] = Sequence

    def _expected(self) -> str:
        return f"{self.scalar.expected} or {self.other.expected}"

    def _check(self, node: Node, report: Report) -> Any:
        if isinstance(node, self.form):
            return self.other.check(node, report)
        return self.refuse(node, report) if not isinstance(node, Scalar) or is_nothing(node) else self.scalar.check(node, report)

    def _json(self) -> dict[str, Any]:
        return {"anyOf": [self.scalar.json(), self.other.json()]}
