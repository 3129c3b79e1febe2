"""What is worth saying of a layer.

What counts as wrong is what :mod:`bpdebug.time.conditions` stops at, with its thresholds and sources. Two rules are added:
weights that have grown tenfold while the loss rose, or a loss that is no number any more (Pascanu et al., On the Difficulty of
Training Recurrent Neural Networks (2013)), and the step, the norm of a weight's change over the norm of the weight, of which
about 1e-3 is healthy (Karpathy, CS231n, "Neural Networks 3"); a decade on either side of that is called usual.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np

from bpdebug.core.description import Array
from bpdebug.core.numbers import short
from bpdebug.core.program import Program
from bpdebug.core.record import Record
from bpdebug.time.conditions import CONDITIONS

HEALTHY_STEP = 1e-3
USUAL_STEPS = (HEALTHY_STEP / 10, HEALTHY_STEP * 10)
"""Between which steps nothing is said."""
USUAL = f"usually it is {USUAL_STEPS[0]:.0e} to {USUAL_STEPS[1]:.0e}".replace("e-0", "e-")
_GROWN = 10.0
"""How much weights must have grown over the updates looked at, while the loss rose, to be called exploding."""


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


class Told(Record, eq=False):
    """What a layer is judged by.

    Attributes:
        layer: from 1.
        series: its measures, by name.
        losses: of the updates.
        last_delta: the norms of the last layer's ``dz``.
        dead, lasting: how many of its units were 0 throughout so many updates in a row.
        waiting: whether its ``dz`` is still to come.
    """

    layer: int
    series: dict[str, Array]
    losses: Array
    last_delta: Array
    dead: int
    lasting: int
    waiting: bool


def findings_of(program: Program, told: Told, updates: Sequence[int]) -> Iterator[Finding]:
    """What is worth saying of a layer after the last of these updates, the gravest first."""
    layer, series = told.layer, told.series
    finite = np.isfinite(series["delta"]) & np.isfinite(series["size"])
    finite[-1] |= told.waiting and np.isfinite(series["size"][-1])
    if not finite[-1]:
        since = len(finite) - int(np.argmax(finite[::-1])) if finite.any() else 0
        why = f"W{layer} or its gradient is not finite, since update {updates[since]}{'' if finite.any() else ' or earlier'}."
        yield Finding("non-finite", "not finite", why)
        return
    gradient = list(_of_gradient(layer, len(program.layers), float(series["delta"][-1]), float(told.last_delta[-1])))
    growth = list(_of_growth(layer, series["size"], told.losses))
    yield from gradient if told.waiting else gradient + growth
    if told.dead:
        units = program.layers[layer - 1].layer.units
        row = f" in {told.lasting} updates in a row" if told.lasting > 1 else ""
        why = f"{told.dead} of {units} units of layer {layer} are 0 for every sample{row}; nothing moves them."
        yield Finding("dead", f"dead {told.dead} of {units}", why)
    hidden, share = layer < len(program.layers), float(series["saturated"][-1])
    if hidden and share > CONDITIONS["saturated"].threshold:
        why = f"{100 * share:.0f} % of a{layer} are so near an asymptote that hardly any gradient passes."
        yield Finding("saturated", f"saturated {100 * share:.0f} %", why)
    yield from _of_step(layer, float(series["step"][-1]), frozen=f"W{layer}" in program.frozen)


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
        yield Finding("exploding", "W exploding", why)


def _of_step(layer: int, step: float, frozen: bool) -> Iterator[Finding]:
    if frozen:
        yield Finding("frozen", "frozen", f"W{layer} is left as it is.", grave=False)
    elif step > CONDITIONS["large-update"].threshold:
        yield Finding("large-update", "large steps", f"an update changes W{layer} by {short(step, 2)} of its size; {USUAL}.")
    elif step < CONDITIONS["small-update"].threshold:
        why = f"an update changes W{layer} by only {short(step, 2)} of its size; {USUAL}."
        yield Finding("small-update", "at rest", why, grave=False)
    elif not USUAL_STEPS[0] <= step <= USUAL_STEPS[1] and np.isfinite(step):
        text = "step large" if step > USUAL_STEPS[1] else "step small"
        yield Finding("unusual-update", text, f"an update changes W{layer} by {short(step, 2)} of its size; {USUAL}.", grave=False)
