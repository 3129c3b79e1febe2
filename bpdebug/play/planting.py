"""Choosing what a hunt is for: a mistake of the catalogue that fits the program and shows in its numbers."""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterable
from hashlib import sha256
from typing import TypeVar

import numpy as np

from bpdebug.core.description import Array, Values
from bpdebug.core.errors import BpdebugError, FormulaError
from bpdebug.core.evaluate import assigned
from bpdebug.core.network import Phase
from bpdebug.core.program import Program
from bpdebug.core.schedule import Stage
from bpdebug.play.hunt import Planted
from bpdebug.trust.factors import NEAR, common_factor, names_of, scale
from bpdebug.trust.faults import FAULTS, candidates
from bpdebug.trust.site import Mistake

_Item = TypeVar("_Item")
_DIFFERENT, _VISIBLE = 1e-3, 1e-7
"""How far the planted value is from the right one at least: relative to the tensor's largest cell, and to the loss, so that
differences of the loss can tell."""


def planting(program: Program, seed: int) -> Generator[str, None, Planted]:
    """Choose a stage of the backward pass, and a mistake in its formula that shows in the first update.

    Args:
        program: as it is meant.
        seed: the same one chooses the same mistake.

    Raises:
        BpdebugError: where no mistake would show.
    """
    values = program.initial | program.batch(0)
    values |= program.run(values, program.end_of(Phase.BACKWARD))
    stages = [stage for stage in program.stages if stage.of]
    for glaring in (False, True):
        for stage in _ranked(seed, stages, lambda stage: stage.name):
            kinds = dict[str, list[Mistake]]()
            for candidate in candidates(program, stage):
                kinds.setdefault(candidate.kind, []).append(candidate)
            # each sort of mistake is as likely as any other, and each kind of a sort, however many formulas make it
            order = _ranked(seed, {FAULTS[kind].sort for kind in kinds}, str)
            ranked = sorted(_ranked(seed, kinds, str), key=lambda kind: order.index(FAULTS[kind].sort))
            for candidate in (one for kind in ranked for one in _ranked(seed, kinds[kind], lambda one: one.formula.text)):
                yield "looking for a mistake that shows"
                if fault := _fault(program, stage, candidate, values, glaring):
                    return fault
    raise BpdebugError("no hunt is possible here: no mistake in the backward pass would show in the first update")


def _ranked(seed: int, items: Iterable[_Item], name: Callable[[_Item], str]) -> list[_Item]:
    """An order that depends on the seed and the names alone, so that a new kind of mistake leaves most hunts as they were."""
    return sorted(items, key=lambda item: sha256(f"{seed} {name(item)}".encode()).digest())


def _fault(program: Program, stage: Stage, candidate: Mistake, values: Values, glaring: bool) -> Planted | None:
    """The candidate, where it fits, runs and shows; a value that is 0 everywhere shows at a glance."""
    if candidate.overrides or candidate.kind == "epsilon_added":  # which many add, and mean to
        return None
    try:
        program.with_formula(stage.name, candidate.formula.text)
        right, wrong = values[stage.name], assigned(candidate.formula, values, program.dtype)
    except FormulaError:  # where only the run knows a length, perhaps not before it is computed
        return None
    distance = np.abs(wrong - right)
    least = max(_DIFFERENT * float(np.abs(right).max()), _VISIBLE * max(abs(float(values[program.loss])), 1.0))
    if not (np.isfinite(distance).all() and distance.max() > least and right.any() and (glaring or wrong.any())):
        return None
    if is_right(program, stage, wrong, values):
        return None
    cell = tuple(int(place) for place in np.unravel_index(int(distance.argmax()), right.shape))
    numbers = cell, float(wrong[cell]), float(right[cell])
    texts = candidate.formula.text, stage.formula.text, candidate.evidence
    group, fault = program.tensors[stage.name].group, FAULTS[candidate.kind]
    return Planted(stage.name, group, candidate.kind, fault.sort, fault.title, *texts, *numbers)


def is_right(program: Program, stage: Stage, wrong: Array, values: Values) -> bool:
    """Whether the parameters' gradients are then the right ones, or those of another convention: all larger by one factor with a name."""
    made = program.run({**values}, program.end_of(Phase.BACKWARD), lambda name, value: wrong if name == stage.name else value)
    pairs = [
        (made[name], values[name]) for name in (program.gradients[one] for one in program.free) if values[name].any() or made[name].any()
    ]
    near = NEAR if program.dtype == np.float64 else _DIFFERENT
    factors = (scale(np.asarray(theirs, float), np.asarray(ours, float), near) for theirs, ours in pairs)
    factor = common_factor([[one] if one else [] for one in factors], near) if pairs else 1.0
    return bool(factor and factor > 0 and names_of(program, values, near).of(factor).name)
