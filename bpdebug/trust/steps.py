"""Optimizer formulas of the user's own, beside the ones that they stand in the place of.

What an update formula is meant to be is known, so nothing is differentiated: both are evaluated, on the numbers of this update and on
others, since at the first update, when every slot is 0, half of a wrong rule cannot show. The others are what the right rule makes of
random gradients, so that slots are such as occur (a running mean of squares is never negative). Formulas that differ one by one may
still be the same optimizer, as ``v = momentum * v - learning_rate * g`` with ``w = w + v`` is: so the parameter's path is compared too.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

import numpy as np

from bpdebug.core.description import Array
from bpdebug.core.evaluate import assigned
from bpdebug.core.network import Phase
from bpdebug.core.numbers import short
from bpdebug.core.parser import Formula
from bpdebug.core.program import Program
from bpdebug.core.record import Record, replace
from bpdebug.core.schedule import Stage
from bpdebug.core.tensors import Role
from bpdebug.trust.case import Evidence
from bpdebug.trust.finding import Finding
from bpdebug.trust.perturbed import EPSILON, Rounded, Rounding

METHOD = "the derived formula"
_SAFETY = 16
"""How many times the largest deviation that was seen under rounding counts as rounding."""
_UPDATES = 4
"""So many updates with random gradients are looked at."""
_WIDE = 1e3
"""Gradients that many times larger are not to be expected, but may come; and so may such as are about 1, whatever they are now."""
_ABSOLUTE = 0.0
"""Stands for gradients of about 1."""

_LARGER, _OTHERS = "where the gradients are much larger, it gives other numbers", "with other gradients it gives other numbers"
_ALONE = "the batch is a single sample"
"""What hides a mistake."""

Values = Mapping[str, Array]


def rounding(formula: Formula, values: Values) -> Array:
    """How far rounding may move each cell of a formula's value."""
    bits = Rounding(np.random.default_rng(0))
    value = np.asarray(Rounded(values).value(formula.tree), float)
    moved = [np.abs(np.asarray(Rounded(values, bits).value(formula.tree), float) - value) for _ in range(4)]
    return np.asarray(_SAFETY * np.maximum(np.max(moved, axis=0), EPSILON * np.abs(value)))


def apart(one: Formula, other: Formula, values: Values) -> bool:
    """Whether two formulas give other numbers than rounding explains; of those that are finite in neither nothing is said."""
    with np.errstate(all="ignore"):
        a, b = assigned(one, values), assigned(other, values)
        near = np.abs(a - b) <= rounding(one, values) + rounding(other, values)
    return bool((~near & (np.isfinite(a) | np.isfinite(b))).any())


class _Looked(Record, eq=False):
    """One update stage on one set of numbers: the values that it reads, what the user's formula gives, what the meant one."""

    stage: Stage
    values: Values
    ours: Array
    right: Array
    differ: bool


def own_steps(program: Program, running: Program, values: Values) -> Iterator[tuple[Finding, Evidence | None]]:
    """The update stages with formulas of the user's own, judged; with what is known of the wrong ones.

    Args:
        program: as it is shown.
        running: as it runs.
        values: all that this update has computed up to its gradients, in double precision.
    """
    edited = [stage for stage in running.stages if stage.phase is Phase.UPDATE and stage.edited]
    if not edited:
        return
    with np.errstate(all="ignore"):
        here = {look.stage.name: look for look in _walk(running, values, own=True)}
        several = {**values, "m": np.array(3.0)} if int(values["m"]) == 1 else values
        kinds = {"": (values, 1.0), _LARGER: (values, _WIDE), _OTHERS: (values, _ABSOLUTE), _ALONE: (several, 1.0)}
        drawn = {kind: list(_drawn(running, given, scale)) for kind, (given, scale) in kinds.items()}
        paths = [_Paths(running, values, scale) for scale in (1.0, _ABSOLUTE)]
        for stage in edited:
            differ = {kind: next((look for look in looks if look.stage is stage and look.differ), None) for kind, looks in drawn.items()}
            yield _judged(program, here[stage.name], differ, paths)


def _judged(
    program: Program, here: _Looked, differ: Mapping[str, _Looked | None], paths: Sequence[_Paths]
) -> tuple[Finding, Evidence | None]:
    finding, likely = beside(program.stage(here.stage.name), here.ours, here.right), differ[""]
    if not here.differ and likely is None:
        reason = next((kind for kind, look in differ.items() if look), "")
        said = f"right on this batch only: {reason}" if reason else ""
        return replace(finding, status="hidden" if reason else "good", said=said), None
    if all(alike := [path.alike(here.stage) for path in paths]):
        return replace(finding, status="convention", said=alike[0]), None
    look = likely or here
    if not here.differ:
        finding = replace(beside(finding.stage, look.ours, look.right), said=_concealed(program, here))
    evidence = Evidence(program, finding.stage, look.ours, look.right, look.values, formula=finding.stage.formula.tree)
    return replace(finding, status="wrong"), evidence


def beside(stage: Stage, ours: Array, right: Array) -> Finding:
    """What a formula of the user's gives, beside what the meant one does."""
    size = np.maximum(np.abs(ours), np.abs(right))
    error = np.where(ours == right, 0.0, np.abs(ours - right) / np.where(size > 0, size, 1.0))
    error = np.where(np.isfinite(error), error, np.inf)
    cell = tuple(map(int, np.unravel_index(int(np.argmax(error)), error.shape)))
    return Finding(stage, stage.name, "good", float(error[cell]), cell, ours, right, right, ours.size, method=METHOD)


