"""By which of his values each parameter is moved."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence

from bpdebug.frontends.numpy_script.fits import Differentiated, scale
from bpdebug.frontends.numpy_script.lines import used
from bpdebug.frontends.numpy_script.recording import Recording, Statement

_ALIKE = 1e-3
"""Factors that are as near are the same."""


def ends_of(recording: Recording, loss: Differentiated, own: Sequence[Statement], subtracted: Mapping[str, str]) -> dict[str, str]:
    """The value that each parameter is moved by, by the parameter: one with the numbers of its gradient, if there is one.

    Args:
        recording, loss: the script, and what is derived from it.
        own: what may be a gradient of his, in his order.
        subtracted: the parameter that a value is subtracted from, by the value's name.
    """
    values, inner = recording.values[-1], {one.name for one in recording.statements if one.inner}
    of, found = {tensor: name for name, tensor in subtracted.items()}, dict[str, str]()
    due, factors = loss.gradients, Counter[float]()
    for parameter in sorted(recording.carried.keys() & due.keys(), key=lambda name: due[name].size == 1):
        reads = used(recording.statements, [recording.carried[parameter]])
        first = [of[name] for name in (parameter,) if name in of]
        tried = [*first, *(one.name for one in reversed(own) if one.name in reads and not one.partial)]
        scales = {name: factor for name in tried if (factor := scale(values[name], due[parameter]))}
        if due[parameter].size == 1:  # any number is a multiple of it
            usual = max(factors, key=factors.__getitem__, default=1.0)
            scales = {n: factor for n, factor in scales.items() if abs(factor / usual - 1) < _ALIKE and n not in inner}
        chosen = [*sorted(scales, key=lambda name: name in inner), *first]
        factors.update(float(f"{scales[name]:.4g}") for name in chosen[:1] if name in scales)
        found |= dict.fromkeys([parameter][: len(chosen)], next(iter(chosen), ""))
    return found


__all__ = ["ends_of"]
