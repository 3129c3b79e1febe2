"""The folds of a listing: stages in a row that belong together, a group, a call, a loop or a turn of one, as one row or one by one."""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Iterator, Mapping, Sequence
from functools import cached_property
from heapq import heapify, heappop, heappush
from itertools import groupby
from typing import TypeGuard

from bpdebug.core.program import Program
from bpdebug.core.record import Record
from bpdebug.core.schedule import Level, Skipped, Stage
from bpdebug.look.groups import group_of
from bpdebug.look.lives import lives_of
from bpdebug.look.once import once

_FITS = 36
"""Rows of a listing up to which calls and loops are open at first."""
_NAMED = 4
"""Stages of a fold that are all named; of more, those whose values are read behind it."""
_MADE = 6
"""Of those, as many."""
_GROUP = -1
"""The number of a level that is a group."""
Key = tuple[str, int]
"""What tells a fold: its first stage, and how many folds it is within."""


class Fold(Record, eq=False):
    """Stages in a row that belong together.

    Attributes:
        key: by which it is known.
        phase: that of its stages.
        title: what it is called; of a loop in a call that computes nothing else, both.
        line: where it stands in the user's script, or ""; a turn stands where its loop does.
        called: whether it is a call, a loop or a turn, and no group.
        first, end: the places of its first stage, and of the one behind its last.
        turns: how many turns of a loop it is made of, or 0.
        parts: the folds and lines that it shows where it is open.
    """

    key: Key
    phase: str
    title: str
    line: str
    called: bool
    first: int
    end: int
    turns: int
    parts: tuple[Fold | Stage | Skipped, ...]

    @cached_property
    def rows(self) -> int:
        """How many rows there are where all within is open."""
        return 1 + sum(part.rows if isinstance(part, Fold) else 1 for part in self.parts)

    @property
    def count(self) -> str:
        """How much there is of it, such as ``25 × 12 stages``."""
        stages = self.end - self.first
        if self.turns < 2:
            return f"{stages} stages"
        each, rest = divmod(stages, self.turns)
        return f"{self.turns} turns, {stages} stages" if rest else f"{self.turns} × {each} stage{'s' * (each > 1)}"

    @property
    def counted(self) -> bool:
        """Whether its stages are too many to name them all."""
        return self.turns > 1 or self.end - self.first > _NAMED

    @property
    def place(self) -> str:
        """Where it stands, such as ``line 12``, or ""."""
        return f"line {self.line.rpartition(':')[2]}" if self.line else ""


class Heading(Record, eq=False):
    """The row of a fold: what stands in its place where it is closed, else what its rows stand under.

    Attributes:
        fold: which.
        closed: whether it is.
    """

    fold: Fold
    closed: bool


Row = Stage | Skipped | Heading | str
Entry = tuple[tuple[Level, ...], Stage | Skipped]


class Folds:
    """The folds of a program.

    Attributes:
        stages: those of the program.
        phases: what stands under the heading of each phase.
        around: the folds that each stage is in, the outermost first.
        by_rows: whether one goes from row to row, as in the user's own code, and not from group to group.
        indents: how many calls and loops each stage stands under.
        titled: the groups that have a heading where they are open: those that are no layers.
        open: the folds that are open at first.
    """

    def __init__(self, program: Program) -> None:
        self._program, self.stages, self.phases = program, program.stages, list[tuple[str, tuple[Fold | Stage | Skipped, ...]]]()
        self.titled = set[str]() if program.layers else {tensor.group for tensor in program.tensors.values()} - {""}
        entries = [(self._path(entry), entry) for entry in program.lines]
        for phase, found in groupby(entries, lambda entry: str(entry[1].phase)):
            self.phases.append((phase, (*self._parts([*found], 0, 0),)))
        self.around: list[tuple[Fold, ...]] = [()] * len(program.stages)
        for _, parts in self.phases:
            self._note(parts, ())
        self.by_rows = any(stage.line or stage.path for stage in program.stages)
        self.indents = [sum(fold.called for fold in around) for around in self.around]
        self.open = frozenset(self._fitting())

    def _path(self, entry: Stage | Skipped) -> tuple[Level, ...]:
        own = entry.path if isinstance(entry, Stage) else ()
        return own or (Level(group_of(self._program, entry.name), number=_GROUP),)

    def _parts(self, entries: Sequence[Entry], depth: int, within: int) -> Iterator[Fold | Stage | Skipped]:
        """What stands in a fold, of which entries have so many levels above; what is alone in its own makes none."""
        for level, found in groupby(entries, lambda entry: entry[0][depth] if depth < len(entry[0]) else None):
            inner = [*found]
            stages = [entry for _, entry in inner if isinstance(entry, Stage)]
            if level is None:
                yield from (entry for _, entry in inner)
            elif len(stages) > 1 or (level.number == _GROUP and level.title in self.titled):
                yield self._fold(level, inner, stages, depth, within)
            else:
                yield from self._parts(inner, depth + 1, within)

    def _fold(self, level: Level, entries: Sequence[Entry], stages: Sequence[Stage], depth: int, within: int) -> Fold:
        titles, inner, end, line = [level.title], level, depth + 1, "" if level.turn else level.line
        while len(below := {path[end : end + 1] for path, _ in entries}) == 1 and (deeper := below.pop()):
            (inner,), end = deeper, end + 1  # a call in which a loop is all there is, a loop of one turn: one row
            titles.append(inner.title)
            line = line if inner.turn else inner.line
        turns = {path[end] for path, _ in entries if end < len(path) and path[end].turn}
        parts, places = (*self._parts(entries, end, within + 1),), [self._program.index[stage.name] for stage in stages] or [0, -1]
        key, called = (entries[0][1].name, within), level.number != _GROUP
        phase = str(entries[0][1].phase)
        return Fold(key, phase, ": ".join(titles), line, called, places[0], places[-1] + 1, len(turns), parts)

    def _note(self, parts: Sequence[Fold | Stage | Skipped], above: tuple[Fold, ...]) -> None:
        for part in parts:
            if isinstance(part, Fold):
                self._note(part.parts, (*above, part))
            elif isinstance(part, Stage):
                self.around[self._program.index[part.name]] = above

    def _fitting(self) -> Iterator[Key]:
        """The folds that are open at first: groups, and the shortest calls and loops as long as there are few rows; a loop as a whole."""
        top = [part for _, parts in self.phases for part in parts]
        room, waiting = _FITS - len(top) - len(self.phases), [*map(_cost, filter(_is_fold, top))]
        heapify(waiting)
        while waiting:
            costs, *_, fold = heappop(waiting)
            if costs > max(room, 0):
                break
            yield fold.key
            room -= costs
            if fold.turns > 1:
                yield from _all(fold)
                continue
            for part in filter(_is_fold, fold.parts):
                heappush(waiting, _cost(part))

    @cached_property
    def height(self) -> int:
        """How many rows there are at first."""
        return len(Rows(self, self.open).all)

    def makes(self, fold: Fold) -> list[str]:
        """The tensors that a fold is there for: all of a few, else those that are read behind it or outlive the update."""
        return once(self._program, ("makes", fold.key), lambda: self._made(fold))

    def _made(self, fold: Fold) -> list[str]:
        stages = self._program.stages[fold.first : fold.end]
        last = once(self._program, "last", lambda: {life.name: life.last for life in lives_of(self._program).all})
        if len(stages) <= _NAMED:
            return [stage.name for stage in stages]
        read = [stage.name for stage in stages if last.get(stage.name, fold.end) >= fold.end] or [stages[-1].name]
        return [*read[:_MADE], *["…"] * (len(read) > _MADE)]


