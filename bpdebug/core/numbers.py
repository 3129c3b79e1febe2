"""Numbers as text: aligned, with their sign, never rounded to a wrong impression."""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from functools import cached_property
from typing import Any

import numpy as np

from bpdebug.core.description import Array
from bpdebug.core.record import Record


def exact(value: Any) -> Any:
    """A value for JSON: nested lists in full precision; nan and inf as the strings "nan", "inf", "-inf"."""
    if isinstance(value, np.ndarray | np.generic):
        return exact(value.tolist())
    if isinstance(value, list | tuple):
        return [exact(part) for part in value]
    if isinstance(value, float) and not math.isfinite(value):
        return "nan" if math.isnan(value) else "inf" if value > 0 else "-inf"
    return value


def short(value: float, digits: int = 4) -> str:
    """A number in a sentence or a formula: about ``digits`` significant digits, in scientific form only where it must be."""
    if not math.isfinite(value):
        return str(exact(value))
    if value == 0:
        return "0"
    mantissa, _, exponent = f"{value:.{digits - 1}e}".partition("e")
    magnitude = int(exponent)  # of what is shown: 0.0000999999999 is 0.0001
    if -5 < magnitude < digits + 3:
        text = f"{value:.{max(digits - 1 - magnitude, 0)}f}"
        return text.rstrip("0").rstrip(".") if "." in text else text
    return f"{mantissa.rstrip('0').rstrip('.')}e{magnitude}"


def digits_apart(one: float, other: float, digits: int) -> int:
    """The significant digits with which two different numbers do not look the same, at least some."""
    return next((more for more in range(digits, 17) if short(one, more) != short(other, more)), digits if one == other else 17)


def minus(text: str) -> str:
    """A text with the sign of subtraction in the place of hyphens."""
    return text.replace("-", "−")


def written(value: float, digits: int = 4) -> str:
    """A number as :func:`short` has it, with the sign of subtraction."""
    return minus(short(value, digits))


def decimals(value: float) -> str:
    """A number with three decimals, where those say what it is: so numbers of a kind stand below each other."""
    return minus(f"{value:.3f}") if 0.0005 <= abs(value) < 100 else written(value, 3)


def narrow(value: float, room: int) -> str:
    """A number with its sign in so many characters, as many digits as that holds; only its sign where there is no room."""
    if value == 0:
        return "0"
    forms = ("+.4f", "+.3f", "+.2f", "+.1f", "+.1e", "+.0e", ".0e")[4 * (abs(value) < _FINE) :]
    sign = "?" if math.isnan(value) else "−" if value < 0 else "+"
    texts = [re.sub(r"^(.)0\.", r"\1.", minus(cell(value, form))) for form in forms]  # without the zero before the point
    return next((text for text in (*texts, "~0" if abs(value) < 1 else f"{sign}big") if len(text) <= room), sign)


def brief(value: float, room: int) -> str:
    """A number that was given, as short as it is, in so many characters."""
    return next((text for digits in (4, 3, 2) if len(text := written(value, digits)) <= room), narrow(value, room))


_FINE = 0.00095
"""From which size on a narrow number is written with a fixed point: with three decimals it has a digit left."""
_SPOKEN = (-7, 6)
"""Between these powers of ten a number is spoken of in fixed point."""


def spoken(value: float, digits: int = 2) -> str:
    """A number as it is spoken of in a sentence: few digits, all of which are shown, and small ones in fixed point, too (0.000016)."""
    if value == 0 or not math.isfinite(value):
        return written(value)
    text = f"{value:.{digits - 1}e}"
    magnitude = int(text.partition("e")[2])
    if _SPOKEN[0] < magnitude < _SPOKEN[1]:
        text = f"{value:.{max(digits - 1 - magnitude, 0)}f}"
    return minus(_short_exponent(text))


def number_format(values: Array, digits: int = 4) -> str:
    """The format that shows all of these numbers aligned, always with a sign: fixed point where it is faithful, else scientific."""
    return _fitting(Statistics(values), digits)


def _fitting(known: Statistics, digits: int) -> str:
    largest, smallest = max(abs(known.low), abs(known.high)), abs(known.least)
    if not smallest > 0 or (largest < 10**digits and (smallest >= 0.5 * 10.0**-digits or largest >= 0.1)):
        return f"+.{digits}f"
    return f"+.{max(digits - 2, 1)}e"


def cell(value: float, form: str) -> str:
    """One cell in a format of :func:`number_format`; a number that fixed point would show as 0 turns scientific,
    but with ``F`` for ``f``."""
    if not math.isfinite(value):
        return {"nan": "nan", "inf": "+inf", "-inf": "-inf"}[str(exact(value))]
    if value == 0:
        return "0" if "e" in form else format(0.0, form)
    text = _short_exponent(format(value, form))
    if form.endswith("f") and value != 0 and not text.strip("+-0."):
        return _short_exponent(f"{value:+.0e}")
    return text


def _short_exponent(text: str) -> str:
    mantissa, sign, exponent = text.partition("e")
    return f"{mantissa}e{int(exponent)}" if sign else text


_FULL = "full"


