"""Numbers as text: aligned, with their sign, never rounded to a wrong impression."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from bpdebug.engine.description import Array


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
    magnitude = math.floor(math.log10(abs(value)))
    if -5 < magnitude < digits + 3:
        text = f"{value:.{max(digits - 1 - magnitude, 0)}f}"
        return text.rstrip("0").rstrip(".") if "." in text else text
    mantissa, _, exponent = f"{value:.{digits - 1}e}".partition("e")
    return f"{mantissa.rstrip('0').rstrip('.')}e{int(exponent)}"


def number_format(values: Array, digits: int = 4) -> str:
    """The format that shows all of these numbers aligned, always with a sign: fixed point where it is faithful, else scientific."""
    finite = np.abs(values[np.isfinite(values)]) if values.size else values
    nonzero = finite[finite > 0]
    if not nonzero.size:
        return f"+.{digits}f"
    if float(nonzero.max()) < 10**digits and float(nonzero.min()) >= 0.5 * 10.0**-digits:
        return f"+.{digits}f"
    if float(nonzero.max()) < 10**digits and float(nonzero.max()) >= 0.1:
        return f"+.{digits}f"
    return f"+.{max(digits - 2, 1)}e"


def cell(value: float, form: str) -> str:
    """One cell in a format of :func:`number_format`; a number that fixed point would show as 0 turns scientific."""
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


_BARS = "▁▂▃▄▅▆▇█"


def sparkline(values: Sequence[float], most: int = 24) -> str:
    """The last values as a row of small bars; a value that is not finite is a question mark."""
    shown = list(values)[-most:]
    finite = [value for value in shown if math.isfinite(value)]
    if len(shown) < 2 or not finite:
        return ""
    low, high = min(finite), max(finite)
    span = (high - low) or 1.0
    return "".join(_BARS[round((value - low) / span * 7)] if math.isfinite(value) else "?" for value in shown)


def table(values: Array, form: str = ".10g") -> list[str]:
    """A tensor as text lines in plenty of digits, aligned at the decimal point, for the command line."""
    rows = np.atleast_2d(values) if values.ndim else values.reshape(1, 1)
    parts = [[_parted(value, form) for value in row] for row in rows]
    before = max((len(head) for row in parts for head, _ in row), default=0)
    after = max((len(tail) for row in parts for _, tail in row), default=0)
    return ["  ".join(head.rjust(before) + tail.ljust(after) for head, tail in row).rstrip() for row in parts]


def _parted(value: Any, form: str) -> tuple[str, str]:
    """A number's text up to its decimal point, and the rest."""
    text = format(value, form) if isinstance(value, float | np.floating) else str(value)
    head, point, tail = text.partition(".")
    return head, point + tail
