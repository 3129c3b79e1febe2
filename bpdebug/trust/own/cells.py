"""A gradient cell by cell, where a dot product has not shown that it is right: which cells are wrong, on a corner, or not to be told."""

from __future__ import annotations

from time import process_time

import numpy as np

from bpdebug.core.cells import Cell
from bpdebug.core.description import Array
from bpdebug.core.record import Record
from bpdebug.trust.own.slopes import Slope, Slopes, sizes

_CONFIRMED = 3
"""So many wrong cells are looked at with a whole ladder of steps."""


class Looked(Record, eq=False):
    """What is found.

    Attributes:
        status: a key of ``STATUSES``.
        right: the derivative in each cell that was looked at, NaN elsewhere.
        error, cell: the largest relative error of a cell that is surely wrong, and where it is.
        checked, kinks: how many cells were looked at, and how many of them are on a corner.
        method: by which it was found.
        note: what to say besides, over the gradient's name.
    """

    status: str
    right: Array
    error: float
    cell: Cell
    checked: int
    kinks: int
    method: str
    note: str = ""


class Cells:
    """Looks at the cells of one gradient.

    Args:
        slopes: the pair at its place.
        name: what the gradient is of.
        gradient: what the user's backward gives.
        noise: what rounding moves in each cell of it.
        tolerance: what a cell may be off, relative to itself.
        seconds: about how long it may take.
        exact: whether the complex step is to be used.
    """

    def __init__(
        self, slopes: Slopes, name: str, gradient: Array, noise: Array, tolerance: float, seconds: float, exact: bool = False
    ) -> None:
        self.slopes, self.name, self.gradient, self.noise, self.tolerance = slopes, name, gradient, noise, tolerance
        self.until, self.exact = process_time() + seconds, exact
        self.sizes = sizes(slopes.values[name])
        self.right, self.corners = np.full(gradient.shape, np.nan), np.zeros(gradient.shape, bool)
        self.unsure = np.zeros(gradient.shape, bool)
        self._known = False

    def look(self, asked: bool = False, among: Array | None = None) -> Looked:
        """Look at all cells, or at as many as there is time for, a wrong one found by halving among them.

        Args:
            asked: whether only the right numbers are asked for.
            among: the cells that are in doubt, where the others are known to be right.
        """
        self._known = among is not None
        order = np.random.default_rng(3).permutation(np.arange(self.gradient.size) if among is None else among)
        if len(order) > 400 and not asked and (found := self._halved()) is not None:
            order = np.concatenate([[found], order[order != found]])
        done = 0
        for cell in order:
            self._estimate(int(cell))
            done += 1
            if process_time() > self.until and done >= 8:
                break
        looked = order[:done]
        off = self._off(looked)
        order = looked[np.argsort(-off, kind="stable")]
        confirmed = None if asked else self._confirm([int(cell) for cell in order if off[list(looked).index(cell)] > 0][:40])
        return self._summed(confirmed, done)

    def _summed(self, confirmed: tuple[int, float] | None, done: int) -> Looked:
        kinks, count = int(self.corners.sum()), self.gradient.size
        method = "complex step" if self.exact else "central differences"
        if confirmed is not None:
            place = tuple(int(i) for i in np.unravel_index(confirmed[0], self.gradient.shape))
            return Looked("wrong", self.right, confirmed[1], place, done, kinks, method)
        if self.unsure.any() or not done:
            return Looked("unsure", self.right, 0.0, (), done, kinks, method, self._why())
        if kinks and (note := self._ties()):
            return Looked("unsure", self.right, 0.0, (), done, kinks, method, note)
        if kinks == done == count:
            return Looked("kink", self.right, 0.0, (), done, kinks, method, "{} is on corners only: any slope between both sides is right")
        told = np.abs(self.right[~self.corners & np.isfinite(self.right)])
        if not kinks and done < count and not self._known:
            note = "{}: the dot product disagrees, but none of the " + f"{done} cells that there was time for is surely wrong"
            return Looked("unsure", self.right, 0.0, (), done, kinks, method, note)
        small = self.slopes.coarse * self.slopes.size * 1e3 / max(float(self.sizes.max(initial=1.0)), 1e-300)
        status = "noise" if told.size and told.max() <= small and not kinks else "good"
        return Looked(status, self.right, 0.0, (), done, kinks, method)

    def _why(self) -> str:
        places = np.argwhere(self.unsure)
        where = f" at {len(places)} of its cells, such as {tuple(int(i) for i in places[0])}" if len(places) and places[0].size else ""
        return "{} cannot be told" + where + ": the differences of forward are too coarse there for a verdict"

    def _halved(self) -> int | None:
        """A cell that makes the dot product disagree, by halving the cells again and again."""
        some = np.arange(self.gradient.size)
        generator = np.random.default_rng(5)
        while len(some) > 1:
            halves = np.array_split(some, 2)
            worst = []
            for half in halves:
                way = np.zeros(self.gradient.size)
                way[half] = generator.choice((-1.0, 1.0), len(half)) * self.sizes.flat[half]
                worst.append(self._disagreement(way.reshape(self.gradient.shape)))
            if not max(worst) > 0:
                return None
            some = halves[int(np.argmax(worst))]
        return int(some[0])

    def _disagreement(self, way: Array) -> float:
        claims = way * self.gradient
        found = self._reading(way)
        return abs(found - float(claims.sum())) if np.isfinite(found) else -1.0

    def _reading(self, way: Array) -> float:
        if self.exact and (found := self.slopes.imaginary({self.name: way})) is not None:
            return found
        return self.slopes.central({self.name: way}, 1e-6)

    def _way(self, cell: int) -> Array:
        way = np.zeros(self.gradient.shape)
        way.flat[cell] = self.sizes.flat[cell]
        return way

    def _estimate(self, cell: int) -> None:
        """A first derivative of one cell, by two steps that agree, else by the whole ladder where there is time."""
        size, claim, way = self.sizes.flat[cell], self.gradient.flat[cell], self._way(cell)
        first = self._reading(way) / size
        if abs(first - claim) <= 1e-8 * abs(claim):
            self.right.flat[cell] = first
            return
        second = first if self.exact else self.slopes.central({self.name: way}, 1e-5) / size
        if abs(first - second) <= 1e-6 * max(abs(first), abs(second)) and first:
            self.right.flat[cell] = first
        elif process_time() < self.until:
            self._closely(cell)
        else:
            self.right.flat[cell] = second

    def _closely(self, cell: int) -> Slope:
        size = float(self.sizes.flat[cell])
        slope = self.slopes.close({self.name: self._way(cell)})
        slope = Slope(slope.value / size, slope.error / size, slope.left / size, slope.right / size, slope.step)
        self.right.flat[cell] = slope.value
        self.corners.flat[cell] = slope.corner
        if slope.corner:
            self.right.flat[cell] = np.clip(self.gradient.flat[cell], min(slope.left, slope.right), max(slope.left, slope.right))
        return slope

    def _off(self, cells: Array) -> Array:
        """How far each of the cells is off, relative to itself; 0 where it is not."""
        claims, right = self.gradient.flat[cells], self.right.flat[cells]
        with np.errstate(all="ignore"):
            off = np.abs(claims - right) / np.maximum(np.maximum(np.abs(claims), np.abs(right)), 1e-300)
        off = np.where(np.isfinite(claims), off, np.inf)
        return np.asarray(np.where(np.isfinite(right) & (off > 1e-8), off, np.where(np.isfinite(right), 0.0, 1e-3)))

    def _confirm(self, cells: list[int]) -> tuple[int, float] | None:
        """The worst cell that is surely wrong, of those that seem to be, each looked at with a whole ladder of steps."""
        found: list[tuple[int, float]] = []
        for count, cell in enumerate(cells):
            late = process_time() > self.until and (found or count > _CONFIRMED)
            if len(found) == _CONFIRMED or late:
                break
            verdict = self._of_cell(cell, self._closely(cell))
            self.unsure.flat[cell] = verdict is None
            if verdict:
                found.append((cell, verdict))
        return max(found, key=lambda one: one[1]) if found else None

    def _of_cell(self, cell: int, slope: Slope) -> float | None:
        """By how much a cell is surely wrong, relative to itself; 0 where it is right, None where that cannot be told."""
        claim = float(self.gradient.flat[cell])
        off, scale = abs(claim - slope.value), max(abs(claim), abs(slope.value), 1e-300)
        if not np.isfinite(slope.value) or (not np.isfinite(claim) and slope.corner):
            return None
        if not np.isfinite(claim):
            return float("inf")
        rounded = self._rounded(cell)
        if slope.corner and max(abs(slope.left), abs(slope.right), abs(claim)) > rounded - float(self.noise.flat[cell]):
            return 0.0 if slope.admits(claim) else off / scale if slope.beyond(claim) else None
        if self.exact and off > rounded and self._by_complex(cell, claim, slope.error):
            return off / scale
        if off <= slope.error + rounded:
            allowed = slope.error if off <= slope.error else slope.error + rounded
            return None if allowed > 0.03 * scale > 0.03 * self._negligible() else 0.0
        sure = off > self.tolerance * scale and (off > 10 * (slope.error + rounded) or self._by_complex(cell, claim))
        return off / scale if sure else None

    def _rounded(self, cell: int) -> float:
        """What the user's backward may have rounded in a cell: as nudged inputs show, and beside what arrives times what forward
        gives, since terms of that size may have cancelled, and beside what arrives, since 1 − tanh² and its like are 0 by then."""
        beside = self.slopes.size / float(self.sizes.flat[cell]) + self.slopes.largest
        return float(self.noise.flat[cell]) + 64 * self.slopes.coarse * beside

    def _by_complex(self, cell: int, claim: float, error: float = 0.0) -> bool:
        """Whether the complex step confirms that a cell is wrong."""
        found = self.slopes.imaginary({self.name: self._way(cell)})
        size, right = float(self.sizes.flat[cell]), float(self.right.flat[cell])
        if found is None or abs(found / size - right) > max(error, 0.1 * abs(claim - right)):
            return False
        return abs(found / size - claim) > self.tolerance * max(abs(claim), abs(right)) + self._rounded(cell)

    def _negligible(self) -> float:
        """What is 0 but for rounding, beside what arrives times what forward gives."""
        beside = 1e-9 * self.slopes.size / max(float(self.sizes.max(initial=1.0)), 1e-300)
        return float(max(beside, 1e4 * self.slopes.coarse * self.slopes.largest))

    def _ties(self) -> str:
        """Whether equal numbers that are moved together have a derivative, and the gradient does not add up to it."""
        value = self.slopes.values[self.name]
        way = np.where(self.corners, self.sizes, 0.0)
        if not way.any():
            return ""
        for number in np.unique(value[self.corners])[:20]:
            together = np.where(value == number, float(np.abs(number)) or 1.0, 0.0)
            if (together > 0).sum() < 2:
                continue
            slope = self.slopes.close({self.name: together})
            claim = float((together * self.gradient).sum())
            scale = max(abs(claim), abs(slope.value))
            if not slope.corner and abs(claim - slope.value) > slope.error + 1e-6 * scale + float((together * self.noise).sum()):
                return (
                    "{}: where cells are tied (" + f"{number:g}), their gradients add up to {claim / together.max():.4g}, and moving them "
                    f"together gives {slope.value / together.max():.4g}: one of them may have it all, or they may share it"
                )
        return ""
