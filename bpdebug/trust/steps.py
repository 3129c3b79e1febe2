"""How differences behave as their step changes: the sweep over step sizes, and the slope of Taylor's remainder."""

from __future__ import annotations

from collections.abc import Generator

import numpy as np

from bpdebug.core.description import Array
from bpdebug.core.errors import BpdebugError
from bpdebug.core.numbers import exact, short
from bpdebug.time.results import Result
from bpdebug.time.timeline import Timeline
from bpdebug.trust.differences import Differences

_SWEPT = 64
"""Cells that a sweep perturbs."""
_RIGHT = 1.8
"""Taylor's remainder shrinks with at least this power of the step where the gradient is right."""


def sweep(timeline: Timeline, name: str) -> Generator[str, None, Result]:
    """The error of a derivative by central differences over step sizes from 0.1 to 1e-12, and by the complex step: large steps
    see the curvature, small ones the rounding (the V of CS231n, "Gradient checks")."""
    with np.errstate(all="ignore"):
        probe = Differences(timeline)
        stage = probe.program.stage(name)
        ours = probe.gradient(stage)
        cells = np.sort(np.random.default_rng(0).choice(ours.size, _SWEPT, replace=False)) if ours.size > _SWEPT else np.arange(ours.size)
        rows: list[tuple[str, float, float]] = []
        for exponent in range(1, 13):
            yield f"step 1e-{exponent}"
            found = probe.by_differences(stage.of, cells, 10.0**-exponent)
            rows.append((f"1e-{exponent}", 10.0**-exponent, _error(ours, found, cells)))
        if (found_exactly := probe.by_complex_step(stage.of, cells)) is not None:
            rows.append(("complex", 0.0, _error(ours, found_exactly, cells)))
    # a bar is as long as the error has orders of magnitude above rounding
    bars = ["█" * round(max(0.0, 16 + np.log10(error)) * 2) if error > 0 else "" for _, _, error in rows]
    lines = [f"{text:<8} {short(error, 2):<8} {bar}" for (text, _, error), bar in zip(rows, bars, strict=True)]
    title = f"{name}: relative error of the differences, step by step"
    data = {"name": name, "steps": [step for _, step, _ in rows], "errors": [exact(error) for _, _, error in rows]}
    return Result("sweep", "\n".join([title, *lines]), data)


def _error(ours: Array, found: Array, cells: Array) -> float:
    """The largest distance, relative to the largest derivative."""
    mine, other = ours.flat[cells], found.flat[cells]
    size = float(np.maximum(np.abs(mine), np.abs(other)).max())
    return float(np.abs(mine - other).max()) / size if size else 0.0


def slope(timeline: Timeline, name: str) -> Generator[str, None, Result]:
    """Taylor's test: along a random direction d, ``L(w + e·d) − L(w) − e·<dw, d>`` shrinks with e squared if dw is the gradient, and
    with e alone if it is not (Farrell et al., "Automated Derivation of the Adjoint" (2013), section 6)."""
    with np.errstate(all="ignore"):
        probe = Differences(timeline)
        program = probe.program
        names = [name] if name else [program.gradients[parameter] for parameter in program.parameters if parameter in program.gradients]
        stages = [program.stage(one) for one in names if one in program.index]
        if not stages:
            raise BpdebugError("no parameter has a gradient here")
        generator = np.random.default_rng(0)
        directions = {stage.of: generator.choice([-1.0, 1.0], probe.values[stage.of].shape) for stage in stages}
        yield "Taylor's remainder"
        sizes = 2.0 ** -np.arange(6.0, 14.0)
        along = sum(float((probe.gradient(stage) * directions[stage.of]).sum()) for stage in stages)
        moved = probe.along(directions, sizes)
    remainders = np.abs(moved - sizes * along)
    orders = np.log2(remainders[:-1] / remainders[1:]) if (remainders > 0).all() else np.full(len(sizes) - 1, np.nan)
    order, straight = float(np.median(orders)), bool((remainders <= 1e-13 * max(1.0, abs(probe.loss))).all())
    title = f"Taylor's remainder along a random direction of {', '.join(stage.of for stage in stages)}"
    lines = [f"e = {short(float(size), 4):<12} {short(float(rest), 4)}" for size, rest in zip(sizes, remainders, strict=True)]
    if straight:
        said = "nothing but rounding is left: the gradient is right"
    else:
        verdict = (
            "the gradient is right" if order > _RIGHT else "the gradient is wrong" if order < 1.2 else "neither 2 (right) nor 1 (wrong)"
        )
        said = f"it shrinks with the power {short(order, 3)} of e: {verdict}"
    data = {"name": name, "sizes": exact(sizes), "remainders": exact(remainders), "order": exact(order), "ok": straight or order > _RIGHT}
    return Result("slope", "\n".join([title, *lines, said]), data)
