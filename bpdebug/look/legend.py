"""The legend: what the signs, colours, marks and words on the screen mean.

The texts are data, in ``legend.yaml`` beside this file; what a function, a loss or an optimizer means stands in the tables of
:mod:`bpdebug.core` and is taken from there.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from functools import cache, cached_property, lru_cache
from pathlib import Path

from bpdebug.core.draws import DRAWS
from bpdebug.core.operations import OPERATIONS
from bpdebug.core.optimizers import CLIPPED_BY, OPTIMIZERS, RATE, SCHEDULES
from bpdebug.core.record import Record
from bpdebug.core.render import render
from bpdebug.core.texts import DERIVATIVES, PHRASES, step_of, value_of
from bpdebug.look.explanation import UNICODE

GROUPS = {
    "signs": "Signs",
    "marks": "Marks",
    "lines": "Lines",
    "colours": "Colours and type",
    "words": "Words",
    "functions": "Functions and rules",
}
"""The parts of the legend with their titles, in the order of the help."""


_LONGEST = 40
"""Characters of a sign with what stands around it."""


class Entry(Record):
    """What one sign, colour, mark or word means.

    Attributes:
        name: what it is called.
        text: what it means, in a sentence or two.
        group: one of :data:`GROUPS`.
        signs: what is drawn; a range of characters is written with a hyphen, ``▀-▟``.
        words: other words under which it is found.
        places: the panes and popups that draw it; () for any.
        near: what stands around it, as a regular expression, where the sign alone may be another one.
        roles: the kinds of style that mean this, such as ``heat``.
    """

    name: str
    text: str
    group: str
    signs: tuple[str, ...] = ()
    words: str = ""
    places: tuple[str, ...] = ()
    near: str = ""
    roles: tuple[str, ...] = ()

    @cached_property
    def pattern(self) -> re.Pattern[str]:
        """One of the signs; one of letters is a whole word."""
        ranges = (f"[{sign}]" if re.fullmatch(".-.", sign) else re.escape(sign) for sign in self.signs)
        return re.compile("|".join(rf"(?<!\w){sign}(?![a-z0-9])" if sign[0].isascii() and sign[0].isalpha() else sign for sign in ranges))

    @cached_property
    def _around(self) -> re.Pattern[str]:
        return re.compile(self.near)

    @property
    def shown(self) -> str:
        """The signs as a list has them, those that are no name."""
        signs = (sign.replace("-", " … ") if re.fullmatch(".-.", sign) else sign for sign in self.signs)
        return " ".join(sign for sign in signs if sign not in (self.name, self.words))

    @property
    def told(self) -> str:
        """The signs, the name and the text in one line."""
        return f"{self.shown} {self.name}: {self.text}".lstrip()

    def covers(self, line: str, at: int) -> int:
        """The length of its sign at a character of a line, 0 where none of its signs is there."""
        return _lengths(self.pattern, line).get(at, 0) if self.signs else 0

    def stands(self, place: str, line: str, at: int) -> int:
        """The same, where it is that which the sign means in a place and among what stands around it."""
        there = not self.places or place in self.places
        return self.covers(line, at) if there and (not self.near or at in _lengths(self._around, line)) else 0

    def is_found(self, words: Sequence[str]) -> bool:
        """Whether all the words occur in what it is called, in its signs, or in what else it is found under."""
        text = f"legend symbols {GROUPS[self.group]} {self.name} {' '.join(self.signs)} {self.words}".lower()
        return all(word in text for word in words)


@lru_cache(maxsize=1024)  # the characters of one line are asked for one after the other
def _lengths(pattern: re.Pattern[str], line: str) -> dict[int, int]:
    """How long the longest match is that holds a character of a line, for each that one holds; one may begin within another."""
    lengths: dict[int, int] = {}
    found = pattern.search(line)
    while found and found.start() < len(line):
        start, end = found.span()
        for at in range(start, min(end, start + _LONGEST + 1)):
            lengths[at] = max(lengths.get(at, 0), end - start)
        found = pattern.search(line, start + 1)
    return lengths


def _all() -> Iterator[Entry]:
    """What the file says, then what the tables of the core say of their rows."""
    import yaml  # noqa: PLC0415 - a start does without

    for group, rows in yaml.safe_load(Path(__file__).with_suffix(".yaml").read_text("utf-8")).items():
        for row in rows:
            several = {key: tuple(row.get(name, "").split()) for key, name in (("signs", "sign"), ("places", "in"), ("roles", "style"))}
            yield Entry(row["name"], row["text"], group, words=row.get("words", ""), near=row.get("near", ""), **several)
    for name, operation in OPERATIONS.items():
        symbol = "" if operation.fuses else operation.symbol.partition("(")[0].strip("{}za") or name
        formula = render(operation.forward.tree, UNICODE, dict.fromkeys(operation.constants, ()))
        told = DERIVATIVES.get(name, "")
        derivative = told if isinstance(told, str) else ""
        text = f"{value_of(name)} {operation.output} = {formula}. {derivative}".strip()
        yield Entry(name.replace("_", " "), text, "functions", (symbol,) * bool(symbol), name)
    for name, rule in OPTIMIZERS.items():
        target, step = rule.steps[-1]
        written = render(step.tree, UNICODE, dict.fromkeys(rule.constants, ()))
        yield Entry(name, f"{step_of(name, target)} {target} = {written}", "functions", words="optimizer")
    for name, schedule in SCHEDULES.items():
        formula = render(schedule.formula.tree, UNICODE, dict.fromkeys(schedule.formula.names, ()))
        text = f"{PHRASES['schedule'].format(name=name)} {RATE} = {formula}"
        yield Entry(f"{name} schedule", text, "functions", words="learning rate warmup decay annealing")
    for kind in CLIPPED_BY:
        yield Entry(f"clipping by {kind}", PHRASES[f"clip {kind}"], "functions", words="clip_factor grad_norm gradient")
    for name, recipe in DRAWS.items():
        text = f"{recipe.usage}: drawn anew in each update, {recipe.says.format(*recipe.usage[:-1].split(', ')[1:])}; evaluated, its mean."
        yield Entry(name, text, "functions", words="random mask dropout noise draw")


@cache
def entries() -> tuple[Entry, ...]:
    """The whole legend."""
    return (*_all(),)


def meaning_of(place: str, line: str, at: int) -> Entry | None:
    """What a character means in a line that is drawn in a place: the entry with the longest sign there, the first of several."""
    found = max(entries(), key=lambda entry: entry.stands(place, line, at))
    return found if found.stands(place, line, at) else None


def meanings_in(place: str, lines: Sequence[str]) -> list[Entry]:
    """The entries with signs in lines that are drawn in a place, in the order of the legend."""
    return [
        entry
        for entry in entries()
        if entry.signs and any(meaning_of(place, line, found.start()) is entry for line in lines for found in entry.pattern.finditer(line))
    ]


def named(topic: str) -> list[Entry]:
    """The entries with that very sign or name; where there are none, those for which it is another word."""
    wanted, sign = topic.strip().lower(), len(topic) == 1 and not topic.isalnum()
    first = [one for one in entries() if wanted in (one.name, f"{one.name}s") or topic in one.signs or (sign and one.covers(topic, 0))]
    return first or [entry for entry in entries() if wanted in entry.words.lower().split()]


def searched(text: str) -> list[Entry]:
    """The entries that are found under all words of a text."""
    words = text.lower().split()
    return [entry for entry in entries() if entry.is_found(words)]
