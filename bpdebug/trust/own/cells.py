"""A gradient cell by cell, where a dot product has not shown that it is right: which cells are wrong, on a corner, or not to be told."""

from __future__ import annotations

from time import process_time

import numpy as np

from bpdebug.core.cells import Cell
from bpdebug.core.description import Array
from bpdebug.trust.own.slopes import LEAST, Slope, Slopes, sizes

_SECONDS = 0.5
"""About how long a gradient is looked at."""
_TURNS = 0.01
"""Where neighbouring numbers are as far apart as this, sines and their like may turn round between them."""
_MANY = 400
"""In more cells than these, a wrong one is looked for by halving."""


class Cells:
    """Looks at the cells of one gradient.

    Args:
        slopes: the piece at its place.
        name: what the gradient is of.
        gradient: what the user's backward gives.
        noise: what rounding moves in each cell of it.
        tolerance: what a cell may be off, relative to itself.
        exact: whether the complex step is to be used.

    Attributes:
        status: a key of ``STATUSES``.
        right: the derivative in each cell that was looked at, NaN elsewhere.
        error, cell: the relative error of a cell that is surely wrong, and where it is.
        checked, kinks: how many cells were looked at, and how many of them are on a corner.
        note: what to say besides, over the gradient's name.
    """

    def __init__(self, slopes: Slopes, name: str, gradient: Array, noise: Array, tolerance: float, exact: bool = False) -> None:
        self.slopes, self.name, self.gradient, self.tolerance, self.exact = slopes, name, gradient, tolerance, exact
        self._until, self._sizes, self._noise = process_time() + _SECONDS, sizes(slopes.values[name]), noise
        self.right = np.full(gradient.shape, np.nan)
        self._corners, self._unsure = np.zeros((2, *gradient.shape), bool)
        self.status, self.note, self.error, self.checked, self.kinks = "good", "", 0.0, 0, 0
        self.cell: Cell = ()

    def look(self, among: Array | None = None) -> str:
        """Look at all cells, or at as many as there is time for, a wrong one found by halving among them.

        Args:
            among: the cells that are in doubt, where the others are known to be right.

        Returns:
            The status.
        """
        generator, done = np.random.default_rng(3), set[int]()
        order = generator.permutation(np.arange(self.gradient.size) if among is None else among)
        for cell in np.append(self._halved(generator), order) if len(order) > _MANY else order:
            self._estimate(int(cell))
            done.add(int(cell))
            if process_time() > self._until and len(done) >= 8:
                break
        off, self.checked = self._off(np.array(sorted(done))), len(done)
        worst = [cell for _, cell in sorted(zip(-off, sorted(done), strict=True)) if _ < 0][:40]
        wrong = next((cell for cell in worst if self._surely(cell)), None)
        self.kinks = int(self._corners.sum())
        if wrong is not None:
            self.cell = tuple(map(int, np.unravel_index(wrong, self.gradient.shape)))
            self.status, self.error = "wrong", float(off[sorted(done).index(wrong)])
        elif self._unsure.any():
            self.status, places = "unsure", np.argwhere(self._unsure)
            where = f" at {len(places)} of its cells, such as {tuple(map(int, places[0]))}" * bool(places[0].size)
            self.note = "{} cannot be told" + where + ": the differences of forward are too coarse there for a verdict"
        elif not self.kinks and len(done) < self.gradient.size and among is None:
            self.status = "unsure"
            self.note = "{}: the dot product disagrees, but none of the " + f"{len(done)} cells that there was time for is surely wrong"
        elif self.kinks and (tied := self._ties()):
            self.status, self.note = "unsure", tied
        elif self.kinks == self.gradient.size:
            self.status, self.note = "kink", "{} is on corners only: any slope between both sides is right"
        return self.status

    def _halved(self, generator: np.random.Generator) -> Array:
        """A cell that makes the dot product disagree, by halving the cells again and again."""
        some = np.arange(self.gradient.size)
        while len(some) > 1:
            halves = np.array_split(some, 2)
            ways = [self._way(half, generator.choice((-1.0, 1.0), len(half))) for half in halves]
            gaps = np.nan_to_num([abs(self._reading(way, 1e-6) - float((way * self.gradient).sum())) for way in ways])
            some = halves[int(gaps[1] > gaps[0])]
        return some

    def _way(self, cells: Array | int, signs: Array | float = 1.0) -> Array:
        way = np.zeros(self.gradient.shape)
        way.flat[cells] = signs * self._sizes.flat[cells]
        return way

    def _reading(self, way: Array, step: float) -> float:
        found = self.slopes.imaginary({self.name: way}) if self.exact else np.nan
        return found if np.isfinite(found) else self.slopes.central({self.name: way}, step)

    def _estimate(self, cell: int) -> None:
        """A first derivative of one cell, by two steps that agree, else by the whole ladder where there is time."""
        first, second = (self._reading(self._way(cell), step) / self._sizes.flat[cell] for step in (1e-6, 1e-5))
        self.right.flat[cell] = second
        if abs(first - second) <= 1e-6 * max(abs(first), abs(second)) and first:
            self.right.flat[cell] = first
        elif process_time() < self._until:
            self._closely(cell, 0.0)

    def _closely(self, cell: int, stair: float | None = None) -> Slope:
        size = max(float(self._sizes.flat[cell]), 1.0)
        own = min(abs(float(self.slopes.values[self.name].flat[cell])) or 1.0, 1.0)
        nearer = min(round(np.log10(size / max(own, LEAST))), 15)
        found = self.slopes.close({self.name: self._way(cell) * (size / self._sizes.flat[cell])}, stair, nearer)
        slope = Slope(found.low / size, found.high / size, found.error / size, tuple(np.array(found.seen) / size))
        self._corners.flat[cell] = slope.low < slope.high
        self.right.flat[cell] = np.clip(np.nan_to_num(self.gradient.flat[cell]), slope.low, slope.high)
        return slope

    def _off(self, cells: Array) -> Array:
        """How far each of the cells is off, relative to itself; 0 where it is not, and a little where that is not known."""
        claims, right = self.gradient.flat[cells], self.right.flat[cells]
        off = np.abs(claims - right) / np.maximum(np.maximum(np.abs(claims), np.abs(right)), 1e-300)
        off = np.where(np.isfinite(claims), np.where(np.isfinite(right), off, 1e-3), np.inf)
        return np.where(off > 1e-8, off, 0.0)

    def _surely(self, cell: int) -> bool:
        """Whether a cell is surely wrong; noted where that cannot be told."""
        if process_time() > self._until + _SECONDS:
            return False
        slope, claim = self._closely(cell), float(self.gradient.flat[cell])
        gap, jump = max(slope.low - claim, claim - slope.high, 0.0), 0.01 * (slope.high - slope.low)
        own = abs(float(self.slopes.values[self.name].flat[cell]))
        if 0 < own < LEAST:  # what divides by it overflows, and a corner at 0 is nearer than any step
            self._unsure.flat[cell] = True
            return False
        if not np.isfinite(claim):
            self._unsure.flat[cell] = jump != 0
            return jump == 0
        size, coarse = float(self._sizes.flat[cell]), self.slopes.coarse
        scale = max(abs(claim), abs(slope.low), abs(slope.high), 1e-300)
        # what the user's backward may have rounded: as nudged inputs show, and beside what arrives times what forward gives, since
        # terms of that size may have cancelled, and beside what arrives, since 1 − tanh² and its like are 0 by then
        rounded = 64 * coarse * (self.slopes.size / size + self.slopes.arriving)
        rounded += float(self._noise.flat[cell]) * (not jump or scale <= rounded)  # at a corner a nudge may choose another side
        nothing = max(1e-9 * self.slopes.size / max(float(self._sizes.max()), 1.0), 1e4 * coarse * self.slopes.arriving)
        confirmed, near = False, max(slope.error * self.exact, 0.1 * gap)
        if not jump and gap > rounded + self.tolerance * scale * (not self.exact):
            found = self.slopes.imaginary({self.name: self._way(cell)}) / size
            confirmed = abs(found - slope.low) <= near and abs(found - claim) > self.tolerance * scale + rounded
        if gap <= slope.error + rounded and not (self.exact and confirmed):
            allowed = slope.error if gap <= slope.error else slope.error + rounded
            self._unsure.flat[cell] = not jump and scale > nothing and not allowed <= 0.03 * scale
            return False
        turns = slope.near(claim) or own * coarse > _TURNS
        if gap > 0.9 * abs(claim) and turns:  # a function that goes up and down within the larger steps
            self._unsure.flat[cell] = True
            return False
        sure = confirmed or (gap > self.tolerance * scale and gap > 10 * (slope.error + rounded) + jump)
        self._unsure.flat[cell] = not sure
        return sure

    def _ties(self) -> str:
        """Whether equal numbers that are moved together have a derivative, and the gradient does not add up to it."""
        value = self.slopes.values[self.name]
        for number in np.unique(value[self._corners])[:20]:
            together = np.where(value == number, float(np.abs(number)) or 1.0, 0.0)
            slope, claim = self.slopes.close({self.name: together}), float((together * self.gradient).sum())
            near = slope.error + 1e-6 * max(abs(claim), abs(slope.low)) + float((together * self._noise).sum())
            if np.count_nonzero(together) > 1 and slope.low == slope.high and abs(claim - slope.low) > near:
                size = together.max()
                added = f"their gradients add up to {claim / size:.4g}, and moving them together gives {slope.low / size:.4g}"
                return "{}: where cells are tied (" + f"{number:g}), {added}: one of them may have it all, or they may share it"
        return ""
