"""Derivatives of the present update that nobody has derived: of the stages that use a tensor, cell by cell, and of the whole loss, by
differences along a direction."""

from __future__ import annotations

from collections.abc import Generator, Iterable
from functools import cached_property
from itertools import product

import numpy as np

from bpdebug.core.description import Array, Values
from bpdebug.core.evaluate import Evaluator
from bpdebug.core.network import Phase
from bpdebug.core.record import Record, replace
from bpdebug.core.schedule import Stage
from bpdebug.core.tree import Name
from bpdebug.time.timeline import Timeline
from bpdebug.trust.dots import SAFETY, Dots, laid
from bpdebug.trust.perturbed import EPSILON, Reach

_MOST, _AROUND = 256, 32
"""Cells of a recorded gradient that are looked at, and how many of these are among those that are off most."""
_TIMES = 4
"""How often each cell is worked out with other last bits."""

Group = tuple[slice | int, ...]


class Probe:
    """The present update in double precision, computed up to its gradients.

    Args:
        timeline: where we are; it stays there.

    Attributes:
        program, running: as it is shown, and as it runs.
        start: what the update starts from.
        values: every tensor of the update.
        loss: its loss.
        dots: judges its stages.
    """

    def __init__(self, timeline: Timeline) -> None:
        exact, running = np.dtype(np.float64), timeline.machine.program
        program = timeline.program if timeline.disguise else running
        self.program, self.running = (made if made.dtype == exact else replace(made, dtype=exact) for made in (program, running))
        self.update, _ = timeline.calendar.under_way(timeline.clock)
        with timeline.at(timeline.calendar.clock(self.update)) as machine:
            now = machine.values()
            state = {name: np.asarray(now[name], np.float64) for name in (*machine.persistent, *program.draws)}
        self.start = self.program.batch(self.update) | state
        with np.errstate(all="ignore"):
            self.values = self.start | self.running.run(self.start, self.program.end_of(Phase.BACKWARD), quickly=True)
        self.loss = float(self.values[program.loss])

    @cached_property
    def dots(self) -> Dots:
        """Judges its stages."""
        return Dots(self.program, self.running, self.values)

    def gradient(self, stage: Stage) -> Array:
        """What a derivative stage says; worked out, where no stage of the program computes it."""
        if stage.name in self.values:
            return self.values[stage.name]
        return np.asarray(Evaluator(self.values).value(stage.formula.tree))

    def after(self) -> dict[str, Array]:
        """The persistent tensors after this update."""
        after = self.start | self.running.run(self.start)
        return {name: after[name] for name in self.program.persistent}

    def moved(self, tensors: Values) -> float:
        """How far the loss moves when some tensors have other values."""
        there = self.program.run({**self.values, **tensors}, self.program.end_of(Phase.LOSS), tensors.get)
        return float(there[self.program.loss]) - self.loss


class Cells(Record, eq=False):
    """The derivative with respect to each cell of a tensor, and what rounding may have done to it and to ours.

    Attributes:
        low, high: between which any number is right; the same but at a corner.
        blur: the most by which ours may be beyond.
    """

    low: Array
    high: Array
    blur: Array

    @property
    def corners(self) -> Array:
        """The cells at a corner."""
        return np.asarray(self.high - self.low > self.blur)

    @property
    def right(self) -> Array:
        """The derivative; NaN at corners."""
        return np.where(self.corners, np.nan, self.low)

    def excess(self, ours: Array) -> Array:
        """How far beyond what corners and rounding allow each of our cells is; inf where only ours is not finite."""
        beyond = np.maximum(self.low - ours, ours - self.high) - self.blur
        known = np.isfinite(self.low) & np.isfinite(self.high)
        return np.where(known & ~np.isfinite(ours), np.inf, np.where(known & (beyond > 0), beyond, 0.0))


