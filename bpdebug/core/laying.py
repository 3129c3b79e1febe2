"""The shapes of functions that do not work cell by cell: a rule each, or NumPy itself on an array without memory."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from functools import partial
from math import prod
from typing import Any

import numpy as np
from numpy.lib.stride_tricks import as_strided, sliding_window_view

from bpdebug.core.functions import FUNCTIONS
from bpdebug.core.structure import (
    MADE,
    MANY,
    UNKNOWN,
    Form,
    MisfitError,
    Shape,
    Unknown,
    axes_of,
    broadcast,
    contracted,
    multiplied,
    size_of,
)
from bpdebug.core.tree import Call


def windows(shape: Shape, size: Any, axis: Any) -> Shape:
    """The shape of ``sliding_window_view``, which only looks at its argument in another way."""
    found = sliding_window_view(np.broadcast_to(np.empty((), bool), shape), size, axis).shape
    return tuple(UNKNOWN if n == MANY else n for n in found)


def permuted(run: Callable[..., Any], shape: Shape, *arguments: Any) -> Shape:
    """The shape under a function that exchanges axes: an array whose strides are the numbers of its axes tells how."""
    rank = len(shape)
    found = run(as_strided(np.empty(1, np.int8), (1,) * rank, tuple(range(rank))), *arguments)
    return tuple(shape[axis] for axis in found.strides)


def reshaped(shape: Shape, wanted: Any) -> Shape:
    """The shape of ``reshape``; each axis of length 1 is of its making."""
    target = wanted if isinstance(wanted, tuple) else (wanted,)
    if any(isinstance(n, Unknown) for n in (*shape, *target)):
        found: Shape = tuple(UNKNOWN if n == -1 else n for n in target)
    else:
        rest = -prod(target)
        if target.count(-1) > 1 or min(target, default=0) < -1 or (rest and -1 in target and prod(shape) % rest):
            raise MisfitError("")
        found = tuple(prod(shape) // rest if n == -1 else n for n in target) if rest > 0 or -1 not in target else target
        if prod(found) != prod(shape):
            raise MisfitError("")
    return tuple(MADE if n == 1 else n for n in found)


def triangle(shape: Shape, *_: int) -> Shape:
    """The shape of ``tril`` and ``triu``."""
    if len(shape) < 2:
        raise MisfitError("a triangle needs a matrix")
    return shape


def widened(shape: Shape, wanted: Any) -> Shape:
    """The shape of ``broadcast_to``."""
    target: Shape = wanted if isinstance(wanted, tuple) else (wanted,)
    if broadcast(shape, target) != target:
        raise MisfitError(f"that cannot be stretched to {'×'.join(map(str, target))}")
    return target


MOST = 2**27
"""Numbers that a tensor may hold."""


def reduced(shape: Shape, axis: Any, keepdims: bool) -> Shape:
    """The shape of a reduction."""
    folded = axes_of(axis, len(shape))
    return tuple(MADE if place in folded else n for place, n in enumerate(shape) if keepdims or place not in folded)


def expanded_dims(shape: Shape, axis: Any) -> Shape:
    """The shape with new axes, of length 1."""
    count = 1 if isinstance(axis, int) else len(axis)
    new, rest = axes_of(axis, len(shape) + count), iter(shape)
    return tuple(MADE if place in new else next(rest) for place in range(len(shape) + count))


def squeezed(shape: Shape, axis: Any) -> Shape:
    """The shape without axes of length 1."""
    if axis is None:
        return tuple(n for n in shape if n != 1)
    gone = axes_of(axis, len(shape))
    for place in gone:
        if shape[place] != 1:
            raise MisfitError(f"axis {place} is {shape[place]} long, not 1")
    return tuple(n for place, n in enumerate(shape) if place not in gone)


def joined(*shapes: Shape, axis: int) -> Shape:
    """The shape of ``concatenate``."""
    if not shapes or not shapes[0]:
        raise MisfitError("single numbers have no axis; stack takes them" if shapes else "nothing is given")
    (along,) = axes_of(axis, len(shapes[0]))
    lengths = [shape[along] for shape in shapes if len(shape) > along]
    total = UNKNOWN if any(isinstance(n, Unknown) for n in lengths) else sum(lengths)
    return (*shapes[0][:along], total, *shapes[0][along + 1 :])


def stacked(*shapes: Shape, axis: int) -> Shape:
    """The shape of ``stack``."""
    if not shapes:
        raise MisfitError("nothing is given")
    (along,) = axes_of(axis, len(shapes[0]) + 1)
    return (*shapes[0][:along], len(shapes), *shapes[0][along:])


def split(shape: Shape, sections: Any, axis: int) -> Shape:
    """The shape of equal parts, one after the other along a new first axis."""
    (along,) = axes_of(axis, len(shape))
    length = shape[along]
    if isinstance(sections, tuple):
        raise MisfitError("parts of different lengths are taken one by one: a, b = split(x, [2]), or split(x, [2])[0]")
    if not isinstance(sections, int) or sections < 1 or (length % sections and not isinstance(length, Unknown)):
        uneven = "parts of other lengths end at places: split(x, [2, 3])"
        raise MisfitError(f"axis {along} is {shape[along]} long, which does not make {sections} equal parts; {uneven}")
    part = length if isinstance(length, Unknown) else length // sections
    return (sections, *shape[:along], part, *shape[along + 1 :])


def padded(shape: Shape, width: Any) -> Shape:
    """The shape of ``pad``: one number, a pair, or a pair for each axis."""
    try:
        pairs = np.broadcast_to(np.asarray(width), (len(shape), 2)).tolist()
    except ValueError:
        raise MisfitError(f"it needs a pair of numbers for each of {len(shape)} axes") from None
    if any(n < 0 for pair in pairs for n in pair):
        raise MisfitError("a width is 0 or more")
    return tuple(n if isinstance(n, Unknown) else n + before + after for n, (before, after) in zip(shape, pairs, strict=True))


def repeated(shape: Shape, count: Any, axis: Any) -> Shape:
    """The shape of ``repeat``; without an axis all cells in one row."""
    flat = (size_of(shape),) if axis is None else shape
    (along,) = axes_of(0 if axis is None else axis, len(flat))
    counts, open_ = [count] * flat[along] if isinstance(count, int) else [*count], isinstance(flat[along], Unknown)
    if len(counts) not in (1, flat[along]) and not open_:
        raise MisfitError(f"axis {along} is {flat[along]} long; there are {len(counts)} counts")
    total = UNKNOWN if open_ else flat[along] * counts[0] if len(set(counts)) == 1 else sum(counts)
    return (*flat[:along], total, *flat[along + 1 :])


def taken(shape: Shape, places: Shape, axis: Any) -> Shape:
    """The shape of ``take``; without an axis from all cells in one row."""
    if axis is None:
        return places
    (along,) = axes_of(axis, len(shape))
    return (*shape[:along], *places, *shape[along + 1 :])


def taken_along(shape: Shape, places: Shape, axis: Any) -> Shape:
    """The shape of ``take_along_axis``."""
    (along,), rank = axes_of(axis, len(shape)), len(shape)
    wide = broadcast(*((*one[:along], 1, *one[along + 1 :]) for one in (shape, places))) if len(places) == rank else None
    if wide is None:
        raise MisfitError(f"the places have as many axes as it has, {rank}, of the same lengths but for axis {along}")
    return (*wide[:along], places[along], *wide[along + 1 :])


def on_diagonal(shape: Shape) -> Shape:
    """The shape of ``diag``: of a square its diagonal, of a list the square that has it there."""
    if len(shape) not in (1, 2) or len({*shape}) > 1:
        raise MisfitError("a square matrix has a diagonal, and a list is put on one")
    return shape * 2 if len(shape) == 1 else shape[:1]


def running(shape: Shape, axis: Any) -> Shape:
    """The shape of a running sum or product; without an axis of all cells in one row."""
    return (size_of(shape),) if axis is None else flipped(shape, axis)


def flipped(shape: Shape, axis: Any) -> Shape:
    """The shape of ``flip``."""
    axes_of(axis, len(shape))
    return shape


def summed(*operands: Any) -> Shape:
    """The shape of ``einsum``, from those of what is multiplied and, last, the subscripts; ``{0}`` in a message is the first array."""
    *shapes, subscripts = operands
    (parts, result), lengths = contracted(subscripts, [*map(len, shapes)]), dict[str, tuple[int, int, int]]()
    if len(parts) != len(shapes):
        raise MisfitError(f"its subscripts stand for {len(parts)}, and {len(shapes)} arrays are given")
    for part, shape in zip(parts, shapes, strict=True):
        if len(part) != len(shape):
            raise MisfitError(f"{part} stands for {'×'.join(map(str, shape)) or 'a single number'}: a letter an axis is needed")
    for place, (part, shape) in enumerate(zip(parts, shapes, strict=True)):
        for axis, (letter, n) in enumerate(zip(part, shape, strict=True)):
            own, there, other = lengths.setdefault(letter, (n, place, axis))
            if own != n:
                raise MisfitError(f"axis {other} of {{{there}}} is {own}, axis {axis} of {{{place}}} is {n}")
    if len(set(result)) < len(result) or not set(result) <= {*lengths}:
        raise MisfitError(f"each letter of the result {result} has to be one of {' '.join(lengths)}, once")
    return tuple(lengths[letter][0] for letter in result)


RULES: dict[str, Callable[..., Shape]] = {
    **dict.fromkeys(("cumsum", "cumprod"), running),
    "einsum": summed,
    "tensordot": lambda left, right, *axes: summed(left, right, multiplied((len(left), len(right)), *axes)),
    "add_at": lambda into, _: into,
    "arange": lambda *ends: (UNKNOWN if any(isinstance(end, Unknown) for end in ends) else len(range(*ends)),),
    "eye": lambda *lengths: (lengths[0], lengths[-1]),
    **dict.fromkeys(("zeros", "ones"), lambda wanted: wanted if isinstance(wanted, tuple) else (wanted,)),
    **dict.fromkeys(("zeros_like", "ones_like"), lambda shape: shape),
    **dict.fromkeys(("tril", "triu"), triangle),
    "reshape": reshaped,
    **{name: partial(permuted, FUNCTIONS[name].run) for name in ("transpose", "swapaxes", "moveaxis")},
    "squeeze": squeezed,
    "expand_dims": expanded_dims,
    "broadcast_to": widened,
    "concatenate": joined,
    "stack": stacked,
    "split": split,
    "pad": padded,
    "repeat": repeated,
    "flip": flipped,
    "take": taken,
    "take_along_axis": taken_along,
    "diag": on_diagonal,
    "sliding_window_view": windows,
}
"""How the functions that are no ufunc make their shapes, from those of the arguments, what is known before anything runs, and the axis."""


_TOLD = {
    r"axis (-?\d+) is out of bounds": "there is no axis {}",
    "axes don't match": "as many axes are named as there are, each once",
    "repeated axis": "as many axes are named as there are, each once",
    "window shape cannot be larger": "a window is no larger than what it slides over",
    "must provide window_shape": "a window has a length for each axis, or for those that axis= names",
}
"""What NumPy says, and how it is said here."""


def laid(tree: Call, shapes: Sequence[Form], numbers: Sequence[Any], samples: int) -> Shape:
    """The shape of a function that has a rule.

    Args:
        tree: the call.
        shapes: of its arguments.
        numbers: its arguments that are known before anything runs.
        samples: a number of samples that is tried only, so that no memory has to hold them.

    Raises:
        MisfitError: where the arguments do not fit, or memory does not hold the result.
    """
    try:
        found = RULES[tree.function](*shapes, *numbers, **({"axis": tree.axis} if FUNCTIONS[tree.function].axes else {}))
    except (ValueError, IndexError, TypeError) as error:
        told = next((said.format(*wrong.groups()) for words, said in _TOLD.items() if (wrong := re.search(words, str(error)))), str(error))
        raise MisfitError(told) from None
    tried = any(n and n % samples == 0 for n in found)
    if min(found, default=0) < 0:
        raise MisfitError(f"that would be {'×'.join(map(str, found))}; a length is 0 or more")
    if size_of(found) > MOST and not tried:
        raise MisfitError(f"that would be {'×'.join(map(str, found))}; a tensor has at most {MOST:,} numbers")
    return found
