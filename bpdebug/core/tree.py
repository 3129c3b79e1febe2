"""The syntax tree of a formula: eight kinds of frozen nodes, and the walks that everything else is made of.

The tree is the only form in which the engine holds mathematics. It is executed, checked, explained and drawn, and
rewritten here: renaming for the operation table, transposition for the column convention.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, fields, replace
from itertools import chain
from typing import Any, cast

from bpdebug.core.functions import CONSTANTS, FUNCTIONS, OPERATORS, POWERS, Function

Slice = tuple[int | None, int | None, int | None]


@dataclass(frozen=True, slots=True)
class Tree:
    """A node; ``column`` is its place in the text, counted from 1, and no part of its meaning."""

    column: int = field(default=1, compare=False, kw_only=True)

    def children(self) -> tuple[Tree, ...]:
        """The nodes below this one, left to right."""
        found: list[Tree] = []
        for part in self.__slots__:
            value = getattr(self, part)
            if isinstance(value, Tree):
                found.append(value)
            elif isinstance(value, tuple):
                found += [v for v in value if isinstance(v, Tree)]
        return tuple(found)

    def rebuilt(self, change: Callable[[Tree], Tree]) -> Tree:
        """This node with ``change`` applied to each child."""
        changed: dict[str, Tree | tuple[object, ...]] = {}
        for part in fields(self):
            value = getattr(self, part.name)
            if isinstance(value, Tree):
                changed[part.name] = change(value)
            elif isinstance(value, tuple):
                changed[part.name] = tuple(change(v) if isinstance(v, Tree) else v for v in value)
        return replace(self, **changed) if changed else self  # type: ignore[arg-type]


@dataclass(frozen=True, slots=True)
class Number(Tree):
    """A literal, never negative (a minus sign is a node of its own)."""

    value: float


@dataclass(frozen=True, slots=True)
class Name(Tree):
    """A named tensor."""

    name: str


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


@dataclass(frozen=True, slots=True)
class Binary(Operation):
    """Arithmetic ``+ - * / ** @``, a comparison, or ``and`` / ``or``."""

    operator: str
    left: Tree
    right: Tree


@dataclass(frozen=True, slots=True)
class Transpose(Tree):
    """``x.T``."""

    operand: Tree

    def of(self, value: Any) -> Any:
        """The view of the operand's value."""
        return value.T

    def source(self, index: tuple[Any, ...], shape: Sequence[int]) -> tuple[Any, ...]:
        """The cell of the operand, which has that shape, that is cell ``index`` of the view."""
        return index[::-1]


@dataclass(frozen=True, slots=True)
class Call(Operation):
    """A function of the fixed list; ``axis`` and ``keepdims`` mean what they mean in NumPy, and only where the function reduces."""

    function: str
    arguments: tuple[Tree, ...]
    axis: int | None = None
    keepdims: bool = False

    @property
    def reduces(self) -> bool:
        """Whether it folds an axis, or everything into one number."""
        return FUNCTIONS[self.function].reduces

    def source(self, index: tuple[Any, ...], places: Sequence[Any]) -> tuple[Any, ...]:
        """The cell of the argument that goes into cell ``index`` of a reduction's value, with ``places`` along the folded axes."""
        if self.axis is None:
            return tuple(places)
        return (*index[: self.axis], places[self.axis], *index[self.axis + self.keepdims :])


@dataclass(frozen=True, slots=True)
class Index(Tree):
    """``x[1, 0]`` or ``x[:, 0]``: integers and slices, as in NumPy."""

    operand: Tree
    items: tuple[int | Slice, ...]

    def key(self) -> tuple[int | slice, ...]:
        """The subscript as NumPy takes it."""
        return tuple(item if isinstance(item, int) else slice(*item) for item in self.items)

    def of(self, value: Any) -> Any:
        """The view of the operand's value: no copy, be it of a single cell."""
        return value[(*self.key(), ...)]

    def source(self, index: tuple[Any, ...], shape: Sequence[int]) -> tuple[Any, ...]:
        """The cell of the operand, which has that shape, that is cell ``index`` of the view."""
        rest, whole = iter(index), [slice(None)] * (len(shape) - len(self.items))
        chosen = [range(length)[item] for length, item in zip(shape, (*self.key(), *whole), strict=True)]
        return tuple(places if isinstance(places, int) else places[next(rest)] for places in chosen)


View = Transpose | Index
"""What computes nothing: it has the cells of one operand in other places."""


