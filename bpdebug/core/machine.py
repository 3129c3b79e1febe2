"""The machine that executes a program: the state, and the batch of the current update."""

from __future__ import annotations

import math
from contextvars import Context
from itertools import islice

import numpy as np

from bpdebug.core.cells import Cell
from bpdebug.core.description import Array, Values
from bpdebug.core.errors import BpdebugError
from bpdebug.core.moments import Copies, Moment
from bpdebug.core.program import Program
from bpdebug.core.shapes import Shapes
from bpdebug.core.structure import Forms
from bpdebug.core.workspace import UNCHECKED, Checks, Memory, StageError, Workspace


class Machine:
    """Executes a program from any update on.

    The state is (``update``, ``done``, persistent tensors, intermediate tensors); the last are valid for the first ``done``
    stages of the update only.

    Attributes:
        finite: whether what the last step has computed is finite.
        finished: the update whose intermediate tensors are all in the buffers of :meth:`last` still, or -1.
    """

    def __init__(self, program: Program) -> None:
        self.program = program
        self.batches = program.batches
        kept = [name for letter, names in program.letters.items() if letter != "g" for name in names]
        self._memory = Memory(program.memory, program.dtype, kept)
        self.persistent_flat, self.persistent = self._memory.flat, {name: self._memory.tensors[name] for name in program.persistent}
        self._workspaces: dict[int, Workspace] = {}
        self.update, self.done = self.batches.gaps.get(0, 0), 0
        self.warnings: dict[str, tuple[str, ...]] = {}
        self._last_warnings = self.warnings
        self._undo: list[Array | None] = []
        self._ended, self._others = list[Array | None](), set(program.changed)
        self._overwritten = [self.persistent.get(stage.name) for stage in program.stages]
        self.finite = True
        self._noted = noted = list[str]()
        self._listening = Context()  # here complaints are noted and told nobody; entering it costs less than ``errstate``
        self._listening.run(np.seterr, divide="call", over="call", invalid="call", under="ignore")
        self._listening.run(np.seterrcall, lambda kind, _: noted.append(kind))
        self._last: Workspace | None = None
        self._last_drawn: dict[str, Array] = {}
        self._copies, self.finished = Copies(), -1
        self._take_data()
        for name, value in program.initial.items():
            self.persistent[name][...] = value
        self._load()

    @property
    def samples(self) -> Array:
        """The rows of the data that the present update sees, in order."""
        return self.batches.samples(self.update)

    def _take_data(self) -> None:
        """Take the program's data; batches that are in buffers already are out of date."""
        self._data, self._whole = self._in_precision(self.program.data), False
        self._fixed = self._in_precision(self.program.fixed)
        for work in self._workspaces.values():
            work.loaded = -1

    def _in_precision(self, data: Values) -> dict[str, Array]:
        with np.errstate(over="ignore"):  # too large for single precision is inf
            return {name: np.asarray(values, self.program.kind(name)) for name, values in data.items()}

    def _load(self) -> None:
        """Bring the batch of the current update into the buffers."""
        if self._whole:
            return
        rows = self.batches.size(self.update)
        if rows not in self._workspaces:
            self._workspaces[rows] = Workspace(self.program, rows, self._memory)
        self._work, chosen = self._workspaces[rows], self.batches.rows(self.update)
        self._whole = chosen is None and not self.program.draws
        if self._work.loaded != self.update or self.program.draws:
            self._overwrite(*self._work.given)
            self._work.load(self.update, self._data, chosen, self._fixed | self._drawn(self.update))

    def _drawn(self, update: int) -> dict[str, Array]:
        """What is drawn for an update, with the constants as they are now."""
        return self.program.drawn(update, self.persistent) if self.program.draws else {}

    def adopt(self, program: Program) -> None:
        """Go on with another version of the program: other formulas, other numbers in its data; where it has other stages or kinds of
        number, those that have run must be the same, or none."""
        old, self.program = self.program, program
        self._others |= program.changed
        if old is not program and old.layout != program.layout:
            self._lay_out(old)
            return
        for work in self._workspaces.values():
            work.adopt(program)
        if old.data is not program.data or old.fixed is not program.fixed:
            self._take_data()
            self._load()

    def _lay_out(self, old: Program) -> None:
        """Make new buffers; what this update has computed already is in them, too."""
        program, ran = self.program, [*old.index][: self.done]
        computed = {name: self._work.tensors[name] for name in ran if name not in old.persistent and name in [*program.index][: self.done]}
        self._copies.all_overwritten()
        self.persistent = {name: self._memory.tensors[name] for name in program.persistent}
        self._overwritten = [self.persistent.get(stage.name) for stage in program.stages]
        self._workspaces, self._last, self.finished = {}, None, -1
        self._take_data()
        self._load()
        for name, value in computed.items():
            if value.shape == self._work.tensors[name].shape:
                self._work.tensors[name][...] = value

    def start(self, update: int, persistent: Array) -> None:
        """Stand at the start of an update with the given persistent values (a copy of :attr:`persistent_flat`)."""
        self._copies.all_overwritten()
        self.update, self.done, self.warnings, self.finished = update, 0, {}, -1
        self._undo.clear()
        self._others = set(self.program.changed)
        self.persistent_flat[...] = persistent
        self._load()

    def step(self) -> str:
        """Execute the next stage, noting what the floating-point unit complains of; returns the stage's name.

        Raises:
            BpdebugError: where it cannot be computed, as with a place that a tensor does not have.
        """
        place, name = self.done, self.program.stages[self.done].name
        if len(self._undo) == place:
            old = self._overwritten[place]
            self._undo.append(None if old is None else old.copy())
        if self._copies.watched:
            self._overwrite(name)
        self.finished = -1
        self._noted.clear()
        self._listening.run(self._execute, place)
        if self._noted:
            self.warnings[name] = tuple(dict.fromkeys(self._noted))
        self.done += 1
        if self.done == len(self._overwritten):
            self._turn()
        return name

    def _execute(self, place: int) -> None:
        if self._is_taken(place):
            return
        try:
            self._work.code.stage(place)()
        except (IndexError, ValueError) as error:  # a place that there is not, lengths that only the run knows
            raise self._refused(place, error) from None
        complaints = len(self._noted)
        stage, row = self.program.stages[place], self._work.rows[place]
        if recorded := self.program.recorded.get(stage.name):
            recorded.settle(self._work.tensors[stage.name])
            if not np.array_equal(self._work.tensors[stage.name], recorded.value, equal_nan=row.dtype.kind == "f"):
                self._others.add(stage.name)
        self.finite = not stage.broken(row).any() if stage.unbounded else is_finite(row)
        del self._noted[complaints:]

    def _is_taken(self, place: int) -> bool:
        """Take what a stage has computed where it was recorded, if all that it reads is as it was then; whether that was done. Where
        something in it is not finite, it is computed, so that the floating-point unit complains."""
        stage = self.program.stages[place]
        recorded = self.program.recorded.get(stage.name)
        if recorded is None or stage.replaced or not self._others.isdisjoint(stage.formula.names):
            return False
        self._others.discard(stage.name)
        tensor, value = self._work.tensors[stage.name], recorded.value
        if tensor.shape != value.shape:
            return False
        tensor[...] = value
        self.finite = is_finite(self._work.rows[place])
        return self.finite

    def _refused(self, place: int, error: Exception) -> BpdebugError:
        """What is said of a stage that cannot be computed."""
        stage = self.program.stages[place]
        return BpdebugError(f"{stage.name} cannot be computed in update {self.update}: {stage.formula.text}: {error}")

    def step_back(self, count: int) -> bool:
        """Take back the last stages of this update, where what they have changed is known; whether it is."""
        if count and not self.done:
            self._return()
        if not 0 <= count <= self.done or len(self._undo) != self.done:
            return False
        for _ in range(count):
            self.done -= 1
            name, old = self.program.stages[self.done].name, self._undo.pop()
            self.warnings.pop(name, None)
            if old is not None:
                self._overwrite(name)
                self.persistent[name][...] = old
        return True

    def _return(self) -> None:
        """Stand at the end of the update before, where it was recorded and is in the buffers still."""
        if self._ended and self._last and self.program.recorded and 0 <= self.finished == self.update - 1:
            self._work, self.update, self.done, self.warnings = self._last, self.finished, len(self._ended), self._last_warnings
            self._undo, self._ended, self.finished = self._ended, [], -1

    def run_update(self) -> None:
        """Execute the whole update from its start, at full speed; what it has computed is there for :meth:`last`."""
        with np.errstate(all="ignore"):
            self.run_unguarded()

    def run_unguarded(self, checks: Checks = UNCHECKED) -> bool:
        """As :meth:`run_update`, for callers that have silenced NumPy's floating-point warnings themselves; but stop in the middle where
        a check strikes. Whether the update was completed."""
        self._copies.all_overwritten()
        self.finished = -1
        try:
            struck = self._work.run(checks)
        except StageError as stopped:
            self.done = stopped.done  # what has run before it counts
            raise self._refused(stopped.done, stopped.error) from None
        if struck:
            self.done = struck
        else:
            self._turn()
        return not struck

    def _turn(self) -> None:
        """Complete the update: what it computed is kept for :meth:`last`, and the next batch is loaded."""
        self._last, self._last_warnings, self.finished = self._work, self.warnings, self.update
        self._last_drawn = {name: self._work.given[name].copy() for name in self.program.draws}
        self.update, self.done, self.warnings = self.batches.gaps.get(self.update + 1, self.update + 1), 0, {}
        for name, value in self.batches.start(self.update).items():
            self.persistent[name][...] = value
        self._undo, self._ended = [], self._undo
        self._load()

    def tensor(self, name: str) -> Array:
        """A tensor that the stage before has computed (also where that stage was the last of its update)."""
        return (self._work if self.done else self.last_workspace()).tensors[name]

    def warned(self, name: str) -> tuple[str, ...]:
        """What was complained of when the stage before ran, such as ``divide by zero``."""
        return (self.warnings if self.done else self._last_warnings).get(name, ())

    def last_workspace(self) -> Workspace:
        """The buffers of the update that was completed last (of the present one, before the first)."""
        return self._last or self._work

    def last(self, name: str) -> Array:
        """A tensor of the update that was completed last (valid until the next stage runs)."""
        return self.last_workspace().tensors[name]

    def is_finite(self) -> bool:
        """Whether everything that has a value now is finite, or infinite on purpose."""
        meant = {stage.name for stage in self.program.stages if stage.unbounded}
        return all(np.isfinite(value).all() for name, value in self.values().items() if name not in meant)

    def last_is_finite(self) -> bool:
        """Whether everything that the last update computed is finite; for callers that have silenced NumPy's warnings."""
        return is_finite(self.last_workspace().telling) and is_finite(self.persistent_flat)

    def values(self) -> dict[str, Array]:
        """The tensors that have a value now, as live views: persistent ones, the batch, and what the update has computed."""
        work, computed = self._work, islice(self.program.index, self.done)
        return {name: work.tensors[name] for name in (*work.given, *self.persistent, *computed)}

    def moment(self) -> Moment:
        """As :meth:`values`, but as they are now, whatever happens afterwards."""
        return self._copies.moment(self.values(), {})

    def left_behind(self, then: Program) -> Moment:
        """What the update that is :attr:`finished` has computed and the present one has not, and what it was given where that is another.

        Args:
            then: the program as it was.
        """
        last, rows = self.last_workspace(), self.batches.rows(self.finished)
        now = then.data is self.program.data
        there = {} if now and rows is None else self._data if now else self._in_precision(then.data)
        given = {name: value if rows is None else np.asarray(value.take(rows, axis=0)) for name, value in there.items()}
        given |= self._last_drawn | ({} if then.fixed is self.program.fixed else self._in_precision(then.fixed))
        other = {name: value for name, value in given.items() if not np.array_equal(value, self._work.given[name])}
        computed = [name for name in self.program.index if name not in self.persistent]
        return self._copies.moment({name: last.tensors[name] for name in computed}, other)

    def named(self, persistent: Array) -> dict[str, Array]:
        """Views of a copy of :attr:`persistent_flat`, by name."""
        return self._memory.views(persistent)

    def put(self, name: str, index: Cell, value: float) -> None:
        """Set a cell, or with an empty index all of them; a number that is too large for the precision is inf."""
        self._overwrite(name)
        self._others.add(name)
        with np.errstate(over="ignore"):
            self._work.tensors[name][index or ...] = value

    def _overwrite(self, *names: str) -> None:
        """Must be called before tensors change."""
        if self._copies.watched:
            for name in names:
                self._copies.overwritten(name, self._work.tensors[name])

    def shapes(self) -> Shapes:
        """The shape of every tensor in the current update."""
        found = Forms(self._work.tensors)
        for name in self._work.forms:  # a length that only the run knows may be another one later
            found[name]
        return found


def is_finite(row: Array) -> bool:
    """Whether all of a row of numbers is finite; their squares are summed first, which is quicker, but may overflow with a complaint."""
    return (row.ndim == 1 and row.dtype.kind == "f" and math.isfinite(row.dot(row))) or bool(np.isfinite(row).all())
