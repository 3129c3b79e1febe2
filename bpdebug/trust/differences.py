"""Derivatives of the loss that nobody has derived: by differences, with the program's own forward formulas.

One cell of a tensor after another is changed, and what is downstream of it runs again, many cells at once: by an imaginary step
where every function downstream allows it, which cancels nothing and has the full precision, else by central differences.
"""

from __future__ import annotations

from collections.abc import Generator, Iterator, Mapping, Sequence

import numpy as np

from bpdebug.core.description import Array
from bpdebug.core.evaluate import Evaluator
from bpdebug.core.functions import FUNCTIONS
from bpdebug.core.network import Phase
from bpdebug.core.record import Record, replace
from bpdebug.core.schedule import Stage
from bpdebug.core.tree import Call, walk
from bpdebug.time.tasks import whole
from bpdebug.time.timeline import Timeline
from bpdebug.trust.perturbed import Changed, Column, Copies, Known, Perturbed

EPSILON = float(np.finfo(np.float64).eps)
STEP = 1e-5
"""The step of central differences: near the cube root of a double's precision, which balances rounding and curvature."""
_TINY = 1e-100
"""The imaginary step: so small that its square vanishes, and nothing is subtracted."""
_AT_ONCE = 1 << 17
"""Numbers that one tensor's copies may have: they stay in the processor's cache."""
_COMPLEX_WORK = 4_000_000
"""Up to this many numbers the complex step is worth its time; beyond, central differences."""


class Probe:
    """The present update in double precision, computed up to its gradients.

    Args:
        timeline: where we are; it stays there.

    Attributes:
        program, running: as it is shown, and as it runs.
        values: every tensor of the update.
        forward: the forward stages with the names that each reads.
        analytic_stages: the names of those all of whose functions take complex numbers.
        loss, targets: its loss; how many numbers it is to meet.
        noise: how far rounding alone moves each cell of each tensor, found by letting every stage be off by its last bit.
    """

    def __init__(self, timeline: Timeline) -> None:
        program = timeline.program
        self.program, self.running = (replace(made, dtype=np.dtype(np.float64)) for made in (program, timeline.machine.program))
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
            self.values = self._start | self.running.run(self._start, self._count)
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
            self.running.run(self._start, self._count, off)
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
        after = self._start | self.running.run(self._start)
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


class Derivative(Record, eq=False):
    """The derivative of the loss with respect to one tensor.

    Attributes:
        value: of the tensor's shape; NaN at cells that were not asked for.
        corners: where the loss has a corner within the step.
        floor: what rounding and curvature may have left in a value.
        method: ``complex step`` or ``central differences``.
    """

    value: Array
    corners: Array
    floor: float
    method: str


class _Target(Record):
    """What is differentiated: the sum of stages' values times weights; ``chained`` where each stage sees what those before it
    have made of the change."""

    stages: list[Stage]
    weights: Mapping[str, Array]
    chained: bool


