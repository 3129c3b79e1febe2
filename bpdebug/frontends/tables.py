"""Mappings with known keys, and the numbers in them: the kinds that hold other kinds."""

from __future__ import annotations

from collections.abc import Mapping as Dictionary
from dataclasses import field
from typing import Any

import numpy as np

from bpdebug.core.description import Array
from bpdebug.core.record import Record, replace
from bpdebug.frontends.kinds import Choice, Kind, ListOf, MapOf, Real, likely
from bpdebug.frontends.nodes import Mapping, Node, Scalar, Sequence
from bpdebug.frontends.report import WHOLE_FILE, Report
from bpdebug.frontends.scalars import found, is_nothing, number_of

_FINITE = Real(-1e300, 1e300)


class Key(Record):
    """One row of a table of keys.

    Attributes:
        name: as it stands in the file.
        kind: what its value may be.
        doc: one line for the reader of the schema.
        default: the value where the key is left out; None: decided by what it belongs to.
        required: whether it must be there.
    """

    name: str
    kind: Kind
    doc: str
    default: Any = None
    required: bool = False

    def json(self) -> dict[str, Any]:
        """Kind, doc and default as JSON Schema."""
        usual = {} if self.default is None or isinstance(self.kind, Table) else {"default": _jsonable(self.default)}
        return self.kind.json() | {"description": self.doc} | usual

    def left_out(self) -> Any:
        """The value where the key is left out."""
        return self.kind.defaults() if isinstance(self.kind, Table) and not self.required else self.default


def _jsonable(value: Any) -> Any:
    return list(value) if isinstance(value, tuple) else value


class Table(Kind):
    """A mapping with known keys.

    Attributes:
        title: what it is called in messages.
        keys: that are always allowed.
        selector: the key, among ``keys``, whose value decides which further keys are allowed.
        variants: for each of its values, those keys.
    """

    title: str
    keys: tuple[Key, ...]
    selector: str = ""
    variants: Dictionary[str, tuple[Key, ...]] = field(default_factory=dict)

    def _expected(self) -> str:
        return f"a mapping with the keys of {self.title}"

    def defaults(self) -> dict[str, Any]:
        """All keys left out."""
        return {key.name: key.left_out() for key in self.keys}

    def _check(self, node: Node, report: Report) -> Any:
        if not isinstance(node, Mapping):
            return self.refuse(node, report)
        choice = self._choice(node)
        allowed = {key.name: key for key in (*self.keys, *self.variants.get(choice, ()))}
        values = self.defaults()
        for name, (key, value) in node.entries.items():
            if name in allowed:
                values[name] = _check(allowed[name], value, report)
            elif choice in self.variants or not self._choosers(name):
                report.add(key.mark, self._unknown(name, choice, allowed))
        self._refuse_missing(node, report)
        return values

    def _choice(self, node: Mapping) -> str:
        """What the selector selects; "" where it says something unknown, which is told elsewhere."""
        given = node.entries.get(self.selector)
        if given is None:
            return next((key.default for key in self.keys if key.name == self.selector and key.default), "")
        return given[1].text if isinstance(given[1], Scalar) and given[1].text in self.variants else ""

    def _choosers(self, name: str) -> list[str]:
        return [choice for choice, keys in self.variants.items() if any(key.name == name for key in keys)]

    def _unknown(self, name: str, choice: str, allowed: Dictionary[str, Key]) -> str:
        if choosers := self._choosers(name):
            return f"'{name}' goes with {self.selector} {' or '.join(choosers)}; found {self.selector} {choice}"
        if number_of(name) is not None:
            return f"unknown key '{name}'; a decimal number is written with a point, not a comma"
        return f"unknown key '{name}'{likely(name, allowed)}"

    def _refuse_missing(self, node: Mapping, report: Report) -> None:
        for key in self.keys:
            if key.required and key.name not in node.entries:
                report.add(node.mark, f"the key '{key.name}' is missing in {self.title} ({key.doc})")

    def _json(self) -> dict[str, Any]:
        extra = self._extra()
        properties = {key.name: key.json() for key in (*self.keys, *extra.values())}
        required = [key.name for key in self.keys if key.required]
        schema: dict[str, Any] = {"type": "object", "properties": properties, "additionalProperties": False}
        schema |= {"required": required} if required else {}
        return schema | ({"dependentSchemas": {name: self._only_with(name) for name in extra}} if extra else {})

    def _extra(self) -> dict[str, Key]:
        """The keys of all variants; a default that is not the same in all of them is left out."""
        made: dict[str, Key] = {}
        for key in (key for keys in self.variants.values() for key in keys):
            same = made.get(key.name, key).default == key.default
            made[key.name] = key if same else replace(key, default=None)
        return made

    def _only_with(self, name: str) -> dict[str, Any]:
        """The condition under which a variant's key is allowed."""
        choosers = self._choosers(name)
        usual = self._choice(Mapping(WHOLE_FILE))
        condition: dict[str, Any] = {"properties": {self.selector: {"enum": choosers}}}
        return condition | ({} if usual in choosers else {"required": [self.selector]})


