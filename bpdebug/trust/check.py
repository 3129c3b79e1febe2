"""The gradient check: every derivative of an update against what differences of the loss say, and whose fault it is.

A stage that only passes a wrong number on is told from one that is wrong itself by one step of the chain rule: its
right value, given the gradients that arrive at it, is found by differences of the stages that use its tensor. How differences
behave as their step changes can be seen too: a sweep over step sizes, and the slope of Taylor's remainder.
"""

from __future__ import annotations

from collections.abc import Generator, Mapping

import numpy as np

from bpdebug.core.description import Array
from bpdebug.core.errors import BpdebugError
from bpdebug.core.network import Phase
from bpdebug.core.numbers import exact, short
from bpdebug.core.program import Program
from bpdebug.core.record import Record, replace
from bpdebug.core.schedule import Stage, input_gradient
from bpdebug.time.results import Result
from bpdebug.time.timeline import Timeline
from bpdebug.trust.case import Evidence
from bpdebug.trust.differences import Derivative, Differences
from bpdebug.trust.finding import Finding
from bpdebug.trust.report import CHECK, Report
from bpdebug.trust.steps import own_steps
from bpdebug.trust.suspects import diagnose

SAMPLE = 400
"""Cells of one tensor that are perturbed where all of them would take long; a fixed sample, which is said."""
_LONG = 50_000_000
"""Numbers to be computed for one tensor: some tenths of a second."""
_GOOD, _WRONG = 1e-6, 1e-4
"""Relative errors by central differences, once rounding is taken off."""
_EXACT = 1e-7
"""By the complex step, which has no error of its own."""
_SWEPT = 64
"""Cells that a sweep perturbs."""
_RIGHT = 1.8
"""Taylor's remainder shrinks with at least this power of the step where the gradient is right."""


def check(timeline: Timeline, only: str = "", everything: bool = False) -> Generator[str, None, Report]:
    """Check the derivatives of the present update, in backward order; yields now and then how far it is.

    Args:
        timeline: where we are; it stays there.
        only: one derivative stage's name (the input's too, which no stage computes), or "" for all stages.
        everything: every cell, also of the largest tensors.
    """
    with np.errstate(all="ignore"):
        probe = Differences(timeline)
        given = input_stage(probe.program)
        stages = [given] if only == given.name else [s for s in probe.program.stages if s.of and only in ("", s.name)]
        inspector = _Inspector(probe, everything, probe.together(list(dict.fromkeys(stage.of for stage in stages))))
    found: list[Finding] = []
    for stage in stages:
        with np.errstate(all="ignore"):
            found.append((yield from inspector.inspect(stage, {f.name for f in found if f.status in ("wrong", "follows")}, only)))
    wrong = {finding.name: finding for finding in found if finding.says.accuses and finding.name in probe.values}
    if wrong:
        yield "looking for the mistake"
        after, start = probe.after(), timeline.calendar.clock(probe.update)
        previous = timeline.before(start) if probe.update else {}
        for name, finding in wrong.items():
            evidence = Evidence(probe.program, finding.stage, finding.ours, finding.right, probe.values, after, previous)
            wrong[name] = replace(finding, suspects=diagnose(evidence))
    found = [wrong.get(finding.name, finding) for finding in found]
    for finding, known in () if only else own_steps(probe.program, probe.running, probe.values):
        found.append(replace(finding, suspects=diagnose(known)) if known else finding)
    return Report(CHECK, probe.update, tuple(found))


def input_stage(program: Program) -> Stage:
    """A stage for the gradient of the input, which an update does not need and therefore does not compute."""
    name, formula = program.network.naming.input, input_gradient(program.network)
    meaning = "What comes back to the inputs: how the loss changes with them."
    gradient = program.network.naming.gradient.format(name)
    return Stage(gradient, formula, Phase.BACKWARD, 1, meaning, "the chain rule", "input", name)


