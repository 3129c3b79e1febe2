"""How far a stage may be from what a user's own numbers before it give, since these have been rounded, or printed with few digits.

The numbers are nudged at random a few times, and what is not in his file is computed from the nudged ones (Parker, "Monte Carlo
Arithmetic" (1997)). An optimizer's step goes cell by cell and may divide by almost nothing: there the ends of what each operand may have
been are tried in every combination.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from copy import copy
from functools import lru_cache
from itertools import product as each_of
from math import prod
from zlib import crc32

import numpy as np

from bpdebug.core.description import Array, Values
from bpdebug.core.program import Program
from bpdebug.core.tree import Binary, Tree, names, walk
from bpdebug.trust.digits import Printed

_NUDGE = 1e-8
_LITTLE, _UNEVEN = 0.01, 5.0
"""A second nudge, as a share of the first; and by which factor what follows from the two may differ from that share."""
_TIMES = 3.0
"""How many times further than in any world it may be in truth."""
_ENDS = 6
"""So many operands of a step are tried at both ends."""
_KEPT = 2000
"""Directions of at most so many cells are kept for other judges."""
_SOLVED = 100_000
"""The largest number of equations times unknowns in a search for parameters that a file lacks."""

Run = Callable[[Values], Array]


class Worlds:
    """What a user's numbers may have been.

    Args:
        program: what has been executed.
        printed: the digits of his file.
    """

    def __init__(self, program: Program, printed: Printed) -> None:
        self.program, self.printed = program, printed
        self._size = 1.0 if printed.formats else _NUDGE / printed.rounding
        # each direction and its opposite, and a little way into both; of printed numbers so many that not all can be small by chance
        pairs = 8 if printed.formats else 2
        self._ways = [(seed, sign * share) for seed in range(pairs) for sign in (1, -1) for share in (1.0, _LITTLE)]
        self._all = [dict[str, Array]() for _ in self._ways]
        self._rooms = dict[str, Array]()
        self._left = list[tuple[str, Array, str, float, Run | None]]()

    def copy(self) -> Worlds:
        """The same so far."""
        twin = copy(self)
        twin._all, twin._rooms, twin._left = [{**world} for world in self._all], {**self._rooms}, [*self._left]
        return twin

    def half(self, key: str, value: Array, factor: float = 1.0) -> Array:
        """Half a unit of the last digit of what a file has under a name, and is read divided by a factor."""
        printed = self.printed.formats.get(key)
        return np.zeros(value.shape) if printed is None else printed.half(value * factor) / abs(factor)

    def follow(self, name: str, value: Array, key: str, factor: float, run: Run | None) -> None:
        """Have numbers that are known in all worlds, or what ``run`` computes of those before, once somebody asks."""
        self._left.append((name, value, key, factor, run))

    def _catch_up(self) -> None:
        for name, value, key, factor, run in self._left:
            if run:
                self._compute(name, run)
            else:
                self._see(name, value, key, factor)
        self._left = []

    def _see(self, name: str, value: Array, key: str, factor: float) -> None:
        eps, made = self._eps(name), dict[int, Array]()
        if value.dtype.kind in "biu":  # places and truth values are what they are
            self._rooms[name] = np.zeros(value.shape)
            for world in self._all:
                world[name] = value
            return
        half = np.zeros(value.shape) if name in self.program.constants else self.half(key, value, factor)
        if name in self.program.index and self.program.stage(name).of:  # what is smaller than any number of its type is 0
            half = half + 2 * self.printed.least / abs(factor)
        self._rooms[name] = half + eps * np.abs(value)
        for world, (seed, share) in zip(self._all, self._ways, strict=True):
            if seed not in made:
                off, down = _nudge(name, seed, value.shape)
                made[seed] = off * value * (eps / _TIMES)
                made[seed] += np.where(down, -half, half)
            world[name] = value + share * self._size * made[seed]

    def _compute(self, name: str, run: Run) -> None:
        """Have what the file lacks in all worlds, each from what is in it."""
        self._rooms.pop(name, None)
        for world, (seed, share) in zip(self._all, self._ways, strict=True):
            found = run(world)
            off = _nudge(name, seed, found.shape)[0] * (self._eps(name) / _TIMES)
            world[name] = found * (1 + share * self._size * off)

    def scale(self, name: str, factor: float) -> None:
        """Have a number times a factor in all worlds."""
        self._catch_up()
        for known in (*self._all, self._rooms):
            if name in known:
                known[name] = known[name] * factor

    def _eps(self, name: str) -> float:
        """What rounding does to a number, relatively, if it is one that is computed or measured."""
        exact = name in (self.program.target, "m") or name in self.program.constants
        return 0.0 if exact else self.printed.rounding

    def spread(self, run: Run, due: Array) -> Array:
        """How far a stage moves: the most of all cells that move in proportion to the nudge, and cell by cell what does not, as a number at
        a corner falls on its other side."""
        self._catch_up()
        most, jumps = 0.0, np.zeros(due.shape)
        for whole, little in zip(self._all[::2], self._all[1::2], strict=True):
            far, near = (_apart(run(world), due) for world in (whole, little))
            even = (far >= near / _LITTLE / _UNEVEN) & (far <= near / _LITTLE * _UNEVEN) & np.isfinite(far)
            most = max(most, float(np.max(far, initial=0.0, where=even)))
            jumps = np.maximum(jumps, np.where(even, 0.0, far))
        return np.asarray(_TIMES * most / self._size + jumps)

    def ends(self, names: Iterable[str], values: Values, run: Run) -> Array:
        """How far each cell of a step may be, whatever the operands of these names have been."""
        self._catch_up()
        due, rooms = run(values), dict[str, Array]()
        for name in names:
            room = self._rooms.get(name)
            if room is None:
                room = _TIMES / self._size * np.max([_apart(world[name], values[name]) for world in self._all], axis=0)
            rooms |= {name: room} if room.any() and len(rooms) < _ENDS else {}
        moved = [
            {**values, **{name: values[name] + sign * rooms[name] for name, sign in zip(rooms, signs, strict=True)}}
            for signs in each_of((1, -1), repeat=len(rooms))
        ]
        return np.asarray(np.max([_apart(run(one), due) for one in moved], axis=0))


def steady(tree: Tree, run: Run, values: Values) -> Run:
    """What runs where numbers are nudged; those that a formula tests for equality, of which none would be left, stay what they are."""
    tests = [node for node in walk(tree) if isinstance(node, Binary) and node.operator in ("==", "!=")]
    held = {name: values[name] for test in tests for name in names(test)}
    return (lambda world: run({**world, **held})) if held else run


def _nudge(name: str, seed: int, shape: tuple[int, ...]) -> tuple[Array, Array]:
    """By how much each cell is off, and which ones downwards: the same for a name in every judge, whatever has been asked before."""
    return (_drawn if prod(shape) <= _KEPT else _drawn.__wrapped__)(name, seed, shape)


@lru_cache(maxsize=1024)
def _drawn(name: str, seed: int, shape: tuple[int, ...]) -> tuple[Array, Array]:
    generator = np.random.default_rng([seed, crc32(name.encode())])
    return generator.standard_normal(shape), generator.random(shape) < 0.5


def _apart(moved: Array, value: Array) -> Array:
    """The distance; as far as can be where nothing finite is left of a finite number."""
    far = np.abs(moved - value)
    return np.where(np.isfinite(far), far, np.where(np.isfinite(value), np.inf, 0.0))


def solved(gives: Callable[[Values], Array], unknown: Values, wanted: Array) -> tuple[dict[str, Array], bool] | None:
    """Some tensors so that what is in proportion to them is as wanted, as nearly as can be, and whether nothing else would do as well;
    None where they are too large, or not everything is finite."""
    ends = np.cumsum([value.size for value in unknown.values()])
    if ends[-1] * wanted.size > _SOLVED or not np.isfinite(wanted).all():
        return None

    def put(flat: Array) -> dict[str, Array]:
        parts = zip(np.split(flat, ends[:-1]), unknown.items(), strict=True)
        return {name: part.reshape(value.shape) for part, (name, value) in parts}

    base = gives(put(np.zeros(ends[-1]))).ravel()
    columns = np.stack([gives(put(one)).ravel() - base for one in np.eye(ends[-1])], axis=1)
    if not np.isfinite(columns).all() or len(base) != wanted.size:
        return None
    flat, _, rank, _ = np.linalg.lstsq(columns, wanted.ravel() - base, rcond=None)
    return put(flat), int(rank) == ends[-1]