def _check(key: Key, value: Node, report: Report) -> Any:
    """A container whose value was left blank is as good as left out."""
    if is_nothing(value) and not key.required and isinstance(key.kind, Table | MapOf | ListOf):
        return key.left_out()
    return key.kind.check(value, report)


class Branch(Kind):
    """One table where a key is present, another where it is not."""

    key: str
    present: Table
    absent: Table

    def _expected(self) -> str:
        return self.absent.expected

    def _check(self, node: Node, report: Report) -> Any:
        table = self.present if isinstance(node, Mapping) and self.key in node.entries else self.absent
        return table.check(node, report)

    def _json(self) -> dict[str, Any]:
        return {"anyOf": [self.present.json(), self.absent.json()]}


class Numbers(Kind):
    """Rows of numbers. A flat list is one column (samples), or one row where ``flat_is_row``; a scalar only where allowed."""

    flat_is_row: bool = False
    scalars: bool = False
    number: Real = _FINITE

    def _expected(self) -> str:
        return ("a number, " if self.scalars else "") + "a list of numbers or a list of rows ([[1, 2], [3, 4]])"

    def _check(self, node: Node, report: Report) -> Any:
        if self.scalars and isinstance(node, Scalar):
            value = self.number.check(node, report)
            return None if value is None else np.array(value)
        if not isinstance(node, Sequence) or not node.items:
            return self.refuse(node, report)
        if isinstance(node.items[0], Sequence):
            return self._matrix([self._row(item, len(node.items[0].items), report) for item in node.items])
        flat = self._matrix([[self.number.check(item, report) for item in node.items]])
        return flat if flat is None or self.flat_is_row else flat.T

    def _row(self, node: Node, width: int, report: Report) -> list[float | None] | None:
        if not isinstance(node, Sequence) or not node.items:
            report.add(node.mark, f"expected a row of {width or 'some'} numbers; found {found(node)}")
            return None
        if len(node.items) != width and width:
            report.add(node.mark, f"expected a row of {width} numbers as the first row is; found {len(node.items)}")
            return None
        return [self.number.check(item, report) for item in node.items]

    @staticmethod
    def _matrix(rows: list[list[float | None] | None]) -> Array | None:
        kept = [[value for value in row or () if value is not None] for row in rows]
        complete = all(row is not None and len(row) == len(fine) for row, fine in zip(rows, kept, strict=True))
        return np.array(kept, dtype=float) if complete else None

    def _json(self) -> dict[str, Any]:
        row = {"type": "array", "items": {"type": "number"}, "minItems": 1}
        forms = [row, {"type": "array", "items": row, "minItems": 1}]
        return {"anyOf": [{"type": "number"}, *forms] if self.scalars else forms}


def choice_of(table: Dictionary[str, Any] | tuple[str, ...]) -> Choice:
    """The names of an engine table."""
    return Choice(tuple(table))
