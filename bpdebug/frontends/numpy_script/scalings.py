"""Factors that all his gradients share: which are conventions, and which a line has invented."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterator, Mapping

import numpy as np

from bpdebug.core.description import Array
from bpdebug.core.tree import Binary, Name, Number, walk
from bpdebug.frontends.numpy_script.recording import Recording

_CLOSE = 1e-9


def is_invented(recording: Recording, gradient: str, factor: float) -> bool:
    """Whether a gradient is so many times the right one because of a number that only its own line has, and that stands for nothing.

    Sizes, powers of 2 and of 10, and numbers that have a name in the script are conventions: m, the outputs, ½, the learning rate. So is
    any number where the step takes the gradient as it is: that is the rate, then. A factor that no line shows is not accused either.
    """
    if factor <= 0 or not any(_is_close(factor, one) for one in _written(recording, gradient)):
        return False
    named = [
        *_sizes(recording),
        *(abs(float(one)) for one in recording.given[0].values() if one.ndim == 0 and one.dtype.kind in "iuf" and one),
    ]
    power = any(_is_close(math.log(factor, base) % 1.0 or 1.0, 1.0) for base in (2, 10))
    return not (power or any(_is_close(factor, one) for one in named) or _is_rate(recording))


def _is_close(factor: float, number: float) -> bool:
    """Whether a factor is that number, or one part in so many."""
    return number > 0 and min(abs(factor / number - 1), abs(factor * number - 1)) < _CLOSE


def _written(recording: Recording, gradient: str) -> Iterator[float]:
    """The numbers that stand in the line of a gradient."""
    known = {one.name: one for one in recording.statements}
    waiting = [gradient]
    while waiting:
        one = known.get(waiting.pop())
        if one and one.formula and one.line == known[gradient].line and (one.inner or one.name == gradient):
            yield from (abs(node.value) for node in walk(one.formula.tree) if isinstance(node, Number))
            waiting += [name for name in one.formula.names if name != one.name]


def _sizes(recording: Recording) -> Iterator[float]:
    """The lengths of axes, and how often a line runs."""
    values: Mapping[str, Array] = {**recording.given[0], **recording.values[-1]}
    yield from {float(length) for value in values.values() for length in (*np.shape(value), np.size(value))}
    yield from map(float, Counter(one.line for one in recording.statements if not one.inner).values())


def _is_rate(recording: Recording) -> bool:
    """Whether a step takes a gradient as it is, without a rate."""
    made = {one.name: one for one in recording.statements}

    def is_scaled(name: str) -> bool:
        one = made.get(name)
        match one.formula.tree if one and one.formula and one.inner else None:
            case Binary("*" | "/"):
                return True
        return False

    for parameter, new in recording.carried.items():
        formula = made[new].formula if new in made else None
        match formula.tree if formula else None:
            case Binary("-" | "+", Name(old), Name(step)) if old == parameter and not is_scaled(step):
                return True
    return False


__all__ = ["is_invented"]
