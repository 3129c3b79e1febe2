"""Tables of known keys: the kinds that hold other kinds."""

from __future__ import annotations

from collections.abc import Callable
from collections.abc import Mapping as Dictionary
from itertools import chain
from textwrap import indent
from typing import Any

from bpdebug.core.foreign import LAYER_NAMES, instead_of
from bpdebug.core.record import Record, replace
from bpdebug.core.words import nearest
from bpdebug.frontends.kinds import SUCH_LINES, Key, Kind, Schema, likely, refuse
from bpdebug.frontends.nodes import Mapping, Node, Scalar, Sequence, flow, is_nothing, made_of, number_of
from bpdebug.frontends.report import WHOLE_FILE, Report

_SHOWN = 60


def table(
    title: str,
    keys: tuple[Key, ...],
    selector: str = "",
    variants: Dictionary[str, tuple[Key, ...]] | None = None,
    example: str = "",
    short: Short | None = None,
    implied: Dictionary[str, Dictionary[str, str]] | None = None,
) -> Kind:
    """Known keys and their values.

    Args:
        title: what it is called in messages.
        keys: that are always allowed.
        selector: the key, among ``keys``, whose value decides which further keys are allowed.
        variants: for each of its values, those keys.
        example: lines of YAML that are one, for messages.
        short: what may stand in its place; if not given, the selector's value alone.
        implied: for some words as the selector's value, what other keys are then, unless they are given.
    """
    usual = next((single(key) for key in keys if key.name == selector), None)
    made = _Table(title, keys, selector, variants or {}, example, short, usual, implied or {})

    def parts(node: Node | None = None) -> dict[str, Key]:
        return made.known(made.choice(node)) if isinstance(node, Mapping) else made.known(*made.variants)

    return Kind(SUCH_LINES, made.check, made.json, lambda default: made.defaults(), made.spelled, parts, example)


def branch(key: str, present: Kind, absent: Kind, title: str = "") -> Kind:
    """One table where a key is present, another where it is not; with a title it is told where keys of both are given."""

    def chosen(node: Node) -> Kind:
        def inner(name: str) -> bool:
            """Whether a part holds what only the same part of the other table may."""
            parts = [table.parts().get(name) for table in (present, absent)]
            child = node.entries[name][1] if isinstance(node, Mapping) else None
            known, others = (_all_keys(part.kind) if part else set[str]() for part in parts)
            return isinstance(child, Mapping) and not child.entries.keys().isdisjoint(known - others)

        given = node.entries.keys() if isinstance(node, Mapping) else set[str]()
        if not given.isdisjoint((key, *present.parts()[key].also)):
            return present
        own, other = _all_keys(present), _all_keys(absent)
        told = given & (own - other) or nearest(key, given - own - other) or any(map(inner, given & own & other))
        return present if given.isdisjoint(other - own) and told else absent

    def both() -> Dictionary[str, Key]:
        usual, other = absent.parts(), present.parts()
        return {**usual, **{name: part for name, part in other.items() if name not in usual}}

    def check(node: Node, report: Report) -> Any:
        """What belongs to the other table is told by itself, and passed over."""
        kind = chosen(node)
        own, other = (_all_keys(table) for table in (kind, absent if kind is present else present))
        for name in [name for name in (node.entries if isinstance(node, Mapping) and title else ()) if name in other - own]:
            mark = node.entries.pop(name)[0].mark  # type: ignore[union-attr]
            there = f"and does not go with '{key}': keep one of the two" if kind is present else f"and goes with '{key}', which is missing"
            report.add(mark, f"'{name}' belongs to another kind of {title}, {there}")
        return kind.check(node, report)

    return replace(
        absent,
        check=check,
        json=lambda: {"anyOf": [present.json(), absent.json()]},
        spelled=present.spelled,
        parts=lambda node=None: chosen(node).parts(node) if node else both(),
    )


def _all_keys(table: Kind) -> set[str]:
    """What may be given in a table: keys, and what belongs into one of them."""
    return {name for key in table.parts().values() for name in (key.name, *key.lifts)}


