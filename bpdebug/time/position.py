"""Moments of a training run: the clock, and the names that people give to its moments.

A stage (or a cell of it) as a location is the moment after it has run; a phase or a layer is the moment before its first stage;
``40`` or ``update 40`` is the moment when 40 updates are complete, ``40:end`` the one when that update is, too. A line of the user's
script, ``train.py:34``, is the stages that it computes, ``train.py:34#3`` the third of them.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import lru_cache

from bpdebug.core.calendar import Calendar
from bpdebug.core.cells import NamedCell, check_cell
from bpdebug.core.errors import BpdebugError, SetupError
from bpdebug.core.network import Phase
from bpdebug.core.program import Program
from bpdebug.core.record import Record
from bpdebug.core.schedule import Stage
from bpdebug.core.words import suggestion


class LocationError(BpdebugError):
    """A location that does not exist, or that cannot be reached from here."""


class Position(Record):
    """A moment, spelled out.

    Attributes:
        t: the clock.
        update, done: the update, and how many of its stages have run.
        calendar: how the clock goes.
        epoch, batch, batches, updates: where in the training, counted from 0, and how much there is of it.
        stage: the stage that ran last in this update, or None at its start.
        next: the stage that runs next, or None at the end of training.
        phase, layer: those of the stage that ran last; at an update's start, of the first one.
    """

    t: int
    update: int
    done: int
    calendar: Calendar
    epoch: int
    batch: int
    batches: int
    updates: int
    stage: str | None
    next: str | None
    phase: str
    layer: int

    @property
    def stages(self) -> int:
        """How many stages an update has."""
        return self.calendar.length

    @property
    def at_end(self) -> bool:
        """Whether the training is complete."""
        return self.update >= self.updates


def position_at(program: Program, t: int) -> Position:
    """The position that the clock shows."""
    stages, batches = program.stages, program.batches
    update, done = program.calendar.place(t)
    epoch, batch = batches.place(update)
    shown = stages[max(done - 1, 0)]
    at_end = update >= batches.updates
    return Position(
        t=t,
        update=update,
        done=done,
        calendar=program.calendar,
        epoch=epoch,
        batch=batch,
        batches=batches.each_epoch,
        updates=batches.updates,
        stage=shown.name if done else None,
        next=None if at_end else stages[done].name,
        phase=str(shown.phase),
        layer=shown.layer,
    )


class Location(Record):
    """A parsed location.

    Attributes:
        text: as it was given.
        done: stages of the update that have run at that moment.
        update: which update, or None for any.
        cell: the cell to look at there, or None.
        after: the last of the stages that have run, or "".
        others: the other stages that the same line of a script computes, each of them as good.
        note: what is to be said of it, or "".
    """

    text: str
    done: int
    update: int | None = None
    cell: NamedCell | None = None
    after: str = ""
    others: tuple[str, ...] = ()
    note: str = ""

    def clock(self, program: Program, current: int, done: int = 0) -> int:
        """The moment as a clock, in update ``current`` where the location names none; there, the next one after so many stages."""
        update, index = current if self.update is None else self.update, program.calendar.index(current, program.index)
        if self.update is not None:
            index, done = program.calendar.index(update, program.index), 0
        place = self.place(index)
        return program.calendar.clock(update, next((one for one in (place, *self.beside(index)) if one > done), place))

    def beside(self, index: Mapping[str, int]) -> list[int]:
        """How many stages have run after each of the others, in an update with these."""
        return [index[name] + 1 for name in self.others if name in index]

    def place(self, index: Mapping[str, int]) -> int:
        """How many stages have run at that moment, in an update with these; -1 where the last of them is not among them."""
        return index.get(self.after, -2) + 1 if self.after else self.done


_EXPECTED = "expected a stage (dz2), a cell (dW1[1,0]), 40:dz2, a phase (backward), layer 2, update 40, epoch 3, start or end"
_CELL = re.compile(r"(\S+)\s*\[\s*(\d{1,9}(?:\s*,\s*\d{1,9})*)\s*\]")
_MOST = 10**15


def parse_location(text: str, program: Program) -> Location:
    """Read ``dz2``, ``dW1[1,0]``, ``40:dz2``, ``backward``, ``layer 2``, ``3:layer 2``, ``40``, ``update 40``, ``epoch 3``, ``start``,
    ``end``, ``40:end``, ``train.py:34``, ``train.py:34#3``, ``line 34`` or ``40:line 34``.

    Raises:
        LocationError: with what there is, where nothing of that name exists or it lies beyond the end of training.
        BpdebugError: where a tensor has no such cell.
    """
    words = " ".join(text.split())
    location = _absolute(words, program) or _relative(words, program)
    updates = program.updates
    if location.update is not None and (location.update > updates or (location.update == updates and location.done)):
        raise LocationError(f"'{words[:40]}' is beyond the end of training: there are {updates} updates, counted from 0")
    for first, after in program.batches.gaps.items():
        if location.update is not None and first <= location.update < after:
            missing = f"updates {first} to {after - 1} are" if after > first + 1 else f"update {first} is"
            raise LocationError(f"{missing} not kept; 'reload --at {location.update}' runs the script again")
    return location


def _absolute(words: str, program: Program) -> Location | None:
    if words in ("start", "end"):
        return Location(words, 0, program.batches.gaps.get(0, 0) if words == "start" else program.updates)
    counted = re.fullmatch(r"(?:(update|epoch) )?(\d+)", words)
    if not counted:
        return None
    unit = program.batches.each_epoch if counted[1] == "epoch" else 1
    return Location(words, 0, _number(counted[2]) * unit)


def _number(digits: str) -> int:
    """A count that may be absurd, but not so long that Python refuses it."""
    return int(digits) if len(digits) < len(str(_MOST)) else _MOST


def _relative(words: str, program: Program) -> Location:
    prefixed = re.fullmatch(r"(?:update )?(\d+)\s*:\s*(.+)", words)
    update, name = (_number(prefixed[1]), prefixed[2]) if prefixed else (None, words)
    if update is not None and name in ("start", "end"):
        ends = program.calendar.clock(update + 1) - program.calendar.clock(update)
        return Location(words, ends * (name == "end"), update)
    if (found := _CELL.fullmatch(name)) and found[1] in program.index:
        cell = found[1], tuple(int(place) for place in found[2].split(","))
        check_cell(*cell, program.shapes(program.batches.largest)[cell[0]])
        return Location(words, program.index[cell[0]] + 1, update, cell, cell[0])
    if lined := stages_at(name, program):
        (first, *others), note = lined
        return Location(words, program.index[first] + 1, update, None, first, tuple(others), note)
    done = _place(name, program)
    return Location(words, done, update, None, program.stages[done - 1].name if done else "")


class Place(str):
    """A line of a file, such as ``train.py:47``.

    Attributes:
        file, number: the two.
    """

    @property
    def file(self) -> str:
        """The file."""
        return self.rpartition(":")[0]

    @property
    def number(self) -> int:
        """The line, from 1."""
        return int(self.rpartition(":")[2])


def places_of(stage: Stage) -> list[Place]:
    """Where a stage is computed, and the other line that belongs to it, where there is one."""
    return [Place(place) for place in (stage.line, stage.beside) if place]


@lru_cache(8)
def stages_by_line(program: Program) -> Mapping[str, Mapping[int, tuple[Stage, ...]]]:
    """The stages that each line computes or calls for, by file."""
    lines = dict[str, dict[int, tuple[Stage, ...]]]()
    for stage in program.stages:
        for place in places_of(stage):
            there = lines.setdefault(place.file, {})
            there[place.number] = (*there.get(place.number, ()), stage)
    return lines


_LINE = re.compile(r"(?:(?P<file>\S*):|line )(?P<line>\d{1,9})(?:#(?P<time>\d{1,9}))?")


def stages_at(text: str, program: Program) -> tuple[tuple[str, ...], str] | None:
    """The stages that a line of the user's script computes, ``train.py:34``, ``:34`` or ``line 34``, or the third one, ``train.py:34#3``;
    None for what is no line of it.

    Where nothing is computed there, those of the nearest line after it, and what is said of that.

    Raises:
        LocationError: where nothing is computed from there on.
    """
    asked, known = _LINE.fullmatch(text), stages_by_line(program)
    if not asked or not known:
        return None
    wanted, name = int(asked["line"]), asked["file"] or str(program.scenario.source)
    file = next((file for file in known if file == name or file.endswith(f"/{name}")), "")
    if not file:
        return None
    lines = known[file]
    found = min((line for line in lines if line >= wanted), default=0)
    if not found:
        raise LocationError(f"{file}:{wanted} is behind the last line that an update computes, {file}:{max(lines)}")
    names = [*dict.fromkeys(stage.name for stage in lines[found])]
    if asked["time"]:
        if not 0 < int(asked["time"]) <= len(names):
            times = "once" if len(names) == 1 else f"{len(names)} times"
            raise LocationError(f"an update computes {file}:{found} {times}, counted from 1; found #{asked['time']}")
        names = [names[int(asked["time"]) - 1]]
    return (*names,), f"no stage is computed at {file}:{wanted}; the next line with one is {file}:{found}" * (found != wanted)


def _place(name: str, program: Program) -> int:
    """How many stages of an update have run at the named moment in it."""
    if name in program.index:
        return program.index[name] + 1
    for index, stage in enumerate(program.stages):
        if name and name in (stage.phase, program.tensors[stage.name].group, "gradients" * (stage.phase is Phase.UPDATE)):
            return index
    try:
        program.stage(name)
    except SetupError as error:
        if "there is no stage '" not in str(error):
            raise LocationError(str(error)) from None
    depth, layer = len(program.layers), re.fullmatch(r"layer (\d+)", name)
    if layer:
        raise LocationError(f"there is no layer {layer[1][:15]}: layers are numbered 1 to {depth}")
    phases = [str(phase) for phase in Phase]
    hint = suggestion(name.partition("[")[0], [*program.index, *phases, "start", "end"])
    raise LocationError(f"there is no location '{name}'{hint or '; ' + _EXPECTED}" if name else _EXPECTED)


def called(program: Program, update: int) -> str:
    """What an update is called; a recorded step, of which there is one, as the recording calls it: ``step 2``."""
    return program.scenario.name.rpartition(", ")[2] if program.recorded else f"update {update}"
