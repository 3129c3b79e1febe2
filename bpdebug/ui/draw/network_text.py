"""Names and numbers in the little room that the drawing of the network has for them."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from rich.cells import cell_len

from bpdebug.core.numbers import cell, short
from bpdebug.ui.draw.spans import crop, plain

_LEAST = 4
"""Columns in which a shortened name still says something."""
_FINE = 0.00095
"""From which size on a number with three decimals has a digit left."""


def short_names(names: Sequence[str], room: int, letter: str) -> tuple[str, ...]:
    """Names in that many columns: whole, cut at the end, cut in the middle, as long as no two become the same; else ``x1 x2 …``."""
    for cut in (_whole, _head, _ends):
        made = [cut(name, room) for name in names]
        if max(map(cell_len, made)) <= room and (cut is _whole or len(set(made)) == len(made)):
            return tuple(made)
    return tuple(f"{letter}{place}" for place in range(1, len(names) + 1))


def _whole(name: str, room: int) -> str:
    return name


def _head(name: str, room: int) -> str:
    return name if cell_len(name) <= room or room < _LEAST else _part(name, 0, room - 1) + "…"


def _ends(name: str, room: int) -> str:
    tail = (room - 1) // 2
    return (
        name
        if cell_len(name) <= room or room < _LEAST
        else _part(name, 0, room - 1 - tail) + "…" + _part(name, cell_len(name) - tail, tail)
    )


def _part(name: str, start: int, columns: int) -> str:
    return plain(crop(((name, ""),), start, columns)).strip()


def number_text(value: float, room: int) -> str:
    """A number in the room that a neuron has, with its sign; only its sign where there is no room."""
    if value == 0:
        return "0"
    forms = ("+.3f", "+.2f", "+.1f", "+.1e", "+.0e", ".0e")[3 * (abs(value) < _FINE) :]
    sign = "?" if np.isnan(value) else "−" if value < 0 else "+"
    texts = (_compact(cell(value, form), room) for form in forms)
    return next((text for text in (*texts, f"{sign}{'~0' if abs(value) < 1 else 'big'}") if len(text) <= room), sign)


def _compact(text: str, room: int) -> str:
    """A number's text, in little room without the zero before the point."""
    text = text.replace("-", "−")
    return text[0] + text[2:] if room < 6 and text[1:3] == "0." else text


def given_text(value: float, room: int) -> str:
    """A number that was given, as short as it is."""
    texts = (short(value, digits).replace("-", "−") for digits in (4, 3, 2))
    return next((text for text in texts if len(text) <= room), number_text(value, room))
