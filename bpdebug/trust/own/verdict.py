"""Each gradient of a piece beside its derivative: by one dot product, and cell by cell only where that disagrees."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import suppress
from typing import Any

import numpy as np

from bpdebug.core.description import Array, Values
from bpdebug.core.network import Phase
from bpdebug.core.parser import Formula
from bpdebug.core.record import Record, replace
from bpdebug.core.schedule import Stage
from bpdebug.core.tree import Name
from bpdebug.trust.finding import DOTS, Finding, Suspect
from bpdebug.trust.own.arrays import as_array, leaves
from bpdebug.trust.own.cells import Cells
from bpdebug.trust.own.piece import Answer, Piece, bits_equal
from bpdebug.trust.own.plans import Plan
from bpdebug.trust.own.shown import Seen, same, suspects
from bpdebug.trust.own.slopes import Slopes, sizes
from bpdebug.trust.own.words import SELF, called, gradient_name, is_parameter, is_target

_STEPS = (1e-6, 1e-4, 1e-8, 1e-2, 1.0)
"""The steps that are tried until one agrees, relative to the sizes of the numbers."""
_AGREES = 1e-7
"""A dot product that is as near as this, relative to the sum of its terms, is right: by accident it is once in ten million."""
_ALIKE = 4
"""Cells whose sizes differ by more decades are looked at by dot products of their own: in one, the large hide the small."""
_FEW = 100
"""So many cells of an input are moved by themselves, to see which cells of the output they move."""
_EXACTLY, _ROUNDED = 1e-10, 2e-14
"""So near, relative to the sum of its terms and divided by their number, is a dot product by the complex step, but for rounding."""
_AGAIN = "forward does not give the same twice for the same input, although NumPy's generators were put back: nothing can be judged"
_INFINITE = "forward gives numbers that are not finite: there is nothing to compare with"


class Verdict(Record, eq=False):
    """What is found of a piece.

    Attributes:
        piece: which, with where it was judged, what arrived, and notes.
        answer: what it gives, in double precision where it can.
        findings: one for each gradient.
    """

    piece: Piece
    answer: Answer
    findings: tuple[Finding, ...]


def judge(piece: Piece, tolerance: float = 1e-6) -> Verdict:
    """Judge every gradient of a piece.

    Args:
        piece: not yet prepared.
        tolerance: what a cell may be off, relative to itself.

    Raises:
        TypeError, ValueError: where there is nothing to be judged.
    """
    try:
        with np.errstate(all="ignore"):
            judging = _Judging(piece, tolerance)
            findings = tuple(judging.findings())
            return Verdict(piece, judging.answer, findings)
    finally:
        piece.frozen.restore()


class _Judging:
    """One piece at one place."""

    def __init__(self, piece: Piece, tolerance: float) -> None:
        self.piece, self.tolerance, self.generator = piece, tolerance, np.random.default_rng(21)
        self.answer = piece.prepare()
        if not piece.values:
            none = "no input is an array of floats (integers are labels; x.astype(float) is not)"
            raise ValueError(f"{piece.name}: nothing to differentiate, {none}")
        if not self.answer.gradients.keys() & piece.values.keys():
            raise TypeError(f"{piece.name}: no gradient of {', '.join(piece.values)} was found, neither returned nor kept by an object")
        single, self.again = (piece.values, piece.cotangents), piece.first
        self._read(piece.plans[0])
        if any(value.dtype != np.float64 for value in piece.values.values()):
            try:
                piece.values = {name: value.astype(np.float64) for name, value in piece.values.items()}
                self.again = piece.run(piece.values)
                kinds = [output.dtype for output in self.again]
                piece.cotangents = tuple(u.astype(np.promote_types(u.dtype, kind)) for u, kind in zip(piece.cotangents, kinds, strict=True))
                self._under(piece.plans[0])
            except Exception:  # a function that insists on single precision
                piece.values, piece.cotangents = single
                self._under(piece.plans[0])
        self.values = piece.values

    def findings(self) -> Iterator[Finding]:
        """A finding for each gradient, under that reading of the user's backward under which all is right, if there is one, else
        under the likeliest."""
        outputs = self.answer.outputs
        same, finite = all(map(bits_equal, outputs, self.again)), all(np.isfinite(output).all() for output in outputs)
        if not same or not finite:
            self.piece.note(_INFINITE if same else _AGAIN)
            return (_finding(name, self.answer, "non-finite" if same else "unsure") for name in self.values)
        plans, usual = self.piece.plans, dict[str, bool]()
        for plan in (*plans, plans[0]):
            with suppress(Exception):  # perhaps it is not called so
                if plan != self.plan:
                    self._under(plan)
            quick = self._quick()
            usual = usual or quick
            if all(quick.values()):
                self.piece.note(plan.says)
                break
        status = {name: "convention" if plan.says and not (plan.scale != 1 and usual[name]) else "good" for name in self.values}
        with suppress(Exception):  # a function that cannot be called twice on the same object
            for name in self.piece.adding(self.plan):
                status[name], where = "convention", self.answer.where[name]
                self.piece.note(f"{where} is added to what it held before: right if you set it to 0 before each update, as zero_grad does")
        found = [self._agreeing(name, status[name]) if quick[name] else self._closely(name) for name in self.values]
        return (self._explained(finding, found) if finding.says.accuses else finding for finding in found)

    def _under(self, plan: Plan) -> None:
        """Call the user's backward in this way."""
        self.answer = self.piece.back(self.piece.values, plan)
        self._read(plan)

    def _read(self, plan: Plan) -> None:
        """Read what it has given."""
        self.plan, self.sharp = plan, set[str]()
        arriving = tuple(np.full_like(u, plan.ones) if plan.ones else u for u in self.piece.cotangents)
        self.slopes = self._slopes(arriving)

    def _gradient(self, name: str) -> Array:
        """The user's, in the shape of what it is the gradient of, once only axes of length 1 tell the two apart."""
        gradient, shape = np.asarray(self.answer.gradients[name], np.float64), self.values[name].shape
        flat = [[length for length in one if length != 1] for one in (gradient.shape, shape)]
        return gradient.reshape(shape) if flat[0] == flat[1] else gradient

    def _quick(self) -> dict[str, bool]:
        """Whether dot products show at once that gradients are right, or there are none: one over all inputs, where none hides another,
        else one over the numbers of about the same size in each."""
        known, ways, terms = set[str](), list[dict[str, Array]](), list[float]()
        compared = [name for name in self.values if name in self.answer.gradients]
        for name in compared:
            gradient, value, size = self._gradient(name), self.values[name], sizes(self.values[name])
            if gradient.shape == value.shape and np.isfinite(gradient).all() and np.isfinite(value).all():
                known.add(name)
                way, alike = self._way(value), np.rint(np.log10(size / size.max(initial=1e-300)) / _ALIKE)
                ways += [{name: np.where(alike == one, way, 0.0)} for one in np.unique(alike)]
                terms.append(float(np.abs(way * gradient).sum()))
        together = {name: way for one in ways for name, way in one.items()}
        if len(ways) == len(together) == len(compared) and max(terms) < 1e3 * min(terms) and self._along(together):
            return dict.fromkeys(self.values, True)
        right = {name for name in known if all(self._along(one) for one in ways if name in one)}
        return {name: name in right or name not in compared for name in self.values}

    def _along(self, ways: Values) -> bool:
        """Whether a dot product shows at once that the gradients are right along a direction."""
        products = np.concatenate([(way * self._gradient(name)).reshape(-1) for name, way in ways.items()])
        claim, terms = float(products.sum()), float(np.abs(products).sum())
        if not terms:  # then nothing may move, also where the numbers are so small that rounding swallows their steps
            least = min(1.0, *(float(np.abs(way).max(initial=0.0)) or 1.0 for way in ways.values()))
            return not any(self.slopes.central(ways, step) for step in (1e-6, 1e-2, 1e-2 / least)[: 2 + (least < 1)])
        near, rough = _AGREES * terms, False
        for step in _STEPS:
            found = self.slopes.central(ways, step)
            rough = rough or abs(found - claim) <= 1e-3 * terms
            # a large step may jump over corners, and be half of what is right; in single precision one step agrees by chance
            alone = step <= 1e-4 and self.slopes.coarse < 1e-10
            if abs(found - claim) <= near and (alone or abs(self.slopes.central(ways, 0.37 * step) - claim) <= near):
                break
        else:
            return rough and abs(self.slopes.imaginary(ways) - claim) <= near
        exact, hair = self.slopes.imaginary(ways), max(_ROUNDED, _EXACTLY / len(products)) * terms
        if abs(exact - found) <= 10 * near and abs(exact - claim) > hair:  # one cell that is off shows in a large array, too
            self.sharp |= {*ways}
            return len(ways) == 1 and all(self._cells(name).look(self._calm(name)) != "wrong" for name in ways)
        return True

    def _way(self, value: Array) -> Array:
        """A random direction of the value's own sizes."""
        return np.asarray(self.generator.choice((-1.0, 1.0), value.shape) * self.generator.uniform(0.5, 1.5, value.shape) * sizes(value))

    def _agreeing(self, name: str, status: str) -> Finding:
        """A gradient that a dot product has shown to be right, or one that is missing: of an input that matters it is missed."""
        if name in self.answer.gradients:
            ours = self._gradient(name)
            if ours.shape != self.answer.gradients[name].shape:
                was = f"{self.answer.gradients[name].shape} where {name} is {ours.shape}"
                self.piece.note(f"{gradient_name(name)} is {was}: read as that, only axes of length 1 tell them apart")
            return _finding(name, self.answer, status, right=ours, checked=ours.size)
        held = self.piece.paths[name] != name
        data = not is_parameter(name) and any(map(is_target, self.piece.given))  # of a network with its loss
        asked = self.piece.backward and not data and name not in self.answer.declined and not is_target(name)
        if not (held or asked) or not self.slopes.central({name: self._way(self.values[name])}, 1e-6):
            return _finding(name, self.answer, "missing")
        said = f"{name} is not judged: no gradient of it was found, " + ("neither returned nor kept" if held else "backward returns none")
        self.piece.note(said)
        return _finding(name, self.answer, "missing", said=said)

    def _closely(self, name: str) -> Finding:
        """A gradient that no dot product has shown to be right."""
        gradient, value = self._gradient(name), self.values[name]
        if not np.isfinite(value).all():
            return _finding(name, self.answer, "non-finite")
        misshapen = gradient.shape != value.shape
        unknown = np.full(value.shape, np.inf)
        cells = Cells(self.slopes, name, 0 * value, unknown, self.tolerance) if misshapen else self._cells(name)
        cells.look(None if misshapen else self._calm(name))
        more = {"ours": gradient, "theirs": cells.right, "right": cells.right}
        if misshapen:
            return _finding(name, self.answer, "wrong", error=float("inf"), **more)
        self.piece.note(cells.note.format(gradient_name(name)))
        method, place = "complex step" if name in self.sharp else "central differences", {"error": cells.error, "cell": cells.cell}
        return _finding(name, self.answer, cells.status, method=method, checked=cells.checked, kinks=cells.kinks, **place, **more)

    def _cells(self, name: str) -> Cells:
        return Cells(self.slopes, name, self._gradient(name), self._noise(name), self.tolerance, name in self.sharp)

    def _calm(self, name: str) -> Array | None:
        """The cells that hold 0, or the same as another, where the gradient is right along a direction that keeps them so: only they
        can be on a corner."""
        gradient, value = self._gradient(name), self.values[name]
        different, place, counts = np.unique(value, return_inverse=True, return_counts=True)
        way = self._way(different)[place.reshape(value.shape)] * (value != 0)
        terms = np.abs(way * gradient).sum()
        if not terms or not abs(self.slopes.central({name: way}, 1e-6) - (way * gradient).sum()) <= _AGREES * terms:
            return None
        some = np.flatnonzero((value.reshape(-1) == 0) | (counts[place.reshape(-1)] > 1))
        return some if some.size else None

    def _noise(self, name: str) -> Array:
        """What rounding moves in each cell of a gradient, as inputs show whose last bits are others (Parker, "Monte Carlo
        Arithmetic" (1997))."""
        gradient = self._gradient(name)
        noise = np.zeros(gradient.shape)
        with suppress(Exception):  # the user's code refuses: nothing is known of its rounding
            for _ in range(2):
                off = {key: value * (1 + 2.2e-16 * self.generator.choice((-1, 1), value.shape)) for key, value in self.values.items()}
                other = self.piece.back(off, self.plan).gradients[name]
                noise = np.maximum(noise, np.abs(np.asarray(other, np.float64).reshape(gradient.shape) - gradient))
        return np.asarray(16 * np.maximum(noise, np.median(noise) if noise.size else 0.0))

    def _explained(self, finding: Finding, findings: list[Finding]) -> Finding:
        """With what the arrays alone show."""
        found = [(name, *one) for name, value in self.piece.given.items() for one in leaves(value, name)]
        arrays = {called(path): as_array(leaf) for name, path, leaf in found if name != SELF or isinstance(leaf, int | float)}
        arrays |= {**self.values, **({"dout": self.piece.cotangents[0]} if self.piece.backward else {}), "out": self.answer.outputs[0]}
        right = {other.name: other.right for other in findings if other.status == "good" or other.theirs is not None}
        ours = {other.name: other.ours for other in findings}
        seen = Seen(finding.name, finding.ours, finding.right, arrays, right, ours)
        return replace(finding, suspects=tuple(self._diagonal(finding)) or suspects(seen))

    def _diagonal(self, finding: Finding) -> Iterator[Suspect]:
        """What each cell of an output gives to its own cell of the input, and to no other."""
        name, (output, *more) = finding.stage.of, self.answer.outputs
        value = self.values[name]
        if more or not output.shape == value.shape == finding.ours.shape or not 1 < value.size <= _FEW:
            return
        cells = (np.where(np.arange(value.size).reshape(value.shape) == cell, 1.0, 0.0) for cell in range(value.size))
        found = [self._slopes((one * self.piece.cotangents[0],)).central({name: one}, 1e-6) for one in cells]
        if same(np.array(found).reshape(value.shape), finding.ours):
            seen = "each cell is what its own cell of out gives; what comes back from the others is left out"
            yield Suspect("diagonal", "only the diagonal of the derivative", seen)

    def _slopes(self, arriving: Sequence[Array]) -> Slopes:
        return Slopes(self.piece, self.answer.outputs, arriving)


def _finding(name: str, answer: Answer, status: str, **more: Any) -> Finding:
    """A finding of the record that those of a check are, without numbers to stand beside, or with what is given besides."""
    ours = np.asarray(answer.gradients.get(name, np.zeros(0)))
    gradient = gradient_name(name)
    stage = Stage(
        gradient, Formula("backward(dout)", Name("backward(dout)")), Phase.BACKWARD, 0, f"What backward gives for {name}.", "", "", name
    )
    return replace(Finding(stage, gradient, status, 0.0, (), ours, None, np.full(ours.shape, np.nan), method=DOTS), **more)
