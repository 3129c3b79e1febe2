"""What is found of one stage, by differences or beside a user's numbers: a plain record, and the statuses that it may have."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from bpdebug.core.cells import Cell, cell_name
from bpdebug.core.description import Array
from bpdebug.core.numbers import short
from bpdebug.core.record import Record
from bpdebug.core.schedule import Stage

ROUNDING = 1e-12
"""Relative errors below this are rounding, whose digits say nothing."""


_TELLING = 1e-3
"""Where rounding may be a larger part of the numbers than this, they tell nothing."""


DOTS = "dot product"
"""The method that judges all cells together, and gives no numbers of single ones."""


class Status(Record):
    """What a finding comes to.

    Attributes:
        word: as an answer says it.
        badge: as a listing shows it: a character, and whether that is ``good``, ``bad``, ``changed`` or ``dim``.
        agrees, accuses: whether the numbers are right; whether they are wrong by the stage's own fault.
        reason: what it means, where it does not explain itself.
        untold: why nothing could be judged, where that is so.
    """

    word: str
    badge: tuple[str, str]
    agrees: bool = False
    accuses: bool = False
    reason: str = ""
    untold: str = ""


_FOLLOWS = "its own formula is right, but the gradient that arrives at it is not"
_MISLED = "it is right once the forward line that is named is"
_UNSURE = "rounding alone may account for more than it is off by"
_GUESSED = "the script has no line for its loss: of those that were tried none fits its gradients, or one is not finite"
_FOREIGN = "nothing in the update is a derivative of this loss, and no single mistake explains that: it may follow another one"
_HIDDEN = "its numbers are right here, but the formula gives others than the right one elsewhere"
_OWN = "the formula is yours, and its derivative agrees with it"
_CONVENTION = "right, in another convention than the scenario's, which a note names"
_KINK = "the loss has a corner there, where the slopes on both sides differ and no derivative is the right one: no fault"
_NOISE = "its numbers are smaller than what rounding alone may make of them"
_UNTOLD_NOISE = "the numbers are smaller than what rounding alone may make of them"
_NOT_FINITE = "the loss is not finite: there is nothing to compare"

STATUSES: Mapping[str, Status] = {
    "good": Status("ok", ("✓", "good"), agrees=True),
    "exact": Status("exact", ("✓", "good"), agrees=True),
    "approximate": Status("approximate", ("✓", "good"), agrees=True),
    "wrong": Status("WRONG", ("✗", "bad"), accuses=True),
    "off": Status("OFF", ("✗", "bad"), accuses=True),
    "follows": Status("follows", ("↳", "changed"), reason=_FOLLOWS),
    "misled": Status("follows", ("↳", "changed"), reason=_MISLED),
    "convention": Status("convention", ("≙", "good"), agrees=True, reason=_CONVENTION),
    "own": Status("your own", ("✎", "changed"), agrees=True, reason=_OWN),
    "hidden": Status("only here", ("?", "changed"), reason=_HIDDEN, untold="the numbers of this batch cannot tell"),
    "unsure": Status("cannot tell", ("?", "changed"), reason=_UNSURE, untold="rounding hides what is off"),
    "guessed": Status("cannot tell", ("?", "changed"), reason=_GUESSED, untold=_GUESSED),
    "foreign": Status("cannot tell", ("?", "changed"), reason=_FOREIGN, untold=_FOREIGN),
    "kink": Status("kink", ("∧", "dim"), reason=_KINK, untold="the loss has a corner there"),
    "noise": Status("too small to tell", ("?", "dim"), reason=_NOISE, untold=_UNTOLD_NOISE),
    "non-finite": Status("not finite", ("?", "changed"), reason=_NOT_FINITE, untold="the loss is not finite"),
    "missing": Status("missing", (" ", "dim"), untold="the file does not have it"),
}
"""``good``, ``exact`` (the same bits) and ``approximate`` (but for rounding) are right; ``wrong`` and ``off`` are wrong by
themselves; ``follows`` is right given wrong numbers that a stage before it has made,
``misled`` with the forward line as it should be; ``convention`` is right but for a factor that
all gradients share and that has a name; ``own`` is a user's own forward formula, right with its derivative; ``hidden`` is right on
this batch alone; of ``unsure`` rounding hides whether it is; ``guessed`` is wrong for a loss that is only guessed, ``foreign`` for
one that he may not follow; ``kink`` is wrong
only where the loss has a corner; ``noise`` is too small for differences to tell."""


class Suspect(Record):
    """What a mistake probably is.

    Attributes:
        kind: a key of the catalogue of faults, such as ``mean_for_sum``.
        title: the mistake in a few words: ``the mean where the sum belongs``.
        evidence: what speaks for it, with numbers, in a sentence.
        formula: a formula that gives the wrong value, or "" where none can be written.
    """

    kind: str
    title: str
    evidence: str
    formula: str = ""

    def __str__(self) -> str:
        return f"{self.title}: {self.evidence}"


class Finding(Record, eq=False):
    """What is found of one stage.

    Attributes:
        stage: what computes it.
        name: what a user calls it: in a file ``W1_new`` stands for the update of ``W1``.
        status: a key of :data:`STATUSES`.
        error: the largest relative error; inf where shapes differ or one of the two is not finite.
        cell: where it is; () where shapes differ.
        ours: the program's numbers.
        theirs: what they stand beside: derivatives by differences, or a user's numbers, in our orientation and, unless theirs is a
            wrong one, in our shape. None where there are none.
        right: what is right given what arrives at the stage; NaN where that is not known, and on kinks.
        checked, kinks: how many cells were compared, and at how many of them the loss has a corner.
        method: by which derivatives were found.
        said: a sentence on it, where its status and its numbers do not say enough.
        lost: of recorded numbers, how far they are, relative to the largest, from those that double precision gives from the start on.
        suspects: for a stage that is wrong by itself, what the mistake probably is: none where nothing fits, several where this batch
            cannot tell them apart.
    """

    stage: Stage
    name: str
    status: str
    error: float
    cell: Cell
    ours: Array
    theirs: Array | None
    right: Array
    checked: int = 0
    kinks: int = 0
    method: str = ""
    said: str = ""
    suspects: tuple[Suspect, ...] = ()
    lost: float = np.nan

    @property
    def says(self) -> Status:
        """What its status means."""
        return STATUSES[self.status]

    @property
    def misshapen(self) -> bool:
        """Whether the two have different shapes."""
        return self.theirs is not None and self.theirs.shape != self.ours.shape

    @property
    def hollow(self) -> bool:
        """Whether numbers agree in that none is finite."""
        return self.says.agrees and self.theirs is not None and not np.isfinite(self.theirs).any()

    @property
    def judged(self) -> bool:
        """Whether it tells anything of the stage; at a corner of the loss, of its other cells."""
        return (not self.says.untold or 0 < self.kinks < self.checked) and not self.hollow

    @property
    def notable(self) -> bool:
        """Whether its numbers matter."""
        return self.says.accuses or self.status in ("follows", "unsure")

    @property
    def place(self) -> str:
        """The worst cell, as a command takes it."""
        return cell_name(self.stage.name, self.cell or (0,) * self.ours.ndim)

    def suspected(self, batch: str = "this batch", numbers: str = "its numbers") -> list[str]:
        """What the mistake probably is, a line each, where something shows that."""
        lines = [f"  {'or it is' if place else 'probably'} {suspect}" for place, suspect in enumerate(self.suspects)]
        if len(lines) == 1:
            return lines
        return [*lines, f"  {batch} cannot tell these apart" if lines else f"  {numbers} do not tell what the mistake is"]

    @property
    def zero(self) -> bool:
        """Whether every cell of a derivative is 0."""
        return bool(self.method) and not self.ours.any()

    @property
    def numbers(self) -> tuple[float, float] | None:
        """Ours and theirs in the worst cell, where there is one and single cells were compared."""
        if self.theirs is None or self.misshapen or self.method == DOTS or not self.ours.size:
            return None
        return float(self.ours[self.cell]), float(self.theirs[self.cell])


class Judged(Record, eq=False):
    """What a dot product says.

    Attributes:
        off, bound: how far its two sides are apart, and how far rounding may bring them.
        size: of what they add up.
        kinks: cells at a corner, which are left out.
        broken: whether something is left out that is not finite.
    """

    off: float
    bound: float
    size: float
    kinks: int
    broken: bool

    @property
    def agrees(self) -> bool:
        """Whether rounding explains the difference; also where nothing is known."""
        return not self.off > self.bound

    @property
    def telling(self) -> bool:
        """Whether rounding is small enough to tell anything."""
        return bool(self.bound <= _TELLING * self.size)

    @property
    def error(self) -> float:
        """The relative difference."""
        return self.off / self.size if self.size else 0.0

    @property
    def status(self) -> str:
        """What it comes to where it accuses nobody."""
        if self.broken or not np.isfinite(self.bound):
            return "non-finite"
        if self.kinks:
            return "kink"
        return "good" if self.telling else "noise"


def error_text(error: float, rounding: str = f"below {short(ROUNDING)}") -> str:
    """A relative error; below what rounding leaves, its digits say nothing."""
    return short(error, 2) if not error < ROUNDING else rounding


def worst(theirs: Array, right: Array) -> tuple[float, Cell]:
    """The largest difference relative to the largest number, and its cell."""
    if theirs.shape != right.shape:
        return np.inf, ()
    off = distance(theirs, right)
    cell = tuple(int(i) for i in np.unravel_index(int(np.argmax(off)), off.shape))
    return float(off[cell] / (max(largest(right), largest(theirs)) or 1.0)), cell


def distance(left: Array, right: Array) -> Array:
    """The absolute difference: 0 between two values of the same kind that are not finite, inf where only one is."""
    same = (left == right) | (np.isnan(left) & np.isnan(right))
    off = np.abs(left - right) if left.dtype != bool else left != right
    return np.where(same, 0.0, np.where(np.isfinite(off), off, np.inf))


def largest(array: Array) -> float:
    """The largest absolute value that is finite; 0 where there is none."""
    return float(np.max(np.abs(array), initial=0.0, where=np.isfinite(array)))
