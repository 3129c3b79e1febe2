"""Reasons to stop: breakpoints, watchpoints and catchpoints, each looked at in certain moments of every update.

A stop is a function of the state at a moment (a watchpoint also of the moment before), so that running back finds the same
stops as running forward. What is looked at is compiled into the update (:class:`bpdebug.core.fast.Check`); where a check
strikes, the stop itself decides.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from bpdebug.core.cells import NamedCell
from bpdebug.core.description import Array
from bpdebug.core.errors import BpdebugError
from bpdebug.core.fast import Check
from bpdebug.core.machine import Machine
from bpdebug.core.numbers import short
from bpdebug.core.parser import Formula
from bpdebug.core.program import Program
from bpdebug.core.tree import Binary, Index, Name, Number
from bpdebug.time.position import Location
from bpdebug.time.stop import Hit, Stop, hit_of, value_of
from bpdebug.time.timeline import Timeline


@dataclass(kw_only=True)
class Breakpoint(Stop):
    """Stops at a location, perhaps only if a condition holds there."""

    location: Location
    condition: Formula | None = None

    kind = "breakpoint"

    def moments(self, program: Program) -> frozenset[int]:
        """The location's."""
        places = self.location.place(program.index), *self.location.beside(program.index)
        return frozenset(program.calendar.moment(done) for done in places if done >= 0)

    def clock(self, program: Program) -> int | None:
        """The one clock of a location in a certain update, else None."""
        update = self.location.update
        gone = update is not None and self.location.place(program.calendar.index(update, program.index)) < 0
        return None if update is None or gone else self.location.clock(program, 0)

    @property
    def cell(self) -> NamedCell | None:
        """The location's."""
        return self.location.cell

    def check(self) -> Check:
        """The condition."""
        return Check(self.condition)

    def strikes(self, machine: Machine) -> str:
        """Whether the condition holds; one that cannot be computed stops too, and says why."""
        here = machine.program.calendar.clock(machine.update, machine.done)
        no_stage_begins = self.location.done == 0 and self.location.update is None and machine.update >= machine.program.updates
        if self.clock(machine.program) not in (None, here) or no_stage_begins:
            return ""
        if self.condition is None:
            return self.text
        try:
            holds = bool(value_of(self.condition, machine))
        except (BpdebugError, ValueError, IndexError, KeyError) as error:
            return f"{self.text}: the condition failed: {error}"
        return f"{self.text}{_values(self.condition, machine)}" if holds else ""


def _values(formula: Formula, machine: Machine) -> str:
    """The single numbers that a condition compares, for the message: ``(norm(dz1) = 3.1e-7)``."""
    tree = formula.tree
    if not isinstance(tree, Binary) or isinstance(tree.left, Number):
        return ""
    side = Formula.of(tree.left)
    value = value_of(side, machine)
    return f" ({side.text} = {short(float(value), 6)})" if value.ndim == 0 and value.dtype != bool else ""


@dataclass(kw_only=True)
class Watchpoint(Stop):
    """Stops when an expression has changed: any bit of it, its sign, or by more than a ratio.

    Attributes:
        formula: what is watched.
        mode: ``change``, ``sign`` or ``ratio``.
        ratio: for the last, relative to the value before.
        last: the value at the moment in which it was looked at last, or None.
    """

    formula: Formula
    mode: str = "change"
    ratio: float = 0.0
    last: Array | None = None

    kind = "watchpoint"

    def moments(self, program: Program) -> frozenset[int]:
        """Right after each stage that assigns something it reads, once all of that is computed."""
        index, persistent = program.index, program.persistent
        transient = [index[name] + 1 for name in self.formula.names if name in index and name not in persistent]
        first = max(transient, default=0)
        assigned = {index[name] + 1 for name in self.formula.names if name in index}
        reloads = program.batches.each_epoch > 1 or program.batches.shuffle or bool(program.draws)
        if not assigned or (reloads and not persistent.keys() | index.keys() >= set(self.formula.names)):
            assigned.add(0)
        after = {done for done in assigned if done >= first}
        calendar = program.calendar
        kept = {done for done in after if done < calendar.length or not transient}
        return frozenset(map(calendar.moment, kept or {first}))

    def check(self) -> Check:
        """Whether it differs from the last value."""
        return Check(self.formula, self._test)

    def _test(self, value: Array) -> bool:
        if self.last is None or self.differs(self.last, value):
            return True
        self.last[...] = value
        return False

    @property
    def cell(self) -> NamedCell | None:
        """The cell that is watched, where it is a single one."""
        tree = self.formula.tree
        if isinstance(tree, Index) and isinstance(tree.operand, Name):
            places = tuple(item for item in tree.items if isinstance(item, int) and item >= 0)
            return (tree.operand.name, places) if len(places) == len(tree.items) else None
        return None

    def differs(self, old: Array, new: Array) -> bool:
        """Whether the change is one to stop at."""
        if old.shape != new.shape or self.mode == "change":
            return old.tobytes() != new.tobytes()
        old, new = _numbers(old), _numbers(new)
        if self.mode == "sign":
            return bool((np.sign(old) != np.sign(new)).any())
        return bool((np.abs(new - old) > self.ratio * np.abs(old)).any())

    def recall(self, timeline: Timeline) -> None:
        """Remember the value at the last of its moments up to now, None where there was none."""
        position, self.last = timeline.position, None
        computed = set(self.formula.names) <= timeline.machine.values().keys()
        t = position.t if computed else timeline.calendar.clock(position.update - 1, max(self.moments(timeline.program)))
        if t >= 0:
            with timeline.at(t) as machine:
                self.last = value_of(self.formula, machine)

    def strikes(self, machine: Machine) -> str:
        """The change since it was looked at last; remembers the new value."""
        old, new = self.last, value_of(self.formula, machine)
        self.last = new
        if old is None or not self.differs(old, new):
            return ""
        how = {"change": "", "sign": " its sign", "ratio": f" by more than {self.ratio:g}"}[self.mode]
        return f"{self.formula.text} changed{how}: {_brief(old, new)}"


