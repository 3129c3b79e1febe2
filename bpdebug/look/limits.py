"""What no parameters can reach: how far the loss stays above what its targets allow, each with a proof.

All is weighed alike: what is out of reach, as a share of what the best constant answer loses. Where there is no proof, nothing is said.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import lru_cache

import numpy as np

from bpdebug.core.evaluate import evaluate
from bpdebug.core.network import Phase
from bpdebug.core.numbers import short
from bpdebug.core.operations import OPERATIONS
from bpdebug.core.program import Program
from bpdebug.core.record import replace
from bpdebug.core.tensors import Array, Values
from bpdebug.look.finding import Finding
from bpdebug.look.plane import plane
from bpdebug.look.terms import Terms

_SAME = 1e-9
"""How near numbers are, beside their size, that are called the same."""
_OUTRIGHT = 0.5
"""From which share on a straight line is called too little even where squares and products of the inputs would not do better."""
_BIAS = "Give the layers a bias"
_RANGES = {"sigmoid": (0.0, 1.0), "softmax": (0.0, 1.0), "tanh": (-1.0, 1.0), "relu": (0.0, np.inf), "softplus": (0.0, np.inf)}
"""By activation: between which values its answers lie."""


@lru_cache(4)
def limits(program: Program, threshold: float) -> tuple[Finding, ...]:
    """All that no parameters reach, from which share of what there is to learn on it is said."""
    reads = any(program.target in stage.formula.names for stage in program.stages if stage.phase is Phase.FORWARD)
    if reads or not all(np.isfinite(program.data[name]).all() for name in (program.input, program.target)):
        return ()
    with np.errstate(all="ignore"):
        return tuple(_found(replace(program, dtype=np.dtype(float)), Terms(program, threshold)))


def _found(program: Program, terms: Terms) -> Iterator[Finding]:
    edited = [stage.phase for stage in program.stages if stage.edited and stage.phase in (Phase.FORWARD, Phase.LOSS)]
    if edited and ((terms.y == 0) | (terms.y == 1)).all():
        yield from _squashed(program)
    if Phase.LOSS in edited or not terms.bounded:
        return
    if not edited:
        yield from _contradicting(terms)
        yield from _out_of_range(terms)
    yield from _straight(program, terms)


def _drawn(program: Program, given: Values, upto: str) -> Iterator[dict[str, Array]]:
    """All tensors up to one of them at other parameters than the program's own, to see what is so at all of them: twice all are
    positive, so that relus have something to pass, and once they are of any sign."""
    generator = np.random.default_rng(20)
    for sign in (np.abs, np.abs, np.positive):
        drawn = {name: sign(generator.standard_normal(shape)) / shape[0] ** 0.5 for name, shape in program.parameters.items()}
        values = {**program.initial, **drawn, **given}
        yield values | program.run(values, program.index[upto] + 1)


def _answers(program: Program, x: Array, upto: str) -> list[Array]:
    """A tensor for these inputs, at each of the parameters drawn."""
    return [values[upto] for values in _drawn(program, {program.input: x, "m": np.array(len(x))}, upto)]


def _squashed(program: Program) -> Iterator[Finding]:
    """A loss on logits, of what has been through sigmoid or softmax already."""
    last, given = program.layers[-1], program.batch(0)
    stage = program.stage(last.z)
    data_loss = next(node.output for node in program.network.nodes if node.phase is Phase.LOSS)
    for squash, function in (("sigmoid", "binary_cross_entropy"), ("softmax", "categorical_cross_entropy")):
        y, loss, ratios = given[program.target], OPERATIONS[f"{function}_from_logits"].forward, list[float]()
        for values in _drawn(program, given, data_loss):
            answers = evaluate(OPERATIONS[squash].forward, {"z": evaluate(stage.derived or stage.formula, values)})
            ratios.append(float(values[data_loss] / evaluate(loss, {"z": answers, "y": y}).sum()))
        if (squash == "softmax" and (y.sum(axis=1) != 1).any()) or not np.ptp(ratios) <= 1e-6 * abs(ratios[0]):
            continue
        least = ratios[0] * float(evaluate(loss, {"z": y, "y": y}).sum())
        why = f"{squash} is applied twice, here and within the loss, which on this batch cannot fall below {short(least, 4)} (threshold 0)"
        why += f", even for right answers. Give the loss {last.z} itself."
        yield Finding("squashed-twice", f"{squash} twice", why, value=least, threshold=0)


def _contradicting(terms: Terms) -> Iterator[Finding]:
    """Samples with the same inputs and different targets."""
    first = dict[bytes, int]()
    groups = np.array([first.setdefault(inputs.tobytes(), place) for place, inputs in enumerate(terms.x + 0.0)])
    apart = np.flatnonzero((terms.y != terms.y[groups]).any(axis=1))
    if not len(apart) or terms.function == "huber":  # what is best for several targets has no formula
        return
    why = f"samples {terms.rows[groups[apart[0]]]} and {terms.rows[apart[0]]} have the same inputs and different targets"
    why += f", and so have {len(apart) - 1} more" if len(apart) > 1 else ""
    remedy = "No network can fit them: check whether targets stand in the wrong rows, or an input is missing"
    yield from terms.finding("contradiction", "targets contradict", float(terms.excess(terms.best(groups)).sum()), why, remedy)


def _out_of_range(terms: Terms) -> Iterator[Finding]:
    """Targets that the last activation cannot give."""
    last = terms.program.layers[-1].layer
    low, high = _RANGES.get(last.activation, (-np.inf, np.inf))
    low = 1.0 if last.activation == "softmax" and last.units == 1 else low
    if last.residual:
        return
    excess = float(terms.excess(np.clip(terms.y, low, high)).sum())
    reach = f"targets go from {short(float(terms.y.min()), 3)} to {short(float(terms.y.max()), 3)}"
    ends = (
        f"is always {low:g} of one unit" if low == high else f"answers {low:g} to {high:g}" if high < np.inf else f"answers {low:g} or more"
    )
    remedy = "Take sigmoid" if low == high else "Scale the targets, or make the last layer identity"
    yield from terms.finding("out-of-range", "targets out of range", excess, f"{reach}, and {last.activation} {ends}", remedy)


def _straight(program: Program, terms: Terms) -> Iterator[Finding]:
    """What no linear function of the inputs fits, and what none without a constant does."""
    straight, constant = _shape_of(program)
    line, through = (plane(terms, _centred(terms.x, around)) if straight else None for around in (True, False))
    if line and through:
        share = terms.share(line[0])
        if share >= _OUTRIGHT or (share >= terms.threshold and _bends(terms, line[0])):
            hidden, bend = ("the hidden layers are linear", "Give") if len(program.layers) > 1 else ("there is no hidden layer", "Add")
            yield from terms.finding("linear", "only linear", line[0], f"{hidden}, and {line[1]}", f"{bend} a hidden layer tanh or relu")
        if not constant and line[0] <= through[0] / 2:
            yield from terms.finding("no-bias", "no bias", through[0], f"no layer has a bias, and without one {through[1]}", _BIAS)
        return
    zero = np.flatnonzero((terms.x == 0).all(axis=1))
    answers = _answers(program, terms.x[zero[:1]], program.prediction)
    if not constant and len(zero) and np.ptp(answers, axis=0).max() <= _SAME * max(float(np.abs(answers).max()), 1e-3):
        excess = float(terms.excess(answers[0])[zero].sum())
        fixed = " ".join(short(float(value), 3) for value in answers[0][0][:4])
        why = f"no layer has a bias, and so sample {terms.rows[zero[0]]}, all of whose inputs are 0, is answered {fixed} by any weights"
        yield from terms.finding("no-bias", "no bias", excess, why, _BIAS)


def _shape_of(program: Program) -> tuple[bool, bool]:
    """Whether the last weighted sums are a linear function of the inputs, plus a constant; and whether they have a constant."""
    last, straight, constant = program.layers[-1], True, False
    bends = any(names.layer.activation != "identity" and not program.stage(names.a).edited for names in program.layers[:-1])
    one, other = np.random.default_rng(21).standard_normal((2, 8, len(program.inputs))) * np.abs(program.data[program.input]).max(axis=0)
    for found in _answers(program, np.vstack([0 * one[:1], one, other, -one, one + other]), last.z):
        parts, size = found[1:].reshape(4, 8, -1) - found[0], _SAME * np.abs(found).max()
        straight &= bool(np.abs([parts[0] + parts[2], parts[0] + parts[1] - parts[3]]).max() <= size < np.inf)
        constant = constant or bool(np.any(found[0]))
    return straight and not bends and not last.layer.residual, constant


def _centred(x: Array, constant: bool) -> Array:
    """The inputs at size 1; with a column of ones, and then around 0, where the network can add a constant."""
    x = x - x.mean(axis=0) if constant else x
    x = x / np.where(np.abs(x).max(axis=0) > 0, np.abs(x).max(axis=0), 1.0)
    return np.hstack([x, np.ones((len(x), 1))]) if constant else x


def _bends(terms: Terms, excess: float) -> bool:
    """Whether squares and products of the inputs, beside them, leave far less: so much less that it is no matter of their number."""
    first, second = np.triu_indices(terms.x.shape[1])
    curved = _centred(np.hstack([terms.x, terms.x[:, first] * terms.x[:, second]]), constant=True)
    left = plane(terms, curved)
    return left is not None and left[0] <= (excess / 2 if len(curved) >= 10 * curved.shape[1] else 1e-9 * excess)
