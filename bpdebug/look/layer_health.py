"""How one layer is doing, and what is worth saying of it.

What counts as wrong is what :mod:`bpdebug.time.conditions` stops at, with its thresholds and sources. Two rules are added:
weights that have grown tenfold while the loss rose, or a loss that is no number any more (Pascanu et al., On the Difficulty of
Training Recurrent Neural Networks (2013)), and the step, the norm of a weight's change over the norm of the weight, of which
about 1e-3 is healthy (Karpathy, CS231n, "Neural Networks 3"); a decade on either side of that is called usual.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np

from bpdebug.core.network import LayerNames
from bpdebug.core.numbers import short
from bpdebug.core.program import Program
from bpdebug.core.record import Record, replace
from bpdebug.core.tensors import Array
from bpdebug.look.finding import Finding
from bpdebug.time.conditions import CONDITIONS

HEALTHY_STEP = 1e-3
USUAL_STEPS = (HEALTHY_STEP / 10, HEALTHY_STEP * 10)
"""Between which steps nothing is said."""
USUAL = f"usually it is {USUAL_STEPS[0]:.0e} to {USUAL_STEPS[1]:.0e}".replace("e-0", "e-")
_GROWN = 10.0
"""How much weights must have grown over the updates looked at, while the loss rose, to be called exploding."""
_CHANCE = 1e-4
"""How near a loss is to that of a guess among so many classes."""


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
        sums, arriving: how large the weighted sums are, and what comes in: the roots of their mean squares.
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
    sums: Array
    arriving: Array
    findings: tuple[Finding, ...] = ()
    waiting: bool = False
    lasting: int = 0
    never: int = 0


def _found(name: str, text: str, why: str, value: float, threshold: float | None = None, grave: bool = True) -> Finding:
    """A finding with its number and, where no other one is given, the threshold of the condition of that name."""
    return Finding(name, text, why, grave, value=value, threshold=CONDITIONS[name].threshold if threshold is None else threshold)


def findings_of(program: Program, layer: LayerHealth, losses: Array, last_delta: Array, updates: Sequence[int]) -> Iterator[Finding]:
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
        yield _found("exploding", "W exploding", why, grown, _GROWN)
    if layer.never:
        row = f" in {layer.lasting} updates in a row" if layer.lasting > 1 else ""
        why = f"{layer.never} of {layer.units} units of layer {layer.layer} are 0 for every sample{row}; nothing moves them."
        yield _found("dead", f"dead {layer.never} of {layer.units}", why, layer.never)
    share = float(layer.saturated[-1])
    if layer.layer < len(program.layers) and share > CONDITIONS["saturated"].threshold:
        why = f"{100 * share:.0f} % of {names.a} are so near an asymptote that hardly any gradient passes"
        why += f" (threshold {100 * CONDITIONS['saturated'].threshold:g} %): {_large(program, names, layer)}."
        yield _found("saturated", f"saturated {100 * share:.0f} %", why, share)
    if names.weight in program.frozen:
        yield Finding("frozen", "frozen", f"{names.weight} is left as it is.", grave=False)
    else:
        yield from _of_step(names.weight, float(layer.step[-1]))


def _large(program: Program, names: LayerNames, layer: LayerHealth) -> str:
    """How large the weighted sums are, and whether that comes from what is summed or from its weights."""
    sums, arriving = float(layer.sums[-1]), float(layer.arriving[-1])
    weights = float(layer.size[-1]) / layer.units**0.5  # what the sums' size would be, were the inputs of size 1 and of any signs
    told = f"{names.z} has size {short(sums, 2)}, {names.source} size {short(arriving, 2)}"
    if arriving >= max(weights, 2.0):
        return f"{told}: scale {'the inputs' if names.source == program.input else names.source} to size 1"
    grown = float(layer.size[-1] / layer.size[0]) if layer.size[0] else 1.0
    if grown > _GROWN / 5:
        return f"{told}, and {names.weight} has grown {short(grown, 2)} times in {len(layer.size)} updates: take smaller steps"
    return f"{told}, and {names.weight} would make sums of size {short(weights, 2)} of inputs of size 1: start with smaller weights"


def resting(program: Program, loss: float, answer: Array | None, findings: Sequence[Finding]) -> Iterator[Finding]:
    """The findings, and of a network that is all at rest where that is."""
    asked, rows, outputs = program.network.asked, program.batches.largest, len(program.data[program.target][0])
    each = loss / asked.factor * (outputs if asked.outputs == "mean" else 1) / (rows if asked.samples == "sum" else 1)
    each, classes = (each / outputs, 2) if asked.function == "binary_cross_entropy" else (each, outputs)
    guess = asked.function.endswith("cross_entropy") and bool(abs(each - np.log(classes)) < _CHANCE)
    where = f"the loss rests at {short(loss, 4)}" + f" (ln {classes} each, as of a guess)" * guess
    if answer is not None:
        where += f": the network answers {' '.join(short(float(value), 3) for value in answer[:4])} to everything"
    for finding in findings:
        yield replace(finding, why=f"{finding.why.rstrip('.')}; {where}.") if finding.name == "small-update" else finding


def _of_gradient(program: Program, names: LayerNames, delta: float, last: float) -> Iterator[Finding]:
    ratio, ours, theirs = delta / last if last else 1.0, *(f"‖{program.gradients.get(one.z)}‖" for one in (names, program.layers[-1]))
    small, large = CONDITIONS["vanishing"].threshold, CONDITIONS["exploding"].threshold
    if ratio < small:
        why = f"{ours} is {short(ratio, 2)} of {theirs}; below {small:g} hardly anything is learned."
        yield _found("vanishing", "vanishing", why, ratio)
    elif ratio > large:
        yield _found("exploding", "exploding", f"{ours} is {short(ratio, 2)} times {theirs}; more than {large:g} is too much.", ratio)


def _of_step(weight: str, step: float) -> Iterator[Finding]:
    by = f"{short(step, 2)} of its size; {USUAL}."
    if step > CONDITIONS["large-update"].threshold:
        yield _found("large-update", "large steps", f"an update changes {weight} by {by}", step)
    elif step < CONDITIONS["small-update"].threshold:
        yield _found("small-update", "at rest", f"an update changes {weight} by only {by}", step, grave=False)
    elif not USUAL_STEPS[0] <= step <= USUAL_STEPS[1] and np.isfinite(step):
        large = step > USUAL_STEPS[1]
        text = "step large" if large else "step small"
        yield _found("unusual-update", text, f"an update changes {weight} by {by}", step, USUAL_STEPS[large], grave=False)