def _brief(old: Array, new: Array) -> str:
    """Old and new value: of a tensor, the cell that has changed most."""
    if old.shape != new.shape or not new.ndim:
        return f"{_one(old)} -> {_one(new)}"
    change = np.abs(_numbers(new) - _numbers(old))
    place = tuple(int(i) for i in np.unravel_index(int(np.argmax(np.where(np.isnan(change), np.inf, change))), new.shape))
    return f"[{','.join(map(str, place))}] {_one(old[place])} -> {_one(new[place])}, {int((old != new).sum())} of {new.size} cells"


def _numbers(value: Array) -> Array:
    """Truth values as 0 and 1."""
    return value.astype(float) if value.dtype == bool else value


def _one(value: Array) -> str:
    return short(float(value), 8) if np.ndim(value) == 0 else f"a {np.shape(value)} tensor"


class Stops:
    """The stops of a session."""

    def __init__(self) -> None:
        self.all: dict[int, Stop] = {}
        self.catch_nonfinite = True
        self._number = 0
        self._compiled: tuple[object, dict[int, list[Check]]] | None = None

    def next_number(self) -> int:
        """A number that no stop has had."""
        self._number += 1
        return self._number

    def add(self, stop: Stop) -> Stop:
        """Take a stop in."""
        self.all[stop.number] = stop
        self.changed()
        return stop

    def find(self, number: int) -> Stop:
        """The stop of that number.

        Raises:
            BpdebugError: where there is none.
        """
        if number not in self.all:
            known = ", ".join(map(str, self.all)) or "none"
            raise BpdebugError(f"there is no stop {number}; there are: {known}")
        return self.all[number]

    def remove(self, number: int) -> None:
        """Delete a stop."""
        del self.all[self.find(number).number]
        self.changed()

    def changed(self) -> None:
        """Something was added, removed, enabled or disabled: what is compiled is made anew."""
        self._compiled = None

    def enabled(self) -> Iterator[Stop]:
        """Those that are looked at."""
        return (stop for stop in self.all.values() if stop.enabled)

    def fitting(self, program: Program) -> Iterator[Stop]:
        """Those of them that have a place in a version of the program."""
        return (stop for stop in self.enabled() if stop.fits(program))

    def checks(self, program: Program) -> dict[int, list[Check]]:
        """What to compile into an update, by how many stages have run."""
        if self._compiled is None or self._compiled[0] is not program:
            made: dict[int, list[Check]] = {}
            for stop in self.fitting(program):
                if isinstance(stop, Breakpoint) and stop.clock(program) is not None:
                    continue
                for done in stop.moments(program) - {0}:
                    made.setdefault(done, []).append(stop.check())
            self._compiled = (program, made)
        return self._compiled[1]

    def next_clock(self, program: Program, t: int) -> int | None:
        """The next clock after ``t`` at which something must be looked at whatever the compiled checks say."""
        clocks = [stop.clock(program) for stop in self.fitting(program) if isinstance(stop, Breakpoint)]
        ahead = [clock for clock in clocks if clock is not None and clock > t]
        timeless = (stop for stop in self.fitting(program) if not isinstance(stop, Breakpoint) or stop.clock(program) is None)
        if any(0 in stop.moments(program) for stop in timeless):
            ahead.append(program.calendar.clock(program.calendar.update(t) + 1))
        return min(ahead, default=None)

    def look(self, machine: Machine) -> list[Hit]:
        """The stops that strike at this moment (each sees every moment of its own, in order)."""
        here = [stop for stop in self.fitting(machine.program) if machine.done in stop.moments(machine.program)]
        with np.errstate(all="ignore"):
            struck = [(stop, stop.strikes(machine)) for stop in here]
        return [hit_of(stop, text) for stop, text in struck if text]
