"""How the training is doing, part by part: gradients, steps, saturated and dead units over the last updates, and what is worth saying."""

from __future__ import annotations

from collections.abc import Generator, Sequence
from functools import lru_cache
from typing import Any

import numpy as np

from bpdebug.core.evaluate import evaluate
from bpdebug.core.network import Phase
from bpdebug.core.numbers import short
from bpdebug.core.parser import parse
from bpdebug.core.program import Program
from bpdebug.core.record import Record, replace
from bpdebug.core.tensors import Array
from bpdebug.look.finding import Finding
from bpdebug.look.layer_health import LayerHealth, findings_of
from bpdebug.look.obstacles import obstacles
from bpdebug.time.conditions import CONDITIONS, SATURATED, units_off
from bpdebug.time.parts import Part, parts_of
from bpdebug.time.position import called
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
_COLUMNS = (*MEASURES, "sums", "arriving")
_SAME = 1e-3
"""How near answers are, beside their size, that are called the same."""
_SHARES = SATURATED | {"softmax": "mean(1 - max({}, axis=-1) < 0.01)"}


class Health(Record, eq=False):
    """The last completed updates, and the one under way as soon as it has gradients (before the first, as soon as it has activations).

    Attributes:
        updates: their numbers.
        losses: the loss of each.
        layers: the parts that learn, from the first.
        under_way: whether the last of them is not complete; its steps are those of the update before.
        findings: what is worth saying of the network, its data or its step.
    """

    updates: Array
    losses: Array
    layers: tuple[LayerHealth, ...]
    under_way: bool = False
    findings: tuple[Finding, ...] = ()

    def told(self, program: Program) -> str:
        """Which updates are looked at."""
        first, last = (int(update) for update in self.updates[[0, -1]]) if len(self.updates) else (0, -1)
        if self.under_way or first >= last:
            return f"{called(program, last)}{' under way' * self.under_way}" * (last >= 0)
        return f"updates {first} to {last}"

    @property
    def notes(self) -> tuple[Finding, ...]:
        """Each kind of finding once: those of the network, and of each other that of the first layer that has it."""
        found = {finding.name: finding for finding in self.findings}
        for finding in (finding for layer in self.layers for finding in layer.findings):
            found.setdefault(finding.name, finding)
        return tuple(found.values())


class _Measured(Record, eq=False):
    """One update: its loss, the numbers of each part, which of its relu units were 0 throughout, the network's answer where
    all samples get the same, and the parts whose ``dz`` is still to come."""

    loss: float
    numbers: Array
    off: tuple[Array | None, ...]
    answer: str = ""
    waiting: frozenset[int] = frozenset()


class HealthLog:
    """Measured updates: each is run again and looked at only once, unless it has been edited since."""

    def __init__(self) -> None:
        self._timeline: Timeline | None = None
        self._known: dict[tuple[object, ...], _Measured] = {}
        self._obstacles: tuple[tuple[object, ...], tuple[Finding, ...]] = ((), ())

    def health(self, timeline: Timeline, updates: int = UPDATES) -> Health:
        """What :meth:`measuring` comes to, in one piece."""
        return whole(self.measuring(timeline, updates, np.inf))

    def measuring(self, timeline: Timeline, updates: int = UPDATES, seconds: float = SLICE) -> Generator[str, None, Health]:
        """The last ``updates`` completed updates, fewer of a large network, and the one under way; the present stays what it is."""
        if timeline is not self._timeline:
            self._timeline = timeline
            self._known.clear()
        program, machine, last = timeline.program, timeline.machine, timeline.position.update
        most = _WORK // max(machine.last_workspace().flat.size + machine.persistent_flat.size, 1)
        wanted = range(max(last - min(updates, max(most, _FEWEST)), 0), last)
        missing = [update for update in wanted if _key(timeline, update) not in self._known]
        if missing:
            start, end = missing[0], missing[-1] + 1
            for made in (yield from recording(timeline, end - start, end, seconds)):
                self._known[_key(timeline, made.update)] = _measured(made.values(), made.before(), program)
        complete = [self._known[_key(timeline, update)] for update in wanted]
        if len(self._known) > _KEPT:
            self._known.clear()
        key = (program, *_key(timeline, last))
        if key != self._obstacles[0]:
            yield "looking for what keeps it from learning"
            self._obstacles = key, obstacles(program, machine.persistent, last)
        present = _present(timeline, complete)
        return _health(program, [*wanted, *[last] * len(present)], complete + present, bool(present), self._obstacles[1])


def _key(timeline: Timeline, update: int) -> tuple[object, ...]:
    """What an update depends on beyond the program."""
    end = timeline.calendar.clock(update + 1)
    return (update, *(edit for edit in timeline.edits if edit.t < end))


def _present(timeline: Timeline, complete: Sequence[_Measured]) -> list[_Measured]:
    """What the update under way has computed so far, if that is worth a look."""
    program, position = timeline.program, timeline.position
    values = {name: value.copy() for name, value in timeline.machine.values().items()}
    begun = position.phase in (Phase.BACKWARD, Phase.UPDATE) if complete else program.end_of(Phase.FORWARD) <= position.done
    if not (position.done and begun):
        return []
    found, step = _measured(values, values, program), MEASURES.index("step")
    found.numbers[:, step] = complete[-1].numbers[:, step] if complete else np.nan
    coming = program.index.keys() - values.keys()
    return [replace(found, waiting=frozenset(part.number for part in parts_of(program) if _gradient(program, part) in coming))]


