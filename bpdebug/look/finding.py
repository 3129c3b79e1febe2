"""What is worth saying of a training that is right and yet does not learn."""

from __future__ import annotations

from collections.abc import Iterable
from math import nan

from bpdebug.core.record import Record

SHARE = 0.1
"""From which share on of what there is to learn it is said that something is out of reach."""
OVER = 2.0
"""How many times the limit a step must be where the loss is no quadratic: near the limit, networks settle by themselves (Cohen et al.,
Gradient Descent Typically Occurs at the Edge of Stability (2021))."""


class Finding(Record):
    """Something that is worth saying of a layer, or of the network as a whole.

    Attributes:
        name: of the rule; it is also the name of a condition to stop at.
        text: a word or two.
        why: with the numbers, and what to do; it ends with a full stop.
        grave: whether training cannot go well with it.
        layer: which one, from 1; 0 for the network, its data or its step.
        value: the number that was compared.
        threshold: what it was compared with.
    """

    name: str
    text: str
    why: str
    grave: bool = True
    layer: int = 0
    value: float = nan
    threshold: float = nan


def listed(numbers: Iterable[int]) -> str:
    """Numbers in words: 0, 1 and 2; of many, the first three and the last."""
    *first, last = map(str, numbers)
    return f"{', '.join(first[:3])} … {last}" if len(first) > 4 else " and ".join(filter(None, (", ".join(first), last)))