class _Inspector(Record, eq=False):
    """Judges stage by stage."""

    probe: Differences
    everything: bool
    found: Mapping[str, Derivative]

    def inspect(self, stage: Stage, wrong: set[str], only: str) -> Generator[str, None, Finding]:
        """One stage, given the names of those that are known to be wrong."""
        probe, seeds = self.probe, None
        ours = probe.gradient(stage)
        if not np.isfinite(probe.loss):  # and so is every difference of it
            nothing = np.full(ours.shape, np.nan)
            return Finding(stage, stage.name, "non-finite", np.nan, (0,) * ours.ndim, ours, nothing, nothing)
        cells = np.arange(ours.size)
        if not self.everything and ours.size > SAMPLE and probe.work(probe.downstream(stage.of), ours.size) > _LONG:
            cells = np.sort(np.random.default_rng(0).choice(ours.size, SAMPLE, replace=False))
        if stage.through:
            seeds = self._seeds(stage.of, [stage.through])
        verdict = yield from self._judge(stage, ours, cells, seeds)
        inherits = bool(wrong & set(stage.formula.names))
        if seeds is not None:
            return replace(verdict, status="follows") if inherits and verdict.status == "good" else verdict
        if verdict.status != "wrong" or not (only or inherits):
            return verdict
        local = yield from self._local(stage, ours, cells)
        return replace(verdict, status="follows") if local.status != "wrong" else replace(local, kinks=verdict.kinks)

    def _seeds(self, tensor: str, consumers: list[str] | None = None) -> dict[str, Array]:
        """The stages that use a tensor, with the gradients that arrive at them."""
        program, seeds = self.probe.program, dict[str, Array]()
        for stage in program.stages:
            if stage.phase in (Phase.FORWARD, Phase.LOSS) and tensor in stage.formula.names and stage.name in (consumers or [stage.name]):
                if arriving := program.gradients.get(stage.name):
                    seeds[stage.name] = self.probe.values[arriving]
                elif stage.phase is Phase.LOSS:
                    seeds[stage.name] = np.ones(())
        return seeds

    def _local(self, stage: Stage, ours: Array, cells: Array) -> Generator[str, None, Finding]:
        """Whether a stage is right, given the gradients that arrive at it."""
        parts = [part.name for part in self.probe.program.tensors.values() if part.through and part.of == stage.of]
        if parts:  # a sum over several paths: its parts have verdicts of their own
            right = np.asarray(sum(self.probe.values[part] for part in parts))
            found = Derivative(right, np.zeros(right.shape, bool), 0.0, "the sum of its parts")
            return self._verdict(stage, ours, cells, found)
        return (yield from self._judge(stage, ours, cells, self._seeds(stage.of)))

    def _judge(self, stage: Stage, ours: Array, cells: Array, seeds: Mapping[str, Array] | None) -> Generator[str, None, Finding]:
        found = yield from self._derivative(stage, cells, seeds)
        if found.method == "central differences":
            doubtful = cells[self._excess(stage, ours, found).flat[cells] > _EXACT][:SAMPLE]
            if 0 < len(doubtful) < len(cells):  # of a few cells the better method is affordable
                again = yield from self._derivative(stage, doubtful, seeds)
                if again.method != found.method:
                    value, corners = found.value.copy(), found.corners.copy()
                    value.flat[doubtful], corners.flat[doubtful] = again.value.flat[doubtful], again.corners.flat[doubtful]
                    found = replace(found, value=value, corners=corners)
        return self._verdict(stage, ours, cells, found)

    def _derivative(self, stage: Stage, cells: Array, seeds: Mapping[str, Array] | None) -> Generator[str, None, Derivative]:
        yield f"checking {stage.name}"
        if seeds is None and stage.of in self.found:
            return self.found[stage.of]
        return (yield from self.probe.derivative(stage.of, cells, seeds, f"checking {stage.name}: {{}} of {len(cells)} cells"))

    def _excess(self, stage: Stage, ours: Array, found: Derivative) -> Array:
        """The relative distance that rounding does not explain, of each cell."""
        distance, size = np.abs(ours - found.value), np.maximum(np.abs(ours), np.abs(found.value))
        beyond = np.maximum(distance - found.floor - 8 * self.probe.gradient_noise(stage), 0.0)
        excess = np.where(beyond > 0, beyond / np.where(size > 0, size, 1.0), 0.0)
        return np.where(np.isfinite(ours) | ~np.isfinite(found.value), excess, np.inf)

    def _verdict(self, stage: Stage, ours: Array, cells: Array, found: Derivative) -> Finding:
        excess, places = self._excess(stage, ours, found), np.zeros(ours.shape, bool)
        places.flat[cells] = True
        known = places & np.isfinite(found.value)
        corners = known & found.corners & (excess > _GOOD)
        telling = known & ~corners
        most = float(excess.max(initial=-1.0, where=telling))
        far = np.where(telling & (excess >= 0.999 * most), np.abs(ours - found.value), -1.0)
        cell = tuple(map(int, np.unravel_index(np.argmax(far), ours.shape)))
        right = np.where(known & ~found.corners, found.value, np.nan)
        sizes = [abs(float(ours[cell])), abs(float(found.value[cell]))]
        if excess[cell] <= _GOOD:  # rounding explains it: the error is relative to the tensor's largest cell
            sizes.append(float(np.abs(right[telling]).max(initial=0.0)))
        error = abs(float(ours[cell]) - float(found.value[cell])) / max(sizes) if max(sizes) else 0.0
        error = error if np.isfinite(ours[cell]) else float("inf")
        status = self._status(stage, found, most, telling, bool(corners.any()))
        status = "noise" if status == "good" and error > _WRONG else status
        kinks, checked = int(corners.sum()), len(cells)
        return Finding(stage, stage.name, status, error, cell, ours, found.value, right, checked, kinks, found.method)

    def _status(self, stage: Stage, found: Derivative, excess: float, telling: Array, cornered: bool) -> str:
        if found.method != "central differences" and excess > _EXACT:
            return "wrong"
        if excess > _GOOD:
            return "wrong" if excess > _WRONG else "unsure"
        if cornered or excess < 0:
            return "kink" if cornered else "non-finite"
        largest = float(np.abs(found.value[telling]).max(initial=0.0))
        rounding = found.floor + float(self.probe.gradient_noise(stage).max(initial=0.0))
        return "noise" if 0 < largest < 10 * rounding else "good"


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