def _gradient(program: Program, part: Part) -> str | None:
    """The gradient by which a part is judged."""
    return part.delta or program.gradients.get(part.weight)


def _measured(values: dict[str, Array], before: dict[str, Array], program: Program) -> _Measured:
    numbers, off = list[list[float]](), list[Array | None]()
    with np.errstate(all="ignore"):
        for part in parts_of(program):
            gradients = (part.delta, *(program.gradients.get(name, "") for name in (part.weight, part.bias)))
            norms = [_norm(values[gradient]) if gradient in values else np.nan for gradient in gradients]
            weights, old = values[part.weight], before[part.weight]
            size, step = _norm(old), _norm(weights - old)
            active, mask = _activations(values, program, part)
            off.append(mask)
            arriving = values.get(part.source, program.data.get(program.input)) if part.source else None
            sizes = (np.nan if found is None else _norm(found) / found.size**0.5 for found in (values.get(part.z), arriving))
            numbers.append([*norms, step / size if size and part.learns else np.nan, _norm(weights), *active, *sizes])
    return _Measured(float(values.get(program.loss, np.nan)), np.array(numbers), tuple(off), _answer(values, program))


def _activations(values: dict[str, Array], program: Program, part: Part) -> tuple[list[float], Array | None]:
    """Mean, deviation, the share that is saturated and the number of dead units of what a part makes, and which these are."""
    active = values.get(part.a)
    if active is None or not active.size:
        return [np.nan] * 4, None
    mean = float(active.sum()) / active.size
    kind = "" if program.stage(part.a).edited or not np.isfinite(active).all() else part.activation
    texts = _SHARES.get(kind, "").format(part.a), units_off(part) if kind else ""
    share, off = (evaluate(_parsed(text, program.vocabulary), values, active.dtype) if text else None for text in texts)
    shares = np.nan if share is None else float(share), np.nan if off is None else float(off.sum())
    return [mean, _norm(active - mean) / active.size**0.5, *shares], off


def _answer(values: dict[str, Array], program: Program) -> str:
    """What the network answers, where that is the same for all samples; else ""."""
    answers = values.get(program.prediction)
    if answers is None or len(answers) < 2 or not np.ptp(answers, axis=0).max() <= _SAME * np.abs(answers).max():
        return ""
    return " ".join(short(float(value), 3) for value in answers[0][:4])


def _norm(values: Array) -> float:
    return float(np.sqrt(np.vdot(values, values)))


_parsed = lru_cache(256)(parse)


def _health(
    program: Program, updates: Sequence[int], measured: Sequence[_Measured], under_way: bool, obstructing: Sequence[Finding]
) -> Health:
    losses = np.array([one.loss for one in measured])
    parts = parts_of(program)
    numbers = np.array([one.numbers for one in measured]).reshape(len(measured), len(parts), len(_COLUMNS))
    rises, layers = len(losses) > 1 and not losses[-1] <= losses[0], list[LayerHealth]()
    obstructing = [replace(finding, grave=finding.grave or (finding.name == "long-step" and rises)) for finding in obstructing]
    deltas = numbers[-1, :, 0][~np.isnan(numbers[-1, :, 0])] if measured else numbers[:0, 0, 0]
    for place, part in enumerate(parts):
        series: dict[str, Any] = {name: numbers[:, place, column] for column, name in enumerate(_COLUMNS)}
        layer = LayerHealth(part, **series, waiting=bool(measured) and part.number in measured[-1].waiting)
        findings = [finding for finding in obstructing if finding.layer == part.number]
        if measured:
            off = [mask for one in measured if (mask := one.off[place]) is not None]
            off = off[-max(CONDITIONS["dead"].lasting, program.batches.each_epoch) :]
            never, row = int(np.all(off, axis=0).sum()) if off else 0, f" in {len(off)} updates in a row" * (len(off) > 1)
            ratio = numbers[-1, place, 0] / deltas[-1] if len(deltas) and deltas[-1] else 1.0
            more = {"ratio": ratio, "never": never, "row": row, "rests": _rests(program, measured[-1])}
            findings += findings_of(program, layer, losses, updates, **more)
        layers.append(replace(layer, findings=tuple(findings)))
    return Health(np.array(updates, int), losses, tuple(layers), under_way, tuple(found for found in obstructing if not found.layer))


def _rests(program: Program, last: _Measured) -> str:
    """Where a network is at rest, if no weight moves any more."""
    free = [part.weight in program.free and part.learns for part in parts_of(program)]
    if not (last.numbers[free, MEASURES.index("step")] < CONDITIONS["small-update"].threshold).all():
        return ""
    answers = f", and the network answers {last.answer} to everything" if last.answer else ""
    return f": the loss rests at {short(last.loss, 4)}{answers}"