class Differences(Probe):
    """The derivatives of the present update's loss."""

    def derivative(
        self, tensor: str, cells: Array, seeds: Mapping[str, Array] | None = None, said: str = "{}"
    ) -> Generator[str, None, Derivative]:
        """The derivative at some cells (flat places), by the better method; yields now and then how many cells are done.

        Args:
            tensor: which.
            cells: where.
            seeds: instead of the loss, the sum of the given stages times these weights, each stage seeing nothing else change:
                that is one step of the chain rule.
            said: how the number of cells is put into words.
        """
        stages = self.downstream(tensor) if seeds is None else [self.program.stage(name) for name in seeds]
        target = self._to_the_loss(stages) if seeds is None else _Target(stages, seeds, False)
        if self.work(stages, len(cells)) > _COMPLEX_WORK or not all(stage.name in self.analytic_stages for stage in stages):
            return (yield from self._central(tensor, cells, target, said))
        found = yield from self._complex(tensor, cells, target, said)
        if not np.isfinite(found.value.flat[cells]).all():
            return (yield from self._central(tensor, cells, target, said))
        doubtful = cells[found.corners.flat[cells]]
        if not len(doubtful):
            return found
        # an imaginary step sees one side of a corner only: there, differences decide whether it is one, and where it is none, they
        # count, unless they only confirm the more exact number
        central = yield from self._central(tensor, doubtful, target, said)
        near, exact = central.value.flat[doubtful], found.value.flat[doubtful]
        far = ~(np.abs(near - exact) <= 1e-6 * np.maximum(np.abs(near), np.abs(exact)) + central.floor)
        found.value.flat[doubtful[far]] = near[far]
        return replace(found, corners=central.corners, floor=max(found.floor, central.floor) if far.any() else found.floor)

    def together(self, tensors: Sequence[str]) -> dict[str, Derivative]:
        """The derivatives of several small tensors in one sweep by the complex step, each copy with one cell of one of them changed;
        nothing where that is not possible, or where a corner asks for a closer look."""
        sizes = {name: self.values[name].size for name in tensors}
        copies = sum(sizes.values())
        if len(self.analytic_stages) < len(self.forward) or copies * max(v.size for v in self.values.values()) > _AT_ONCE:
            return {}
        ends = dict(zip(sizes, np.cumsum(list(sizes.values())).tolist(), strict=True))

        def with_steps(name: str, value: Known) -> Copies:
            """Copies of a tensor, those that are its own with one cell changed each."""
            dense = value if isinstance(value, np.ndarray) else value.dense()
            moved = np.array(np.broadcast_to(dense, (copies, *self.values[name].shape)), complex)
            moved.reshape(copies, -1)[ends[name] - sizes[name] : ends[name]] += 1j * _TINY * np.eye(sizes[name])
            return Copies(moved)

        first = [name for name in tensors if name not in self.program.index or name in self.program.persistent]
        changed = Perturbed(self.values, {name: with_steps(name, self.values[name]) for name in first}, copies, False, self.evaluator)
        for stage, _ in self.forward:
            value = changed.value(stage.formula.tree)
            if stage.name in ends:
                value = with_steps(stage.name, value)
            if not isinstance(value, np.ndarray):
                changed.known[stage.name] = value
        loss = self.program.network.loss
        if loss not in changed.known:  # a formula of the user's that depends on none of them
            return {}
        slopes = _weighted(changed.known[loss], self.values[loss], np.ones(())).imag / _TINY
        if changed.corners.any() or not np.isfinite(slopes).all():
            return {}
        found = {name: slopes[end - sizes[name] : end].reshape(self.values[name].shape) for name, end in ends.items()}
        return {name: _exact(value, np.zeros(value.shape, bool)) for name, value in found.items()}

    def by_complex_step(self, tensor: str, cells: Array) -> Array | None:
        """The derivative at some cells, NaN elsewhere; None where the complex step is not possible."""
        stages = self.downstream(tensor)
        analytic = all(stage.name in self.analytic_stages for stage in stages)
        return whole(self._complex(tensor, cells, self._to_the_loss(stages))).value if analytic else None

    def by_differences(self, tensor: str, cells: Array, step: float) -> Array:
        """The derivative at some cells by central differences with that step, NaN elsewhere."""
        return whole(self._central(tensor, cells, self._to_the_loss(self.downstream(tensor)), step=step)).value

    def along(self, directions: Mapping[str, Array], sizes: Array) -> Array:
        """How far the loss moves when several tensors move together, by each of some sizes times a direction."""
        changed = {name: Copies(self.values[name] + np.multiply.outer(sizes, way)) for name, way in directions.items()}
        copies = Perturbed(self.values, changed, len(sizes), False, self.evaluator)
        return self._movement(copies, self._to_the_loss([stage for stage, _ in self.forward]), sizes)

    def _to_the_loss(self, stages: list[Stage]) -> _Target:
        return _Target(stages, {self.program.network.loss: np.ones(())}, True)

    def _complex(self, tensor: str, cells: Array, target: _Target, said: str = "{}") -> Generator[str, None, Derivative]:
        base = self.values[tensor]
        value, corners, done = np.full(base.shape, np.nan), np.zeros(base.shape, bool), 0
        for some in self._groups(tensor, cells, target.stages):
            moved, corner = self._moved(tensor, some, np.full(len(some), 1j * _TINY), target)
            value.flat[some], corners.flat[some] = moved.imag / _TINY, corner
            done += len(some)
            yield said.format(done)
        return _exact(value, corners)

    def _central(
        self, tensor: str, cells: Array, target: _Target, said: str = "{}", step: float = STEP
    ) -> Generator[str, None, Derivative]:
        base = self.values[tensor]
        value, corners, done = np.full(base.shape, np.nan), np.zeros(base.shape, bool), 0
        rounding = sum(float((4 * np.abs(weight) * self.noise[name]).sum()) for name, weight in target.weights.items())
        for some in self._groups(tensor, cells, target.stages):
            sizes = step * np.maximum(1.0, np.abs(base.flat[some]))
            moved, corner = self._moved(tensor, np.tile(some, 2), np.concatenate([sizes, -sizes]), target)
            right, left = moved[: len(some)] / sizes, -moved[len(some) :] / sizes
            value.flat[some] = (right + left) / 2
            bend = np.abs(right - left) > 1e-3 * np.maximum(np.abs(right), np.abs(left)) + 4 * rounding / step
            corners.flat[some] = corner & bend
            done += len(some)
            yield said.format(done)
        curvature = step**2 * max(float(np.nanmax(np.abs(value), initial=0.0)), 1e-3 * abs(self.loss))
        return Derivative(value, corners, rounding / step + curvature, "central differences")

    def _groups(self, tensor: str, cells: Array, stages: list[Stage]) -> Iterator[Array]:
        """Cells that are perturbed together: all of a small tensor, else within one column, as many as the cache holds."""
        base = self.values[tensor]
        widest = max([self.values[stage.name].size for stage in stages] + [base.size])
        if len(cells) * widest * 2 <= _AT_ONCE or base.ndim != 2:
            room = max(1, _AT_ONCE // (2 * widest))
            yield from (cells[i : i + room] for i in range(0, len(cells), room))
            return
        beyond = [self.values[stage.name].size for stage in stages[2:]] + [base.shape[0], self.targets]
        room = max(8, _AT_ONCE // (2 * max(beyond)))
        place = cells % base.shape[1]
        for column in np.unique(place):
            some = cells[place == column]
            yield from (some[i : i + room] for i in range(0, len(some), room))

    def _moved(self, tensor: str, cells: Array, steps: Array, target: _Target) -> tuple[Array, Array]:
        """How far what is differentiated moves when each of the cells is moved by its step; and where a corner lies within it."""
        base = self.values[tensor]
        changed: Changed
        columns = base.shape[1] if base.ndim == 2 else 1
        if columns > 1 and (cells % columns == cells[0] % columns).all():
            changed = Column(base, int(cells[0] % columns), None, (cells // columns, steps))
        else:
            full = np.repeat(base[None], len(cells), 0).astype(steps.dtype)
            full.reshape(len(cells), -1)[np.arange(len(cells)), cells] += steps
            changed = Copies(full)
        copies = Perturbed(self.values, {tensor: changed}, len(cells), not np.iscomplexobj(steps), self.evaluator)
        return self._movement(copies, target, steps), copies.corners

    def _movement(self, copies: Perturbed, target: _Target, steps: Array) -> Array:
        """How far what is differentiated moves in each copy."""
        moved = np.zeros(len(steps), steps.dtype)
        for stage in target.stages:
            value = copies.value(stage.formula.tree)
            if isinstance(value, np.ndarray):
                continue
            if target.chained:
                copies.known[stage.name] = value
            if stage.name in target.weights:
                moved += _weighted(value, self.values[stage.name], target.weights[stage.name])
        return moved


def _exact(value: Array, corners: Array) -> Derivative:
    return Derivative(value, corners, 16 * EPSILON * float(np.nanmax(np.abs(value), initial=0.0)), "complex step")


def _weighted(value: Changed, base: Array, weight: Array) -> Array:
    """The sum over all cells of (value - base) * weight, for each copy."""
    if isinstance(value, Column):
        narrow = weight[:, value.place : value.place + 1]
        return np.asarray(((value.column - base[:, value.place : value.place + 1]) * narrow).sum(axis=(1, 2)))
    moved = (value.values - base) * weight
    return np.asarray(moved.reshape(len(moved), -1).sum(axis=1))