class Short(Record, eq=False):
    """A short form of a table.

    Attributes:
        spelled: the keys and values that a node stands for; None where it is no such form.
        json: such nodes.
    """

    spelled: Callable[[Node], Mapping | None]
    json: Callable[[], Schema]


def single(key: Key, fits: Callable[[str], bool] = bool, **more: str) -> Short:
    """A single value, where its text fits, stands for the table with that one key, and with more of its own."""

    def spelled(node: Node) -> Mapping | None:
        others = {name: Scalar(node.mark, text) for name, text in more.items()}
        return made_of(node.mark, {key.name: node} | others) if isinstance(node, Scalar) and fits(node.text) else None

    return Short(spelled, key.kind.json)


def homes(kind: Kind, name: str, value: str) -> dict[str, str]:
    """The keys under which a key is known, each with the lines of YAML that give it a value there."""
    found = dict[str, str]()
    for part, key in kind.parts().items():
        below = {"": f"{name}: {value}"} if name in key.kind.parts() else {}
        for where, lines in (below | homes(key.kind, name, value)).items() if part == key.name else ():
            found[where or part] = (f"{part}:\n" if part else "- ") + indent(lines, "  ")[0 if part else 2 :]
    return found


class _Table(Record, eq=False):
    """See :func:`table`."""

    title: str
    keys: tuple[Key, ...]
    selector: str
    variants: Dictionary[str, tuple[Key, ...]]
    example: str
    short: Short | None
    usual: Short | None
    implied: Dictionary[str, Dictionary[str, str]]

    def defaults(self) -> dict[str, Any]:
        """All keys left out."""
        return {key.name: key.left_out() for key in self.keys}

    def known(self, *choices: str) -> dict[str, Key]:
        """The keys that are allowed, with some variants, by each of their names."""
        keys = [*self.keys, *chain.from_iterable(self.variants.get(choice, ()) for choice in choices)]
        names = {key.name: key for key in keys}
        return names | {name: key for key in keys for name in key.also if name not in names}

    def spelled(self, node: Node) -> Node:
        """A short form spelled out."""
        short = self.short or self.usual
        return node if short is None or is_nothing(node) else short.spelled(node) or node

    def check(self, node: Node, report: Report) -> Any:
        """The values of all keys."""
        if not isinstance(node, Mapping):
            return refuse(node, report, SUCH_LINES, example=self.example)
        self._lift(node, report)
        self._spell(node, report)
        choice = self.choice(node)
        allowed, values = self.known(choice), self.defaults()
        for name, (key, value) in node.entries.items():
            choosers = self._choosers(name)
            if name in allowed:
                problems = len(report.problems)
                made = allowed[name].check(value, report)
                values[name] = made if len(report.problems) == problems else None
            elif not choosers:
                _unknown(key, value, allowed, report)
            elif choice in self.variants:
                told = f"'{name}' goes with {self.selector} {' or '.join(choosers)}; found {self.selector} {choice}"
                report.add(key.mark, told)
        for wanted in (*self.keys, *self.variants.get(choice, ())):
            if wanted.required and wanted.name not in node.entries:
                message = f"the key '{wanted.name}' is missing in {self.title} ({wanted.doc})"
                if not nearest(wanted.name, node.entries.keys() - allowed.keys()):  # else it is mistyped, and that is told
                    report.add(node.mark, message, example=wanted.kind.example or self.example)
        return values

    def _lift(self, node: Mapping, report: Report) -> None:
        """Put what stands beside a section, and belongs in it, there."""
        for key in self.keys:
            for name in (name for name in key.lifts if name in node.entries):
                place, given = node.entries.get(key.name, (node.entries[name][0], Mapping(node.entries[name][0].mark)))
                section = Mapping(given.mark) if is_nothing(given) else key.kind.spelled(given)
                if isinstance(section, Mapping):
                    typed, value = node.entries.pop(name)
                    node.entries[key.name] = place, section
                    _give(section, name, typed, value, report, f" under '{key.name}'")

    def _spell(self, node: Mapping, report: Report) -> None:
        """Call every key by its own name, and spell short forms out."""
        known = self.known(*self.variants)
        for name, (typed, value) in list(node.entries.items()):
            if name in known and known[name].name != name:
                del node.entries[name]
                _give(node, known[name].name, typed, value, report)
        selected = node.entries.get(self.selector, (None, None))[1]
        implied = self.implied.get(selected.text.lower(), {}) if isinstance(selected, Scalar) else {}
        for name, text in implied.items():
            node.entries.setdefault(name, (Scalar(node.mark, name), Scalar(node.mark, text)))
        for name, (typed, value) in node.entries.items():
            if name in known:
                node.entries[name] = typed, known[name].kind.spelled(value)

    def choice(self, node: Mapping) -> str:
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
        keys = (*self.keys, *extra.values())
        properties: Schema = {name: {"description": f"see {key.name}"} for key in keys for name in (*key.also, *key.lifts)}
        properties = {key.name: key.json() for key in keys} | properties
        schema: Schema = {"type": "object"} | _needed([(key.name, *key.also, *key.lifts) for key in self.keys if key.required])
        if self.usual and not self.short:
            schema = {"anyOf": [schema, self.usual.json()]}
        schema |= {"properties": properties, "additionalProperties": False}
        usual, conditions = self.choice(Mapping(WHOLE_FILE)), dict[str, Schema]()
        for name in extra:
            choosers = self._choosers(name)
            conditions[name] = {"properties": {self.selector: {"enum": choosers}}}
            conditions[name] |= {} if usual in choosers else {"required": [self.selector]}
        schema |= {"dependentSchemas": conditions} if conditions else {}
        return {"anyOf": [self.short.json(), schema]} if self.short else schema


