"""How the training is doing, layer by layer: gradients, steps, saturated and dead units over the last updates, and what is worth saying.

What counts as wrong is what :mod:`bpdebug.time.conditions` stops at, with its thresholds and sources. Two rules are added:
weights that have grown tenfold while the loss rose, or a loss that is no number any more (Pascanu et al., On the Difficulty of
Training Recurrent Neural Networks (2013)), and the step, the norm of a weight's change over the norm of the weight, of which
about 1e-3 is healthy (Karpathy, CS231n, "Neural Networks 3"); a decade on either side of that is called usual.
"""

from __future__ import annotations

from collections.abc import Generator, Iterator, Sequence
from functools import lru_cache
from typing import Any

import numpy as np

from bpdebug.core.evaluate import evaluate
from bpdebug.core.network import LayerNames, Phase
from bpdebug.core.numbers import short
from bpdebug.core.parser import parse
from bpdebug.core.program import Program
from bpdebug.core.record import Record, replace
from bpdebug.core.tensors import Array
from bpdebug.time.conditions import CONDITIONS, DEAD, SATURATED
from bpdebug.time.edits import Edit
from bpdebug.time.recording import recording
from bpdebug.time.tasks import SLICE, whole
from bpdebug.time.timeline import Timeline

HEALTHY_STEP = 1e-3
USUAL_STEPS = (HEALTHY_STEP / 10, HEALTHY_STEP * 10)
"""Between which steps nothing is said."""
USUAL = f"usually it is {USUAL_STEPS[0]:.0e} to {USUAL_STEPS[1]:.0e}".replace("e-0", "e-")
_GROWN = 10.0
"""How much weights must have grown over the updates looked at, while the loss rose, to be called exploding."""
UPDATES = 24
"""Updates that are looked at, unless they are large."""
_WORK = 2_000_000
"""Numbers that the updates looked at may compute together; at least :data:`_FEWEST` are looked at in any case."""
_FEWEST = 4
_KEPT = 512
"""Measured updates that are remembered."""

MEASURES = ("delta", "gradient", "bias_gradient", "step", "size", "mean", "deviation", "saturated", "dead")
_SHARES = SATURATED | {"softmax": "mean(1 - max({}, axis=1) < 0.01)"}


class Finding(Record):
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


class LayerHealth(Record, eq=False):
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
        waiting: whether the update under way has yet to compute ``dz``.
        lasting: in so many updates in a row :attr:`never` is counted.
        never: how many relu units were 0 in all of these.
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
    waiting: bool = False
    lasting: int = 0
    never: int = 0


class Health(Record, eq=False):
    """The last completed updates, and the one under way as soon as it has gradients (before the first, as soon as it has activations).

    Attributes:
        updates: their numbers.
        losses: the loss of each.
        layers: from the first.
        under_way: whether the last of them is not complete; its steps are those of the update before.
    """

    updates: Array
    losses: Array
    layers: tuple[LayerHealth, ...]
    under_way: bool = False

    @property
    def notes(self) -> tuple[Finding, ...]:
        """Each kind of finding once, that of the first layer that has it."""
        found: dict[str, Finding] = {}
        for layer in self.layers:
            for finding in layer.findings:
                found.setdefault(finding.name, finding)
        return tuple(found.values())


class _Measured(Record, eq=False):
    """One update: its loss, the :data:`MEASURES` of each layer, which of its relu units were 0 throughout, and the layers whose
    ``dz`` is still to come."""

    loss: float
    numbers: Array
    off: tuple[Array | None, ...]
    waiting: frozenset[int] = frozenset()


