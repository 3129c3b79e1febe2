"""Time: a clock over executed stages, and seeking in both directions.

The state at clock *t* is a function of (program, *t*) alone; :meth:`Timeline.seek` has the bits of a fresh run. Going back is the
nearest checkpoint, run forward.
"""

from __future__ import annotations

from collections.abc import Callable
from time import perf_counter

import numpy as np

from bpdebug.debugger.checkpoints import Checkpoints
from bpdebug.debugger.history import History
from bpdebug.debugger.position import Position, position_at
from bpdebug.engine.description import Array
from bpdebug.engine.machine import Machine
from bpdebug.engine.program import Program

DEFAULT_BUDGET = 64 * 2**20
_SLICE = 0.004
"""Seconds between two looks at whether to stop."""


class Timeline:
    """A program in time.

    Args:
        program: what to run.
        budget: bytes for checkpoints.

    Attributes:
        losses: the loss of each update that has been completed.
        first_nonfinite: the clock right after the first stage that gave NaN or inf, once it has been passed.
    """

    def __init__(self, program: Program, budget: int = DEFAULT_BUDGET) -> None:
        self.program = program
        self.machine = Machine(program)
        self.losses = History()
        self.first_nonfinite: int | None = None
        self._checkpoints = Checkpoints(self.machine.persistent_flat.size, program.scenario.dtype, budget)
        self._worth_keeping = 0
        self._checkpoints.save(0, self.machine.persistent_flat)

    @property
    def clock(self) -> int:
        """How many stages have been executed."""
        return self.machine.update * len(self.program.stages) + self.machine.done

    @property
    def end(self) -> int:
        """The clock when the training is complete."""
        return self.program.scenario.updates * len(self.program.stages)

    @property
    def position(self) -> Position:
        """The clock, spelled out."""
        return position_at(self.program, self.clock)

    def seek(self, t: int, stop: Callable[[], bool] = lambda: False) -> None:
        """Go to clock ``t``, wherever it lies; clocks outside the training are its start or its end.

        Args:
            t: where to.
            stop: asked every few milliseconds; where it says yes, the way ends early.
        """
        t = min(max(t, 0), self.end)
        self._approach(t)
        while not self.advance(t, seconds=_SLICE) and not stop():
            pass

    def run(self, t: int, stop: Callable[[], bool] = lambda: False) -> bool:
        """Run forward to clock ``t``, but not past the first non-finite value nor past the end.

        Args:
            t: where to, not before now.
            stop: as for :meth:`seek`.

        Returns:
            Whether a non-finite value stopped it.
        """
        t, start = min(t, self.end), self.clock
        while not self.advance(t, _SLICE, start) and not self._passed(start) and not stop():
            pass
        if self._passed(start):
            self.seek(self.first_nonfinite or 0)
            return True
        return False

    def _passed(self, start: int) -> bool:
        return self.first_nonfinite is not None and start < self.first_nonfinite <= self.clock

    def _approach(self, t: int) -> None:
        """Stand at or before clock ``t``, as near as what is kept allows."""
        update = t // len(self.program.stages)
        kept, state = self._checkpoints.nearest(update)
        if t < self.clock or kept > self.machine.update:
            self.machine.start(kept, state)

    def advance(self, t: int, seconds: float = np.inf, start: int | None = None) -> bool:
        """Run forward towards ``t`` for about that many seconds; whether it has been reached.

        Args:
            t: where to, not before now.
            seconds: how long at most.
            start: where given, the first non-finite value after that clock also ends it.
        """
        target, deadline = divmod(t, len(self.program.stages)), perf_counter() + seconds
        machine, self._worth_keeping = self.machine, target[0] - self._checkpoints.near
        while machine.done and machine.update < target[0]:
            self._step()
        with np.errstate(all="ignore"):
            while machine.update < target[0]:
                self._run_update()
                if perf_counter() > deadline or (start is not None and self._passed(start)):
                    return False
        while machine.done < target[1]:
            self._step()
        return True

    def _run_update(self) -> None:
        machine = self.machine
        machine.run_unguarded()
        self._completed()
        if self.first_nonfinite is None and not machine.last_is_finite():
            self._locate(machine.update - 1)

    def _step(self) -> None:
        """One stage; the first value that is not finite is remembered."""
        machine = self.machine
        name = machine.step()
        value = machine.tensor(name)
        if self.first_nonfinite is None and not np.isfinite(value).all():
            self.first_nonfinite = self.clock
        if not machine.done:
            self._completed()

    def _completed(self) -> None:
        """An update has just been completed."""
        machine = self.machine
        if self.losses.next == machine.update - 1:
            self.losses.record(machine.update - 1, float(machine.last("loss")))
        self._checkpoints.save(machine.update, machine.persistent_flat, machine.update >= self._worth_keeping)

    def _locate(self, update: int) -> None:
        """Find the stage of ``update`` that gave the first non-finite value, and come back."""
        state, here = self.machine.persistent_flat.copy(), self.machine.update
        self._approach(update * len(self.program.stages))
        while self.machine.update < update:
            self.machine.run_update()
        while self.first_nonfinite is None and self.machine.update == update:
            self._step()
        self.machine.start(here, state)

    def before(self, t: int) -> dict[str, Array]:
        """The values just before the stage that ended at clock ``t``, as copies; the present stays what it is."""
        here = self.clock
        self.seek(t - 1)
        values = {name: value.copy() for name, value in self.machine.values().items()}
        self.seek(here)
        return values