def cells(dots: Dots, stage: Stage, said: str) -> Generator[str, None, Cells]:
    """The derivative that a stage should compute, given what arrives at it; yields now and then how many cells are done.

    Cells that move different cells of what uses their tensor are moved together: all rows, all columns, or both. Of a recorded step, whose
    tensors are large, some are looked at, among them those that are off most; the others are NaN.
    """
    reach = dots.reach(stage)
    shape = dots.values[reach.tensor].shape
    low, high, size, blur = (np.zeros(shape) for _ in range(4))
    ats = [dots.exact, *dots.samples(reach, True, _TIMES)]
    given = [{name: np.asarray(at.value(Name(g)) if g else 1.0) for name, g in reach.ends.items()} for at in ats]
    apart = [axis for axis in (0, 1) if _apart(dots, reach, axis)]

    def folded(terms: Array) -> Array:
        """What each of the cells that are moved together has a part in."""
        return np.asarray(terms.sum(axis=tuple({0, 1} - {*apart}) if apart else None))

    places: list[Iterable[slice | int]] = [[slice(None)] if axis in apart else range(length) for axis, length in enumerate(shape)]
    done, groups = 0, [*product(*places)]
    if dots.program.recorded and len(groups) > _MOST:
        low[...] = high[...] = np.nan
        groups = _telling(dots, stage, reach, groups)
        for group in groups:
            low[group] = high[group] = 0.0
    for group in groups:
        chosen = np.zeros(shape)
        chosen[group] = 1.0
        ways = [reach.moves(at, {reach.tensor: chosen}) for at in ats]
        back = reach.moves(dots.exact, {reach.tensor: -chosen})[0] if ways[0][1] else {}
        for name, arriving in given[0].items():
            way = ways[0][0][name]
            if not way.ndim and way == 0:
                continue
            terms = np.where(arriving == 0, 0.0, arriving * way)
            other = np.where(arriving == 0, 0.0, -arriving * back[name]) if back else terms
            again = [np.where(g[name] == 0, 0.0, g[name] * w[name]) for g, (w, _) in zip(given[1:], ways[1:], strict=True)]
            low[group] += folded(np.minimum(terms, other))
            high[group] += folded(np.maximum(terms, other))
            size[group] += folded(np.abs(terms))
            blur[group] += np.max([np.abs(folded(one - terms)) for one in again], axis=0)
        done += int(chosen.sum())
        yield said.format(done)
    ours = [np.asarray(at.value(dots.formula(stage)), float) for at in ats]
    own = np.max([np.abs(other - ours[0]) for other in ours[1:]], axis=0)
    own = laid(np.asarray(own), shape)
    return Cells(low, high, SAFETY * (blur + np.where(np.isfinite(own), own, 0.0)) + 64 * EPSILON * (size + np.abs(low)))


def _telling(dots: Dots, stage: Stage, reach: Reach, groups: list[Group]) -> list[Group]:
    """Some cells: where halves and halves of these are off most, and others at random."""
    shape = dots.values[reach.tensor].shape
    ours = laid(np.asarray(dots.exact.value(dots.formula(stage)), float), shape)
    given = {name: np.asarray(dots.exact.value(Name(g))) if g else 1.0 for name, g in reach.ends.items()}
    order = dots.generator.permutation(len(groups))

    def off(part: Array) -> float:
        way = np.zeros(shape)
        for place in part:
            way[groups[place]] = dots.generator.choice([-1.0, 1.0])
        moved = reach.moves(dots.exact, {reach.tensor: way})[0]
        terms = sum(float(np.where(given[name] == 0, 0.0, given[name] * one).sum()) for name, one in moved.items())
        return abs(terms - float((ours * way).sum()))

    near = order
    while len(near) > _AROUND:
        near = max(np.array_split(near, 2), key=off)
    return [groups[place] for place in dict.fromkeys([*near.tolist(), *order[:_MOST].tolist()])][:_MOST]


def _apart(dots: Dots, reach: Reach, axis: int) -> bool:
    """Whether what comes of each row (or column) of a tensor lies in the same row (or column) of what uses it."""
    shape = dots.values[reach.tensor].shape
    if len(shape) != 2 or shape[axis] == 1:
        return False
    some = dots.generator.permutation(shape[axis]) < shape[axis] // 2
    for moved in (some, ~some):  # both: a unit that is off may keep a sample from moving with the one half
        direction = np.zeros(shape)
        direction[(slice(None),) * axis + (moved,)] = 1.5
        ways = reach.moves(dots.exact, {reach.tensor: direction})[0].values()
        if not all(way.ndim == 2 and way.shape[axis] == shape[axis] and not way.compress(~moved, axis).any() for way in ways):
            return False
    return True
