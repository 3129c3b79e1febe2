"""The syntax tree of a formula: a dozen kinds of frozen nodes, and the walks that everything else is made of.

The tree is the only form in which the engine holds mathematics. It is executed, checked, explained and drawn, and
rewritten here: renaming for the operation table, transposition for the column convention.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import chain
from types import EllipsisType
from typing import Any, TypeAlias, TypeGuard, cast

from bpdebug.core.function import Axis, Function
from bpdebug.core.functions import CONSTANTS, FUNCTIONS, LENGTH, OPERATORS, POWERS

Bound: TypeAlias = "int | Tree | None"
Slice: TypeAlias = "tuple[Bound, Bound, Bound]"
Item: TypeAlias = "int | Slice | EllipsisType | Tree | None"
"""A part of a subscript: a place, a slice, ``...``, an array of places or of truth values, or None for a new axis."""
WHOLE: Slice = (None, None, None)
"""The slice ``:``."""


def _below(value: object) -> Iterator[Tree]:
    """The nodes in a part of a node."""
    if isinstance(value, Tree):
        yield value
    elif isinstance(value, tuple):
        for part in value:
            yield from _below(part)


def _changed(value: Any, change: Callable[[Tree], Tree]) -> Any:
    """A part of a node with each node in it changed; the same object where nothing is."""
    if isinstance(value, Tree):
        return change(value)
    if not isinstance(value, tuple):
        return value
    made = tuple(_changed(part, change) for part in value)
    return value if all(new is old for new, old in zip(made, value, strict=True)) else made


@dataclass(frozen=True, slots=True)
class Tree:
    """A node; ``column`` is its place in the text, counted from 1, and no part of its meaning."""

    column: int = field(default=1, compare=False, kw_only=True)

    def children(self) -> tuple[Tree, ...]:
        """The nodes below this one, left to right."""
        return tuple(chain.from_iterable(_below(getattr(self, part)) for part in self.__slots__))

    def rebuilt(self, change: Callable[[Tree], Tree]) -> Tree:
        """This node with ``change`` applied to each child."""
        changed: dict[str, Any] = {}
        for part in self.__slots__:
            value = getattr(self, part)
            if isinstance(value, Tree | tuple) and (new := _changed(value, change)) is not value:
                changed[part] = new
        return replace(self, **changed) if changed else self


class Leaf(Tree):
    """What has nothing below it."""

    __slots__ = ()

    def children(self) -> tuple[Tree, ...]:
        """None."""
        return ()

    def rebuilt(self, change: Callable[[Tree], Tree]) -> Tree:
        """Itself."""
        return self


@dataclass(frozen=True, slots=True)
class Number(Leaf):
    """A literal, never negative (a minus sign is a node of its own); a whole number is an ``int`` where it is written without a point."""

    value: float


@dataclass(frozen=True, slots=True)
class Name(Leaf):
    """A named tensor; ``truth``: it is known to hold truth values, as long as a derivative is looked for."""

    name: str
    truth: bool = field(default=False, kw_only=True)


@dataclass(frozen=True, slots=True)
class Place(Tree):
    """A cell of a tensor, in the formula of one number: its axes have places, or letters that are summed over."""

    name: str
    index: tuple[int | str, ...]


@dataclass(frozen=True, slots=True)
class Written(Tree):
    """A number that is written already: with few digits, or the ellipsis of a long sum."""

    text: str


class Operation(Tree):
    """What computes something: neither a leaf nor a view."""

    __slots__ = ()


@dataclass(frozen=True, slots=True)
class Unary(Operation):
    """``-x`` or ``not x``."""

    operator: str
    operand: Tree

    def children(self) -> tuple[Tree, ...]:
        """The one operand."""
        return (self.operand,)


@dataclass(frozen=True, slots=True)
class Binary(Operation):
    """Arithmetic ``+ - * / ** @``, a comparison, or ``and`` / ``or``."""

    operator: str
    left: Tree
    right: Tree

    def children(self) -> tuple[Tree, ...]:
        """Both sides."""
        return self.left, self.right

    def rebuilt(self, change: Callable[[Tree], Tree]) -> Tree:
        """With both sides changed."""
        left, right = change(self.left), change(self.right)
        return self if left is self.left and right is self.right else Binary(self.operator, left, right, column=self.column)


@dataclass(frozen=True, slots=True)
class Transpose(Tree):
    """``x.T``."""

    operand: Tree


@dataclass(frozen=True, slots=True)
class Call(Operation):
    """A function of the fixed list.

    Attributes:
        function: its name.
        arguments: what stands before the keywords, such as a reshaped tensor and its shape.
        axis: the axis or axes that it works along, as they are written (-1 is the last); None for none, or for all that it folds.
        keepdims: whether a folded axis stays, with length 1.
        ddof: what ``var`` and ``std`` take from the number of cells that they divide by.
    """

    function: str
    arguments: tuple[Tree, ...]
    axis: Axis = None
    keepdims: bool = False
    ddof: int = 0

    @property
    def reduces(self) -> bool:
        """Whether it folds an axis, or everything into one number."""
        return FUNCTIONS[self.function].reduces

    def folded(self, rank: int) -> tuple[int, ...]:
        """The axes that a reduction folds of so many, counted from the first."""
        if self.axis is None:
            return tuple(range(rank))
        return tuple(sorted({axis % rank for axis in self.axis} if isinstance(self.axis, tuple) else {self.axis % rank}))


@dataclass(frozen=True, slots=True)
class Blank(Call):
    """What is left to the user to write: it is shown as dots, and has the shape of its argument."""

    def children(self) -> tuple[Tree, ...]:
        """The argument."""
        return self.arguments


@dataclass(frozen=True, slots=True)
class Length(Operation):
    """``x.shape[0]``, the length of an axis; without one ``x.size``, the number of cells, and of all axes (``...``) ``x.shape``."""

    operand: Tree
    axis: int | EllipsisType | None = None


@dataclass(frozen=True, slots=True)
class Text(Tree):
    """A string, the first argument of ``einsum``."""

    text: str


@dataclass(frozen=True, slots=True)
class Listing(Tree):
    """A list or tuple as an argument: ``[q, k]``, ``(2, -1)``."""

    items: tuple[Tree, ...]


@dataclass(frozen=True, slots=True)
class Key(Tree):
    """A subscript as an argument: the places that ``add_at`` adds to; written ``i``, ``(i, j)`` or, with slices, ``s_[:, i]``."""

    items: tuple[Item, ...]


@dataclass(frozen=True, slots=True)
class Index(Tree):
    """``x[1, 0]``, ``x[:, None]``, ``x[..., i]``: a subscript as NumPy has it."""

    operand: Tree
    items: tuple[Item, ...]

    @property
    def arrays(self) -> tuple[Tree, ...]:
        """The items that are values: arrays of places or of truth values, and single places that are computed."""
        return tuple(item for item in self.items if isinstance(item, Tree))


View = Transpose | Index
"""What computes nothing: it has the cells of one operand in other places."""


def operation(tree: Operation) -> tuple[Function, tuple[Tree, ...]]:
    """The row of what a node computes, and the operands that the row takes."""
    if isinstance(tree, Call):
        return FUNCTIONS[tree.function], tree.arguments
    if isinstance(tree, Unary):
        return OPERATORS[tree.operator, 1], (tree.operand,)
    if isinstance(tree, Length):
        return LENGTH, (tree.operand,)
    binary = cast(Binary, tree)
    if binary.operator == "**" and (row := POWERS.get(signed(binary.right) or 0)):
        return row, (binary.left,)
    return OPERATORS[binary.operator, 2], (binary.left, binary.right)


def signed(tree: Tree) -> float | None:
    """The literal that a tree is, with its sign; else None."""
    match tree:
        case Number(value):
            return value
        case Unary("-", Number(value)):
            return -value
    return None


def walk(tree: Tree) -> Iterator[Tree]:
    """The node and all below it, parents first."""
    left = [tree]
    while left:
        node = left.pop()
        yield node
        left += node.children()[::-1]


def names(tree: Tree) -> tuple[str, ...]:
    """The tensors that a formula reads, each once, in order of appearance."""
    found, seen, left = dict[str, None](), set[int](), [tree]
    while left:  # what stands in several places, put in for a name, is looked at once
        node = left.pop()
        if id(node) not in seen:
            seen.add(id(node))
            left += node.children()[::-1]
            if isinstance(node, Name) and node.name not in CONSTANTS:
                found[node.name] = None
    return tuple(found)


def is_product(tree: Tree) -> TypeGuard[Binary]:
    """Whether a node is a product of matrices."""
    return isinstance(tree, Binary) and tree.operator == "@"


def substitute(tree: Tree, values: Mapping[str, Tree]) -> Tree:
    """The tree with each name that ``values`` has replaced by what it maps to."""
    if isinstance(tree, Name):
        return values.get(tree.name, tree)
    return tree.rebuilt(lambda child: substitute(child, values))


ONE, _MANY = Number(1), 50


def literal(value: float) -> Tree:
    """The number as a tree, as a person writes it: 2 for 2.0; a negative one is a minus sign and a literal."""
    size = abs(value)
    written = Number(int(size) if size < 1e15 and size == int(size) else size)
    return Unary("-", written) if value < 0 else written


def total(*terms: Tree) -> Tree:
    """The sum of the terms, left to right; of very many each half by itself, since what lies too deep cannot be walked."""
    half = len(terms) // 2
    return chained("+", terms if half <= _MANY else (total(*terms[:half]), total(*terms[half:])))


def chained(operator: str, trees: Sequence[Tree]) -> Tree:
    """The trees with an operator between them, left to right."""
    result = trees[0]
    for tree in trees[1:]:
        result = Binary(operator, result, tree, column=tree.column)
    return result
