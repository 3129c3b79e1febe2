"""Whether a stage is the derivative that it should be, by one dot product over all of its cells.

A backward stage passes cotangents u, one for each stage that uses its tensor, back to the tensor; such a stage carries tangents v
forward. Both are the same linear map, read in two directions: ``<backward(u), v> = <u, forward(v)>`` (Griewank and Walther, "Evaluating
Derivatives" (2008), section 3.2), which random u and v confirm for all cells at once and refute, if one cell is off, with probability 1.
A stage is judged alone: what arrives at it is random, or, where its formula does not use that in proportion, what has arrived.

How large rounding may be is measured: the same is worked out again with other last bits everywhere (:mod:`bpdebug.trust.perturbed`).
"""

from __future__ import annotations

import math
from collections.abc import Collection, Mapping, Sequence
from copy import copy
from functools import cached_property, reduce
from heapq import heappop, heappush
from typing import Any

import numpy as np

from bpdebug.core.description import Array, Values
from bpdebug.core.network import Phase
from bpdebug.core.program import Program
from bpdebug.core.schedule import Stage
from bpdebug.core.tree import Name, Tree, names, substitute
from bpdebug.trust.degree import degree
from bpdebug.trust.finding import ROUNDING, Judged
from bpdebug.trust.perturbed import EPSILON, Reach, Rounded, Rounding

SAFETY = 32.0
"""How many times the largest deviation that was seen under rounding may be rounding."""
_TIMES = 0, 2, 16
"""How often everything is worked out with other last bits: not where both sides are the same anyhow; many times before anything is
called wrong."""
_FLOOR = 1e-290
_WIDEST = 1e120
_SPLITS, _FEW = 4_000, 3
"""How many stages are computed in search of the cells at which the loss has a corner, and under how many roundings."""
_UNKNOWN = Judged(np.inf, 0.0, 0.0, 0, True)


