"""What no parameters can reach: how far the loss stays above what its targets allow, each with a proof.

All is weighed alike: what is out of reach, as a share of what the best constant answer loses. Where there is no proof, nothing is said.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import lru_cache

import numpy as np

from bpdebug.core.evaluate import evaluate
from bpdebug.core.network import Phase
from bpdebug.core.numbers import short
from bpdebug.core.operations import OPERATIONS
from bpdebug.core.program import Program
from bpdebug.core.tensors import Array
from bpdebug.look.finding import Finding
from bpdebug.look.plane import Plane
from bpdebug.look.separation import bent, centred
from bpdebug.look.terms import Terms, bounded, terms_of
from bpdebug.look.trials import SAME, Trials, equal, shape_of

_OUTRIGHT = 0.5
"""From which share on a straight line is called too little even where squares and products of the inputs would not do better."""
_ROWS = 400
"""Samples that are looked at where that takes time."""
_RANGES = {"sigmoid": (0.0, 1.0), "softmax": (0.0, 1.0), "tanh": (-1.0, 1.0), "relu": (0.0, np.inf), "softplus": (0.0, np.inf)}
"""By activation: between which values its answers lie."""


def limits(program: Program, persistent: Mapping[str, Array], threshold: float) -> tuple[Finding, ...]:
    """All that no parameters reach.

    Args:
        program: with its data.
        persistent: the parameters that are frozen are what they are.
        threshold: from which share of the best constant answer's loss on it is said.
    """
    return _limits(program, tuple((name, persistent[name].tobytes()) for name in program.frozen), threshold)


@lru_cache(4)
def _limits(program: Program, frozen: tuple[tuple[str, bytes], ...], threshold: float) -> tuple[Finding, ...]:
    fixed = {name: np.frombuffer(data, program.dtype).reshape(program.parameters[name]) for name, data in frozen}
    with np.errstate(all="ignore"):
        return tuple(_found(program, program.initial | fixed, threshold))


def _found(program: Program, persistent: Mapping[str, Array], threshold: float) -> Iterator[Finding]:
    stages = [stage for stage in program.stages if stage.phase in (Phase.FORWARD, Phase.LOSS)]
    edited = [stage.name for stage in stages if stage.edited]
    reads = any(program.target in stage.formula.names for stage in stages if stage.phase is Phase.FORWARD)
    if not np.isfinite(program.data[program.input]).all() or not np.isfinite(program.data[program.target]).all() or reads:
        return
    trials = Trials(program, persistent)
    if flat := _flat(trials, edited):
        yield flat
    if edited:
        yield from _squashed(trials)
    if any(stage.edited for stage in stages if stage.phase is Phase.LOSS) or not bounded(program):
        return
    every = np.arange(program.batches.total)
    if not edited:
        terms = terms_of(program, every, threshold)
        yield from _contradicting(terms)
        yield from _out_of_range(terms)
    few = every if len(every) <= _ROWS else np.linspace(0, len(every) - 1, _ROWS).astype(int)
    yield from _straight(trials, terms_of(program, few, threshold))


def _flat(trials: Trials, edited: list[str]) -> Finding | None:
    """A loss that depends on no parameter."""
    program = trials.program
    if not program.free:
        return None
    data_loss = next(node.output for node in program.network.nodes if node.phase is Phase.LOSS)
    seen = [(values[program.prediction], values[data_loss]) for values in trials.run(program.batch(0), data_loss)]
    answers, losses = [answer for answer, _ in seen], [loss for _, loss in seen]
    size = float(np.abs(answers).max())
    fixed = equal(answers, size)
    if not (fixed or (equal(losses, min(size, size * size)) and (edited or np.any(losses)))):
        return None
    loss = short(float(losses[0]), 4) if abs(losses[0]) > SAME * size else "0"
    what = f"the answer {program.prediction} is the same" if fixed else f"the loss is {loss}"
    names = program.layers[-1]
    why = "softmax of a single unit is 1, take sigmoid" if names.layer.activation == "softmax" and names.layer.units == 1 else ""
    why = why or (
        f"look at your formula of {' and '.join(edited)}"
        if edited
        else "its slope is 0 wherever the answers can be: look at the targets and the loss"
    )
    spread = float(np.ptp(np.array(losses)))
    return Finding(
        "flat", "flat loss", f"{what} whatever the parameters are (5 were tried): no step changes it; {why}.", True, 0, spread, SAME
    )


def _squashed(trials: Trials) -> Iterator[Finding]:
    """A loss on logits, of what has been through sigmoid or softmax already; here the answers are of use for a bound only."""
    program, last = trials.program, trials.program.layers[-1]
    terms, stage = terms_of(program, program.batches.samples(0)), program.stage(last.z)
    data_loss = next(node.output for node in program.network.nodes if node.phase is Phase.LOSS)
    if not (((terms.y == 0) | (terms.y == 1)).all()):
        return
    for squash, function in (("sigmoid", "binary_cross_entropy"), ("softmax", "categorical_cross_entropy")):
        row, ratios = OPERATIONS[f"{function}_from_logits"], list[float]()
        for values in trials.run(program.batch(0), data_loss):
            sums = evaluate(stage.derived or stage.formula, values)
            twice = evaluate(row.forward, {"z": evaluate(OPERATIONS[squash].forward, {"z": sums}), "y": terms.y}).sum()
            ratios.append(float(np.divide(values[data_loss], twice)))
        if (squash == "softmax" and (terms.y.sum(axis=1) != 1).any()) or not np.ptp(ratios) <= 1e-6 * abs(ratios[0]):
            continue
        least = ratios[0] * float(evaluate(row.forward, {"z": terms.y, "y": terms.y}).sum())
        why = f"{squash} is taken twice, once more within the loss: on this batch it cannot fall below {short(least, 4)}"
        yield Finding(
            "squashed-twice",
            f"{squash} twice",
            f"{why}, even for right answers; give the loss the sums {last.z}.",
            value=least,
            threshold=0,
        )


def _finding(terms: Terms, name: str, text: str, excess: float, reason: str, remedy: str) -> Iterator[Finding]:
    share = terms.share(excess)
    if share >= terms.threshold > 0 or share > terms.threshold:
        yield Finding(name, text, f"{reason}: {terms.told(excess)}; {remedy}.", True, 0, share, terms.threshold)


def _contradicting(terms: Terms) -> Iterator[Finding]:
    """Samples with the same inputs and different targets."""
    if terms.function == "huber":  # what is best for several targets has no formula
        return
    known, groups = dict[bytes, int](), np.empty(len(terms.x), int)
    for place, inputs in enumerate(terms.x + 0.0):
        groups[place] = known.setdefault(inputs.tobytes(), place)
    apart = (terms.y != terms.y[groups]).any(axis=1)
    if not apart.any():
        return
    second = int(np.argmax(apart))
    excess = float((terms.costs(terms.best(groups)) - terms.costs(terms.y)).sum())
    rows = f"samples {groups[second]} and {second} have the same inputs and different targets"
    more = f", and so have {int(apart.sum()) - 1} more" if apart.sum() > 1 else ""
    remedy = "no network can fit them: look whether targets stand in the wrong rows, or an input is missing"
    yield from _finding(terms, "contradiction", "targets contradict", excess, rows + more, remedy)


def _out_of_range(terms: Terms) -> Iterator[Finding]:
    """Targets that the last activation cannot give."""
    last = terms.program.layers[-1]
    low, high = _RANGES.get(last.layer.activation, (-np.inf, np.inf))
    if last.layer.residual or terms.entropy:
        return
    excess = float((terms.costs(np.clip(terms.y, low, high)) - terms.costs(terms.y)).sum())
    reach = f"targets go from {short(float(terms.y.min()), 3)} to {short(float(terms.y.max()), 3)}"
    ends = f"from {low:g} to {high:g}" if high < np.inf else f"from {low:g} up"
    remedy = "scale the targets, or make the last layer identity"
    yield from _finding(
        terms, "out-of-range", "targets out of range", excess, f"{reach}, and {last.layer.activation} answers {ends}", remedy
    )


def _straight(trials: Trials, terms: Terms) -> Iterator[Finding]:
    """What no linear function of the inputs fits, and what none without a constant does."""
    program = trials.program
    straight, constant = shape_of(trials)
    if straight:
        whole = Plane(terms, centred(terms.x, constant=True))
        if whole.known:
            share = terms.share(whole.excess)
            if share >= _OUTRIGHT or (share >= terms.threshold and _bends(terms, whole.excess)):
                hidden = "the hidden layers are linear" if len(program.layers) > 1 else "there is no hidden layer"
                remedy = "add a hidden layer with tanh or relu" if len(program.layers) == 1 else "give a hidden layer tanh or relu"
                yield from _finding(terms, "linear", "only linear", whole.excess, f"{hidden}, and {whole.reason}", remedy)
            bare = whole if constant else Plane(terms, centred(terms.x, constant=False))
            if terms.share(bare.excess) >= terms.threshold and whole.excess <= bare.excess / 2:
                reason = f"{_bare(program)}, and without one {bare.reason}"
                yield from _finding(terms, "no-bias", "no bias", bare.excess, reason, "give the layers a bias")
                return
    zero = np.flatnonzero((terms.x == 0).all(axis=1))
    if not constant and len(zero):
        answers = trials.answers(terms.x[zero[:1]], program.prediction)
        if equal(answers, max(float(np.abs(answers).max()), 1e-3)):
            excess = float((terms.costs(answers[0]) - terms.costs(terms.y))[zero].sum())
            fixed = " ".join(short(float(value), 3) for value in answers[0][0][:4])
            reason = f"sample {terms.chosen[zero[0]]}, all of whose inputs are 0, is answered {fixed} by any weights, as {_bare(program)}"
            yield from _finding(terms, "no-bias", "no bias", excess, reason, "give the layers a bias")


def _bare(program: Program) -> str:
    return "no bias is free to move" if any(names.bias for names in program.layers) else "no layer has a bias"


def _bends(terms: Terms, excess: float) -> bool:
    """Whether squares and products of the inputs, beside them, leave far less: so much less that it is no matter of their number."""
    curved = centred(bent(terms.x), constant=True)
    left = Plane(terms, curved)
    return left.known and left.excess <= (excess / 2 if len(curved) >= 10 * curved.shape[1] else 1e-9 * excess)
