"""What a gradient of the wrong shape shows: a sum that is missing, a transpose, a reshape."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from bpdebug.core.description import Array
from bpdebug.trust.finding import Suspect

SAME = 3e-6
"""What differences leave of a right number, relative to it."""


def same(found: Array, wrong: Array) -> bool:
    """Whether two arrays hold the same numbers but for what differences leave, where both are known."""
    known = np.isfinite(found) & np.isfinite(wrong)
    if not known.any() or (np.isnan(wrong) & np.isfinite(found)).any():
        return False
    scale = float(np.abs(wrong[known]).max())
    return bool((np.abs(found[known] - wrong[known]) <= SAME * np.abs(wrong[known]) + 1e-3 * SAME * scale).all())


def misshapen(name: str, wrong: Array, right: Array) -> tuple[Suspect, ...]:
    """What a gradient of the wrong shape probably is."""
    was, due = wrong.shape, right.shape
    start = f"{name} is {was} and should be {due}"
    with np.errstate(all="ignore"):
        if wrong.shape == right.shape[::-1] and same(right.T, wrong):
            return (Suspect("transposed", "a transpose missing, or one too many", f"{start}: its transpose is right"),)
        for axes in _sums(was, due):
            words = f"sum over axis {axes[0]}" if len(axes) == 1 else f"sum over axes {', '.join(map(str, axes))}"
            for title, kind, found in (
                ("a sum left out", "not_summed", wrong.sum(axis=axes)),
                ("a mean left out", "not_summed", wrong.mean(axis=axes)),
            ):
                if same(right, found.reshape(due)):
                    exact = words if "sum" in title else words.replace("sum", "the mean")
                    return (Suspect(kind, title, f"{start}: {exact}, and it is right"),)
        if wrong.size == right.size and same(right, wrong.reshape(due)):
            return (Suspect("reshaped", "a wrong shape", f"{start}: its numbers are right in that order; reshape it to {due}"),)
        for axes in _sums(due, was):
            if same(right.sum(axis=axes).reshape(was), wrong):
                extra = f"the sum over axis {', '.join(map(str, axes))} of the right one"
                return (Suspect("wrong_axis", "a sum too many", f"{start}: it is {extra}"),)
        hints = list(_sums(was, due))
    if hints:
        words = " or ".join(f"axis {', '.join(map(str, axes))}" for axes in hints[:2])
        evidence = f"{start}: what was broadcast in forward is summed over in backward (here over {words}); its numbers are wrong besides"
        return (Suspect("not_summed", "a sum left out", evidence),)
    return (Suspect("wrong_shape", "a wrong shape", f"{start}, as what it is the gradient of"),)


def _sums(was: tuple[int, ...], due: tuple[int, ...]) -> Iterator[tuple[int, ...]]:
    """The axes over which to sum to come from one shape to another, but for axes of length 1."""
    wanted = [length for length in due if length != 1]
    for bits in range(1, 2 ** min(len(was), 6)):
        axes = tuple(axis for axis in range(len(was)) if bits >> axis & 1)
        left = [length for axis, length in enumerate(was) if axis not in axes and length != 1]
        if left == wanted and any(was[axis] > 1 for axis in axes):
            yield axes
