"""Where the cells of a tensor that is only laid out anew come from: the function is run on the numbers of its operands' cells.

Reshaping, exchanging axes, subscripts, joining, repeating and padding need no rule of their own: what comes out of the
numbers 1, 2, 3, … in the place of an operand's cells says from which of them each cell comes, and 0 that it comes from none. That is
the explanation of a cell, and the derivative too.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from itertools import product
from math import prod
from typing import Any, cast

import numpy as np

from bpdebug.core.evaluate import key_of, options, statics, whole_of
from bpdebug.core.functions import FUNCTIONS
from bpdebug.core.parser import Formula
from bpdebug.core.record import Record, replace
from bpdebug.core.structure import contracted, multiplied
from bpdebug.core.tensors import Array
from bpdebug.core.tree import Call, Index, Listing, Name, Text, Transpose, Tree

Letters = tuple[int | str, ...]
Factors = Iterator[Sequence[tuple[Tree, Letters]]]


class Sources(Record, eq=False):
    """Where the cells of a node come from.

    Attributes:
        operands: what is laid out anew.
        shapes: their shapes.
        numbers: in the shape of the node, for each cell the number of the cell that it comes from, counted from 1 over all
            operands one after the other, in the order of their memory; 0 where it comes from none.
    """

    operands: tuple[Tree, ...]
    shapes: tuple[tuple[int, ...], ...]
    numbers: Array

    def of(self, cell: tuple[int, ...]) -> tuple[Tree, tuple[int, ...]] | None:
        """The operand and its cell from which a cell comes; None for the 0 of a padding."""
        number = int(self.numbers[cell]) - 1
        for operand, shape in zip(self.operands, self.shapes, strict=True):
            if 0 <= number < prod(shape):
                return operand, tuple(map(int, np.unravel_index(number, shape)))
            number -= prod(shape)
        return None


def is_layout(tree: Tree) -> bool:
    """Whether each cell of a node is one of an operand's, or 0."""
    return isinstance(tree, Transpose | Index) or (isinstance(tree, Call) and FUNCTIONS[tree.function].structural)


CHANGED = "NumPy changes the array of {1} here, too: write {0} = {0} …, which makes a new one"
"""What is said of a line that changes an array that is not its own alone."""
_COPIES = ("pad", "repeat", "take", "tril", "triu")
_COPIED = re.compile(r"\b(copy|flatten|array)\(")


def owner_of(name: str, formula: Formula, owners: Mapping[str, str]) -> str:
    """The tensor whose array NumPy may have for that of a line, which is a view of it or another name for it; else its own name."""
    tree = formula.tree
    while is_layout(tree) and not (tree.arrays if isinstance(tree, Index) else isinstance(tree, Call) and tree.function in _COPIES):
        tree = tree.children()[0]
    return owners.get(tree.name, tree.name) if isinstance(tree, Name) and not _COPIED.search(formula.text) else name


def shared_by(name: str, owners: Mapping[str, str]) -> str:
    """Another tensor that would change with a tensor's array; "" where there is none."""
    owner = owners.get(name, name)
    return next((other for other in (owner, *owners) if other != name and owners.get(other, other) == owner), "")


def operands_of(tree: Tree) -> tuple[Tree, ...]:
    """What a node lays out anew: its first operand, or each array of a list."""
    first = tree.children()[0]
    return first.items if isinstance(first, Listing) else (first,)


def with_operands(tree: Tree, operands: Sequence[Tree]) -> Tree:
    """The node with other operands to lay out."""
    if not isinstance(tree, Call):
        return replace(tree, operand=operands[0])
    first = Listing(tuple(operands)) if isinstance(tree.arguments[0], Listing) else operands[0]
    return replace(tree, arguments=(first, *tree.arguments[1:]))