class Dots:
    """One update, its gradients computed in double precision.

    Args:
        program: the formulas that are meant to be differentiated.
        running: those that have run.
        values: every tensor.
    """

    def __init__(self, program: Program, running: Program, values: Values) -> None:
        self.program, self.running, self.exact = program, running, Rounded(values)
        self.generator = np.random.default_rng(0)
        self.values, self._given = values, frozenset[str]()

    def elsewhere(self, values: Values, given: Collection[str] = ()) -> Dots:
        """The same formulas on other numbers, some of which are what they are, whatever their stages make of the others."""
        (other := copy(self)).__dict__.update(values=values, exact=Rounded(values), _given=frozenset(given))
        return other

    @cached_property
    def forward(self) -> tuple[Stage, ...]:
        """The stages up to the loss."""
        return self.program.stages[: self.program.end_of(Phase.LOSS)]

    @cached_property
    def _readers(self) -> dict[str, list[int]]:
        """The places of the stages that read a tensor."""
        found = dict[str, list[int]]()
        for place, stage in enumerate(self.forward):
            for name in dict.fromkeys(stage.formula.names):
                found.setdefault(name, []).append(place)
        return found

    @cached_property
    def _parts(self) -> dict[str, dict[str, str]]:
        """The parts of the gradient of a tensor, by what they come through."""
        found = dict[str, dict[str, str]]()
        for part in self.program.tensors.values():
            if part.through:
                found.setdefault(part.of, {})[part.name] = part.name
        return found

    @cached_property
    def _rounding(self) -> Rounding:
        return Rounding(self.generator)

    def reach(self, stage: Stage) -> Reach:
        """What uses the tensor whose gradient a stage computes, or the part of it through one stage; a user's formula may go further."""
        if stage.of in self._parts and not stage.through:
            return Reach(stage.of, (), self._parts[stage.of])
        gradients = self.program.gradients
        if self.own(stage):
            read = names(self.formula(stage))
            gradients = {of: name for of, name in gradients.items() if name in read}
        return self._onwards(stage.of, stage.through, gradients)

    def _onwards(self, tensor: str, through: str, gradients: Mapping[str, str]) -> Reach:
        """The stages that come of a tensor, as far as those of which there is a gradient, or all the way to the loss."""
        ahead, steps = self._readers.get(tensor, []), dict[int, Stage]()
        ahead = [place for place in ahead if not through or self.forward[place].name == through]
        ends = {tensor: ""} if tensor == self.program.loss else dict[str, str]()
        while ahead:
            if (place := heappop(ahead)) in steps:
                continue
            steps[place] = stage = self.forward[place]
            if stage.name in gradients or stage.name == self.program.loss:
                ends[stage.name] = gradients.get(stage.name, "")
            else:
                for later in self._readers.get(stage.name, []):
                    heappush(ahead, later)
        return Reach(tensor, tuple(steps.values()), ends, bool(through))

    @cached_property
    def _inner(self) -> tuple[dict[str, Tree], dict[str, Tree]]:
        """The values that a backward pass gives names to: as they have run, and as they are meant."""
        runs, meant = dict[str, Tree](), dict[str, Tree]()
        for stage in self.running.stages:
            if stage.phase is Phase.BACKWARD and not stage.of:
                runs[stage.name] = substitute(stage.formula.tree, runs)
                alike = stage.derived is None and all(meant.get(name) is runs.get(name) for name in stage.formula.names)
                meant[stage.name] = runs[stage.name] if alike else substitute((stage.derived or stage.formula).tree, meant)
        return runs, meant

    def formula(self, stage: Stage) -> Tree:
        """What has run, inner values put in; of a gradient that no update computes, its formula."""
        own = self.running.stage(stage.name) if stage.name in self.running.index else stage
        return substitute(own.formula.tree, self._inner[0])

    def own(self, stage: Stage) -> bool:
        """Whether that is the user's, as it stands or in an inner value."""
        return self.formula(stage) != substitute((stage.derived or stage.formula).tree, self._inner[1])

    def judge(self, stage: Stage) -> tuple[str, Judged]:
        """What there is to say of a derivative stage (a key of the statuses; ``wrong`` wants a look at its cells), and by which numbers."""
        reach, tree = self.reach(stage), self.formula(stage)
        arriving = [gradient for gradient in reach.ends.values() if gradient]
        free = len(arriving) == len(reach.ends) and degree(tree, arriving) == 1
        judged = self._judged(tree, reach, free)
        if judged.agrees or not judged.telling:
            return judged.status, judged
        given = self._judged(tree, reach, False) if free else judged
        if given.agrees or not given.telling:
            return ("hidden" if free else given.status), given
        whole = self._judged(tree, self._onwards(stage.of, "", {}), False) if not stage.through else given
        seen = whole.telling and (whole.size > 0 or not whole.kinks)  # with every cell at a corner nothing was compared
        return ("good", whole) if whole.agrees and seen else ("wrong", given)

    def _judged(self, tree: Tree, reach: Reach, free: bool) -> Judged:
        for times in _TIMES:
            judged = _Dot(self, tree, reach, free, times).judged()
            if judged.agrees:
                break
        return judged

    def along(self, directions: Values, gradients: Mapping[str, Stage]) -> tuple[float, float, float, bool]:
        """How the loss moves when tensors move along directions; what gradients say; the most that rounding may bring these apart; and
        whether there is a corner."""
        steps = tuple(stage for stage in self.forward if stage.name not in directions)
        reach = Reach("", steps, {self.program.loss: ""})
        ats = [self.exact, *self.samples(reach, True, 4)]
        ways = [float(reach.moves(at, directions)[0][self.program.loss]) for at in ats]
        back = float(reach.moves(self.exact, {of: -way for of, way in directions.items()})[0][self.program.loss])
        said = [sum(float((at.value(self.formula(stage)) * directions[of]).sum()) for of, stage in gradients.items()) for at in ats]
        apart = np.subtract(said, ways)
        bound = SAFETY * float(np.max(np.abs(apart - apart[0]))) + 64 * EPSILON * abs(said[0])
        return ways[0], said[0], bound, abs(ways[0] + back) > max(bound, 1e-12 * abs(ways[0]))

    def samples(self, reach: Reach, gradients: bool, times: int) -> list[Rounded]:
        """The values with other last bits in what comes of a tensor, and, if asked for, in all gradients."""
        if not times:
            return []
        stages, first = self.running.stages, self.program.index[reach.steps[0].name] if reach.steps else 0
        count = self.running.end_of(Phase.LOSS)
        again = {stage.name: stage for stage in stages[first:count]} if reach.steps else {}
        again |= {stage.name: stage for stage in stages if stage.of} if gradients else {}
        again = {name: stage for name, stage in again.items() if name not in self._given}
        return [Rounded(self.values, self._rounding, again) for _ in range(times)]