def _is_fold(part: Fold | Stage | Skipped) -> TypeGuard[Fold]:
    return isinstance(part, Fold)


def _cost(fold: Fold) -> tuple[int, int, Key, Fold]:
    """How many rows more there are where a fold is open, and its place."""
    return (fold.rows - 1 if fold.turns > 1 else len(fold.parts)) * fold.called, fold.first, fold.key, fold


def _all(fold: Fold) -> Iterator[Key]:
    for part in filter(_is_fold, fold.parts):
        yield part.key
        yield from _all(part)


def folds_of(program: Program) -> Folds:
    """The folds of a program's stages."""
    return once(program, "folds", lambda: Folds(program))


def within(program: Program, name: str, text: str) -> str:
    """A text in which the names of what lies in the same module as a stage begin with the dot behind it: ``.scores`` under ``attn``."""
    around = folds_of(program).around[program.index[name]]
    titles = [title for fold in around if fold.called for title in fold.title.split(": ")]
    own = [title for title in titles if f"{name}.".startswith(f"{title}.")]
    return re.sub(rf"(?<![\w.]){re.escape(own[-1])}(?=\.)", "", text) if own else text


class Rows:
    """The rows of a listing.

    Attributes:
        all: from top to bottom: headings of phases and folds, stages, and skipped ones.
        depths: under how many calls and loops each of them stands.
        spans: the places of the stages that each row stands for, the first and the one behind the last.
        starts: the first of those places, of the rows that stand for any.
    """

    def __init__(self, folds: Folds, opened: frozenset[Key]) -> None:
        self._folds, self._open = folds, opened
        self.all, self.depths, self.spans = list[Row](), list[int](), list[tuple[int, int]]()
        for phase, parts in folds.phases:
            self._add(phase, 0, 0)
            self._lay(parts, 0)
        places = [place for place, (first, end) in enumerate(self.spans) if end > first]
        self.starts, self._places = [self.spans[place][0] for place in places], places

    def _add(self, row: Row, depth: int, stages: int, first: int = -1) -> None:
        before = self.spans[-1][1] if self.spans else 0
        self.all.append(row)
        self.depths.append(depth)
        self.spans.append((max(first, before), max(first, before) + stages))

    def _lay(self, parts: Sequence[Fold | Stage | Skipped], depth: int) -> None:
        for part in parts:
            if not isinstance(part, Fold):
                self._add(part, depth, isinstance(part, Stage))
            elif part.key in self._open:
                if part.called or part.title in self._folds.titled:
                    self._add(Heading(part, False), depth, 0)
                self._lay(part.parts, depth + part.called)
            else:
                self._add(Heading(part, True), depth, part.end - part.first)

    def row_of(self, place: int) -> int:
        """The row that stands for the stage at a place of the update."""
        return self._places[bisect_right(self.starts, place) - 1]

    def stages(self, y: int) -> tuple[Stage, ...]:
        """The stages that a row stands for."""
        return self._folds.stages[slice(*self.spans[y])]


def rows_of(program: Program, opened: frozenset[Key]) -> Rows:
    """The rows of a listing in which those folds are open; the last one is kept."""
    known = once(program, "rows", dict[frozenset[Key], Rows])
    if opened not in known:
        known.clear()
        known[opened] = Rows(folds_of(program), opened)
    return known[opened]


def opened(program: Program, chosen: Mapping[Key, bool], done: int) -> frozenset[Key]:
    """The folds that are open when so many stages have run: those that are at first, those in which one stands, and as the user has it."""
    folds = folds_of(program)
    inside = folds.around[done] if done < len(folds.around) else ()
    entered = {fold.key for fold in inside if fold.first < done}
    if not chosen and entered <= folds.open:
        return folds.open
    found = {key for key in folds.open | entered if chosen.get(key, True)}
    return frozenset(found | {key for key, is_open in chosen.items() if is_open})
