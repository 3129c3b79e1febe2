"""How long a step may be: the largest curvature of the loss, measured, and the limit that the optimizer's rule sets it.

Gradient descent on a quadratic loss diverges where the rate is above 2/λ, λ the largest eigenvalue of the Hessian (LeCun et al., Efficient
BackProp (1998), section 4.6 and 5); with momentum μ above 2(1 + μ)/λ, with Nesterov's above 2(1 + μ)/((1 + 2μ)λ) (Cohen et al., Gradient
Descent Typically Occurs at the Edge of Stability (2021), appendix B). Where each parameter has a step of its own, λ is that of the loss
over parameters in units of these steps, and Adam's limit 2(1 + β₁)/((1 − β₁)λ) (Cohen et al., Adaptive Gradient Methods at the Edge of
Stability (2022)). The limit is worked out from the rule's own formulas. λ is found by Lanczos' iteration on differences of our own
gradients (Golub and Van Loan, Matrix Computations, section 10.1), which comes from below: what is above the limit is so.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import lru_cache

import numpy as np

from bpdebug.core.evaluate import evaluate
from bpdebug.core.machine import Machine
from bpdebug.core.network import Phase
from bpdebug.core.numbers import short
from bpdebug.core.optimizers import RATE, Rule
from bpdebug.core.program import Program
from bpdebug.core.record import replace
from bpdebug.core.tensors import Array, Values
from bpdebug.look.finding import OVER, Finding

_STEPS = 8
_WORK = 400_000_000
"""Multiplications that a measurement may take, roughly; two iterations are made in any case."""
_LARGE = 2.0
"""From which size on inputs may be what makes the loss bend."""
_UNSEEN = 1e-3
"""A parameter whose usual gradient is smaller than this, beside the largest, has no usual gradient yet: it counts as so large."""
_AHEAD, _RISEN = 10, 1.1
"""Updates that are tried where the rule measures steps by the gradients, and how many times the loss they have to leave for anything to be
said: gradients grow with the steps, and so may make them short again at once."""


class Slope:
    """The gradient of the loss of one batch at any parameters, in double precision; what the optimizer does not change is as given."""

    def __init__(self, program: Program, persistent: Values, update: int) -> None:
        self.machine, self.update, self.persistent = _machine(program), min(update, program.updates - 1), persistent
        self._start = self.machine.persistent_flat.copy()
        self.size = sum(int(np.prod(program.parameters[name])) for name in program.free)
        for name, values in self.machine.named(self._start).items():
            values[...] = persistent.get(name, values)
        self.here = self._start[: self.size].copy()

    def at(self, parameters: Array) -> Array:
        """The gradient at the free parameters, laid end to end; both as the machine has them."""
        self._start[: self.size] = parameters
        self.machine.start(self.update, self._start)
        self.machine.run_update()
        return self.machine.last_workspace().flat[: self.size].copy()

    def loss(self, updates: int = 0) -> float:
        """The loss of the batch here, or after updates with it alone."""
        self._start[: self.size] = self.here
        self.machine.start(self.update, self._start)
        for place in range(updates + 1):
            self.machine.run_update()
            if place < updates:
                self.machine.start(self.update, self.machine.persistent_flat.copy())
        return float(self.machine.last(self.machine.program.loss))

    def curvature(self, units: Array | float = 1.0) -> float:
        """The largest eigenvalue of the Hessian here, or a little less, over parameters measured in the roots of these units; NaN where
        gradients are not finite."""
        steps = min(max(int(_WORK / (12 * self.size * self.machine.program.batches.largest + 1)), 2), _STEPS, self.size)
        parameters = self.here
        length, vector = 1e-5 * (1.0 + np.linalg.norm(parameters)), np.random.default_rng(3).standard_normal(self.size)
        roots, basis, bent, found = np.sqrt(units), np.empty((0, self.size)), np.empty((0, self.size)), np.nan
        for _ in range(steps):
            before = np.linalg.norm(vector)
            vector = vector - basis.T @ (basis @ vector)
            vector -= basis.T @ (basis @ vector)
            if not np.linalg.norm(vector) > 1e-6 * before:  # what is left of it is rounding
                break
            basis = np.vstack([basis, vector / np.linalg.norm(vector)])
            way = roots * basis[-1]
            ahead = length / np.linalg.norm(way)
            vector = roots * (self.at(parameters + ahead * way) - self.at(parameters - ahead * way)) / (2 * ahead)
            if not np.isfinite(vector).all():
                return float("nan")
            bent = np.vstack([bent, vector])
            found = float(np.linalg.eigvalsh(basis @ bent.T)[-1])
        return found


@lru_cache(2)
def _machine(program: Program) -> Machine:
    return Machine(replace(program, dtype=np.dtype(float)))


def verge(program: Program, persistent: Values, gradient: Array) -> tuple[float, Array | float]:
    """What the learning rate times the largest curvature may be, and the units of the free parameters for which that holds: 1 for all,
    or what the next step of each is per its mean gradient, where the rule measures steps by a running square of the gradient."""
    rule, named = program.rule, program.letters
    given = {name: np.asarray(persistent.get(name, value), float) for name, value in program.constants.items()}
    still = {**dict.fromkeys((*rule.slots, "w", "g"), np.zeros(())), **given, "t": np.array(1e9)}  # no running mean is at its start
    ahead, back = (_stepped(rule, {**still, "g": np.array(sign)}) for sign in (1.0, -1.0))
    squares = [slot for slot in rule.slots if ahead[slot] == back[slot]]
    still |= dict.fromkeys(squares, np.ones(()))
    state = [*(slot for slot in rule.slots if slot not in squares), "w"]

    def turned(curvature: float) -> float:
        """The determinant that is 0 where a deviation of (slots, parameter) becomes its own opposite with each update."""
        fixed = _stepped(rule, still, squares)
        moved = [_stepped(rule, {**still, one: np.ones(()), "g": np.array(curvature * (one == "w"))}, squares) for one in state]
        return float(np.linalg.det(np.eye(len(state)) + [[float(after[of] - fixed[of]) for after in moved] for of in state]))

    def response(given: Values) -> Array:
        """By how much the next step is longer for a gradient that is larger by 1."""
        return _stepped(rule, {**given, "g": np.zeros(())}, squares)["w"] - _stepped(rule, {**given, "g": np.ones(())}, squares)["w"]

    factor = float(np.divide(given[RATE] * turned(0.0), turned(0.0) - turned(1.0)))
    if not squares:
        return factor, 1.0
    slots = {slot: np.concatenate([np.ravel(persistent[name]) for name in named[slot]]) for slot in squares}
    now = {**still, **slots, "g": gradient, "t": given.get("t", still["t"]) + 1}
    units = response({**now, **{slot: _stepped(rule, now)[slot] for slot in squares}}) / response(still)
    return factor, np.minimum(units, units.min() / _UNSEEN)


def _stepped(rule: Rule, letters: Values, held: Sequence[str] = ()) -> dict[str, Array]:
    """The letters after a step of the rule for one parameter, but for slots that are held."""
    after = dict(letters)
    for target, formula in rule.steps:
        after[target] = after[target] if target in held else evaluate(formula, after)
    return after


def started(program: Program, persistent: Values, update: int) -> tuple[Slope, Slope, bool]:
    """Here and at the start of the training, on one batch, and whether its loss has been halved since."""
    first = {**program.initial, **{name: persistent[name] for name in program.constants if name != "t"}}
    here, start = Slope(program, persistent, update), Slope(program, first, update)
    return here, start, update > 1 and here.loss() <= start.loss() / 2


def long_step(program: Program, persistent: Values, update: int, over: float | None = None) -> Iterator[Finding]:
    """What is to be said of the step at these parameters, or else of the first one, where the gradients and the steps are the engine's
    own. Of a loss that is no quadratic and has been halved since the start, nothing: networks often learn well with steps beyond the limit.

    Args:
        program: whose loss, optimizer and data.
        persistent: parameters, slots and constants.
        update: whose batch is taken.
        over: how many times the limit it may be, by default once where the loss is a quadratic, else ``OVER`` times.
    """
    edited = any(stage.edited for stage in program.stages if stage.phase in (Phase.BACKWARD, Phase.UPDATE))
    if edited or not program.free or program.rule.clip or RATE not in persistent:  # how long a clipped step is, no curvature tells
        return
    here, start, falls = started(program, persistent, update)
    for slope, when in ((here, ""), (start, "at the start, ")):
        found = _too_long(program, slope, over)
        if found and (found.grave or not falls):
            yield replace(found, why=when + found.why)
        if found or falls:
            return


def _rate(program: Program, persistent: Values) -> float:
    """The learning rate of the update that starts from these."""
    schedule = program.rule.schedule
    return float(evaluate(schedule.rate, {"t": persistent["t"] + 1}) if schedule else persistent[RATE])


def _too_long(program: Program, slope: Slope, over: float | None) -> Finding | None:
    rate, x = _rate(program, slope.persistent), program.data.get(program.input, np.zeros((1, 0)))
    if not rate:
        return None
    factor, units = verge(program, slope.persistent, slope.at(slope.here))
    curvature, whole = slope.curvature(units), program.batches.size(slope.update) == program.batches.total
    linear = [names.layer.activation for names in program.layers] == ["identity"]
    times, own = rate * curvature / factor, np.ndim(units) > 0
    squares = program.network.asked.function == "squared_error" and not any(stage.edited for stage in program.stages)
    certain = whole and linear and squares and not own
    threshold = over or (1.0 if certain else OVER)
    if not threshold < times < np.inf:
        return None
    before, after = slope.loss(), slope.loss(_AHEAD if own else 0)
    if own and after <= _RISEN * before:
        return None
    limit = f"{factor:.3g}/λ = {short(factor / curvature, 3)}"
    measure = ", parameters in units of their own steps" * own
    limit += f" (threshold {threshold:g}; λ = {short(curvature, 4)} is the loss's largest curvature{measure})"
    end = "each step overshoots further than the one before" if certain else "steps overshoot there"
    if own:
        end += f", and {_AHEAD} of them on this batch take the loss from {short(before, 3)} to {short(after, 3)}"
    why = f"learning rate {short(rate, 3)} is {short(times, 3)} times the limit {limit}: {end}; "
    size, less = np.abs(x).max(axis=0), np.nan
    if x.dtype.kind == "f" and _LARGE < size.max(initial=0.0) < np.inf and not own:
        scaled = replace(program, data={**program.data, program.input: x / np.where(size > 0, size, 1.0)})
        less = Slope(scaled, slope.persistent, slope.update).curvature()
    if 0 < less < min(curvature / 4, factor / rate):
        reach, limit = short(float(size.max()), 3), short(factor / less, 3)
        why += f"{program.input} reaches {reach}: scale each input to size 1 (λ would be {short(less, 3)}, the limit {limit})."
    else:
        why += f"take a rate below {short(factor / curvature, 2)}."
    return Finding("long-step", "step too long", why, certain, 0, times, threshold)