def _concealed(program: Program, here: _Looked) -> str:
    """Why this update does not show it."""
    zeros = [name for name in (*here.stage.formula.names, *_meant(here.stage).names) if not np.any(here.values.get(name, 1.0))]
    moving = [name for name in dict.fromkeys(zeros) if program.tensors[name].role in (Role.SLOT, Role.GRADIENT)]
    why = f", since {' and '.join(moving)} {'are' if len(moving) > 1 else 'is'} 0" if moving else ""
    return f"it makes no difference in this update{why}; these are numbers of a later one"


def _meant(stage: Stage) -> Formula:
    return stage.derived or stage.formula


def _walk(program: Program, values: Values, own: bool) -> Iterator[_Looked]:
    """The update stages one after the other, from what comes before them; each hands on the user's number or the right one."""
    known = dict(values)
    for stage in program.stages[program.end_of(Phase.BACKWARD) :]:
        ours, right = assigned(stage.formula, known), assigned(_meant(stage), known)
        yield _Looked(stage, dict(known), ours, right, stage.edited and apart(stage.formula, _meant(stage), known))
        known[stage.name] = ours if own else right


def _drawn(program: Program, values: Values, scale: float) -> Iterator[_Looked]:
    """The same on what the right rule makes of random gradients, as large as the present ones times a scale; with the parameters as they
    are, and, since a large parameter hides what a small step does to it, with such as are no larger than a step."""
    for small in (False, True):
        known = _begun(program, values)
        for number in range(_UPDATES):
            known |= _gradients(program, values, scale, number)
            looks = list(_walk(program, known, own=False))
            if small:
                generator = np.random.default_rng(number)
                steps = {look.stage.name: look.right - known[look.stage.name] for look in looks if look.stage.name in program.free}
                known |= {name: generator.standard_normal(step.shape) * _size(step) for name, step in steps.items()}
                looks = list(_walk(program, known, own=False))
            yield from looks
            known |= {look.stage.name: look.right for look in looks}


def _begun(program: Program, values: Values) -> dict[str, Array]:
    """The values with the slots as they are before the first update."""
    return {**values} | {name: np.asarray(program.initial[name], float) for name in (*program.slots, "t") if name in program.initial}


def _gradients(program: Program, values: Values, scale: float, number: int) -> dict[str, Array]:
    """Random gradients of the parameters, as large as the present ones times a scale."""
    generator, found = np.random.default_rng(number), dict[str, Array]()
    for name in program.free:
        gradient = program.gradients[name]
        size = 1.0 if scale == _ABSOLUTE else scale * _size(values[gradient])
        found[gradient] = generator.standard_normal(values[gradient].shape) * size
    return found


def _size(value: Array) -> float:
    """The root of the mean square, or 1 where that is no size."""
    size = float(np.sqrt(np.mean(np.square(value)))) if value.size else 0.0
    return size if np.isfinite(size) and size > 0 else 1.0


class _Paths:
    """Where the user's rule and the right one lead the parameters, from slots of 0 and through the same gradients.

    Args:
        program: as it runs.
        values: of this update.
        scale: of the gradients.
    """

    def __init__(self, program: Program, values: Values, scale: float) -> None:
        self._program, self._scale = program, scale
        self._paths = {own: list(self._path(values, own)) for own in (False, True)}

    def _path(self, values: Values, own: bool) -> Iterator[tuple[Values, Values]]:
        """After each update: the values, and how far rounding may have moved them."""
        program, known, moved = self._program, _begun(self._program, values), dict[str, Array]()
        for number in range(_UPDATES):
            known |= _gradients(program, values, self._scale, number)
            for stage in program.stages[program.end_of(Phase.BACKWARD) :]:
                formula = stage.formula if own else _meant(stage)
                more = rounding(formula, known)
                known[stage.name] = assigned(formula, known)
                moved[stage.name] = moved.get(stage.name, np.zeros(())) + more
            yield dict(known), dict(moved)

    def alike(self, stage: Stage) -> str:
        """In which other convention the stage's parameter goes the right way, in a sentence; "" where it does not."""
        program, tensor = self._program, self._program.tensors[stage.name]
        parameters = [tensor.of] if tensor.role is Role.SLOT else [stage.name] if stage.name in program.free else [*program.free]
        ends = list(zip(self._paths[True], self._paths[False], strict=True))
        for (ours, moved), (right, also) in ends:
            for name in parameters:
                if not (np.abs(ours[name] - right[name]) <= _SAFETY * (moved[name] + also[name])).all():
                    return ""
        (ours, _), (right, _) = ends[-1]
        slots = [slot for slot, of in program.slots.items() if of in parameters]
        kept = [_kept(slot, ours[slot], right[slot], ours) for slot in slots]
        return f"{', '.join(parameters)} moves as it is meant to" + "".join(f"; {said}" for said in kept if said)


def _kept(slot: str, ours: Array, right: Array, values: Values) -> str:
    """How a slot of the user's differs from the usual one."""
    if np.allclose(ours, right, 1e-9, 0.0):
        return ""
    norm = float(np.vdot(right, right))
    factor = float(np.vdot(ours, right)) / norm if norm > 0 else 0.0
    if not factor or not np.allclose(ours, factor * right, 1e-9, 0.0):
        return f"{slot} is kept otherwise"
    rate = float(values.get("learning_rate", np.nan))
    known = {"minus the learning rate": -rate, "the learning rate": rate, "minus 1": -1.0}
    times = next((name for name, value in known.items() if abs(factor - value) <= 1e-9 * abs(value)), short(factor, 6))
    return f"{slot} is kept as {times} times what {slot} is by {METHOD}"
