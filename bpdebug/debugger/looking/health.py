"""How the training is doing, layer by layer: gradients, steps, saturated and dead units over the last updates.

What counts as wrong is what :mod:`bpdebug.debugger.conditions` stops at, with its thresholds and sources. Two rules are added:
weights that have grown tenfold while the loss rose, or a loss that is no number any more (Pascanu et al., On the Difficulty of
Training Recurrent Neural Networks (2013)), and the step, the norm of a weight's change over the norm of the weight, of which
about 1e-3 is healthy (Karpathy, CS231n, "Neural Networks 3").
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cache

import numpy as np

from bpdebug.debugger.conditions import CONDITIONS, DEAD, SATURATED
from bpdebug.debugger.edits import Edit
from bpdebug.debugger.numbers import short
from bpdebug.debugger.recording import Recorded, record
from bpdebug.debugger.timeline import Timeline
from bpdebug.engine.description import Array, Layer
from bpdebug.engine.evaluate import evaluate
from bpdebug.engine.parser import Formula, parse
from bpdebug.engine.program import Program

UPDATES = 24
"""Updates that are looked at, unless they are large."""
HEALTHY_STEP = 1e-3
_GROWN = 10.0
"""How much weights must have grown over the updates looked at, while the loss rose, to be called exploding."""
_WORK = 2_000_000
"""Numbers that the updates looked at may compute together; at least :data:`_FEWEST` are looked at in any case."""
_FEWEST = 4
_KEPT = 512
"""Measured updates that are remembered."""

MEASURES = ("delta", "gradient", "bias_gradient", "step", "size", "mean", "deviation", "saturated", "dead")
_SHARES = SATURATED | {"softmax": "mean(1 - max({}, axis=1) < 0.01)"}


@dataclass(frozen=True)
class Finding:
    """Something that is worth saying of a layer.

    Attributes:
        name: of the rule; most are also names of conditions to stop at.
        text: a word or two.
        why: one sentence with the numbers.
        grave: whether training cannot go well with it.
    """

    name: str
    text: str
    why: str
    grave: bool = True


@dataclass(frozen=True, eq=False)
class LayerHealth:
    """One layer; every array has a number for each update, NaN where there is none.

    Attributes:
        layer: from 1.
        activation, units: what it is.
        delta: the norm of ``dz``.
        gradient, bias_gradient: the norms of ``dW`` and ``db``.
        step: the norm of the change of ``W`` over the norm of ``W``.
        size: the norm of ``W`` after the update.
        mean, deviation: of the activations.
        saturated: the share of activations near an asymptote; of softmax, the share of samples with a certain answer; NaN where
            not all activations are finite.
        dead: how many relu units were 0 for the whole batch.
        findings: what is worth saying, the gravest first.
    """

    layer: int
    activation: str
    units: int
    delta: Array
    gradient: Array
    bias_gradient: Array
    step: Array
    size: Array
    mean: Array
    deviation: Array
    saturated: Array
    dead: Array
    findings: tuple[Finding, ...] = ()


@dataclass(frozen=True, eq=False)
class Health:
    """The last completed updates.

    Attributes:
        updates: their numbers.
        losses: the loss of each.
        layers: from the first.
    """

    updates: Array
    losses: Array
    layers: tuple[LayerHealth, ...]

    @property
    def notes(self) -> tuple[Finding, ...]:
        """Each kind of finding once, that of the first layer that has it."""
        found: dict[str, Finding] = {}
        for layer in self.layers:
            for finding in layer.findings:
                found.setdefault(finding.name, finding)
        return tuple(found.values())


@dataclass(frozen=True, eq=False)
class _Measured:
    """One update: its loss, the :data:`MEASURES` of each layer, and which of its relu units were 0 throughout."""

    loss: float
    numbers: Array
    off: tuple[Array | None, ...]


class HealthLog:
    """Measured updates: each is run again and looked at only once, unless it has been edited since."""

    def __init__(self) -> None:
        self._timeline: Timeline | None = None
        self._known: dict[int, tuple[tuple[Edit, ...], _Measured]] = {}

    def health(self, timeline: Timeline, updates: int = UPDATES) -> Health:
        """The last ``updates`` completed updates, fewer of a large network; the present stays what it is."""
        if timeline is not self._timeline:
            self._timeline = timeline
            self._known.clear()
        last, count = timeline.position.update, min(updates, _affordable(timeline))
        wanted = range(max(last - count, 0), last)
        missing = [update for update in wanted if not self._is_known(timeline, update)]
        if missing:
            self._measure(timeline, missing[0], missing[-1] + 1)
        if len(self._known) > _KEPT:
            self._known = {update: self._known[update] for update in wanted}
        return _health(timeline.program, wanted, [self._known[update][1] for update in wanted])

    def _measure(self, timeline: Timeline, start: int, end: int) -> None:
        """Run a stretch of updates again and look at each."""
        here = timeline.clock
        timeline.seek(end * len(timeline.program.stages))
        for made in record(timeline, end - start):
            self._known[made.update] = (_edits(timeline, made.update), _measured(made, timeline.program))
        timeline.seek(here)

    def _is_known(self, timeline: Timeline, update: int) -> bool:
        return update in self._known and self._known[update][0] == _edits(timeline, update)


def health_of(timeline: Timeline, updates: int = UPDATES) -> Health:
    """See :meth:`HealthLog.health`; nothing is remembered."""
    return HealthLog().health(timeline, updates)


def _edits(timeline: Timeline, update: int) -> tuple[Edit, ...]:
    """What an update depends on beyond the program."""
    end = (update + 1) * len(timeline.program.stages)
    return tuple(edit for edit in timeline.edits if edit.t < end)


def _affordable(timeline: Timeline) -> int:
    size = timeline.machine.last_workspace().flat.size + timeline.machine.persistent_flat.size
    return max(_WORK // max(size, 1), _FEWEST)


def _measured(made: Recorded, program: Program) -> _Measured:
    values, before, layers = made.values(), made.before(), list(enumerate(program.scenario.layers, 1))
    with np.errstate(all="ignore"):
        numbers = [list(_numbers(values, before, number, layer)) for number, layer in layers]
        off = tuple(_off(values, number, layer) for number, layer in layers)
    dead = [np.nan if mask is None else float(mask.sum()) for mask in off]
    return _Measured(float(values["loss"]), np.column_stack([np.array(numbers), dead]), off)


def _numbers(values: dict[str, Array], before: dict[str, Array], number: int, layer: Layer) -> Iterator[float]:
    """The :data:`MEASURES` but for the last."""
    weights, old, active = values[f"W{number}"], before[f"W{number}"], values[f"a{number}"]
    for name in (f"dz{number}", f"dW{number}", f"db{number}"):
        yield _norm(values[name]) if name in values else np.nan
    size = _norm(old)
    yield _norm(weights - old) / size if size else np.nan
    yield _norm(weights)
    mean = float(active.sum()) / active.size
    yield mean
    yield _norm(active - mean) / active.size**0.5
    share = _SHARES.get(layer.activation) if np.isfinite(mean) else None
    yield float(evaluate(_parsed(share, number), values, active.dtype)) if share else np.nan


def _norm(values: Array) -> float:
    return float(np.sqrt(np.vdot(values, values)))


def _off(values: dict[str, Array], number: int, layer: Layer) -> Array | None:
    """Which relu units are 0 for the whole batch; None where that has no answer."""
    text, active = DEAD.get(layer.activation), values[f"a{number}"]
    return evaluate(_parsed(text, number), values)[0] if text and np.isfinite(active).all() else None


@cache
def _parsed(text: str, number: int) -> Formula:
    return parse(text.format(f"a{number}"))


def _health(program: Program, updates: Sequence[int], measured: Sequence[_Measured]) -> Health:
    depth, losses = len(program.scenario.layers), np.array([one.loss for one in measured])
    numbers = np.array([one.numbers for one in measured]).reshape(len(measured), depth, len(MEASURES))
    layers = []
    for place, layer in enumerate(program.scenario.layers):
        series = {name: numbers[:, place, column] for column, name in enumerate(MEASURES)}
        off = [mask for one in measured if (mask := one.off[place]) is not None]
        lasting = max(CONDITIONS["dead"].lasting, program.scenario.batches)
        dead = int(np.all(off[-lasting:], axis=0).sum()) if off else 0
        findings = _findings(program, place + 1, series, losses, numbers[:, -1, 0], dead, updates) if measured else ()
        layers.append(LayerHealth(place + 1, layer.activation, layer.units, **series, findings=tuple(findings)))
    return Health(np.array(updates, int), losses, tuple(layers))


def _findings(
    program: Program, layer: int, series: dict[str, Array], losses: Array, last_delta: Array, dead: int, updates: Sequence[int]
) -> Iterator[Finding]:
    """What is worth saying of a layer after the last update."""
    finite = np.isfinite(series["delta"]) & np.isfinite(series["size"])
    if not finite[-1]:
        since = len(finite) - int(np.argmax(finite[::-1])) if finite.any() else 0
        why = f"W{layer} or its gradient is not finite, since update {updates[since]}{'' if finite.any() else ' or earlier'}."
        yield Finding("non-finite", "not finite", why)
        return
    yield from _of_growth(layer, series["size"], losses)
    yield from _of_gradient(layer, len(program.scenario.layers), float(series["delta"][-1]), float(last_delta[-1]))
    if dead:
        units = program.scenario.layers[layer - 1].units
        why = f"{dead} of {units} units of layer {layer} are 0 for every sample; nothing moves them."
        yield Finding("dead", f"dead {dead} of {units}", why)
    hidden, share = layer < len(program.scenario.layers), float(series["saturated"][-1])
    if hidden and share > CONDITIONS["saturated"].threshold:
        why = f"{100 * share:.0f} % of a{layer} are so near an asymptote that hardly any gradient passes."
        yield Finding("saturated", f"saturated {100 * share:.0f} %", why)
    yield from _of_step(layer, float(series["step"][-1]), frozen=f"W{layer}" in program.scenario.frozen)


def _of_gradient(layer: int, depth: int, delta: float, last: float) -> Iterator[Finding]:
    ratio = delta / last if last else 1.0
    small, large = CONDITIONS["vanishing"].threshold, CONDITIONS["exploding"].threshold
    if ratio < small:
        yield Finding(
            "vanishing", "vanishing", f"‖dz{layer}‖ is {short(ratio, 2)} of ‖dz{depth}‖; below {small:g} hardly anything is learned."
        )
    elif ratio > large:
        yield Finding("exploding", "exploding", f"‖dz{layer}‖ is {short(ratio, 2)} times ‖dz{depth}‖; more than {large:g} is too much.")


def _of_growth(layer: int, size: Array, losses: Array) -> Iterator[Finding]:
    grown = float(size[-1] / size[0]) if size[0] else 1.0
    if grown > _GROWN and not losses[-1] <= losses[0]:
        why = f"‖W{layer}‖ has grown {short(grown, 2)} times in {len(size)} updates while the loss rose."
        yield Finding("exploding", "exploding", why)


def _of_step(layer: int, step: float, frozen: bool) -> Iterator[Finding]:
    if frozen:
        yield Finding("frozen", "frozen", f"W{layer} is left as it is.", grave=False)
    elif step > CONDITIONS["large-update"].threshold:
        why = f"an update changes W{layer} by {short(step, 2)} of its size; about {HEALTHY_STEP:g} is healthy."
        yield Finding("large-update", "large steps", why)
    elif step < CONDITIONS["small-update"].threshold:
        why = f"an update changes W{layer} by only {short(step, 2)} of its size; about {HEALTHY_STEP:g} is healthy."
        yield Finding("small-update", "at rest", why, grave=False)
