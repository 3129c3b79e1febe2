"""Arrays by the direction in which they point, so that those of which one is a multiple are found without comparing each with each."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping
from functools import lru_cache

import numpy as np

from bpdebug.core.description import Array
from bpdebug.core.functions import FUNCTIONS
from bpdebug.core.parser import Formula
from bpdebug.core.tree import Binary, Call, Name, Number, Transpose, Tree, Unary, walk

_WEIGHT = 1e-9
"""How far the weights of cells may be apart that are the same."""
_MARKS, _STRAIGHT = 3, 1e-10
"""Random directions; one less the cosine of directions that are the same."""
_EXPLODED = 100
"""How many times as large as at first what lives on is no more, two updates later."""


@lru_cache(maxsize=256)
def _directions(size: int) -> Array:
    drawn = np.random.default_rng(size).standard_normal((_MARKS, size))
    return np.asarray(drawn / np.linalg.norm(drawn, axis=1, keepdims=True))


def marks(value: Array) -> Array:
    """The cosines with a few random directions, which a factor does not change, but for the sign; NaN of what is 0 or not finite."""
    flat = value.ravel().astype(float, copy=False)
    with np.errstate(all="ignore"):
        return np.asarray(np.abs(_directions(flat.size) @ (flat / np.linalg.norm(flat))))


def same(one: Array, other: Array) -> bool:
    """Whether they are the same numbers, however small they are."""
    return np.allclose(one, other, atol=0.0)


def is_product(tree: Tree) -> bool:
    """Whether a formula multiplies matrices, so that no operand stands for the result."""
    return any(getattr(node, "operator", "") == "@" or getattr(node, "function", "") in ("einsum", "outer") for node in walk(tree))


def is_mixed(tree: Tree) -> bool:
    """Whether a formula adds up or exchanges cells, so that it is no multiple of what it reads."""
    calls = {node.function for node in walk(tree) if isinstance(node, Call)}
    return is_product(tree) or any(FUNCTIONS[name].reduces or name == "add_at" for name in calls)


def bare(tree: Tree) -> Tree:
    """A formula whatever its names."""
    return Name("x") if isinstance(tree, Name) else tree.rebuilt(bare)


def is_trivial(tree: Tree) -> bool:
    """Whether a formula only turns, shifts or scales what it reads."""
    match tree:
        case Transpose() | Unary() | Name():
            return True
        case Binary("+" | "-" | "*" | "/", Number(), _) | Binary("+" | "-" | "*" | "/", _, Number()):
            return True
    return False


def multiplies(tree: Tree, name: str) -> bool:
    """Whether a formula is a product with a tensor."""
    match tree:
        case Name(other):
            return other == name
        case Binary("*", left, right):
            return multiplies(left, name) or multiplies(right, name)
        case Binary("/", left, _):
            return multiplies(left, name)
    return False


def is_sound(value: Array, first: Array) -> bool:
    """Whether what lives on is finite, and has not exploded since the first update."""
    sizes = [float(np.abs(one).max(initial=0)) for one in (value, first)]
    return bool(np.isfinite(value).all()) and sizes[0] <= _EXPLODED * (1 + sizes[1])


def weight_of(added: Array, right: Array) -> float | None:
    """The number that all cells of an array are times those of another one; None where there is none."""
    shares = added[right != 0] / right[right != 0]
    return float(shares[0]) if shares.size and np.ptp(shares) < _WEIGHT else None


def is_cellwise(tree: Tree) -> bool:
    """Whether a node works cell by cell, or is a leaf."""
    match tree:
        case Call(function):
            return FUNCTIONS[function].cellwise
        case Binary(sign):
            return sign != "@"
    return isinstance(tree, Name | Number | Unary)


def laid_out(tree: Tree) -> str:
    """What a value is with its cells in other rows, ``x.T`` or ``reshape(x, (1, 4))``; "" where it is something else."""
    match tree:
        case Transpose(Name(name)) | Call("reshape", (Name(name), *_)):
            return name
    return ""


def is_whole_sum(formula: Formula | None, named: Collection[str]) -> bool:
    """Whether a value is the sum of all cells of one with a name, where an axis was left out."""
    match formula and formula.tree:
        case Call("sum" | "mean", (Name(name),), None):
            return name in named
    return False


class Alike(Mapping[str, Array]):
    """Arrays by name, which are found by what they are multiples of, too.

    Args:
        values: the arrays.
    """

    def __init__(self, values: Mapping[str, Array]) -> None:
        self._values = values
        found = defaultdict[tuple[int, ...], list[str]](list)
        for name, value in values.items():
            found[np.squeeze(value).shape].append(name)
        self._names = dict(found)
        self._marks = dict[tuple[int, ...], Array]()

    def __getitem__(self, name: str) -> Array:
        return self._values[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._values)

    def __len__(self) -> int:
        return len(self._values)

    def like(self, value: Array, its: Array, near: float) -> list[str]:
        """The names of those that may be multiples of a value, whose marks are given.

        Args:
            value, its: the array, and its marks.
            near: how far cells may be off, relative to the largest.
        """
        shape = np.squeeze(value).shape
        if not (names := self._names.get(shape)):
            return []
        if shape not in self._marks:
            self._marks[shape] = np.array([marks(self._values[name]) for name in names])
        off = np.abs(self._marks[shape] - its).max(axis=1)
        return [names[place] for place in np.flatnonzero(off <= 4 * near * value.size**0.5)]


class Directions:
    """The directions of gradients, of each shape by themselves: one of them times some factor has the same.

    Args:
        gradients: of any shapes.
    """

    def __init__(self, gradients: Iterable[Array]) -> None:
        of = defaultdict[tuple[int, ...], list[Array]](list)
        for right in gradients:
            norm = np.linalg.norm(right)
            of[np.squeeze(right).shape] += [np.ravel(right) / norm] if right.size > 1 and norm > 0 and np.isfinite(norm) else []
        self._rows = {shape: np.stack(rows) for shape, rows in of.items() if rows}

    def have(self, value: Array, near: float = 0.0) -> bool:
        """Whether a value has one of them, with cells that are perhaps as far off, relative to the largest."""
        rows, norm = self._rows.get(np.squeeze(value).shape), float(np.linalg.norm(value))
        return (
            rows is not None
            and 0 < norm < np.inf
            and bool(np.abs(rows @ (np.ravel(value) / norm)).max() > 1 - max(_STRAIGHT, near**2 * value.size))
        )
