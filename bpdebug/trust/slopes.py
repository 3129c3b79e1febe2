"""How differences of the loss behave as their step changes: a sweep over step sizes, and the slope of Taylor's remainder."""

from __future__ import annotations

from collections.abc import Generator

import numpy as np

from bpdebug.core.errors import BpdebugError
from bpdebug.core.numbers import exact, short
from bpdebug.time.results import Result
from bpdebug.time.timeline import Timeline
from bpdebug.trust.check import derivative
from bpdebug.trust.differences import Probe
from bpdebug.trust.finding import worst

_SWEPT, _SWEEP = 64, 20_000_000
"""Cells that a sweep perturbs, at most, and numbers that it computes."""
_RIGHT = 1.8
"""Taylor's remainder shrinks with at least this power of the step where the gradient is right."""


def sweep(timeline: Timeline, name: str) -> Generator[str, None, Result]:
    """The error of a derivative by central differences over step sizes from 0.1 to 1e-12, and by the complex step: large steps
    see the curvature, small ones the rounding (the V of CS231n, "Gradient checks")."""
    with np.errstate(all="ignore"):
        probe = Probe(timeline)
        stage = derivative(probe.program, name)
        ours, base = probe.gradient(stage), probe.values[stage.of]
        work = sum(value.size for value in probe.values.values())
        count = min(ours.size, _SWEPT, max(4, _SWEEP // work))
        places = np.sort(np.random.default_rng(0).choice(ours.size, count, replace=False))
        cells_of = np.arange(base.size).reshape(base.shape)
        mine, rows = ours.flat[places], list[tuple[str, float, float]]()
        for exponent in range(1, 13):
            yield f"step 1e-{exponent}"
            step, found = 10.0**-exponent, []
            for place in places:
                size = step * max(1.0, abs(base.flat[place]))
                up, down = (probe.moved({stage.of: base + sign * size * (cells_of == place)}) for sign in (1.0, -1.0))
                found.append((up - down) / (2 * size))
            rows.append((f"1e-{exponent}", step, worst(mine, np.array(found))[0]))
        exactly = [probe.dots.along({stage.of: 1.0 * (cells_of == place)}, {})[0] for place in places]
        rows.append(("complex", 0.0, worst(mine, np.array(exactly))[0]))
    # a bar is as long as the error has orders of magnitude above rounding
    bars = ["█" * round(max(0.0, 16 + np.log10(error)) * 2) if error > 0 else "" for _, _, error in rows]
    lines = [f"{text:<8} {short(error, 2):<8} {bar}" for (text, _, error), bar in zip(rows, bars, strict=True)]
    title = f"{name}: relative error of the differences, step by step"
    data = {"name": name, "steps": [step for _, step, _ in rows], "errors": [exact(error) for _, _, error in rows]}
    return Result("sweep", "\n".join([title, *lines]), data)


def slope(timeline: Timeline, name: str) -> Generator[str, None, Result]:
    """Taylor's test: along a random direction d, ``L(w + e·d) − L(w) − e·<dw, d>`` shrinks with e squared if dw is the gradient, and
    with e alone if it is not (Farrell et al., "Automated Derivation of the Adjoint" (2013), section 6)."""
    with np.errstate(all="ignore"):
        probe = Probe(timeline)
        program = probe.program
        names = [name] if name else [program.gradients[parameter] for parameter in program.parameters if parameter in program.gradients]
        stages = [derivative(program, one) for one in names]
        if not stages:
            raise BpdebugError("no parameter has a gradient here")
        generator = np.random.default_rng(0)
        directions = {stage.of: generator.choice([-1.0, 1.0], probe.values[stage.of].shape) for stage in stages}
        yield "Taylor's remainder"
        sizes = 2.0 ** -np.arange(6.0, 14.0)
        exactly, along, bound, corner = probe.dots.along(directions, {stage.of: stage for stage in stages})
        moved = np.array([probe.moved({of: probe.values[of] + e * way for of, way in directions.items()}) for e in sizes])
        remainders = np.abs(moved - sizes * along)
        orders = np.log2(remainders[:-1] / remainders[1:]) if (remainders > 0).all() else np.full(len(sizes) - 1, np.nan)
    order, straight = float(np.median(orders)), bool((remainders <= 1e-13 * max(1.0, abs(probe.loss))).all())
    title = f"Taylor's remainder along a random direction of {', '.join(stage.of for stage in stages)}"
    lines = [f"e = {short(float(size), 4):<12} {short(float(rest), 4)}" for size, rest in zip(sizes, remainders, strict=True)]
    power = f"it shrinks with the power {short(order, 3)} of e"
    finite, right = bool(np.isfinite([probe.loss, exactly, along, bound]).all()), abs(exactly - along) <= bound
    if not finite:
        said = "something is not finite: there is nothing to compare"
    elif corner:
        said = f"{power}: the loss has a corner here, where no power is due: there is nothing to compare"
    elif not right:
        said = f"{power}: the gradient is wrong: along the direction it says {short(along, 8)}, and the complex step {short(exactly, 8)}"
    elif straight or order > _RIGHT:
        said = f"{power}: the gradient is right" if not straight else "nothing but rounding is left: the gradient is right"
    else:
        said = f"{power}: corners or rounding within these steps; at the point itself, by the complex step, the gradient is right"
    data = {"name": name, "sizes": exact(sizes), "remainders": exact(remainders), "order": exact(order)}
    data |= {"ok": finite and right and not corner}
    return Result("slope", "\n".join([title, *lines, said]), data)