def sources(tree: Tree, shape: Callable[[Tree], Sequence[int]], argument: Callable[[Tree], Any]) -> Sources:
    """Where the cells of a node come from that is a layout (:func:`is_layout`).

    Args:
        tree: the node.
        shape: of an operand.
        argument: the value of its other arguments, and of the arrays in a subscript.
    """
    operands = operands_of(tree)
    shapes = tuple(tuple(shape(operand)) for operand in operands)
    numbered, first = list[Any](), 1
    for own in shapes:
        numbered.append(np.arange(first, first + prod(own)).reshape(own))
        first += prod(own)
    if isinstance(tree, Transpose):
        return Sources(operands, shapes, numbered[0].T)
    if isinstance(tree, Index):
        return Sources(operands, shapes, np.asarray(numbered[0][key_of(tree.items, argument)]))
    row, listed = FUNCTIONS[tree.function], isinstance(tree.arguments[0], Listing)  # type: ignore[attr-defined]
    others = statics(row, [None, *map(argument, tree.arguments[1:])])[1:]  # type: ignore[attr-defined]
    found = row.run(numbered if listed else numbered[0], *others, **options(tree))  # type: ignore[arg-type]
    return Sources(operands, shapes, np.asarray(found))


def stretched(index: Letters, shape: Sequence[int]) -> Letters:
    """The cell of an operand of that shape that goes into a result's cell: axes of length 1 are stretched."""
    own = index[len(index) - len(shape) :]
    return tuple(0 if length == 1 else place for length, place in zip(shape, own, strict=True))


def _running(value: Callable[[Tree], Array], _: Callable[[Tree], Any], tree: Call, index: Letters) -> Factors:
    """What ``cumsum`` has added up to a cell, and ``cumprod`` multiplied."""
    (operand,), shape = tree.arguments, value(tree.arguments[0]).shape
    axis = tree.axis % len(shape) if isinstance(tree.axis, int) else 0
    before = range(cast(int, index[axis]) + 1)
    places: list[Letters] = [(*index[:axis], n, *index[axis + 1 :]) for n in before]
    if tree.axis is None:
        places = [tuple(map(int, np.unravel_index(n, shape))) for n in before]
    factors = [(operand, place) for place in places]
    yield from [factors] if tree.function == "cumprod" else ([factor] for factor in factors)


def _contracted(value: Callable[[Tree], Array], argument: Callable[[Tree], Any], tree: Call, index: Letters) -> Factors:
    """What ``einsum`` or ``tensordot`` adds up to a cell: products over the letters that the result does not have."""
    operands = [one for one in tree.arguments[: 2 if tree.function == "tensordot" else None] if not isinstance(one, Text)]
    shapes = [value(operand).shape for operand in operands]
    if tree.function == "tensordot":
        text = multiplied([len(shape) for shape in shapes], *(whole_of(argument(one)) for one in tree.arguments[2:]))
    else:
        text = cast(Text, tree.arguments[0]).text
    parts, result = contracted(text, [len(shape) for shape in shapes])
    lengths = {letter: n for part, shape in zip(parts, shapes, strict=True) for letter, n in zip(part, shape, strict=True)}
    known, summed = dict(zip(result, index, strict=True)), [letter for letter in lengths if letter not in result]
    for places in product(*(range(lengths[letter]) for letter in summed)):
        at = known | dict(zip(summed, places, strict=True))
        yield [(operand, tuple(at[letter] for letter in part)) for operand, part in zip(operands, parts, strict=True)]


def _scattered(value: Callable[[Tree], Array], argument: Callable[[Tree], Any], tree: Call, index: Letters) -> Factors:
    """What ``add_at`` has in a cell: what was there, and all that is added to it."""
    into, key, values = tree.arguments
    shape = value(into).shape
    yield [(into, index)]
    numbers = np.arange(prod(shape)).reshape(shape)
    targets = np.asarray(numbers[argument(key)])
    for place in np.argwhere(targets == numbers[index]):  # type: ignore[index]
        yield [(values, stretched(tuple(map(int, place)), value(values).shape))]


ADDED: dict[str, Callable[..., Factors]] = {"cumsum": _running, "cumprod": _running, "add_at": _scattered}
ADDED |= dict.fromkeys(("einsum", "tensordot"), _contracted)
"""The functions that add something else than a whole axis: the products that they add."""
