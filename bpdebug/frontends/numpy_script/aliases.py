"""Lines of a script that are blamed, and those among them that only give another name: they become statements of their own."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence

from bpdebug.core.parser import Formula
from bpdebug.core.record import Record, replace
from bpdebug.core.tree import Name, substitute
from bpdebug.frontends.numpy_script.names import unversioned
from bpdebug.frontends.numpy_script.recording import Line, Recording, Statement


class Place(Record, eq=False):
    """Where a value comes from, or gets another name.

    Attributes:
        line: which.
        statement: what computes it.
        alias, since: the other name, and the order of what is computed next; "" and 0 where it is computed.
        but: what reads it by its old name all the same.
    """

    line: Line
    statement: Statement
    alias: str = ""
    since: int = 0
    but: frozenset[str] = frozenset()

    def is_read_by(self, one: Statement) -> bool:
        """Whether a statement that reads the value has it from here."""
        return self.since <= one.order and one.name not in self.but

    @property
    def name(self) -> str:
        """Of the value."""
        return self.statement.name

    @property
    def order(self) -> int:
        """When it is computed, or gets the other name."""
        return self.since or self.statement.order


class Blamed(Record, eq=False):
    """A line that is wrong.

    Attributes:
        line: which.
        meant: the tensors whose gradients its values are meant to be, by their names.
        through: where the line makes a factor of a gradient, the factor, by the gradient's name.
        mended: the parameters whose gradients are right with the right values there.
        places: where the line only gives another name to the gradient of another tensor, these places.
    """

    line: Line
    meant: Mapping[str, str]
    through: Mapping[str, str]
    mended: tuple[str, ...]
    places: tuple[Place, ...] = ()


def renamed(recording: Recording, one: Statement) -> Iterator[Place]:
    """Where a value gets other names."""
    for alias, line, since in one.aliases:
        text, old = recording.files.get(line.file, "").split("\n"), unversioned(one.name)

        def has(word: str, number: int, text: list[str] = text) -> bool:
            return number <= len(text) and bool(re.search(rf"(?<![\w.]){re.escape(word)}(?!\w)", text[number - 1]))

        here = [two for two in recording.statements if (two.line.file, two.line.function) == (line.file, line.function)]
        by_old = [two for two in here if one.name in two.reads and not has(alias, two.line.number)]
        by_old = [two for two in by_old if old == alias or has(old, two.line.number)]  # it may be called as it was called last
        yield Place(line, one, alias, since, frozenset(two.name for two in by_old))


def with_aliases(recording: Recording, found: Sequence[Blamed], forward: set[str]) -> tuple[Recording, dict[str, str]]:
    """The recording with the lines among some that only give another name as statements; and what those are meant to be."""
    statements, meant, values = [*recording.statements], dict[str, str](), [dict(one) for one in recording.values]
    for blamed in found:
        for place in blamed.places:
            names, old = {one.name for one in statements}, place.statement
            new = (
                place.alias
                if place.alias not in names
                else next(f"{place.alias}'{n}" for n in range(2, 999) if f"{place.alias}'{n}" not in names)
            )
            made = Statement(new, Formula.of(Name(old.name)), "", place.line, place.line, False, old.live, path=old.path, order=place.since)
            where = max((n for n, one in enumerate(statements) if one.order < place.since), default=len(statements) - 1) + 1
            for n, one in enumerate(statements[where:], where):
                if one.formula and one.name not in forward and place.is_read_by(one):
                    statements[n] = replace(one, formula=Formula.of(substitute(one.formula.tree, {old.name: Name(new)})))
            statements.insert(where, made)
            meant[new] = blamed.meant[old.name]
            for known in values:
                known.update({new: known[old.name]} if old.name in known else {})
    return replace(recording, statements=tuple(statements), values=tuple(values)), meant


__all__ = ["Blamed", "Place", "renamed", "with_aliases"]
