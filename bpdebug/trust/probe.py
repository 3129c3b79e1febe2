"""One update in double precision, ready to be looked at from all sides: its values, what rounding does to them, what depends on what."""

from __future__ import annotations

import numpy as np

from bpdebug.core.description import Array
from bpdebug.core.evaluate import Evaluator
from bpdebug.core.functions import FUNCTIONS
from bpdebug.core.network import Phase
from bpdebug.core.record import replace
from bpdebug.core.schedule import Stage
from bpdebug.core.tree import Call, walk
from bpdebug.time.timeline import Timeline

EPSILON = float(np.finfo(np.float64).eps)


class Probe:
    """The present update in double precision, computed up to its gradients.

    Args:
        timeline: where we are; it stays there.

    Attributes:
        values: every tensor of the update.
        forward: the forward stages with the names that each reads.
        analytic_stages: the names of those all of whose functions take complex numbers.
        loss, targets: its loss; how many numbers it is to meet.
        noise: how far rounding alone moves each cell of each tensor, found by letting every stage be off by its last bit.
    """

    def __init__(self, timeline: Timeline) -> None:
        program = timeline.program
        self.program, self._running = (replace(made, dtype=np.dtype(np.float64)) for made in (program, timeline.machine.program))
        self.update, _ = timeline.calendar.under_way(timeline.clock)
        with timeline.at(timeline.calendar.clock(self.update)) as machine:
            state = {name: value.astype(np.float64) for name, value in machine.persistent.items()}
        self._start, self._count = self.program.batch(self.update) | state, self.program.end_of(Phase.BACKWARD)
        forward = self.program.stages[: self.program.end_of(Phase.LOSS)]
        self.forward = [(stage, frozenset(stage.formula.names)) for stage in forward]
        real = {name for name, function in FUNCTIONS.items() if not function.complex}
        calls = {stage.name: [node.function for node in walk(stage.formula.tree) if isinstance(node, Call)] for stage in forward}
        self.analytic_stages = {name for name, functions in calls.items() if real.isdisjoint(functions)}
        with np.errstate(all="ignore"):
            self.values = self._start | self._running.run(self._start, self._count)
            self.evaluator = Evaluator(self.values)
            self.noise = self._noise()
        self.loss, self.targets = float(self.values[program.network.loss]), self.values[program.network.naming.target].size

    def _noise(self) -> dict[str, Array]:
        generator = np.random.default_rng(0)
        noise = {stage.name: np.abs(self.values[stage.name]) * EPSILON for stage in self.program.stages[: self._count]}

        def off(name: str, value: Array) -> Array:
            """The value off by its last bit, one way or the other."""
            found = np.asarray(value * (1.0 + EPSILON * (2 * generator.integers(0, 2, value.shape) - 1)))
            noise[name] = np.maximum(noise[name], np.abs(found - self.values[name]))
            return found

        for _ in range(2):
            self._running.run(self._start, self._count, off)
        return noise

    def gradient(self, stage: Stage) -> Array:
        """What a derivative stage says; worked out, where no stage of the program computes it."""
        if stage.name in self.values:
            return self.values[stage.name]
        return np.asarray(Evaluator(self.values).value(stage.formula.tree))

    def gradient_noise(self, stage: Stage) -> Array:
        """How far rounding alone moves each cell of it."""
        if stage.name in self.noise:
            return self.noise[stage.name]
        return np.full(self.values[stage.of].shape, 16 * EPSILON * np.abs(self.gradient(stage)).max(initial=0.0))

    def after(self) -> dict[str, Array]:
        """The persistent tensors after this update."""
        after = self._start | self._running.run(self._start)
        return {name: after[name] for name in self.program.persistent}

    def downstream(self, tensor: str) -> list[Stage]:
        """The forward stages that a change of the tensor reaches, in order."""
        reached, found = {tensor}, []
        computed = tensor in self.program.index and tensor not in self.program.persistent
        start = self.program.index[tensor] + 1 if computed else 0
        for stage, reads in self.forward[start:]:
            if reached & reads:
                reached.add(stage.name)
                found.append(stage)
        return found

    def work(self, reached: list[Stage], cells: int) -> int:
        """About how many numbers are to be computed for so many cells, each of which reaches these stages."""
        losses = sum(stage.phase is Phase.LOSS for stage in reached) * self.targets
        return 2 * cells * (sum(self.values[stage.name].size for stage in reached) + 8 * losses)