class _Dot:
    """One dot product: of a formula, with the cotangents free or as they have arrived."""

    def __init__(self, dots: Dots, tree: Tree, reach: Reach, free: bool, times: int) -> None:
        self._tree, self._reach, self._free, self._generator, self._values = tree, reach, free, dots.generator, dots.values
        self._ats, names = [dots.exact, *dots.samples(reach, not free, times)], reach.ends.items()
        random = {n: _random(dots.generator, np.shape(dots.values[n])) for n, _ in names if free}
        self._cotangents = [
            random or {n: _laid(at.value(Name(g)), dots.values[n].shape) if g else np.ones(()) for n, g in names} for at in self._ats
        ]

    def judged(self, widest: float = _WIDEST) -> Judged:
        """Its two sides, with weights of the cells up to ``widest``."""
        cotangents, once, kinks = self._cotangents, len(self._ats) == 1, 0
        backward = self._backward(cotangents)
        direction = self._direction(backward, widest)
        forward, tied = self._forward(direction)
        finite, lost = np.isfinite(backward[0]), {n: ~np.isfinite(way) for n, way in forward[0].items()}
        broken = any(mask.any() for mask in lost.values())
        if once and (tied or broken or not finite.all()):
            return _UNKNOWN
        corners = self._corners(direction, forward) if tied else {}
        left_out = {n: mask | corners.get(n, False) for n, mask in lost.items()}
        if self._free and any(mask.any() for mask in left_out.values()):
            given = {n: self._values[g] for n, g in self._reach.ends.items()}
            kinks = int(sum(((given[n] != 0) & corners[n]).sum() for n in corners))
            cotangents = [{n: np.where(left_out[n], 0.0, u) for n, u in each.items()} for each in cotangents]
            backward = self._backward(cotangents)
            finite = np.isfinite(backward[0])
        elif any(mask.any() for mask in left_out.values()):
            smooth, kinks, broken = self._smooth(direction)
            direction = np.where(smooth, direction, 0.0)
            forward, _ = self._forward(direction)
        if not finite.all():
            broken, backward, direction = True, [np.where(finite, made, 0.0) for made in backward], np.where(finite, direction, 0.0)
        terms = [made * direction for made in backward]
        others = [[np.where(u == 0, 0.0, u * ways[n]) for n, u in each.items()] for each, ways in zip(cotangents, forward, strict=True)]
        apart = [float(term.sum()) - sum(float(other.sum()) for other in more) for term, more in zip(terms, others, strict=True)]
        sizes = [_norm(terms[0]), sum(map(_norm, others[0]))]
        if once:
            return Judged(abs(apart[0]), ROUNDING * sizes[0], max(sizes), 0, False) if abs(apart[0]) <= ROUNDING * sizes[0] else _UNKNOWN
        spread = float(np.max(np.abs(np.array(apart[1:]) - apart[0])))
        weights = np.abs(direction).sum() + sum(np.abs(u).sum() for u in cotangents[0].values())
        bound = SAFETY * spread + 16 * EPSILON * sum(sizes) + _FLOOR * float(weights) * any(sizes)
        if (broken or not np.isfinite(bound)) and widest > 1.0:
            return self.judged(1.0)
        return Judged(abs(apart[0]), bound if np.isfinite(bound) else np.inf, max(sizes), kinks, broken)

    def _backward(self, cotangents: Sequence[Values]) -> list[Array]:
        """What the formula makes of the cotangents, under each rounding."""
        shape, ends = self._values[self._reach.tensor].shape, self._reach.ends
        ats = zip(self._ats, cotangents, strict=True)
        his = {n: np.shape(self._values[g]) for n, g in ends.items()} if self._free else {}
        put = [at.with_values({ends[n]: _laid(u, his[n]) for n, u in each.items()}) if self._free else at for at, each in ats]
        found = [at.value(self._tree) for at in put]
        return [laid(np.asarray(value, float), shape) for value in found]

    def _direction(self, backward: Sequence[Array], widest: float) -> Array:
        """Random, and such that each cell counts alike, but for those that rounding has blurred more than most."""
        size, random = np.abs(backward[0]), _random(self._generator, backward[0].shape)
        blur = _farthest(backward) + _FLOOR
        step = max(1, size.size // 1024) | 1
        some, around = size.ravel()[::step], blur.ravel()[::step]
        told = np.isfinite(some) & np.isfinite(around) & (some > 0)
        if not told.any():
            return random
        usual = max(EPSILON, _middle(around[told] / some[told]))
        weights = 1.0 / (size + blur / usual)
        weights = np.where((size == 0) & (blur <= _FLOOR), _middle(weights.ravel()[::step][told]), weights)
        return np.where(np.isfinite(weights), random * np.minimum(weights, widest), 0.0)

    def _forward(self, direction: Array, count: int | None = None) -> tuple[list[dict[str, Array]], bool]:
        made = [self._reach.moves(at, {self._reach.tensor: direction}) for at in self._ats[:count]]
        return [ways for ways, _ in made], made[0][1]

    def _corners(self, direction: Array, forward: Sequence[Values]) -> dict[str, Array]:
        """Which cells of the ends are at a corner."""
        back, found = self._reach.moves(self._ats[0], {self._reach.tensor: -direction})[0], dict[str, Array]()
        for n, way in forward[0].items():
            blur = _farthest([ways[n] for ways in forward])
            found[n] = np.abs(way + back[n]) > SAFETY * blur + 64 * EPSILON * (np.abs(way) + np.abs(back[n]))
        return found

    def _smooth(self, direction: Array) -> tuple[Array, int, bool]:
        """The cells that can be moved without meeting a corner; how many meet one; whether some lead to what is not finite."""
        smooth, groups = np.zeros(direction.size, bool), [np.arange(direction.size)]
        kinks, broken, left = 0, False, _SPLITS // (16 + len(self._reach.steps))
        given = self._cotangents[0]
        while groups:
            group, left = groups.pop(), left - 1
            part = np.zeros_like(direction)
            part.flat[group] = direction.flat[group]
            forward, tied = self._forward(part, _FEW)
            corners, lost = self._corners(part, forward) if tied else {}, {n: ~np.isfinite(way) for n, way in forward[0].items()}
            if not any(((mask | corners.get(n, False)) & (given[n] != 0)).any() for n, mask in lost.items()):
                smooth[group] = True
            elif len(group) == 1 or left <= 0:
                gone = any(mask.any() for mask in lost.values())
                kinks, broken = kinks + len(group) * (not gone), broken or gone
            else:
                groups += np.array_split(group, 2)
        return smooth.reshape(direction.shape), kinks, broken


def _norm(terms: Any) -> float:
    return float(np.linalg.norm(terms))


def _farthest(values: Sequence[Array]) -> Array:
    """How far the first array is from the others, cell by cell, at most."""
    return np.asarray(reduce(np.maximum, (np.abs(other - values[0]) for other in values[1:]), np.zeros(np.shape(values[0]))))


def _middle(values: Array) -> float:
    """About the median."""
    return float(np.sort(values)[len(values) // 2])


def laid(value: Array, shape: tuple[int, ...]) -> Array:
    """A gradient of a script in the shape of its tensor: one number for all cells, or other axes of one cell: 1×5 for a bias of 5."""
    return value.reshape(shape) if value.size == math.prod(shape) else np.broadcast_to(value, shape)


def _laid(gradient: Array, shape: tuple[int, ...]) -> Array:
    """A gradient in its tensor's shape, or the other way round: a script's may have other axes of one cell."""
    return gradient.reshape(shape) if gradient.size == math.prod(shape) else gradient


def _random(generator: np.random.Generator, shape: tuple[int, ...]) -> Array:
    """Numbers of both signs, none near 0, so that every cell counts."""
    found = np.asarray(generator.random(shape))
    found -= 0.5
    found += np.copysign(0.25, found)
    return found
