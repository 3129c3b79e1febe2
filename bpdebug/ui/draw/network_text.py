"""Names and numbers in the little room that the drawing of the network has for them."""

from __future__ import annotations

import re
from collections.abc import Sequence

import numpy as np

from bpdebug.core.numbers import cell, minus, written
from bpdebug.ui.draw.spans import crop, first_that_fits, plain, width

_LEAST = 4
"""Columns in which a shortened name still says something."""
_FINE = 0.00095
"""From which size on a number is written with a fixed point: with three decimals it has a digit left."""


def short_names(names: Sequence[str], room: int, letter: str) -> tuple[str, ...]:
    """Names in that many columns: whole, cut at the end, cut in the middle, as long as no two become the same; else ``x1 x2 …``."""
    if max(map(width, names)) <= room:
        return tuple(names)
    for tail in (0, (room - 1) // 2) if room >= _LEAST else ():
        made = tuple(name if width(name) <= room else _cut(name, room, tail) for name in names)
        if len(set(made)) == len(made):
            return made
    return tuple(f"{letter}{place}" for place in range(1, len(names) + 1))


def _cut(name: str, room: int, tail: int) -> str:
    """The beginning and the end of a name."""
    parts = (plain(crop(((name, ""),), start, columns)).strip() for start, columns in ((0, room - 1 - tail), (width(name) - tail, tail)))
    return "…".join(parts)


def number_text(value: float, room: int) -> str:
    """A number in the room that a neuron has, with its sign; only its sign where there is no room."""
    if value == 0:
        return "0"
    forms = ("+.4f", "+.3f", "+.2f", "+.1f", "+.1e", "+.0e", ".0e")[4 * (abs(value) < _FINE) :]
    sign = "?" if np.isnan(value) else "−" if value < 0 else "+"
    texts = (re.sub(r"^(.)0\.", r"\1.", minus(cell(value, form))) for form in forms)  # without the zero before the point
    return first_that_fits((*texts, f"{sign}{'~0' if abs(value) < 1 else 'big'}", sign), room)


def given_text(value: float, room: int) -> str:
    """A number that was given, as short as it is."""
    return first_that_fits((written(value, digits) for digits in (4, 3, 2)), room, number_text(value, room))
