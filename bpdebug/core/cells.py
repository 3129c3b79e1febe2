"""Where one number comes from: a cell of a formula's value as a tree of terms, down to named cells and literals."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import field
from functools import cached_property, partial
from itertools import product as pairs
from math import prod
from typing import Any, cast

import numpy as np
import numpy.typing as npt

from bpdebug.core.errors import BpdebugError
from bpdebug.core.evaluate import Evaluator
from bpdebug.core.expansion import constant_of, expanded
from bpdebug.core.functions import FUNCTIONS
from bpdebug.core.parser import Formula
from bpdebug.core.record import Record, replace
from bpdebug.core.render import AXES
from bpdebug.core.sources import ADDED, Letters, Sources, is_layout, sources, stretched
from bpdebug.core.tensors import Array, Values
from bpdebug.core.tree import (
    Binary,
    Call,
    Index,
    Length,
    Name,
    Number,
    Operation,
    Place,
    Tree,
    Unary,
    Written,
    literal,
    operation,
    total,
)

Cell = tuple[int, ...]
NamedCell = tuple[str, Cell]  # with the name of its tensor


class Term(Record, eq=False):
    """A number in an explanation, and what it is made of.

    Attributes:
        operator: ``cell``, ``number``, ``sum`` (its parts add up to it), an arithmetic sign, or a function's name; ``rest`` for what
            the terms of a sum add up to that are not shown.
        value: the number.
        name, index: the tensor and its cell, where ``operator`` is ``cell``; of a ``rest`` how many terms it stands for.
    """

    operator: str
    value: float
    name: str = ""
    index: Cell = ()
    _make: Callable[[], Iterator[Term]] = field(default=lambda: iter(()), repr=False)

    @cached_property
    def parts(self) -> tuple[Term, ...]:
        """The terms that it is made of, computed when first asked for."""
        return tuple(self._make())

    @property
    def broken(self) -> Term:
        """The innermost part that is not finite although its own parts are; a NaN, ``0*(-inf)``, is followed as far as it is one."""
        term, bad = self, math.isnan if math.isnan(self.value) else (lambda value: not math.isfinite(value))
        while broken := [part for part in term.parts if bad(part.value)]:
            term = broken[0]
        return term

    def cells(self) -> Iterator[Term]:
        """The named cells below it, each as often as it occurs."""
        if self.operator == "cell":
            yield self
        for part in self.parts:
            yield from part.cells()

    def flat(self) -> Term:
        """This number made of the values of its parts alone."""
        return Term(self.operator, self.value, self.name, self.index, lambda: (Term("cell", part.value) for part in self.parts))

    def brief(self, most: int) -> Term:
        """This number with at most so many terms in each sum; what the others add up to is one more."""
        if self.operator != "sum" and not any(part.parts for part in self.parts):
            return self

        def parts() -> Iterator[Term]:
            shown = most if self.operator == "sum" else len(self.parts)
            yield from (part.brief(most) for part in self.parts[:shown])
            if others := self.parts[shown:]:
                yield Term("rest", sum(part.value for part in others), str(len(others)))

        made = Term(self.operator, self.value, self.name, self.index, parts)  # once: the same term stands in many a number
        return cast(Term, vars(self).setdefault(f"_brief {most}", made))

    def tree(self, leaf: Callable[[Term], Tree], most: int = 8) -> Tree:
        """The arithmetic of this number as a formula.

        Args:
            leaf: what to write for a cell: its name or its value.
            most: terms of a sum (or a maximum) that are written out; the rest is an ellipsis.
        """
        if self.operator in ("cell", "rest", "number"):
            return literal(self.value) if self.operator == "number" else leaf(self)
        function = FUNCTIONS.get(self.operator)
        count = most if function and function.reduces else len(self.parts)
        shown = [part.tree(leaf, most) for part in self.parts[:count]] + [Written("…")] * (len(self.parts) > count)
        if self.operator == "sum":
            return total(*shown) if shown else Number(0)
        if function:
            return Call(self.operator, tuple(shown))
        return Binary(self.operator, shown[0], shown[1]) if len(shown) == 2 else Unary(self.operator, shown[0])


def cell_name(name: str, index: Letters) -> str:
    """``dW2[1,0]``; a plain number keeps its name."""
    return f"{name}[{','.join(map(str, index))}]" if index else name


def check_cell(name: str, index: Cell, shape: tuple[int, ...]) -> None:
    """Refuse what is no cell of a tensor.

    Raises:
        BpdebugError: with the tensor's shape.
    """
    if len(index) != len(shape):
        example = cell_name(name, (0,) * len(shape))
        raise BpdebugError(f"{name} has {len(shape)} axes: write {example}" if shape else f"{name} is a single number: write {name}")
    for place, length in zip(index, shape, strict=True):
        if not 0 <= place < length:
            wide = "×".join(map(str, shape))
            raise BpdebugError(f"{cell_name(name, index)} is outside {name}, which is {wide}; rows and columns count from 0")


class Cells:
    """Explains the cells of one formula over one set of values.

    Args:
        formula: with shapes already checked.
        values: the tensors *before* the formula's stage ran.
        dtype: the precision of literals.
        columns: whether samples are shown as columns, so that the other letter stands for an axis.
    """

    def __init__(self, formula: Formula, values: Values, dtype: npt.DTypeLike = np.float64, columns: bool = False) -> None:
        self.formula, self.values, self._columns = formula, values, columns
        self._evaluator = Evaluator(values, dtype)
        self._layouts: dict[int, Sources] = {}
        self._folds: dict[tuple[int, Letters], tuple[Tree, Term]] = {}  # which many cells may read, as that of a softmax

    def explain(self, index: Cell) -> Term:
        """The term tree of one cell of the formula's value."""
        with np.errstate(all="ignore"):
            return self._term(self.formula.tree, index)

    def symbolic(self, index: Letters) -> Tree:
        """The formula of one cell, its names with subscripts: ``sum over i of a1[i,1] * dz2[i,0]``."""
        with np.errstate(all="ignore"):
            return self._symbol(self.formula.tree, index, 0)

    def value(self, tree: Tree) -> Array:
        """The value of a part of the formula."""
        return np.asarray(self._evaluator.value(tree))

    def argument(self, tree: Tree) -> Any:
        """What a function takes for an argument that is no tensor: a shape, a list, a subscript."""
        return self._evaluator.argument(tree)

    def layout(self, tree: Tree) -> Sources:
        """Where the cells of a node come from that only lays its operands out anew."""
        if id(tree) not in self._layouts:
            self._layouts[id(tree)] = sources(tree, lambda operand: self.value(operand).shape, self.argument)
        return self._layouts[id(tree)]

    def folded(self, tree: Tree) -> list[int]:
        """The lengths of the axes that a node adds up, or folds otherwise: one for a product, for a function one for each axis of its
        argument, which is 1 where that axis stays; none for what works cell by cell."""
        if isinstance(tree, Binary) and tree.operator == "@":
            return [self.value(tree.left).shape[-1]]
        if isinstance(tree, Call) and tree.reduces:
            shape = self.value(tree.arguments[0]).shape
            return [n if axis in tree.folded(len(shape)) else 1 for axis, n in enumerate(shape)]
        return []

    def sources(self, tree: Tree, index: Letters, places: Sequence[int | str] = ()) -> list[tuple[Tree, Letters]]:
        """The operands of a node, each with its cell that goes into cell ``index`` of the node's value.

        Args:
            tree: the node.
            index: places, or letters for them.
            places: where along the axes that :meth:`folded` tells.
        """
        if is_layout(tree):
            found = self.layout(tree).of(cast(Cell, index)) if all(isinstance(place, int) for place in index) else None
            return [found or self._lettered(tree, index)]
        match tree:
            case Binary("@", left, right):
                one, other = self.value(left).ndim > 1, self.value(right).ndim > 1
                leading, own = index[: len(index) - one - other], index[len(index) - one - other :]
                cells = (*leading, *own[:one], *places), (*leading, *places, *own[one:])
                return [(operand, self.stretched(operand, cell)) for operand, cell in zip((left, right), cells, strict=True)]
            case Call(arguments=(argument, *_)) if tree.reduces:
                axes, rest = tree.folded(len(places)), iter(index)
                kept = [next(rest) if tree.keepdims or axis not in axes else 0 for axis in range(len(places))]
                return [(argument, tuple(places[axis] if axis in axes else own for axis, own in enumerate(kept)))]
        return [(child, self.stretched(child, index)) for child in tree.children()]

    def _lettered(self, tree: Tree, index: Letters) -> tuple[Tree, Letters]:
        """As :meth:`sources`, of a layout with letters for places: each axis of the operand has a letter, a letter and how much further, or
        a place; the node itself where that is not so."""
        layout = self.layout(tree)
        picked = layout.numbers[tuple(slice(None) if isinstance(place, str) else place for place in index)] - 1
        letters, shape = [place for place in index if isinstance(place, str)], layout.shapes[0]
        if len(layout.operands) > 1 or not picked.size or picked.min() < 0:
            return tree, index
        grid, found = np.indices(picked.shape), list[int | str]()
        for along in np.unravel_index(picked, shape) if shape else ():
            start = int(along.flat[0])
            fits = [letter for letter, steps in zip(letters, grid, strict=True) if np.array_equal(along, steps + start)]
            if not fits and not np.array_equal(along, np.full(picked.shape, start)):
                return tree, index
            found.append(f"{fits[0]}+{start}" if fits and start else fits[0] if fits else start)
        return layout.operands[0], tuple(found)

    def stretched(self, tree: Tree, index: Letters) -> Letters:
        """The operand's cell that goes into the result's cell: axes of length 1 are stretched."""
        return stretched(index, self.value(tree).shape)

    def _term(self, tree: Tree, index: Letters) -> Term:
        if isinstance(tree, Call) and FUNCTIONS[tree.function].formula:
            return self._term(expanded(tree), index)
        if is_layout(tree):
            found = self.layout(tree).of(cast(Cell, index))
            return self._term(*found) if found else Term("number", 0.0)
        value = float(self.value(tree)[index])  # type: ignore[index]
        if isinstance(tree, Name) and tree.name in self.values:
            return Term("cell", value, tree.name, index)  # type: ignore[arg-type]
        key = id(tree), index
        if key not in self._folds:
            operator, make = ("number", None) if constant_of(tree) is not None else self._made(tree, index)
            term = Term(operator, value, _make=make) if make else Term("number", value)
            if not (isinstance(tree, Call) and tree.reduces):
                return term
            self._folds[key] = tree, term
        return self._folds[key][1]

    def _made(self, tree: Tree, index: Letters) -> tuple[str, Callable[[], Iterator[Term]] | None]:
        """What a node does, and the terms that it does it to; None where it is a number of its own."""
        if isinstance(tree, Call) and tree.function in ADDED:
            added = partial(ADDED[tree.function], self.value, self.argument, tree, index)
            return "sum", lambda: iter([self._product(part) for part in added()])
        if not isinstance(tree, Operation) or isinstance(tree, Length) or not operation(tree)[0].cellwise | bool(self.folded(tree)):
            return "number", None
        operator, folded = tree.function if isinstance(tree, Call) else tree.operator, self.folded(tree)  # type: ignore[attr-defined]
        if operator == "mean":
            with np.errstate(all="ignore"):
                summed = self._term(replace(tree, function="sum"), index)
            return "/", lambda: iter((summed, Term("number", float(prod(folded)))))

        def parts() -> Iterator[Term]:
            for places in pairs(*map(range, folded)):
                found = self.sources(tree, index, places)
                yield from [self._product(found)] if operator == "@" else [self._term(*source) for source in found]

        return "sum" if operator == "@" else operator, parts

    def _product(self, factors: Sequence[tuple[Tree, Letters]]) -> Term:
        """The product of cells."""
        first, *others = [self._term(*factor) for factor in factors]
        for other in others:
            first = Term("*", first.value * other.value, _make=partial(iter, (first, other)))
        return first

    def _symbol(self, tree: Tree, index: Letters, depth: int) -> Tree:
        if isinstance(tree, Call) and FUNCTIONS[tree.function].formula:
            return self._symbol(expanded(tree), index, depth)
        if is_layout(tree):
            operand, cell = self.sources(tree, index)[0]
            return self._symbol(operand, cell, depth) if operand is not tree else _placed(tree, index)
        if isinstance(tree, Name) and tree.name in self.values:
            return Place(tree.name, index)
        if not isinstance(tree, Operation) or isinstance(tree, Length):
            return tree
        return self._combined(tree, index, depth) if operation(tree)[0].cellwise or self.folded(tree) else _placed(tree, index)

    def _combined(self, tree: Operation, index: Letters, depth: int) -> Tree:
        """The formula of a cell of what works cell by cell, or folds."""
        first = depth  # the first letter for what is folded: that which the whole formula has for the axis, unless it is taken
        if not depth and isinstance(tree, Call) and tree.reduces and tree.axis is not None:
            axis = tree.folded(len(self.value(tree.arguments[0]).shape))[0]
            first = 1 - axis if self._columns and axis < 2 else axis
        places, letters = list[int | str](), list[int]()
        for length in self.folded(tree):
            letters += [(first + len(letters)) % len(AXES)] * (length > 1)
            places.append(AXES[letters[-1]] if length > 1 else 0)
        inner = letters[-1] + 1 if letters else depth
        parts = [self._symbol(*source, inner) for source in self.sources(tree, index, places)]
        match tree:
            case Binary("@"):
                function, body = "sum", cast(Tree, Binary("*", *parts))
            case Call(function) if tree.reduces:
                body = parts[0]
            case _:
                rest = iter(parts)
                return tree.rebuilt(lambda _: next(rest))
        if not letters and function in ("sum", "mean", "max", "min", "prod"):
            return body
        for letter in reversed(letters or [depth]):
            body = Call(function, (body,), letter)
        return body


def _placed(tree: Tree, index: Letters) -> Tree:
    """A cell of what has no simpler formula."""
    return Index(tree, tuple(Name(place) if isinstance(place, str) else place for place in index)) if index else tree
