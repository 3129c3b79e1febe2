"""How one part of a program is doing, a layer or a parameter, and what is worth saying of it.

What counts as wrong is what :mod:`bpdebug.time.conditions` stops at, with its thresholds and sources. Two rules are added:
weights that have grown tenfold while the loss rose, or a loss that is no number any more (Pascanu et al., On the Difficulty of
Training Recurrent Neural Networks (2013)), and the step, the norm of a weight's change over the norm of the weight, of which
about 1e-3 is healthy (Karpathy, CS231n, "Neural Networks 3"); a decade on either side of that is called usual.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from math import nan
from typing import Any

import numpy as np

from bpdebug.core.numbers import short
from bpdebug.core.program import Program
from bpdebug.core.record import Record
from bpdebug.core.tensors import Array
from bpdebug.look.finding import Finding
from bpdebug.time.conditions import CONDITIONS
from bpdebug.time.parts import Part, parts_of

HEALTHY_STEP = 1e-3
USUAL_STEPS = (HEALTHY_STEP / 10, HEALTHY_STEP * 10)
"""Between which steps nothing is said."""
USUAL = f"usually it is {USUAL_STEPS[0]:g} to {USUAL_STEPS[1]:g}"
_LEAST, _MOST = CONDITIONS["small-update"].threshold, CONDITIONS["large-update"].threshold


class LayerHealth(Record, eq=False):
    """One part; every array has a number for each update, NaN where there is none.

    Attributes:
        part: what it is.
        delta: the norm of ``dz``.
        gradient, bias_gradient: the norms of ``dW`` and ``db``.
        step: the norm of the change of ``W`` over the norm of ``W``.
        size: the norm of ``W`` after the update.
        mean, deviation: of the activations.
        saturated: the share of activations near an asymptote; of softmax, the share of samples with a certain answer; NaN where
            not all activations are finite.
        dead: how many relu units were 0 for the whole batch.
        sums, arriving: how large the weighted sums are, and what comes in: the roots of their mean squares.
        findings: what is worth saying, the gravest first.
        waiting: whether the update under way has yet to compute ``dz``.
    """

    part: Part
    delta: Array
    gradient: Array
    bias_gradient: Array
    step: Array
    size: Array
    mean: Array
    deviation: Array
    saturated: Array
    dead: Array
    sums: Array
    arriving: Array
    findings: tuple[Finding, ...] = ()
    waiting: bool = False

    @property
    def layer(self) -> int:
        """Its number, from 1."""
        return self.part.number

    @property
    def activation(self) -> str:
        """Of which kind its activation is, or ""."""
        return self.part.activation

    @property
    def units(self) -> int:
        """How many units it has."""
        return self.part.units


class Rule(Record):
    """One row.

    Attributes:
        name: of the finding, and of the condition to stop at.
        text: a word or two.
        measure: the fact that is compared; where it is NaN, nothing is said.
        threshold: what it is compared with; by default the condition's.
        below: whether it has to be less.
        grave: whether training cannot go well with it.
        why: the sentence, with the facts.
    """

    name: str
    text: str
    measure: str
    why: str
    threshold: float | None = None
    below: bool = False
    grave: bool = True


_CHANGES = "an update changes {W} by {value} of its size"
_BEYOND, _BESIDE = f"{_CHANGES} (threshold {{threshold:g}}; {USUAL})", f"{_CHANGES}; {USUAL}."
RULES = (
    Rule(
        "vanishing",
        "vanishing",
        "ratio",
        "‖{dz}‖ is {value} of ‖{last}‖ (threshold {threshold:g}): {W} learns next to nothing; take relu, larger weights or fewer layers.",
        below=True,
    ),
    Rule("exploding", "exploding", "ratio", "‖{dz}‖ is {value} times ‖{last}‖ (threshold {threshold:g}): start with smaller weights."),
    Rule(
        "exploding",
        "W exploding",
        "grown",
        "‖{W}‖ has grown {value} times in {count} updates (threshold 10) while the loss rose: take smaller steps.",
        10.0,
    ),
    Rule(
        "dead",
        "dead {value} of {units}",
        "never",
        "{value} of {units} units of {name} are 0 for every sample{row} (threshold 0): start again with smaller steps.",
    ),
    Rule("saturated", "saturated {share}", "saturated", "{share} of {a} let hardly any gradient pass (threshold 50 %): {large}."),
    Rule("frozen", "frozen", "frozen", "{W} is left as it is.", 0.0, grave=False),
    Rule("large-update", "large steps", "step", _BEYOND + ": take a smaller learning rate if the loss rises."),
    Rule("small-update", "at rest", "step", _BEYOND + "{rests}.", None, below=True, grave=False),
    Rule("unusual-update", "step large", "usual", _BESIDE, USUAL_STEPS[1], grave=False),
    Rule("unusual-update", "step small", "usual", _BESIDE, USUAL_STEPS[0], below=True, grave=False),
)
"""What is said of a layer, the gravest first."""


def findings_of(program: Program, layer: LayerHealth, losses: Array, updates: Sequence[int], **more: Any) -> Iterator[Finding]:
    """What is worth saying of a layer after the last of these updates, the gravest first.

    Args:
        program: whose layer it is.
        layer: its numbers.
        losses, updates: those looked at.
        more: facts that its numbers do not tell: ``ratio`` of its ``dz`` to the last layer's, ``never``, how many units were 0
            throughout, ``row``, in how many updates, and ``rests``, where the loss rests if no weight moves any more.
    """
    part, end, step = layer.part, layer.layer == len(parts_of(program)), float(layer.step[-1])
    backwards = layer.delta if part.delta else layer.gradient
    finite = np.isfinite(backwards) & np.isfinite(layer.size)
    finite[-1] |= layer.waiting and np.isfinite(layer.size[-1])
    if part.weight in program.gradients and not finite[-1]:
        since = len(finite) - int(np.argmax(finite[::-1])) if finite.any() else 0
        why = f"{part.weight} or its gradient is not finite, since update {updates[since]}{'' if finite.any() else ' or earlier'}."
        why += " 'catch non-finite' finds where it begins."
        yield Finding("non-finite", "not finite", why)
        return
    grown, frozen = float(layer.size[-1] / layer.size[0]) if layer.size[0] else 1.0, part.weight in program.frozen
    step, usual = nan if frozen else step, nan if frozen or not _LEAST <= step <= _MOST else step
    last = [each.delta for each in parts_of(program) if each.delta]
    facts: dict[str, Any] = {
        "W": part.weight,
        "a": part.a,
        "dz": part.delta,
        "last": last[-1] if last else "",
        "grown": nan if layer.waiting or losses[-1] <= losses[0] else grown,
        "saturated": nan if end else layer.saturated[-1],
        **more,
    }
    facts |= {"units": layer.units, "name": part.name, "count": len(losses), "share": f"{100 * layer.saturated[-1]:.0f} %"}
    facts |= {"frozen": frozen, "step": step, "usual": usual, "large": _large(program, layer, grown)}
    for rule in RULES:
        value, threshold = float(facts[rule.measure]), CONDITIONS[rule.name].threshold if rule.threshold is None else rule.threshold
        if value < threshold if rule.below else value > threshold:
            told = {**facts, "value": short(value, 2), "threshold": threshold}
            yield Finding(rule.name, rule.text.format_map(told), rule.why.format_map(told), rule.grave, 0, value, threshold)


def _large(program: Program, layer: LayerHealth, grown: float) -> str:
    """How large the weighted sums are, and whether that comes from what is summed or from its weights."""
    sums, arriving, part = float(layer.sums[-1]), float(layer.arriving[-1]), layer.part
    weights = float(layer.size[-1]) / layer.units**0.5  # what the sums' size would be, were the inputs of size 1 and of any signs
    told = f"{part.z} has size {short(sums, 2)}" + f", {part.source} size {short(arriving, 2)}" * bool(part.source)
    if arriving >= max(weights, 2.0):
        return f"{told}: scale {'the inputs' if part.source == program.input else part.source} to size 1"
    if grown > 2:
        return f"{told}, and {part.weight} has grown {short(grown, 2)} times in {len(layer.size)} updates: take smaller steps"
    if not part.source:
        return f"{told}: scale what goes into it to size 1, or start with smaller weights"
    return f"{told}, and {part.weight} would make sums of size {short(weights, 2)} from inputs of size 1: start with smaller weights"
