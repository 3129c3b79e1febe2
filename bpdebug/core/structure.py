"""The shapes of what NumPy's functions give, without running them: any rank, lengths that only the run knows among them.

Where a function only looks at memory in another way it is run itself, on an array without memory; where it would copy, its
rule stands here. What does not fit is a :class:`MisfitError`, which :mod:`bpdebug.core.shapes` puts into words with the operands' names.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from math import prod
from string import ascii_letters, ascii_uppercase
from typing import Any

import numpy as np

from bpdebug.core.functions import ARITHMETIC
from bpdebug.core.tensors import Array, Values

Shape = tuple[int, ...]
Shapes = Mapping[str, Shape]
"""Shapes by the names of tensors."""
MANY = 1_000_003


class Unknown(int):
    """A length that only the run knows, that of ``err[err > 0.5]``: written ``?``, it fits any other."""

    def __str__(self) -> str:
        return "?"

    __repr__ = __str__


class Made(int):
    """The length 1 of an axis that the formula itself makes, by ``None`` or ``keepdims=True``: it is meant to be stretched."""


UNKNOWN, MADE = Unknown(MANY), Made(1)


class Form(tuple[int, ...]):
    """A shape that says more, and is equal to the shape.

    Attributes:
        kind: of the numbers: ``f`` (floats), ``i`` (whole numbers) or ``b`` (truth values).
        number: of a single number that is known before anything runs, such as the count of samples, the number; unknown for a length that
            only the run knows, and what arithmetic makes of it.
    """

    kind: str
    number: int | None

    @classmethod
    def of(cls, shape: Iterable[int], kind: str = "f", number: int | None = None) -> Form:
        """A shape with what is to be said of it."""
        made = cls(shape)
        made.kind, made.number = kind, number
        return made

    def lasting(self) -> Form:
        """As it is for other formulas, to which no axis is of their own making."""
        return Form.of((int(n) if isinstance(n, Made) else n for n in self), self.kind, self.number)


def form_of(values: Array, rows: int | None = None) -> Form:
    """The shape of an array, with so many rows if that is said, and what else can be said of it."""
    kind = values.dtype.kind.replace("u", "i")
    number = int(values) if values.shape == () and kind == "i" else None
    return Form.of(values.shape if rows is None else (rows, *values.shape[1:]), kind, number)


class Forms(Mapping[str, Form]):
    """The shapes of the tensors of an update, by name, each found when it is asked for; their number of samples is a whole one."""

    def __init__(self, values: Values) -> None:
        self._values, self._known = values, dict[str, Form]()

    def __getitem__(self, name: str) -> Form:
        if name not in self._known:
            value = self._values[name]
            self._known[name] = form_of(np.asarray(value, int) if name == "m" and not value.ndim else value)
        return self._known[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._values)

    def __len__(self) -> int:
        return len(self._values)


def kind_of(shape: Shape) -> str:
    """The kind of number of a tensor with that shape; floats, where nothing else is said."""
    return getattr(shape, "kind", "f")


class MisfitError(Exception):
    """Operands that do not fit, as far as the shapes tell."""


def broadcast(left: Shape, right: Shape) -> Shape | None:
    """The shape that NumPy gives to what is computed cell by cell; None where the shapes do not fit."""
    rank = max(len(left), len(right))
    pairs = zip((1,) * (rank - len(left)) + left, (1,) * (rank - len(right)) + right, strict=True)
    found = [_along(a, b) for a, b in pairs]
    return None if None in found else tuple(n for n in found if n is not None)


def _along(a: int, b: int) -> int | None:
    if isinstance(a, Unknown) or isinstance(b, Unknown):
        return b if isinstance(a, Unknown) and b != 1 else a if a != 1 else b
    return a if b == 1 and not isinstance(b, Made) else b if a in (1, b) else a if b == 1 else None


def stretched(shape: Shape, wide: Shape) -> bool:
    """Whether an operand is stretched to a wider shape along an axis that the formula did not make for it."""
    before, own = wide[: len(wide) - len(shape)], wide[len(wide) - len(shape) :]
    return not all(isinstance(n, Made) for n in before) or any(
        a != b and not isinstance(a, Made | Unknown) and not isinstance(b, Unknown) for a, b in zip(shape, own, strict=True)
    )


def size_of(shape: Shape) -> int:
    """How many cells a shape has."""
    return UNKNOWN if any(isinstance(n, Unknown) for n in shape) else prod(shape)


def counted(sign: str, numbers: Sequence[int | None]) -> int | None:
    """The number that arithmetic makes of counts, where they are all known."""
    known = [number for number in numbers if number is not None]
    if any(isinstance(number, Unknown) for number in known):
        return UNKNOWN if len(known) == len(numbers) else None
    if len(known) < len(numbers) or sign not in ("+", "-", "*", "//") or (sign == "//" and not known[1]):
        return None
    first, *second = known
    return -first if not second else int(ARITHMETIC[sign](first, second[0]))


def contracted(subscripts: str, ranks: Sequence[int]) -> tuple[list[str], str]:
    """The letters of each operand of ``einsum``, of so many axes, and of the result: without an arrow those that occur once, in
    alphabetical order; capital ones stand for an ellipsis.

    Raises:
        MisfitError: where the result lacks the axes of an ellipsis.
    """
    given, arrow, result = subscripts.replace(" ", "").partition("->")
    parts, free = given.split(","), [letter for letter in ascii_uppercase if letter not in subscripts]
    if "..." in given and arrow and "..." not in result:
        raise MisfitError("the result has to have the axes of ..., too")
    if not arrow:
        result = "..." + "".join(sorted(letter for letter in {*given} - {*",."} if given.count(letter) == 1))
    more = [rank - len(part) + 3 if "..." in part else 0 for rank, part in zip(ranks, parts, strict=False)]
    wide = "".join(free[: max([0, *more])])
    parts[: len(more)] = [part.replace("...", wide[len(wide) - count :]) for part, count in zip(parts, more, strict=False)]
    return parts, result.replace("...", wide)


def multiplied(ranks: Sequence[int], axes: Any = 2) -> str:
    """What ``einsum`` has for ``tensordot``: the axes that are summed over have a letter in common."""
    pair = (range(-axes, 0), range(axes)) if isinstance(axes, int) else axes
    first, second = ascii_letters[: ranks[0]], [*ascii_letters[ranks[0] : sum(ranks)]]
    summed = [axes_of(one, rank) for one, rank in zip(pair, ranks, strict=True)]
    for one, other in zip(*summed, strict=True):
        second[other] = first[one]
    return f"{first},{''.join(second)}->{''.join(letter for letter in (*first, *second) if (letter in first) != (letter in second))}"


def axes_of(axis: Any, rank: int) -> tuple[int, ...]:
    """The axes, counted from the first; all for None.

    Raises:
        MisfitError: where there is no such axis.
    """
    given = tuple(range(rank)) if axis is None else (axis,) if isinstance(axis, int) else tuple(axis)
    for one in given:
        if not -rank <= one < rank:
            raise MisfitError(f"there is no axis {one}")
    found = tuple(one % rank for one in given)
    if len(set(found)) < len(found):
        raise MisfitError(f"{', '.join(map(str, given))} name one axis twice")
    return found


def axis_of_each(rank: int, items: Sequence[Any]) -> list[int]:
    """The axis that each item of a subscript begins with."""
    taken = [0 if item is None or item is ... else len(item) if kind_of_item(item) == "b" else 1 for item in items]
    whole = [rank - sum(taken) if item is ... else count for item, count in zip(items, taken, strict=True)]
    return [sum(whole[:place]) for place in range(len(items))]


def indexed(shape: Shape, items: Sequence[Any]) -> Shape:
    """The shape under a subscript, in which arrays are :class:`Form`; axes that ``None`` makes are of its making.

    Raises:
        MisfitError: for a place that is not there, or more places than axes.
    """
    used = sum(len(item) if kind_of_item(item) == "b" else item is not None for item in items if item is not ...)
    if used > len(shape):
        raise MisfitError(f"there are {used} places for {len(shape)} axes")
    if sum(item is ... for item in items) > 1:
        raise MisfitError("one ... is enough")
    spread = [*items] if ... in items else [*items, ...]
    axes = axis_of_each(len(shape), spread)
    lengths, parts, arrays, first, last = iter(shape), list[int](), list[Shape](), -1, -1
    fancy, apart = any(isinstance(item, Form) and (len(item) or item.kind == "b") for item in items), False
    for place, item in enumerate(spread):
        if item is ...:
            parts += [next(lengths) for _ in range(len(shape) - used)]
        elif item is None:
            parts.append(MADE)
        elif isinstance(item, slice):
            parts.append(_sliced(next(lengths), item))
        else:
            arrays.append(_placed(lengths, item, axes[place]))
            if fancy:
                apart |= last >= 0 and last != place - 1
                first, last = (len(parts) if first < 0 else first), place
    together: Shape = ()
    for array in arrays:
        wide = broadcast(together, array)
        if wide is None:
            raise MisfitError(f"its arrays of places are {' and '.join('×'.join(map(str, one)) for one in arrays if one)}")
        together = wide
    start = 0 if apart or first < 0 else first
    return (*parts[:start], *together, *parts[start:])


def kind_of_item(item: Any) -> str:
    """``b`` for an array of truth values, which stands for as many axes as it has."""
    return item.kind if isinstance(item, Form) else ""


def _sliced(length: int, part: slice) -> int:
    if part == slice(None):
        return length
    if part.step == 0:
        raise MisfitError("the step of a slice is not 0")
    unknown = any(isinstance(n, Unknown) for n in (length, part.start, part.stop, part.step))
    return UNKNOWN if unknown else len(range(*part.indices(length)))


def _placed(lengths: Any, item: Any, axis: int) -> Shape:
    """The shape of the places that an item takes from an axis, or a mask from several."""
    if isinstance(item, int):
        length = next(lengths)
        if not -length <= item < length:
            raise MisfitError(f"index {item} is out of range for axis {axis}")
        return ()
    if item.kind != "b":
        next(lengths)
        return tuple(item)
    for n in item:
        length = next(lengths)
        if broadcast((n,), (length,)) is None or (1 in (n, length) and n != length):
            raise MisfitError(f"the mask is {n} long where the axis is {length}")
    return (UNKNOWN,)