def operation(tree: Operation) -> tuple[Function, tuple[Tree, ...]]:
    """The row of what a node computes, and the operands that the row takes."""
    if isinstance(tree, Call):
        return FUNCTIONS[tree.function], tree.arguments
    if isinstance(tree, Unary):
        return OPERATORS[tree.operator, 1], (tree.operand,)
    binary = cast(Binary, tree)
    if binary.operator == "**" and isinstance(binary.right, Number) and binary.right.value in POWERS:
        return POWERS[binary.right.value], (binary.left,)
    return OPERATORS[binary.operator, 2], (binary.left, binary.right)


def walk(tree: Tree) -> Iterator[Tree]:
    """The node and all below it, parents first."""
    yield tree
    for child in tree.children():
        yield from walk(child)


def names(tree: Tree) -> tuple[str, ...]:
    """The tensors that a formula reads, each once, in order of appearance."""
    return tuple(dict.fromkeys(node.name for node in walk(tree) if isinstance(node, Name) and node.name not in CONSTANTS))


def substitute(tree: Tree, values: Mapping[str, Tree]) -> Tree:
    """The tree with each name that ``values`` has replaced by what it maps to."""
    if isinstance(tree, Name):
        return values.get(tree.name, tree)
    return tree.rebuilt(lambda child: substitute(child, values))


def to_columns(tree: Tree) -> Tree:
    """The formula in the column convention, in which every tensor is the transpose of ours.

    ``dW2 = a1.T @ dz2`` becomes ``dW2 = dz2 @ a1.T`` and ``z1 = x @ W1 + b1`` becomes ``z1 = W1 @ x + b1``: a product turns
    round, an axis changes place, all else stays (the convention of Ng's Deep Learning Specialization and of Nielsen's
    "Neural Networks and Deep Learning", chapter 2).
    """
    turned = tree.rebuilt(to_columns)
    match turned:
        case Binary("@", left, right):
            return replace(turned, left=right, right=left)
        case Call(axis=int()):
            return _turned_fold(turned, axes(cast(Call, tree).arguments[0]))
        case Index(operand, items) if axes(operand) == 2:
            whole: Slice = (None, None, None)
            return replace(turned, items=(*items, whole)[:2][::-1])
    return turned


def _turned_fold(fold: Call, axes: int) -> Tree:
    """A fold along one of an operand's ``axes`` axes; a flat list, which stands for a row, becomes a column."""
    if axes != 2:
        return fold if fold.keepdims else replace(fold, axis=None)
    if fold.keepdims:
        return replace(fold, axis=1 - (fold.axis or 0))
    return replace(fold, axis=1, keepdims=True) if fold.axis == 0 else Transpose(replace(fold, axis=0, keepdims=True))


ONE = Number(1.0)


def literal(value: float) -> Tree:
    """The number as a tree; a negative one is a minus sign and a literal."""
    return Number(value) if not value < 0 else Unary("-", Number(-value))


def without_ones(tree: Tree) -> Tree:
    """The tree without factors and divisors that are the literal 1."""
    tree = tree.rebuilt(without_ones)
    match tree:
        case Binary("*" | "/", left, right) if right == ONE:
            return left
        case Binary("*", left, right) if left == ONE:
            return right
    return tree


def axes(tree: Tree, of: Callable[[str], int] = lambda _: 2) -> int:
    """How many axes a node's value has; ``of`` tells it of the names."""
    match tree:
        case Name(name):
            return 0 if name in CONSTANTS else of(name)
        case Index(operand, items):
            return axes(operand, of) - sum(isinstance(item, int) for item in items)
        case Call(_, (operand,), axis, False) if tree.reduces:
            return 0 if axis is None else axes(operand, of) - 1
    return max((axes(child, of) for child in tree.children()), default=0)


def product(*factors: Tree, over: Tree | None = None) -> Tree:
    """The product of the factors, divided by ``over``, as a person would write it: literal factors are multiplied out and
    a factor 1 is left away; the order of the rest is kept."""
    constant, rest = 1.0, []
    for part in chain.from_iterable(map(_factors, factors)):
        if isinstance(part, Number):
            constant *= part.value
        else:
            rest.append(part)
    if constant != 1.0 or not rest:
        rest.insert(0, literal(constant))
    result = chained("*", rest)
    return result if over is None or over == ONE else Binary("/", result, over)


def _factors(tree: Tree) -> tuple[Tree, ...]:
    match tree:
        case Binary("*", left, right):
            return _factors(left) + _factors(right)
    return (tree,)


def total(*terms: Tree) -> Tree:
    """The sum of the terms, left to right."""
    return chained("+", terms)


def chained(operator: str, trees: Sequence[Tree]) -> Tree:
    """The trees with an operator between them, left to right."""
    result = trees[0]
    for tree in trees[1:]:
        result = Binary(operator, result, tree, column=tree.column)
    return result