class HealthLog:
    """Measured updates: each is run again and looked at only once, unless it has been edited since."""

    def __init__(self) -> None:
        self._timeline: Timeline | None = None
        self._known: dict[int, tuple[tuple[Edit, ...], _Measured]] = {}

    def health(self, timeline: Timeline, updates: int = UPDATES) -> Health:
        """What :meth:`measuring` comes to, in one piece."""
        return whole(self.measuring(timeline, updates, np.inf))

    def measuring(self, timeline: Timeline, updates: int = UPDATES, seconds: float = SLICE) -> Generator[str, None, Health]:
        """The last ``updates`` completed updates, fewer of a large network, and the one under way; the present stays what it is."""
        if timeline is not self._timeline:
            self._timeline = timeline
            self._known.clear()
        size = timeline.machine.last_workspace().flat.size + timeline.machine.persistent_flat.size
        last, count = timeline.position.update, min(updates, max(_WORK // max(size, 1), _FEWEST))
        wanted = range(max(last - count, 0), last)
        missing = [update for update in wanted if update not in self._known or self._known[update][0] != _edits(timeline, update)]
        if missing:
            start, end = missing[0], missing[-1] + 1
            for made in (yield from recording(timeline, end - start, end, seconds)):
                self._known[made.update] = (_edits(timeline, made.update), _measured(made.values(), made.before(), timeline.program))
        if len(self._known) > _KEPT:
            self._known = {update: self._known[update] for update in wanted}
        measured = [self._known[update][1] for update in wanted]
        present = _present(timeline, measured)
        return _health(timeline.program, [*wanted, *[last] * len(present)], measured + present, under_way=bool(present))


def health_of(timeline: Timeline, updates: int = UPDATES) -> Health:
    """See :meth:`HealthLog.health`; nothing is remembered."""
    return HealthLog().health(timeline, updates)


def _edits(timeline: Timeline, update: int) -> tuple[Edit, ...]:
    """What an update depends on beyond the program."""
    end = timeline.calendar.clock(update + 1)
    return tuple(edit for edit in timeline.edits if edit.t < end)


def _present(timeline: Timeline, complete: Sequence[_Measured]) -> list[_Measured]:
    """What the update under way has computed so far, if that is worth a look."""
    program, position = timeline.program, timeline.position
    values = {name: value.copy() for name, value in timeline.machine.values().items()}
    begun = position.phase in (Phase.BACKWARD, Phase.UPDATE) if complete else program.layers[-1].a in values
    if not (position.done and begun):
        return []
    found, step = _measured(values, values, program), MEASURES.index("step")
    found.numbers[:, step] = complete[-1].numbers[:, step] if complete else np.nan
    coming = program.index.keys() - values.keys()
    return [replace(found, waiting=frozenset(names.number for names in program.layers if program.gradients.get(names.z) in coming))]


def _measured(values: dict[str, Array], before: dict[str, Array], program: Program) -> _Measured:
    numbers, off = list[list[float]](), list[Array | None]()
    with np.errstate(all="ignore"):
        for names in program.layers:
            weights, old, active = values[names.weight], before[names.weight], values[names.a]
            gradients = (program.gradients.get(tensor) for tensor in (names.z, names.weight, names.bias))
            norms = [_norm(values[gradient]) if gradient in values else np.nan for gradient in gradients]
            size, mean = _norm(old), float(active.sum()) / active.size
            step = _norm(weights - old) / size if size else np.nan
            deviation = _norm(active - mean) / active.size**0.5
            share = _SHARES.get(names.layer.activation) if np.isfinite(mean) else None
            saturated = float(evaluate(_parsed(share.format(names.a), program.joined), values, active.dtype)) if share else np.nan
            text = DEAD.get(names.layer.activation) if np.isfinite(active).all() else None
            mask = evaluate(_parsed(text.format(names.a), program.joined), values) if text else None
            dead = np.nan if mask is None else float(mask.sum())
            numbers.append([*norms, step, _norm(weights), mean, deviation, saturated, dead])
            off.append(mask)
    return _Measured(float(values.get(program.loss, np.nan)), np.array(numbers), tuple(off))


def _norm(values: Array) -> float:
    return float(np.sqrt(np.vdot(values, values)))


_parsed = lru_cache(256)(parse)


def _health(program: Program, updates: Sequence[int], measured: Sequence[_Measured], under_way: bool) -> Health:
    losses, lasting = np.array([one.loss for one in measured]), max(CONDITIONS["dead"].lasting, program.batches.each_epoch)
    numbers = np.array([one.numbers for one in measured]).reshape(len(measured), len(program.layers), len(MEASURES))
    layers = []
    for place, names in enumerate(program.layers):
        series: dict[str, Any] = {name: numbers[:, place, column] for column, name in enumerate(MEASURES)}
        off = [mask for one in measured if (mask := one.off[place]) is not None]
        waiting = bool(measured) and names.number in measured[-1].waiting
        never = int(np.all(off[-lasting:], axis=0).sum()) if off else 0
        shown, lately = names.layer, min(lasting, len(off))
        layer = LayerHealth(names.number, shown.activation, shown.units, **series, waiting=waiting, lasting=lately, never=never)
        findings = _findings(program, layer, losses, numbers[:, -1, 0], updates) if measured else ()
        layers.append(replace(layer, findings=tuple(findings)))
    return Health(np.array(updates, int), losses, tuple(layers), under_way)


def _findings(program: Program, layer: LayerHealth, losses: Array, last_delta: Array, updates: Sequence[int]) -> Iterator[Finding]:
    """What is worth saying of a layer after the last of these updates, the gravest first."""
    names = program.layers[layer.layer - 1]
    finite = np.isfinite(layer.delta) & np.isfinite(layer.size)
    finite[-1] |= layer.waiting and np.isfinite(layer.size[-1])
    if not finite[-1]:
        since = len(finite) - int(np.argmax(finite[::-1])) if finite.any() else 0
        why = f"{names.weight} or its gradient is not finite, since update {updates[since]}{'' if finite.any() else ' or earlier'}."
        yield Finding("non-finite", "not finite", why)
        return
    yield from _of_gradient(program, names, float(layer.delta[-1]), float(last_delta[-1]))
    grown = float(layer.size[-1] / layer.size[0]) if layer.size[0] else 1.0
    if not layer.waiting and grown > _GROWN and not losses[-1] <= losses[0]:
        why = f"‖{names.weight}‖ has grown {short(grown, 2)} times in {len(losses)} updates while the loss rose."
        yield Finding("exploding", "W exploding", why)
    if layer.never:
        row = f" in {layer.lasting} updates in a row" if layer.lasting > 1 else ""
        why = f"{layer.never} of {layer.units} units of layer {layer.layer} are 0 for every sample{row}; nothing moves them."
        yield Finding("dead", f"dead {layer.never} of {layer.units}", why)
    share = float(layer.saturated[-1])
    if layer.layer < len(program.layers) and share > CONDITIONS["saturated"].threshold:
        why = f"{100 * share:.0f} % of {names.a} are so near an asymptote that hardly any gradient passes."
        yield Finding("saturated", f"saturated {100 * share:.0f} %", why)
    if names.weight in program.frozen:
        yield Finding("frozen", "frozen", f"{names.weight} is left as it is.", grave=False)
    else:
        yield from _of_step(names.weight, float(layer.step[-1]))


def _of_gradient(program: Program, names: LayerNames, delta: float, last: float) -> Iterator[Finding]:
    ratio, ours, theirs = delta / last if last else 1.0, *(f"‖{program.gradients.get(one.z)}‖" for one in (names, program.layers[-1]))
    small, large = CONDITIONS["vanishing"].threshold, CONDITIONS["exploding"].threshold
    if ratio < small:
        why = f"{ours} is {short(ratio, 2)} of {theirs}; below {small:g} hardly anything is learned."
        yield Finding("vanishing", "vanishing", why)
    elif ratio > large:
        yield Finding("exploding", "exploding", f"{ours} is {short(ratio, 2)} times {theirs}; more than {large:g} is too much.")


def _of_step(weight: str, step: float) -> Iterator[Finding]:
    by = f"{short(step, 2)} of its size; {USUAL}."
    if step > CONDITIONS["large-update"].threshold:
        yield Finding("large-update", "large steps", f"an update changes {weight} by {by}")
    elif step < CONDITIONS["small-update"].threshold:
        yield Finding("small-update", "at rest", f"an update changes {weight} by only {by}", grave=False)
    elif not USUAL_STEPS[0] <= step <= USUAL_STEPS[1] and np.isfinite(step):
        text = "step large" if step > USUAL_STEPS[1] else "step small"
        yield Finding("unusual-update", text, f"an update changes {weight} by {by}", grave=False)
