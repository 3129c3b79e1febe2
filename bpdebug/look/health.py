"""How the training is doing, layer by layer: gradients, steps, saturated and dead units over the last updates.

What is worth saying of them is told by :mod:`bpdebug.look.findings`.
"""

from __future__ import annotations

from collections.abc import Generator, Iterator, Sequence
from functools import cache

import numpy as np

from bpdebug.core.description import Array, Layer
from bpdebug.core.evaluate import evaluate
from bpdebug.core.network import Phase
from bpdebug.core.parser import Formula, parse
from bpdebug.core.program import Program
from bpdebug.core.record import Record, replace
from bpdebug.look.findings import Finding, Told, findings_of
from bpdebug.time.conditions import CONDITIONS, DEAD, SATURATED
from bpdebug.time.edits import Edit
from bpdebug.time.recording import recording
from bpdebug.time.tasks import SLICE, whole
from bpdebug.time.timeline import Timeline

UPDATES = 24
"""Updates that are looked at, unless they are large."""
_WORK = 2_000_000
"""Numbers that the updates looked at may compute together; at least :data:`_FEWEST` are looked at in any case."""
_FEWEST = 4
_KEPT = 512
"""Measured updates that are remembered."""

MEASURES = ("delta", "gradient", "bias_gradient", "step", "size", "mean", "deviation", "saturated", "dead")
_SHARES = SATURATED | {"softmax": "mean(1 - max({}, axis=1) < 0.01)"}


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
        last, count = timeline.position.update, min(updates, _affordable(timeline))
        wanted = range(max(last - count, 0), last)
        missing = [update for update in wanted if not self._is_known(timeline, update)]
        if missing:
            start, end = missing[0], missing[-1] + 1
            for made in (yield from recording(timeline, end - start, end, seconds)):
                self._known[made.update] = (_edits(timeline, made.update), _measured(made.values(), made.before(), timeline.program))
        if len(self._known) > _KEPT:
            self._known = {update: self._known[update] for update in wanted}
        measured = [self._known[update][1] for update in wanted]
        present = _present(timeline, measured)
        return _health(timeline.program, [*wanted, *[last] * len(present)], measured + present, under_way=bool(present))

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


def _present(timeline: Timeline, complete: Sequence[_Measured]) -> list[_Measured]:
    """What the update under way has computed so far, if that is worth a look."""
    program, position = timeline.program, timeline.position
    values = {name: value.copy() for name, value in timeline.machine.values().items()}
    depth = len(program.layers)
    begun = position.phase in (Phase.BACKWARD, Phase.UPDATE) if complete else f"a{depth}" in values
    if not (position.done and begun):
        return []
    found = _measured(values, values, program)
    found.numbers[:, MEASURES.index("step")] = complete[-1].numbers[:, MEASURES.index("step")] if complete else np.nan
    tensors = {stage.name for stage in program.stages} - values.keys()
    return [replace(found, waiting=frozenset(number for number in range(1, depth + 1) if f"dz{number}" in tensors))]


def _measured(values: dict[str, Array], before: dict[str, Array], program: Program) -> _Measured:
    layers = [(names.number, names.layer) for names in program.layers]
    with np.errstate(all="ignore"):
        numbers = [list(_numbers(values, before, number, layer)) for number, layer in layers]
        off = tuple(_off(values, number, layer) for number, layer in layers)
    dead = [np.nan if mask is None else float(mask.sum()) for mask in off]
    return _Measured(float(values.get("loss", np.nan)), np.column_stack([np.array(numbers), dead]), off)


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
    return evaluate(_parsed(text, number), values) if text and np.isfinite(active).all() else None


@cache
def _parsed(text: str, number: int) -> Formula:
    return parse(text.format(f"a{number}"))


def _health(program: Program, updates: Sequence[int], measured: Sequence[_Measured], under_way: bool) -> Health:
    depth, losses = len(program.layers), np.array([one.loss for one in measured])
    numbers = np.array([one.numbers for one in measured]).reshape(len(measured), depth, len(MEASURES))
    layers = []
    for place, layer in enumerate(names.layer for names in program.layers):
        series = {name: numbers[:, place, column] for column, name in enumerate(MEASURES)}
        off = [mask for one in measured if (mask := one.off[place]) is not None]
        lasting = max(CONDITIONS["dead"].lasting, program.batches.each_epoch)
        dead = int(np.all(off[-lasting:], axis=0).sum()) if off else 0
        waiting = bool(measured) and place + 1 in measured[-1].waiting
        told = Told(place + 1, series, losses, numbers[:, -1, 0], dead, min(lasting, len(off)), waiting)
        findings = findings_of(program, told, updates) if measured else ()
        layers.append(LayerHealth(place + 1, layer.activation, layer.units, **series, findings=tuple(findings), waiting=waiting))
    return Health(np.array(updates, int), losses, tuple(layers), under_way)
