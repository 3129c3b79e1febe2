"""How many digits somebody's numbers have: arrays that were printed, rounded, or computed in a smaller type than they are stored in.

What is read is the numbers, not their type. One number that needs all its digits makes an array a whole one, and a few short ones, such
as 0.5, say nothing. What the update starts from is exact, unless it has more digits than people type.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping

import numpy as np

from bpdebug.core.description import Array, Values
from bpdebug.core.record import Record

_CELLS = 4096
"""How many cells of an array are looked at."""
_SHORT, _TYPED, _TOLD = 11, 4, 3
"""The digits up to which a number counts as rounded; from which on nobody types it; that a cell needs to tell something."""
_ENOUGH = 3
"""How many such cells tell how an array was printed."""
_MOST, _CLOSE = 0.5, 0.15
"""The share of numbers that need all digits where all arrays were printed alike; shares that are as close as this tell nothing."""


ROUNDINGS = 30
"""How many roundings in the direction that hurts most are let pass."""
_COARSE = 7
"""Numbers of so few digits may have been computed in single precision, which would not show."""


class Format(Record):
    """How numbers were printed.

    Attributes:
        count: of digits.
        fixed: whether these are the digits after the point; else the significant ones.
    """

    count: int
    fixed: bool

    def rounded(self, values: Array) -> Array:
        """Numbers as they are printed so."""
        scale = 10.0 ** (self.count - (0 if self.fixed else 1 + _magnitude(values)))
        with np.errstate(all="ignore"):
            return np.where(np.isfinite(scale) & (scale > 0) & np.isfinite(values * scale), np.rint(values * scale) / scale, values)

    def holds(self, values: Array) -> Array:
        """Which numbers are printed so in full."""
        return np.asarray(np.abs(self.rounded(values) - values) <= 4 * np.finfo(np.float64).eps * np.abs(values))

    def half(self, values: Array) -> Array:
        """Half a unit in the last place of each."""
        return np.asarray(np.full(values.shape, 0.5) * 10.0 ** ((0 if self.fixed else 1 + _magnitude(values)) - self.count))

    def seen(self, values: Array) -> Array:
        """Those of numbers that are all printed so in full which are short by that, and not because their type has no more digits there;
        none where these are too few."""
        if not self.holds(values).all():
            return np.asarray(values[:0])
        with np.errstate(all="ignore"):
            small = np.array_equal(values.astype(np.float32), values)
        fewer = values[self.half(values) > 8 * np.finfo(np.float32 if small else np.float64).eps * np.abs(values)]
        return np.asarray(fewer if _telling(fewer) >= _ENOUGH else fewer[:0])

    def lost(self, values: Array) -> bool:
        """Whether numbers that are printed so may have had more digits: some need all of these, or more than people type."""
        return not Format(min(self.count, _TYPED) - 1, self.fixed).holds(values).all()

    def __str__(self) -> str:
        return f"{self.count} {'decimal' if self.fixed else 'digit'}" + "s" * (self.count != 1)


def _magnitude(values: Array) -> Array:
    with np.errstate(all="ignore"):
        return np.floor(np.log10(np.where(np.isfinite(values) & (values != 0), np.abs(values), 1.0)))


class Printed(Record, eq=False):
    """The digits of a file.

    Attributes:
        formats: how arrays were printed, by their names in a file; those are not in it that have all their digits.
        kind: the type of number in which it was computed.
    """

    formats: Mapping[str, Format]
    kind: np.dtype[np.generic]

    @property
    def eps(self) -> float:
        """The relative error of a rounding of its type."""
        return float(np.finfo(self.kind).eps)  # type: ignore[type-var]

    @property
    def least(self) -> float:
        """The smallest number of its type."""
        return float(np.finfo(self.kind).smallest_subnormal)  # type: ignore[type-var]

    @property
    def words(self) -> str:
        """Such as ``3 decimals or 4 to 6 digits``."""
        kinds = [sorted({one.count for one in self.formats.values() if one.fixed is fixed}) for fixed in (True, False)]
        told = [(counts, str(Format(counts[-1], fixed))) for counts, fixed in zip(kinds, (True, False), strict=True) if counts]
        return " or ".join(f"{counts[0]} to " * (len(counts) > 1) + last for counts, last in told)

    @property
    def coarse(self) -> float:
        """How far numbers may be off by their printing, relative to the largest: about."""
        return max((10.0 ** (1 - one.count) for one in self.formats.values()), default=0.0)

    @property
    def rounding(self) -> float:
        """What is let pass as rounding, relative to a number."""
        counts = [one.count for one in self.formats.values()]
        few = counts and max(counts) <= _COARSE and self.kind.itemsize == np.dtype(np.float64).itemsize
        return ROUNDINGS * self.eps + (4 * float(np.finfo(np.float32).eps) if few else 0.0)

    def beside(self, right: Values) -> Printed:
        """The same for a file of which the right numbers are these: where printing loses nothing of any, they are short by nature."""
        lost = any(not one.holds(right[name]).all() for name, one in self.formats.items() if name in right)
        return self if lost else Printed({}, self.kind)


def formats(arrays: Values, given: Collection[str], constants: Collection[str] = ()) -> dict[str, Format]:
    """How the arrays of a file were printed, as far as they were.

    Args:
        arrays: by name.
        given: the names of those that an update starts from.
        constants: those that tell nothing of how the others were printed.
    """
    cells = {name: _cells(array) for name, array in arrays.items() if array.dtype == np.float64}
    computed = {name: values for name, values in cells.items() if name not in (*given, *constants) and len(values)}
    pool = np.concatenate([*computed.values(), np.empty(0)])
    common, share = _format(pool) if _telling(pool) > _ENOUGH else (None, 0.0)
    if common and share > _MOST:
        known, found = [common], dict[str, Format | None]()
    else:  # each in its own way
        found = {name: _format(values)[0] for name, values in computed.items() if _telling(values) >= _ENOUGH}
        known = sorted({one for one in found.values() if one}, key=lambda one: one.count)
        if None in found.values():
            known = []
    own = {name: one for name, one in found.items() if one}
    # what an update starts from may be typed; but where some of it was printed so, a short number beside it may have been longer, too
    cut = [one for one in known if any(one.holds(cells[name]).all() and one.lost(cells[name]) for name in given if name in cells)]
    for name, values in cells.items():
        exact = name in given and (values == np.rint(values)).all()
        fitting = [one for one in known if not exact and one.holds(values).all() and (name not in given or one in cut)]
        own |= {name: max(fitting, key=lambda one: _coarse(one, values))} if name not in found and fitting else {}
    return own


def kind_of(arrays: Values, formats: Mapping[str, Format]) -> np.dtype[np.generic] | None:
    """The smaller type in which numbers stored as float64 were computed; None where they were not, or do not tell."""
    values = [(_cells(array), formats.get(name)) for name, array in arrays.items() if array.dtype == np.float64]
    for small, smaller, least in ((np.float16, None, 8), (np.float32, np.float16, 4)):
        told = 0
        for cells, printed in values:
            with np.errstate(all="ignore"):
                again = cells.astype(small).astype(np.float64)
                if printed and printed.count < np.finfo(small).precision + 2:
                    break
                if not np.array_equal(printed.rounded(again) if printed else again, cells):
                    break
                telling = _bits(cells) if smaller is None else cells.astype(smaller).astype(np.float64) != cells
                told += int(np.count_nonzero(telling))
        else:
            if told >= least:
                return np.dtype(small)
    return None


def _bits(values: Array) -> Array:
    """Which numbers need more than 7 bits."""
    part = np.frexp(values)[0] * 2.0**7
    return np.asarray(part != np.rint(part))


def _cells(array: Array) -> Array:
    """Some cells of an array that are finite and not 0."""
    flat = array.reshape(-1)
    flat = flat[:: max(1, flat.size // _CELLS)]
    return np.asarray(flat[np.isfinite(flat) & (flat != 0)])


def _telling(values: Array) -> int:
    """How many numbers need more than a few digits."""
    return int(np.count_nonzero(~Format(_TOLD - 1, False).holds(values)))


def _format(values: Array) -> tuple[Format | None, float]:
    """How numbers were printed, and the share of them that need all those digits; of two ways that fit as well the coarser one."""
    ways = list[tuple[float, Format]]()
    for fixed in (False, True):
        ever = Format(_SHORT + fixed, fixed).holds(values[:_ENOUGH]).all()  # a few numbers tell it of most arrays
        counts = range(1, _SHORT + 1 + fixed) if ever else ()
        one = next((one for count in counts if (one := Format(count, fixed)).seen(values).size), None)
        if one:
            shorter = Format(one.count - 1, fixed).holds(one.seen(values)) if one.count > 1 else np.zeros(1)
            ways.append((1.0 - float(np.mean(shorter)), one))
    chance = 0.1 + 0.9 / np.sqrt(max(values.size, 1))  # of ten last digits one is 0, in a few numbers more by chance
    likely = [way for way in ways if way[0] > min(max(share for share, _ in ways) - _CLOSE, 1.0 - chance)]
    share, best = max(likely, key=lambda way: _coarse(way[1], values), default=(0.0, None))
    return best, share


def _coarse(printed: Format, values: Array) -> float:
    """How much is lost of numbers that are printed so."""
    return float(np.mean(printed.half(values))) if values.size else 0.0
