"""Mappings with known keys: the kinds that hold other kinds."""

from __future__ import annotations

from collections.abc import Mapping as Dictionary
from itertools import chain
from typing import Any

from bpdebug.core.record import Record, replace
from bpdebug.frontends.kinds import Kind, Schema, likely, refuse
from bpdebug.frontends.nodes import Mapping, Node, Scalar, is_nothing, number_of
from bpdebug.frontends.report import WHOLE_FILE, Report


class Key(Record, eq=False):
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


def table(title: str, keys: tuple[Key, ...], selector: str = "", variants: Dictionary[str, tuple[Key, ...]] | None = None) -> Kind:
    """A mapping with known keys.

    Args:
        title: what it is called in messages.
        keys: that are always allowed.
        selector: the key, among ``keys``, whose value decides which further keys are allowed.
        variants: for each of its values, those keys.
    """
    made = _Table(title, keys, selector, variants or {})
    return Kind(made.expected, made.check, made.json, lambda default: made.defaults())


def branch(key: str, present: Kind, absent: Kind) -> Kind:
    """One table where a key is present, another where it is not."""

    def check(node: Node, report: Report) -> Any:
        return (present if isinstance(node, Mapping) and key in node.entries else absent).check(node, report)

    return Kind(absent.expected, check, lambda: {"anyOf": [present.json(), absent.json()]})


class _Table(Record, eq=False):
    """See :func:`table`."""

    title: str
    keys: tuple[Key, ...]
    selector: str
    variants: Dictionary[str, tuple[Key, ...]]

    @property
    def expected(self) -> str:
        """For messages."""
        return f"a mapping with the keys of {self.title}"

    def defaults(self) -> dict[str, Any]:
        """All keys left out."""
        return {key.name: key.left_out() for key in self.keys}

    def check(self, node: Node, report: Report) -> Any:
        """The values of all keys."""
        if not isinstance(node, Mapping):
            return refuse(node, report, self.expected)
        choice = self._choice(node)
        allowed = {key.name: key for key in (*self.keys, *self.variants.get(choice, ()))}
        values = self.defaults()
        for name, (key, value) in node.entries.items():
            choosers = self._choosers(name)
            if name in allowed:
                values[name] = allowed[name].check(value, report)
            elif not choosers:
                comma = number_of(name) is not None
                hint = "; a decimal number is written with a point, not a comma" if comma else likely(name, allowed)
                report.add(key.mark, f"unknown key '{name}'{hint}")
            elif choice in self.variants:
                told = f"'{name}' goes with {self.selector} {' or '.join(choosers)}; found {self.selector} {choice}"
                report.add(key.mark, told)
        for wanted in self.keys:
            if wanted.required and wanted.name not in node.entries:
                report.add(node.mark, f"the key '{wanted.name}' is missing in {self.title} ({wanted.doc})")
        return values

    def _choice(self, node: Mapping) -> str:
        """What the selector selects; "" where it says something unknown, which is told elsewhere."""
        given = node.entries.get(self.selector)
        if given is None:
            return next((key.default for key in self.keys if key.name == self.selector and key.default), "")
        return given[1].text if isinstance(given[1], Scalar) and given[1].text in self.variants else ""

    def _choosers(self, name: str) -> list[str]:
        return [choice for choice, keys in self.variants.items() if any(key.name == name for key in keys)]

    def json(self) -> Schema:
        """An object; a variant's keys go with the selector's value."""
        extra: dict[str, Key] = {}
        for key in chain.from_iterable(self.variants.values()):  # a default that is not the same in all variants is left out
            same = extra.get(key.name, key).default == key.default
            extra[key.name] = key if same else replace(key, default=None)
        properties = {key.name: key.json() for key in (*self.keys, *extra.values())}
        schema: Schema = {"type": "object", "properties": properties, "additionalProperties": False}
        if required := [key.name for key in self.keys if key.required]:
            schema["required"] = required
        usual, conditions = self._choice(Mapping(WHOLE_FILE)), dict[str, Schema]()
        for name in extra:
            choosers = self._choosers(name)
            conditions[name] = {"properties": {self.selector: {"enum": choosers}}}
            conditions[name] |= {} if usual in choosers else {"required": [self.selector]}
        return schema | ({"dependentSchemas": conditions} if conditions else {})
