"""How long a step may be: the largest curvature of the loss, measured, and the limit that the optimizer's rule sets it.

Gradient descent on a quadratic loss diverges where the rate is above 2/λ, λ the largest eigenvalue of the Hessian (LeCun et al., Efficient
BackProp (1998), section 4.6 and 5); with momentum μ above 2(1 + μ)/λ, with Nesterov's above 2(1 + μ)/((1 + 2μ)λ) (Cohen et al., Gradient
Descent Typically Occurs at the Edge of Stability (2021), appendix B). λ is found by Lanczos' iteration on differences of our own
gradients (Golub and Van Loan, Matrix Computations, section 10.1), which comes from below: what is above the limit is so.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from functools import lru_cache

import numpy as np

from bpdebug.core.machine import Machine
from bpdebug.core.network import Phase
from bpdebug.core.numbers import short
from bpdebug.core.program import Program
from bpdebug.core.record import replace
from bpdebug.core.tensors import Array
from bpdebug.look.finding import OVER, Finding

LIMITS: dict[str, Callable[[float], float]] = {
    "sgd": lambda _: 2.0,
    "momentum": lambda mu: 2 * (1 + mu),
    "nesterov": lambda mu: 2 * (1 + mu) / (1 + 2 * mu),
}
"""By optimizer: what rate times λ may be."""
_STEPS = 8
_WORK = 400_000_000
"""Multiplications that a measurement may take, roughly; two iterations are made in any case."""
_LARGE = 2.0
"""From which size on inputs may be what makes the loss bend."""


class Slope:
    """The gradient of the loss of one batch at any parameters, in double precision; what the optimizer does not change is as given."""

    def __init__(self, program: Program, persistent: Mapping[str, Array], update: int) -> None:
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

    def loss(self, parameters: Array) -> float:
        """The loss there."""
        self.at(parameters)
        return float(self.machine.last(self.machine.program.loss))

    def curvature(self, parameters: Array) -> float:
        """The largest eigenvalue of the Hessian there, or a little less; NaN where gradients are not finite."""
        steps = min(max(int(_WORK / (12 * self.size * self.machine.program.batches.largest + 1)), 2), _STEPS, self.size)
        length, vector = 1e-5 * (1.0 + np.linalg.norm(parameters)), np.random.default_rng(3).standard_normal(self.size)
        basis, bent, found = np.empty((0, self.size)), np.empty((0, self.size)), np.nan
        for _ in range(steps):
            before = np.linalg.norm(vector)
            vector = vector - basis.T @ (basis @ vector)
            vector -= basis.T @ (basis @ vector)
            if not np.linalg.norm(vector) > 1e-6 * before:  # what is left of it is rounding
                break
            basis = np.vstack([basis, vector / np.linalg.norm(vector)])
            vector = (self.at(parameters + length * basis[-1]) - self.at(parameters - length * basis[-1])) / (2 * length)
            if not np.isfinite(vector).all():
                return float("nan")
            bent = np.vstack([bent, vector])
            found = float(np.linalg.eigvalsh(basis @ bent.T)[-1])
        return found


@lru_cache(2)
def _machine(program: Program) -> Machine:
    return Machine(replace(program, dtype=np.dtype(float)))


def long_step(program: Program, persistent: Mapping[str, Array], update: int, over: float | None = None) -> Iterator[Finding]:
    """What is to be said of the step at these parameters, or else of the first one, where the optimizer has such a limit, and the
    gradients are the engine's own. Of a loss that is no quadratic and has been halved since the start, nothing: networks often learn
    well with steps beyond the limit.

    Args:
        program: whose loss, optimizer and data.
        persistent: parameters and constants.
        update: whose batch is taken.
        over: how many times the limit it may be, by default once where the loss is a quadratic, else ``OVER`` times.
    """
    edited = any(stage.edited for stage in program.stages if stage.phase in (Phase.BACKWARD, Phase.UPDATE))
    if edited or program.rule.name not in LIMITS or not program.free:
        return
    slope, start = Slope(program, persistent, update), Slope(program, program.initial, update).here
    falls = update > 1 and slope.loss(slope.here) <= slope.loss(start) / 2
    for parameters, when in ((slope.here, ""), (start, "at the start, ")):
        found = _too_long(program, slope, parameters, over)
        if found and (found.grave or not falls):
            yield replace(found, why=when + found.why)
        if found or falls:
            return


def _too_long(program: Program, slope: Slope, parameters: Array, over: float | None) -> Finding | None:
    rate, momentum = (float(slope.persistent.get(name, 0.0)) for name in ("learning_rate", "momentum"))
    factor, x = LIMITS[program.rule.name](momentum), program.data[program.input]
    curvature, last, whole = slope.curvature(parameters), program.layers[-1], program.batches.size(slope.update) == program.batches.total
    times, linear = rate * curvature / factor, len(program.layers) == 1 and last.layer.activation == "identity"
    certain = whole and linear and program.network.asked.function == "squared_error" and not any(stage.edited for stage in program.stages)
    threshold = over or (1.0 if certain else OVER)
    if not threshold < times < np.inf:
        return None
    limit = f"{factor:.3g}/λ = {short(factor / curvature, 3)}"
    limit += f" (threshold {threshold:g}; λ = {short(curvature, 4)} is the loss's largest curvature)"
    end = "each step overshoots further than the one before" if certain else "steps overshoot there"
    why = f"learning rate {short(rate, 3)} is {short(times, 3)} times the limit {limit}: {end}; "
    size, less = np.abs(x).max(axis=0), np.nan
    if _LARGE < size.max() < np.inf:
        scaled = replace(program, data={**program.data, program.input: x / np.where(size > 0, size, 1.0)})
        less = Slope(scaled, slope.persistent, slope.update).curvature(parameters)
    if 0 < less < min(curvature / 4, factor / rate):
        reach, limit = short(float(size.max()), 3), short(factor / less, 3)
        why += f"{program.input} reaches {reach}: scale each input to size 1 (λ would be {short(less, 3)}, the limit {limit})."
    else:
        why += f"take a rate below {short(factor / curvature, 2)}."
    return Finding("long-step", "step too long", why, certain, 0, times, threshold)
