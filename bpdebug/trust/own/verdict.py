"""Each gradient of a pair beside its derivative: by one dot product, and cell by cell only where that disagrees."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import suppress
from itertools import chain

import numpy as np

from bpdebug.core.description import Array
from bpdebug.core.record import Record, replace
from bpdebug.trust.finding import Finding
from bpdebug.trust.own.arrays import bits_equal, is_number, leaves
from bpdebug.trust.own.cells import Cells, Looked
from bpdebug.trust.own.convention import divided
from bpdebug.trust.own.findings import finding_of, flat
from bpdebug.trust.own.ground import in_double, problem_of
from bpdebug.trust.own.misshapen import misshapen
from bpdebug.trust.own.pair import Answer, Pair, gradient_name, is_target
from bpdebug.trust.own.shown import Seen, suspects
from bpdebug.trust.own.slopes import QUICK, Slopes, directions, sizes

_AGREES = 1e-7
"""A dot product that is as near as this, relative to the sum of its terms, is right: by accident it is once in ten million."""
_EXACTLY = 1e-10
"""So near, relative to the sum of its terms and divided by their number, is a dot product by the complex step."""
_ROUNDED = 2e-14
_SECONDS = 0.5
"""About how long a wrong gradient is looked at cell by cell."""


class Verdict(Record, eq=False):
    """What is found of a pair.

    Attributes:
        pair: which.
        answer: what it gives, in double precision where it can.
        findings: one for each gradient.
        notes: what had to be understood on the way.
        values: where it was judged.
        calls: how many times forward ran.
    """

    pair: Pair
    answer: Answer
    findings: tuple[Finding, ...]
    notes: tuple[str, ...]
    values: Mapping[str, Array]
    calls: int


def judge(pair: Pair, tolerance: float = 1e-6) -> Verdict:
    """Judge every gradient of a pair.

    Args:
        pair: not yet prepared.
        tolerance: what a cell may be off, relative to itself.

    Raises:
        TypeError, ValueError: where there is nothing to be judged.
    """
    try:
        with np.errstate(all="ignore"):
            return _judged(pair, tolerance)
    finally:
        pair.thaw()


def _judged(pair: Pair, tolerance: float) -> Verdict:
    answer = pair.prepare()
    if not pair.values:
        raise ValueError(
            f"{pair.name}: nothing to differentiate, no input is an array of floats (integers are labels; x.astype(float) is not)"
        )
    if not any(name in answer.gradients for name in pair.values):
        raise TypeError(f"{pair.name}: no gradient of {', '.join(pair.values)} was found, neither returned nor kept by an object")
    values, answer, coarse = in_double(pair, answer)
    if problem := problem_of(pair, values, answer):
        findings = [finding_of(name, answer, "unsure" if "same" in problem else "non-finite") for name in pair.values]
        return Verdict(pair, answer, tuple(findings), (*pair.notes, problem), values, 2)
    judging = _Judging(pair, values, answer, tolerance)
    findings = judging.by_the_best_plan()
    if coarse is not None:
        findings = [judging.in_single(finding, coarse) for finding in findings]
    return Verdict(pair, judging.answer, tuple(findings), tuple(pair.notes), values, judging.slopes.calls + 2)


class _Judging:
    """One pair at one place."""

    def __init__(self, pair: Pair, values: Mapping[str, Array], answer: Answer, tolerance: float) -> None:
        self.pair, self.values, self.answer, self.tolerance = pair, values, answer, tolerance
        self.slopes = Slopes(pair, values, answer.outputs)
        self.generator = np.random.default_rng(21)
        self.agreed: dict[str, tuple[Array, float, float]] = {}

    def by_the_best_plan(self) -> list[Finding]:
        """What is found under that reading of the user's backward under which it is right, if there is one, else under the usual."""
        first: Answer | None = None
        for convention in self.pair.plans():
            with suppress(Exception):  # perhaps it is not called so
                self.answer = self.pair.back(self.values, self.pair.cotangents)
            self.agreed.clear()
            wrong = [name for name in self.values if not self._quick(name)]
            if not wrong:
                self.pair.note(convention)
                return self._all(wrong, "convention" if convention else "good")
            first = first or self.answer
        plans = self.pair.plans()
        next(plans)
        self.answer = first or self.answer
        if self._whatever_arrives() or self._of_another_input():
            return self._all([], "convention")
        self.agreed.clear()
        return self._all([name for name in self.values if not self._quick(name)], "good")

    def _whatever_arrives(self) -> bool:
        """Whether it is the gradient of a loss for dout = 1, whatever arrives: right where the loss is what training begins from."""
        before = self.pair.cotangents
        if self.pair.fused or any(u.size != 1 for u in before):
            return False
        self.pair.cotangents = tuple(np.ones_like(u) for u in before)
        self.slopes = Slopes(self.pair, self.values, self.answer.outputs)
        found = self.pair.back(self.values, self.pair.cotangents).gradients
        kept = all(bits_equal(np.asarray(found[name]), np.asarray(gradient)) for name, gradient in self.answer.gradients.items())
        if kept and all(self._quick(name) for name in self.values):
            self.pair.note(f"{self.pair.name} gives the gradient for dout = 1, whatever arrives: right for the loss itself")
            return True
        self.pair.cotangents = before
        self.slopes = Slopes(self.pair, self.values, self.answer.outputs)
        return False

    def _of_another_input(self) -> bool:
        """Whether the only gradient is that of another input of the same shape, where the names do not say which is meant."""
        given, lacking = [*self.answer.gradients], [name for name in self.values if name not in self.answer.gradients]
        if len(given) != 1 or given[0] not in self.values or any(map(is_target, self.values)):
            return False
        for name in (name for name in lacking if self.values[name].shape == self.values[given[0]].shape):
            before, self.answer = self.answer, replace(self.answer, gradients={name: self.answer.gradients[given[0]]})
            self.agreed.clear()
            if self._quick(name):
                self.pair.note(f"what comes back is the gradient of {name}, not of {given[0]}: right if you use it so")
                return True
            self.answer = before
        return False

    def in_single(self, finding: Finding, coarse: Answer) -> Finding:
        """The finding, and whether the same function stands in single precision, too: by more than its rounding explains."""
        name = finding.stage.of
        if not finding.says.agrees or name not in coarse.gradients:
            return finding
        single, right = np.asarray(coarse.gradients[name], np.float64), np.asarray(finding.ours)
        if single.shape != right.shape or not single.size:
            return finding
        allowed = 1e-2 * np.abs(right).max() + 1e-5 * self.slopes.size / float(sizes(self.values[name]).max())
        moved = {key: value * (1 + 1e-7) for key, value in self.values.items()}
        try:
            other = np.asarray(self.pair.back(moved, self.pair.cotangents).gradients[name], np.float64)
            allowed += 100 * np.abs(other.reshape(right.shape) - right).max()
        except Exception:  # the user's code refuses: the usual has to do
            allowed *= 10
        if np.isfinite(single).all() and np.abs(single - right).max() <= allowed:
            return finding
        self.pair.note(f"{finding.name} is right in double precision; in single it differs by more than rounding explains")
        return replace(finding, status="unsure")

    def _all(self, wrong: list[str], good: str) -> list[Finding]:
        """A finding for each gradient."""
        findings = {name: self._agreeing(name, good) for name in self.values if name not in wrong}
        if not wrong and self.agreed:
            findings |= self._sharper(findings)
        for name in wrong:
            findings[name] = self._closely(name)
        found = [findings[name] for name in self.values]
        found = [finding if not finding.says.accuses else self._explained(finding, findings) for finding in found]
        return divided(found, next(iter(self.values.values())), self.pair)

    def _agreeing(self, name: str, status: str) -> Finding:
        if name not in self.answer.gradients:
            return finding_of(name, self.answer, "missing")
        _, value, terms = self.agreed.get(name, (None, 0.0, 0.0))
        error = abs(value - float(np.vdot(self.agreed[name][0], self._gradient(name)))) / terms if terms else 0.0
        ours = self._gradient(name)
        return finding_of(name, self.answer, status, error=error, right=ours, checked=ours.size)

    def _gradient(self, name: str) -> Array:
        """The user's, in the shape of what it is the gradient of, once only axes of length 1 tell the two apart."""
        gradient, shape = np.asarray(self.answer.gradients[name], np.float64), self.values[name].shape
        return gradient.reshape(shape) if flat(gradient.shape) == flat(shape) else gradient

    def _quick(self, name: str) -> bool:
        """Whether a dot product shows at once that a gradient is right, or there is none."""
        if name not in self.answer.gradients:
            return True
        gradient, value = self._gradient(name), self.values[name]
        if gradient.shape != value.shape or not np.isfinite(gradient).all() or not np.isfinite(value).all():
            return False
        if self.answer.gradients[name].shape != value.shape:
            shapes = f"{self.answer.gradients[name].shape} where {name} is {value.shape}"
            self.pair.note(f"{gradient_name(name)} is {shapes}: read as that, only axes of length 1 tell them apart")
        way = next(directions(value, self.generator))
        claim, terms = float(np.vdot(way, gradient)), float(np.abs(way * gradient).sum())
        if not terms:
            return self._still(name, way)
        readings = chain(((step, self.slopes.central({name: way}, step)) for step in QUICK), self._imaginary(name, way))
        near = _AGREES * terms
        found = next((found for step, found in readings if abs(found - claim) <= near and self._steady(name, way, step, claim, near)), None)
        if found is not None:
            self.agreed[name] = (way, found, terms)
        return found is not None

    def _imaginary(self, name: str, way: Array) -> Iterator[tuple[float, float]]:
        if (found := self.slopes.imaginary({name: way})) is not None:
            yield 0.0, found

    def _steady(self, name: str, way: Array, step: float, claim: float, near: float) -> bool:
        """Whether a reading is that of smaller steps, too: a large one may jump over corners, and be half of what is right."""
        return step <= 1e-4 or abs(self.slopes.central({name: way}, 0.37 * step) - claim) <= near

    def _still(self, name: str, way: Array) -> bool:
        """Whether nothing moves where the gradient is entirely 0."""
        if any(self.slopes.central({name: way}, step) for step in (1e-6, 1e-2)):
            return False
        self.agreed[name] = (way, 0.0, 0.0)
        return True

    def _sharper(self, findings: Mapping[str, Finding]) -> dict[str, Finding]:
        """All gradients once more by one complex step, exact to rounding: one cell that is off shows in a large array, too."""
        weighed = {name: (way / terms, value / terms) for name, (way, value, terms) in self.agreed.items() if terms}
        found = self.slopes.imaginary({name: way for name, (way, _) in weighed.items()}) if weighed else None
        if found is None or abs(found - sum(value for _, value in weighed.values())) > 10 * _AGREES * len(weighed):
            return {}
        claims = {name: float(np.vdot(way, self._gradient(name))) for name, (way, _) in weighed.items()}
        near = {name: max(_ROUNDED, _EXACTLY / self.values[name].size) for name in weighed}
        if abs(found - sum(claims.values())) <= sum(near.values()):
            return {}
        more: dict[str, Finding] = {}
        notes = [*self.pair.notes]
        for name, (way, _) in weighed.items():
            one = self.slopes.imaginary({name: way})
            if one is not None and abs(one - claims[name]) > near[name]:
                closer = self._closely(name, exact=True)
                more |= {name: closer} if closer.says.accuses else {}
        self.pair.notes[:] = self.pair.notes if more else notes  # a hair's breadth is no matter
        return more

    def _closely(self, name: str, exact: bool = False) -> Finding:
        """A gradient that no dot product has shown to be right."""
        gradient, value = self._gradient(name), self.values[name]
        if not np.isfinite(value).all():
            return finding_of(name, self.answer, "non-finite")
        if gradient.shape != value.shape:
            return self._misshapen(name)
        cells = Cells(self.slopes, name, gradient, self._noise(name), self.tolerance, _SECONDS, exact)
        looked = cells.look(among=self._calm(name))
        return self._of_cells(name, looked)

    def _calm(self, name: str) -> Array | None:
        """The cells that hold 0, or the same as another, where the gradient is right along a direction that keeps them so: only they
        can be on a corner."""
        gradient, value = self._gradient(name), self.values[name]
        calm = [*directions(value, self.generator)][1:]
        for way in calm if np.isfinite(gradient).all() else ():
            claim, terms = float(np.vdot(way, gradient)), float(np.abs(way * gradient).sum())
            if terms and abs(self.slopes.central({name: way}, 1e-6) - claim) <= _AGREES * terms:
                _, place, counts = np.unique(value, return_inverse=True, return_counts=True)
                return np.flatnonzero((value.reshape(-1) == 0) | (counts[place.reshape(-1)] > 1))
        return None

    def _of_cells(self, name: str, looked: Looked) -> Finding:
        ours = self._gradient(name)
        more = {"ours": ours, "theirs": looked.right, "right": looked.right, "checked": looked.checked, "kinks": looked.kinks}
        self.pair.note(looked.note.format(gradient_name(name)))
        return finding_of(name, self.answer, looked.status, error=looked.error, cell=looked.cell, method=looked.method, **more)

    def _misshapen(self, name: str) -> Finding:
        """A gradient of another shape than it should have: wrong, whatever its numbers."""
        shape = self.values[name].shape
        looked = Cells(self.slopes, name, np.full(shape, np.nan), np.zeros(shape), self.tolerance, _SECONDS).look(True)
        ours = np.asarray(self.answer.gradients[name], np.float64)
        found = finding_of(name, self.answer, "wrong", error=float("inf"), ours=ours, theirs=looked.right, right=looked.right)
        return replace(found, suspects=misshapen(gradient_name(name), ours, looked.right), method="central differences")

    def _noise(self, name: str) -> Array:
        """What rounding moves in each cell of a gradient, as nudged inputs show."""
        gradient, noise = self._gradient(name), np.zeros(self._gradient(name).shape)
        for _ in range(2):
            nudged = {key: value * (1 + 2.2e-16 * self.generator.choice((-1, 1), value.shape)) for key, value in self.values.items()}
            try:
                other = self.pair.back(nudged, self.pair.cotangents).gradients[name]
                noise = np.maximum(noise, np.abs(np.asarray(other, np.float64).reshape(gradient.shape) - gradient))
            except Exception:  # the user's code refuses: nothing is known of its rounding
                return noise
        return np.asarray(np.maximum(16 * noise, 16 * np.median(noise)) if noise.size else noise)

    def _explained(self, finding: Finding, findings: Mapping[str, Finding]) -> Finding:
        """With what the arrays alone show."""
        if finding.misshapen or finding.theirs is None:
            return finding
        right = {other.name: other.right for other in findings.values() if other.status == "good" or other.theirs is not None}
        ours = {other.name: np.asarray(other.ours) for other in findings.values()}
        arrays = {**self.values, **({"dout": self.pair.cotangents[0]} if not self.pair.fused else {}), "out": self.answer.outputs[0]}
        given = [part for name, value in self.pair.given.items() for part in leaves(value, name, is_number)]
        arrays |= {name: np.asarray(value) for name, value in given if name not in arrays and np.asarray(value).dtype.kind in "if"}
        seen = Seen(finding.name, np.asarray(finding.ours), finding.theirs, arrays, right, ours)
        return replace(finding, suspects=suspects(seen))