class NumberStyle(Record):
    """How the numbers of a table are written.

    Attributes:
        kind: ``auto`` (fixed point where it is faithful, else scientific), ``fixed``, ``scientific`` or ``full`` (every digit).
        digits: after the decimal point.
    """

    kind: str = "auto"
    digits: int = 4

    def form(self, known: Statistics) -> str:
        """The format for the numbers of a tensor, for :func:`aligned`."""
        if self.kind == "auto":
            return "+.0f" if known.whole else _fitting(known, self.digits)
        return {"fixed": f"+.{self.digits}F", "scientific": f"+.{self.digits}e"}.get(self.kind, _FULL)

    @property
    def plain(self) -> str:
        """The format for :func:`table`."""
        return {"auto": ".10g", "fixed": f".{self.digits}f", "scientific": f".{self.digits}e"}.get(self.kind, "")

    def __str__(self) -> str:
        return self.kind if self.kind in ("auto", _FULL) else f"{self.kind} {self.digits}"


AUTO = NumberStyle()
_MANY = 1e4
"""From here on whole numbers are written as others are."""
_TOO_LONG = 1e9
"""From here on a number is never written in fixed point."""


def aligned(value: Any, form: str) -> str:
    """One cell in a format of :class:`NumberStyle`, to be set flush right: an exact zero is a plain 0 in the place of its digit."""
    if value == 0 and form.endswith(("f", "F")):
        digits = int(form[2:-1])
        return "0" + " " * (digits + 1 if digits else 0)
    if form == _FULL and value != 0 and math.isfinite(value):
        return _short_exponent(f"+{value!s}".replace("+-", "-"))
    if form.endswith(("f", "F")) and _TOO_LONG <= abs(value) < math.inf:
        form = f"{form[:-1]}e"
    return cell(float(value), "+e" if form == _FULL else form)


class Statistics(Record, eq=False):
    """What is to be known of a tensor that is too large to be looked at; its numbers are those of the finite cells."""

    values: Array

    @cached_property
    def finite(self) -> Array:
        """The finite cells."""
        known = np.isfinite(self.values)
        return self.values if known.all() else self.values[known]

    @cached_property
    def low(self) -> float:
        """The smallest number; nan where there is none."""
        return float(self.finite.min()) if self.finite.size else math.nan

    @cached_property
    def high(self) -> float:
        """The largest number; nan where there is none."""
        return float(self.finite.max()) if self.finite.size else math.nan

    @cached_property
    def least(self) -> float:
        """The number nearest to zero that is not zero; 0 where there is none."""
        nonzero = self.finite[self.finite != 0] if self.zeros else self.finite
        return float(nonzero.flat[np.argmin(np.abs(nonzero))]) if nonzero.size else 0.0

    @cached_property
    def whole(self) -> bool:
        """Whether all numbers are whole, and none of them is large."""
        few = (self.low, self.high, self.least)
        return all(abs(value) < _MANY and value == round(value) for value in few) and bool((self.finite == np.round(self.finite)).all())

    @cached_property
    def mean(self) -> float:
        """The mean; nan where there is none."""
        with np.errstate(over="ignore"):
            return float(self.finite.mean()) if self.finite.size else math.nan

    @cached_property
    def norm(self) -> float:
        """The Euclidean norm, of all cells as one long vector."""
        with np.errstate(over="ignore"):
            return float(np.linalg.norm(self.finite))

    @cached_property
    def zeros(self) -> int:
        """How many cells are exactly zero."""
        return int(self.values.size - np.count_nonzero(self.values))

    @cached_property
    def broken(self) -> dict[str, int]:
        """How many cells are nan, inf and -inf, as far as there are any."""
        if self.finite.size == self.values.size:
            return {}
        found = {"nan": np.isnan(self.values), "inf": self.values == np.inf, "-inf": self.values == -np.inf}
        return {name: int(cells.sum()) for name, cells in found.items() if cells.any()}

    def parts(self) -> list[str]:
        """The statistics in words, what matters most first."""
        if self.finite.size == self.values.size > 0 and self.low == self.high:
            return [f"all {written(self.low, 3)}"]
        named = [("min", self.low), ("max", self.high), ("mean", self.mean), ("norm", self.norm)] if self.finite.size else []
        parts = [f"{count} {name}" for name, count in self.broken.items()] + [f"{name} {short(value, 3)}" for name, value in named]
        zeros = [f"{self.zeros} zero{'s' * (self.zeros != 1)}"] * bool(self.zeros)
        return [minus(part) for part in parts + zeros]


_BARS = "▁▂▃▄▅▆▇█"


def sparkline(values: Sequence[float], most: int = 24, span: float = 0.0) -> str:
    """The last values as a row of small bars; a value that is not finite is a question mark.

    The bars begin at zero, or below it at the smallest value; with ``span`` they cover the values, but at least that much,
    and stand in the middle of it.
    """
    shown = list(values)[-most:]
    finite = [value for value in shown if math.isfinite(value)]
    if len(shown) < 2 or not finite:
        return ""
    low, high = (min(finite), max(finite)) if span else (min(*finite, 0.0), max(*finite, 0.0))
    more = max(span - (high - low), 0.0) / 2
    low, high = low - more, high + more
    height = (high - low) or 1.0
    return "".join(_BARS[round((value - low) / height * 7)] if math.isfinite(value) else "?" for value in shown)


def table(values: Array, form: str = ".10g") -> list[str]:
    """A tensor as text lines in plenty of digits, aligned at the decimal point, for the command line."""
    rows = np.atleast_2d(values) if values.ndim else values.reshape(1, 1)
    texts = [[format(value, form) if isinstance(value, float | np.floating) else str(value) for value in row] for row in rows]
    parts = [[(text.partition(".")[0], "".join(text.partition(".")[1:])) for text in row] for row in texts]
    before = max((len(head) for row in parts for head, _ in row), default=0)
    after = max((len(tail) for row in parts for _, tail in row), default=0)
    return ["  ".join(head.rjust(before) + tail.ljust(after) for head, tail in row).rstrip() for row in parts]
