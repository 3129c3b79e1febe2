"""Where one number comes from: a cell of a formula's value as a tree of terms, down to named cells and literals."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import field
from functools import cached_property, partial
from itertools import product as pairs
from math import prod
from typing import cast

import numpy as np
import numpy.typing as npt

from bpdebug.core.errors import BpdebugError
from bpdebug.core.evaluate import Evaluator
from bpdebug.core.functions import FUNCTIONS
from bpdebug.core.parser import Formula
from bpdebug.core.record import Record, replace
from bpdebug.core.render import AXES
from bpdebug.core.tensors import Array
from bpdebug.core.tree import Binary, Call, Index, Name, Number, Place, Tree, Unary, View, Written, literal, total

Cell = tuple[int, ...]
Letters = tuple[int | str, ...]


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

        def parts() -> Iterator[Term]:
            yield from (part.brief(most) for part in self.parts[:most] if self.operator == "sum")
            if self.operator != "sum":
                yield from (part.brief(most) for part in self.parts)
            elif others := self.parts[most:]:
                yield Term("rest", sum(part.value for part in others), str(len(others)))

        return Term(self.operator, self.value, self.name, self.index, parts)

    def tree(self, leaf: Callable[[Term], Tree], most: int = 8) -> Tree:
        """The arithmetic of this number as a formula, for rendering.

        Args:
            leaf: what to write for a cell: its name or its value.
            most: terms of a sum (or a maximum) that are written out; the rest is an ellipsis.
        """
        if self.operator in ("cell", "rest"):
            return leaf(self)
        if self.operator == "number":
            return literal(self.value)
        function = FUNCTIONS.get(self.operator)
        count = most if function and function.reduces else len(self.parts)
        shown = [part.tree(leaf, most) for part in self.parts[:count]] + [Written("…")] * (len(self.parts) > count)
        if self.operator == "sum":
            return total(*shown) if shown else Number(0.0)
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

    def __init__(self, formula: Formula, values: Mapping[str, Array], dtype: npt.DTypeLike = np.float64, columns: bool = False) -> None:
        self.formula, self.values, self._columns = formula, values, columns
        self._evaluator = Evaluator(values, dtype)

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

    def folded(self, tree: Tree) -> list[int]:
        """The lengths of the axes that a node adds up, or folds otherwise: one for a product, for a function one for each axis of its
        argument, which is 1 where that axis stays; none for what works cell by cell."""
        if isinstance(tree, Binary) and tree.operator == "@":
            return [self.value(tree.left).shape[1]]
        if isinstance(tree, Call) and tree.reduces:
            return [n if tree.axis in (None, axis) else 1 for axis, n in enumerate(self.value(tree.arguments[0]).shape)]
        return []

    def sources(self, tree: Tree, index: Letters, places: Sequence[int | str] = ()) -> list[tuple[Tree, Letters]]:
        """The operands of a node, each with its cell that goes into cell ``index`` of the node's value.

        Args:
            tree: the node.
            index: places, or letters for them.
            places: where along the axes that :meth:`folded` tells.
        """
        if isinstance(tree, View):
            return [(tree.operand, tree.source(index, self.value(tree.operand).shape))]
        match tree:
            case Binary("@", left, right):
                return [(left, (index[0], *places)), (right, (*places, index[1]))]
            case Call() if tree.reduces:
                return [(tree.arguments[0], tree.source(index, places))]
        return [(child, self.stretched(child, index)) for child in tree.children()]

    def stretched(self, tree: Tree, index: Letters) -> Letters:
        """The operand's cell that goes into the result's cell: axes of length 1 are stretched."""
        shape = self.value(tree).shape
        own = index[len(index) - len(shape) :]
        return tuple(0 if length == 1 else place for length, place in zip(shape, own, strict=True))

    def _term(self, tree: Tree, index: Letters) -> Term:
        if isinstance(tree, View):
            return self._term(*self.sources(tree, index)[0])
        value = float(self.value(tree)[index])  # type: ignore[index]
        match tree:
            case Name(name) if name in self.values:
                return Term("cell", value, name, index)  # type: ignore[arg-type]
            case Name() | Number():
                return Term("number", value)
        folded = self.folded(tree)
        operator = tree.function if isinstance(tree, Call) else tree.operator  # type: ignore[attr-defined]
        if operator == "mean":
            with np.errstate(all="ignore"):
                summed = self._term(replace(tree, function="sum"), index)
            return Term("/", value, _make=lambda: iter((summed, Term("number", float(prod(folded))))))

        def parts() -> Iterator[Term]:
            for places in pairs(*map(range, folded)):
                found = [self._term(*source) for source in self.sources(tree, index, places)]
                yield from [Term("*", found[0].value * found[1].value, _make=partial(iter, found))] if operator == "@" else found

        return Term("sum" if operator == "@" else operator, value, _make=parts)

    def _symbol(self, tree: Tree, index: Letters, depth: int) -> Tree:
        if isinstance(tree, Name):
            return Place(tree.name, index) if tree.name in self.values else tree
        if isinstance(tree, Index) and not all(isinstance(place, int) for place in index):
            return tree
        first = depth  # the first letter for what is folded: that which the whole formula has for the axis, unless it is taken
        if not depth and isinstance(tree, Call) and tree.axis is not None:
            first = 1 - tree.axis if self._columns else tree.axis
        places, letters = list[int | str](), list[int]()
        for length in self.folded(tree):
            letters += [first + len(letters)] * (length > 1)
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
                return parts[0] if isinstance(tree, View) else tree.rebuilt(lambda _: next(rest))
        if not letters and function in ("sum", "mean", "max", "min"):
            return body
        for letter in reversed(letters or [depth]):
            body = Call(function, (body,), letter)
        return body
