"""Time: a clock over executed stages, and seeking in both directions.

The state at clock *t* is a function of (program, edits up to *t*, *t*) alone; :meth:`Timeline.seek` has the bits of a fresh run.
Going back is the nearest checkpoint, run forward.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator
from contextlib import contextmanager
from time import perf_counter

import numpy as np

from bpdebug.core.cells import Cell
from bpdebug.core.description import Array, Values
from bpdebug.core.errors import BpdebugError
from bpdebug.core.machine import Machine
from bpdebug.core.program import Program
from bpdebug.core.record import replace
from bpdebug.core.workspace import UNCHECKED, Checks
from bpdebug.time.checkpoints import Checkpoints, Thinned
from bpdebug.time.edits import Edit, Edited, check_value
from bpdebug.time.position import Position, position_at

DEFAULT_BUDGET = 24 * 2**20
"""Bytes: of 784-128-10, whose parameters take 0.8 MB, any of the last thousand updates is then less than eighty away."""
_SLICE = 0.004
"""Seconds between two looks at whether to stop."""


class Timeline(Edited):
    """A program in time.

    Args:
        program: what to run.
        budget: bytes for checkpoints.

    Attributes:
        losses: the loss of each update that has been completed.
        first_nonfinite: the clock right after the first stage that gave NaN or inf, once it has been passed.
        visit: called whenever an update has been completed, where there is something to call.
    """

    def __init__(self, program: Program, budget: int = DEFAULT_BUDGET) -> None:
        super().__init__(program)
        self.losses = Thinned(8192, known=program.batches.told)
        self.first_nonfinite: int | None = None
        self._checkpoints = Checkpoints(self.machine.persistent_flat.size, program.dtype, budget)
        self._goal = 0
        self._position = position_at(program, 0)
        self.visit: Callable[[], None] | None = None
        self._seen: tuple[int, frozenset[str], Values] = (-1, frozenset(), {})
        self._checkpoints.save(0, self.machine.persistent_flat)

    @property
    def end(self) -> int:
        """The clock when the training is complete."""
        return self.calendar.end

    @property
    def position(self) -> Position:
        """The clock, spelled out."""
        if self._position.t != self.clock or self._position.calendar.spans is not self.calendar.spans:
            self._position = position_at(self.program, self.clock)
        return self._position

    def seek(self, t: int, stop: Callable[[], bool] = lambda: False) -> None:
        """Go to clock ``t``, wherever it lies; clocks outside the training are its start or its end.

        Args:
            t: where to.
            stop: asked every few milliseconds; where it says yes, the way ends early.
        """
        t = min(max(t, 0), self.end)
        if t < self.clock and not any(t < edit.t <= self.clock for edit in self.edits) and self.machine.step_back(self.clock - t):
            return
        self.approach(t)
        while not self.advance(t, seconds=_SLICE) and not stop():
            pass

    def run(self, t: int, stop: Callable[[], bool] = lambda: False, checks: Checks = UNCHECKED, catch: bool = True) -> bool:
        """Run forward to clock ``t``, but not past the end, the first moment at which a check strikes, or the first non-finite value.

        Args:
            t: where to, not before now.
            stop: as for :meth:`seek`.
            checks: what is looked at on the way.
            catch: whether a non-finite value is to stop it.

        Returns:
            Whether a non-finite value stopped it.
        """
        t, start = min(t, self.end), self.clock if catch else None
        if not catch and not checks:
            self.approach(t)
        while not (self.advance(t, _SLICE, start, checks) or self.machine.done in checks or self.passed(start) or stop()):
            pass
        if self.passed(start):
            self.seek(self.first_nonfinite or 0)
            return True
        return False

    @contextmanager
    def at(self, t: int, stop: Callable[[], bool] = lambda: False) -> Iterator[Machine]:
        """The machine as it is at another clock (or, with ``stop`` as for :meth:`seek`, on the way there), to look at, or to run on
        from there; afterwards the present is what it was."""
        here = self.clock
        self.seek(t, stop)
        try:
            yield self.machine
        finally:
            self.seek(here)

    def passed(self, start: int | None) -> bool:
        """Whether the first non-finite value lies between that clock, where one is given, and now."""
        return start is not None and self.first_nonfinite is not None and start < self.first_nonfinite <= self.clock

    def approach(self, t: int) -> None:
        """Stand at or before clock ``t``, as near as what is kept allows."""
        update = self.calendar.update(t)
        if update == self.machine.update and t >= self.clock:
            return
        nearest = self._nearest(update)
        if t < self.clock or nearest[0] > self.machine.update:
            self._stand(*nearest)

    def _nearest(self, update: int) -> tuple[int, Array]:
        """The latest update not after one at whose start the state is known, and the state."""
        kept, state = self._checkpoints.nearest(update)
        begun = max((after for after in self.program.batches.gaps.values() if after <= update), default=0)
        if begun > kept:
            kept, state = begun, state.copy()
            views = self.machine.named(state)
            for name, value in self.program.batches.start(begun).items():
                views[name][...] = value
        return kept, state

    def _stand(self, update: int, state: Array) -> None:
        """Stand at the start of an update in a kept state, which is the one before any edit of that very moment."""
        self.machine.adopt(self.version_at(self.calendar.clock(update)))
        self.machine.start(update, state)
        self.apply_edits()

    def edit(self, name: str, index: Cell = (), value: float | None = None, formula: str = "") -> list[Edit]:
        """Change something at this moment: a value, or the formula of a stage.

        Returns:
            The edits of the former future, which are dropped: editing in the past starts a new one.

        Raises:
            BpdebugError: where it cannot be done; nothing has changed then.
        """
        program, here = self.machine.program, self.clock
        made = Edit(here, name, index, value, formula, program.takes(name))
        if value is None:
            changed = program.with_formula(name, formula)
            if changed.layout != program.layout:  # the update begins anew, and comes as far as it is the same
                made = replace(made, t=self.calendar.clock(self.machine.update))
                here = made.t + min(self.machine.done, changed.index[name])
                self.seek(made.t)
        else:
            check_value(self.machine, name, index, value)
            made.changed(program)
        dropped = self._branch([*(edit for edit in self.edits if edit.t <= made.t), made])
        self.seek(here)
        return dropped

    def undo(self) -> Edit:
        """Drop the last edit of all, and go to the moment at which it was made, if that is past.

        Raises:
            BpdebugError: where there is none.
        """
        if not self.edits:
            raise BpdebugError("nothing has been edited")
        last = self.edits[-1]
        here = min(self.clock, last.t)
        self.seek(max(last.t - 1, 0))
        self._branch(self.edits[:-1])
        self._stand(*self._nearest(self.calendar.update(last.t)))
        self.seek(here)
        return last

    def recover(self, t: int, edits: list[Edit]) -> None:
        """Stand at a clock with these edits, from what is kept, whatever state the present is in."""
        changed = [edit.t for edit in [*self.edits, *edits] if (edit in self.edits) != (edit in edits)]
        first = self.calendar.update(min([t, self.clock, *changed]))
        self.visit = None
        self._forget(first, edits)
        self.first_nonfinite = None if changed else self.first_nonfinite
        self._stand(*self._nearest(first))
        self.seek(t)

    def _branch(self, edits: list[Edit]) -> list[Edit]:
        """Take other edits from this moment on; what was known of the future is forgotten."""
        dropped = [edit for edit in self.edits if edit not in edits]
        self._forget(self.machine.update, edits)
        if self.first_nonfinite is not None and self.first_nonfinite > self.clock:
            self.first_nonfinite = None
        self.apply_edits()
        return dropped

    def _forget(self, update: int, edits: list[Edit]) -> None:
        """Have other edits, and drop what is kept of later updates and of this one's end."""
        self.hold(edits)
        self._seen = (-1, frozenset(), {})
        self._checkpoints.forget_after(update)
        self.losses.forget_from(update)

    def advance(self, t: int, seconds: float = np.inf, start: int | None = None, checks: Checks = UNCHECKED) -> bool:
        """Run forward towards ``t`` for about that many seconds; whether it has been reached.

        Args:
            t: where to, not before now.
            seconds: how long at most.
            start: where given, the first non-finite value after that clock also ends it.
            checks: what also ends it where it strikes.
        """
        deadline = perf_counter() + seconds
        for edit in [*self.edits]:
            if self.clock < edit.t <= t:
                ended = self._advance(edit.t, deadline, start, checks)
                if self.clock == edit.t:
                    self.apply_edits()
                if ended:
                    return self.clock == t
        return not self._advance(t, deadline, start, checks) or self.clock == t

    def _advance(self, t: int, deadline: float, start: int | None, checks: Checks) -> bool:
        """Run to a clock before which there is no edit; whether something has ended it early, or has struck there."""
        (update, done), machine = self.calendar.place(t), self.machine
        self._goal = update  # the updates shortly before it are worth keeping
        while machine.update < update or machine.done < done:
            if machine.done or machine.update == update or machine.program.recorded:
                self.step()
            else:
                with np.errstate(all="ignore"):
                    while machine.update < update and not machine.done:
                        self._run_update(checks)
                        if self.passed(start) or perf_counter() > deadline:
                            break
            if machine.done in checks or self.passed(start) or (not machine.done and perf_counter() > deadline):
                return True
        return False

    def _run_update(self, checks: Checks) -> None:
        """Run an update from its start, to its end or where a check strikes; the first value that is not finite is found."""
        machine, update = self.machine, self.machine.update
        if machine.run_unguarded(checks):
            self.completed()
            if self.first_nonfinite is None and not machine.last_is_finite():
                self._locate(update)
        elif self.first_nonfinite is None and not machine.is_finite():
            here = self.clock
            self.approach(self.calendar.clock(update))
            self.advance(here)

    def step(self) -> None:
        """Run one stage; the first value that is not finite is remembered."""
        machine = self.machine
        machine.step()
        if not machine.finite and self.first_nonfinite is None:
            self.first_nonfinite = self.clock
        if not machine.done:
            self.completed()

    def completed(self) -> None:
        """Take note of an update that has just been completed."""
        machine = self.machine
        if self.losses.next == machine.finished:
            self.losses.record(machine.finished, machine.last(machine.program.loss))
        self._checkpoints.save(machine.update, machine.persistent_flat, self._goal)
        if self.visit:
            self.visit()

    def _locate(self, update: int) -> None:
        """Find the stage of ``update`` that gave the first non-finite value, and come back."""
        state, here, start = self.machine.persistent_flat.copy(), self.machine.update, self.calendar.clock(update)
        self.approach(start)
        self.advance(start)
        while self.first_nonfinite is None and self.machine.update == update:
            self.step()
        self.machine.start(here, state)

    def finish_again(self) -> None:
        """Run the update before once more, unless the buffers hold its numbers still."""
        here, machine = self.clock, self.machine
        if machine.finished != machine.update - 1:
            self.approach(self.calendar.clock(machine.update - 1))
            self.advance(here)

    def before(self, t: int, names: Collection[str] = ()) -> Values:
        """The values just before the stage that ended at clock ``t``; the present stays what it is. Those of some tensors, where they
        are named, are kept: the cells of one stage are looked at one after the other."""
        when, asked, kept = self._seen
        if when == t and names and asked.issuperset(names):
            return kept
        values = self.at_hand(t, names) if names else {}
        if not values:
            with self.at(t - 1) as machine:
                now = machine.moment()
            values = {name: now[name] for name in names or now if name in now}
        self._seen = (t, frozenset(names), values) if names else self._seen
        return values

    def at_hand(self, t: int, names: Collection[str]) -> Values:
        """The values of tensors just before the stage that ended at clock ``t``, where its update has just been finished and the start of
        that is kept, so that nothing need run; else nothing."""
        machine, (update, place) = self.machine, self.calendar.ran(t)
        kept, state = self._nearest(update)
        edited = any(self.calendar.clock(update) <= edit.t <= self.clock for edit in self.edits)
        if machine.done or edited or not machine.finished == update == kept:
            return {}
        left, now, old = machine.left_behind(self.program), machine.moment(), machine.named(state)
        assigned = {name for name in machine.persistent if self.program.index.get(name, -1) >= place}
        return {name: old[name].copy() if name in assigned else left[name] if name in left else now[name] for name in names}
