"""Factors that have a name: the numbers by which right gradients differ from ours, since a loss may be a sum, a mean or a half."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import field
from itertools import product as each_of

import numpy as np

from bpdebug.core.description import Array
from bpdebug.core.evaluate import assigned
from bpdebug.core.numbers import short
from bpdebug.core.program import Program
from bpdebug.core.record import Record, replace

NEAR = 1e-6
"""Numbers that are as close as this, relatively, may be the same; whether they are, the judge tells."""
_MOST = 3
"""Factors in a product that people still write."""


class Factor(Record):
    """By how much something of a user's is larger than ours.

    Attributes:
        value: a number that has a name is that number to the last bit.
        name: such as ``2/m``, without its sign; "" where it is nothing that people use.
        parts: of how many named numbers it is made, its sign being one; the larger, the less likely.
    """

    value: float
    name: str = ""
    parts: int = _MOST + 2

    @property
    def text(self) -> str:
        """Such as ``2/m = 0.5``."""
        sign, number = "−" * (self.value < 0), short(self.value)
        return number if not self.name or self.name == number else f"{sign}{self.name} = {number}"


ONE = Factor(1.0, "1", 0)


class Names(Record, eq=False):
    """The numbers that may be a convention, the simplest first.

    Attributes:
        factors: all above 0.
        near: how far from one a number may be, relative to it.
    """

    factors: tuple[Factor, ...]
    near: float

    def of(self, number: float, near: float = 0.0) -> Factor:
        """What a factor is that may be as far off as that, or as :attr:`near`."""
        near = max(near, self.near)
        known = next((one for one in self.factors if abs(abs(number) / one.value - 1) <= near), Factor(abs(number)))
        return replace(known, value=-known.value, parts=known.parts + 1) if number < 0 else known


def names_of(program: Program, values: Mapping[str, Array], near: float, rate: bool = True) -> Names:
    """The names that factors have in a program on a batch.

    Args:
        program, values: with the constants and ``m``.
        near: how far from one a number may be.
        rate: whether the learning rate may be in it.
    """
    sizes = (float(values.get("learning_rate", 1.0)), 2.0, float(values["m"]), float(program.layers[-1].layer.units))
    words, found = ("learning_rate", "2", "m", "outputs"), [ONE]
    for exponents in each_of((0, 1) if rate else (0,), (0, 1, -1), (0, 1, -1), (0, 1, -1)):
        value = float(np.prod([size**power for size, power in zip(sizes, exponents, strict=True)]))
        if 0 < (parts := sum(map(abs, exponents))) <= _MOST and value > 0 and abs(value - 1) > NEAR:
            above = [word for word, power in zip(words, exponents, strict=True) if power > 0]
            below = [word for word, power in zip(words, exponents, strict=True) if power < 0]
            over = "/" * bool(below) + ("·".join(below) if len(below) < 2 else f"({'·'.join(below)})")
            found.append(Factor(value, ("·".join(above) or "1") + over, parts))
    return Names(tuple(sorted(found, key=lambda one: one.parts)), near)


def scale(theirs: Array, ours: Array, near: float) -> float | None:
    """The one factor by which all of his cells are larger than ours; None where there is none."""
    norm = float(np.vdot(ours, ours))
    if theirs.shape != ours.shape or not 0 < norm < np.inf or not np.isfinite(theirs).all():
        return None
    factor = float(np.vdot(ours, theirs)) / norm
    return factor if factor and float(np.abs(theirs - factor * ours).max()) <= near * float(np.abs(theirs).max()) else None


def powers(program: Program) -> dict[str, int]:
    """With which power of the gradient each slot grows."""
    found, numbers = dict[str, int](), {name: np.array(value) for name, value in program.rule.constants.items()}
    numbers |= {letter: np.zeros(()) for letter in ("w", *program.rule.slots)} | {"t": np.ones(())}
    for letter, formula, _ in program.rule.steps:
        if letter in program.rule.slots:
            one, two = (float(assigned(formula, numbers | {"g": np.array(g)})) for g in (1.0, 2.0))
            found |= dict.fromkeys(program.letters[letter], round(np.log2(two / one)) if one else 1)
    return found


def loss_factors(names: Names, whole: Array, data: Array, theirs: Array) -> Iterator[tuple[Factor, Array]]:
    """By how much a loss may be larger than ours, and what is due then: all of it, or what is not the penalty."""
    for part in (whole, data):
        factor = names.of(float((theirs - (whole - part)) / part)) if part else ONE
        if factor.name and factor.value > 0 and factor != ONE:
            yield factor, factor.value * part + (whole - part)


def mask_of(due: Array, theirs: Array, positive: Array, near: float) -> Array | None:
    """What an activation has been multiplied by, where that is one number of 1 or more in some cells and 0 in others.

    Args:
        due, theirs: without, and with it.
        positive: where the weighted sum is: zeros by its sign are another activation, and no mask.
        near: how far the numbers may be from one.
    """
    if not np.isfinite(theirs).all() or not np.isfinite(due).all():
        return None
    live, kept = due != 0, theirs != 0
    ratios = theirs[live & kept] / due[live & kept]
    if len(ratios) < 2 or (live & ~kept).sum() < 2 or (kept & ~live).any():
        return None
    factor = float(np.median(ratios))
    even = factor >= 1 - near and float(np.abs(ratios - factor).max()) <= near * factor
    by_sign = any(np.array_equal(kept[live], side[live]) for side in (positive, ~positive))
    return np.where(live, kept * factor, factor) if even and not by_sign else None


class Convention(Record, eq=False):
    """How a user's numbers stand to ours: they are read divided by these factors.

    Attributes:
        factors: by the name of a gradient, or of an optimizer's slot; 1 where nothing is said.
        step: the factor with which the gradients reach his optimizer.
        masks: by the name of a gradient, what it is multiplied by besides (0 where a unit has been dropped).
        stray: whether the factor that all his gradients share is none that people use on purpose.
    """

    factors: Mapping[str, float] = field(default_factory=dict)
    step: float = 1.0
    masks: Mapping[str, Array] = field(default_factory=dict)
    stray: bool = False

    def of(self, name: str) -> float:
        """The factor of a tensor."""
        return self.factors.get(name, 1.0)


PLAIN = Convention()
"""His numbers are ours."""
