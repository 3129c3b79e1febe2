"""How long a step may be: the largest curvature of the loss, measured, and the limit that the optimizer's rule sets it.

Gradient descent on a quadratic loss diverges where the rate is above 2/λ, λ the largest eigenvalue of the Hessian (LeCun et al., Efficient
BackProp (1998), section 4.6 and 5); with momentum μ above 2(1 + μ)/λ, with Nesterov's above 2(1 + μ)/((1 + 2μ)λ) (Cohen et al., Gradient
Descent Typically Occurs at the Edge of Stability (2021), appendix B). λ is found by Lanczos' iteration on differences of our own
gradients (Golub and Van Loan, Matrix Computations, section 10.1), which comes from below: what is above the limit is so.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
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


class Slope:
    """The gradient of the loss of one batch at any parameters, in double precision."""

    def __init__(self, program: Program) -> None:
        self.machine = Machine(replace(program, dtype=np.dtype(float)))
        self.update, self.constants = 0, dict[str, Array]()
        self.size = sum(int(np.prod(program.parameters[name])) for name in program.free)

    def stand(self, persistent: Mapping[str, Array], update: int) -> Slope:
        """Go to an update, with what the optimizer does not change as it is there."""
        self.update, self._start = min(update, self.machine.program.updates - 1), self.machine.persistent_flat.copy()
        self.constants = self.machine.named(self._start)
        for name, value in persistent.items():
            self.constants[name][...] = value
        return self

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
        """The largest eigenvalue of the Hessian there, or a little less."""
        steps = max(int(_WORK / (12 * self.size * self.machine.program.batches.largest + 1)), 2)
        length = 1e-5 * (1.0 + float(np.linalg.norm(parameters)))
        vector = np.random.default_rng(3).standard_normal(self.size)
        basis, diagonal, beside, found = list[Array](), list[float](), list[float](), 0.0
        for _ in range(min(steps, _STEPS, self.size)):
            vector = vector / np.linalg.norm(vector)
            basis.append(vector)
            bent = (self.at(parameters + length * vector) - self.at(parameters - length * vector)) / (2 * length)
            if not np.isfinite(bent).all():
                return float("nan")
            diagonal.append(float(bent @ vector))
            before, found = found, float(np.linalg.eigvalsh(np.diag(diagonal) + np.diag(beside, 1) + np.diag(beside, -1))[-1])
            known = np.array(basis)
            vector = bent - known.T @ (known @ bent)
            vector -= known.T @ (known @ vector)
            beside.append(float(np.linalg.norm(vector)))
            if beside[-1] <= 1e-6 * abs(found) or abs(found - before) <= 0.01 * abs(found):
                break
        return found

    def quadratic(self, parameters: Array) -> bool:
        """Whether the gradient is a linear function of the parameters, far to either side."""
        way = np.random.default_rng(4).standard_normal(self.size) * (1.0 + float(np.abs(parameters).max()))
        here, there, back = self.at(parameters), self.at(parameters + way), self.at(parameters - way)
        return bool(np.abs(there + back - 2 * here).max() <= 1e-9 * (np.abs(there) + np.abs(back)).max())


_slope = lru_cache(2)(Slope)  # which is compiled


def parameters_of(program: Program, persistent: Mapping[str, Array]) -> Array:
    """The free parameters, laid end to end."""
    return np.concatenate([np.asarray(persistent[name], float).ravel() for name in program.free])


def judged(program: Program) -> bool:
    """Whether the optimizer has such a limit, and the stages are the engine's own from the gradients on."""
    return (
        program.rule.name in LIMITS
        and bool(program.free)
        and not any(s.edited for s in program.stages if s.phase in (Phase.BACKWARD, Phase.UPDATE))
    )


def long_step(program: Program, persistent: Mapping[str, Array], update: int, over: float | None = None) -> Finding | None:
    """What is to be said of the step at these parameters, or else of the first one. Of a loss that is no quadratic and has been halved
    since the start, nothing: networks often learn well with steps beyond the limit.

    Args:
        program: whose loss, optimizer and data.
        persistent: parameters and constants.
        update: whose batch is taken.
        over: how many times the limit it may be, by default once where the loss is a quadratic, else ``OVER`` times.
    """
    if not judged(program):
        return None
    slope, here, start = (
        _slope(program).stand(persistent, update),
        parameters_of(program, persistent),
        parameters_of(program, program.initial),
    )
    found = _too_long(slope, here, over)
    falls = update > 1 and slope.loss(here) <= slope.loss(start) / 2
    if falls or found:
        return found if found and (found.grave or not falls) else None
    found = _too_long(slope, start, over)
    return found and replace(found, why=f"at the start, {found.why}")


def _too_long(slope: Slope, parameters: Array, over: float | None) -> Finding | None:
    program, constants = slope.machine.program, slope.constants
    rate, momentum = (float(constants[name]) if name in program.constants else 0.0 for name in ("learning_rate", "momentum"))
    factor, curvature = LIMITS[program.rule.name](momentum), slope.curvature(parameters)
    times = rate * curvature / factor
    if not times > 1:
        return None
    certain = program.batches.size(slope.update) == program.batches.total and slope.quadratic(parameters)
    threshold = over or (1.0 if certain else OVER)
    if not threshold < times < np.inf:
        return None
    limit = f"{factor:.3g}/λ = {short(factor / curvature, 3)} (λ = {short(curvature, 4)}, the largest curvature of the loss)"
    end = "each step overshoots further than the one before" if certain else "steps overshoot where the loss bends most"
    remedy = _scaled(slope, parameters, curvature, factor / rate) or f"take a rate below {short(factor / curvature, 2)}."
    why = f"learning rate {short(rate, 3)} is {short(times, 3)} times the limit {limit}; threshold {threshold:g}: {end}; {remedy}"
    return Finding("long-step", "step too long", why, certain, 0, times, threshold)


def _scaled(slope: Slope, parameters: Array, curvature: float, bearable: float) -> str:
    """What inputs of size 1 would change, where that alone would do."""
    program = slope.machine.program
    x = program.data[program.input]
    size = np.abs(x).max(axis=0)
    if not _LARGE < size.max() < np.inf:
        return ""
    scaled = replace(program, data={**program.data, program.input: x / np.where(size > 0, size, 1.0)})
    less = Slope(scaled).stand(slope.constants, slope.update).curvature(parameters)
    if not 0 < less < min(curvature / 4, bearable):
        return ""
    would = f"λ would be {short(less, 3)}, and the limit {short(bearable / less * float(slope.constants['learning_rate']), 3)}"
    return f"{program.input} reaches {short(float(size.max()), 3)}: with each input scaled to size 1 {would}."