def _needed(groups: list[tuple[str, ...]]) -> Schema:
    """That of each group of keys there is one."""
    if not groups:
        return {}
    return {"anyOf": [{"required": [name]} | _needed(groups[1:]) for name in groups[0]]}


def _give(section: Mapping, name: str, typed: Scalar, value: Node, report: Report, where: str = "") -> None:
    """Give a key a value under its own name, where it has none yet."""
    if name in section.entries:
        line = section.entries[name][0].mark.line
        report.add(typed.mark, f"'{typed.text}' means the same as '{name}'{where} in line {line}; keep one of them")
    else:
        section.entries[name] = typed, value


def _unknown(key: Scalar, value: Node, allowed: Dictionary[str, Key], report: Report) -> None:
    """Tell of a key that is not known where it stands: where it belongs, or what may have been meant."""
    text = flow(value)
    places = report.homes(key.text, text if len(text) <= _SHOWN else "…") if report.homes else {}
    if places:
        names = " or ".join(f"under '{place}'" if place else "at the top of the file, not indented" for place in places)
        report.add(key.mark, f"unknown key '{key.text}' here; it belongs {names}", example="\n".join(places.values()))
        return
    if {"shapes", "values"} <= allowed.keys() and isinstance(value, Sequence):
        report.add(
            key.mark, f"unknown key '{key.text}'; a parameter stands under 'shapes' or 'values'", example=f"shapes:\n  {key.text}: {text}"
        )
        return
    layer = next((name for name in (key.text, text) if name in LAYER_NAMES and "units" in allowed), "")
    if layer:
        told = f"{instead_of(layer)}; bpdebug export FILE -o program.yaml writes a network as lines"
        report.add(key.mark, f"unknown key '{key.text}'; {told}")
        return
    comma = number_of(key.text) is not None
    keys = dict.fromkeys(known.name for known in allowed.values())
    near = [lifted for known in allowed.values() for lifted in known.lifts if nearest(key.text, [lifted])]
    hint = "; a decimal number is written with a point, not a comma" if comma else likely(key.text, [*keys, *near])
    report.add(key.mark, f"unknown key '{key.text}'{hint}")
