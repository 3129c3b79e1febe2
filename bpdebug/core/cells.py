"""Where one number comes from: a cell of a formula's value as a tree of terms, down to named cells and literals."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import field
from functools import cached_property
from itertools import product as pairs
from typing import Any

import numpy as np
import numpy.typing as npt

from bpdebug.core.errors import BpdebugError
from bpdebug.core.evaluate import Evaluator
from bpdebug.core.functions import FUNCTIONS
from bpdebug.core.parser import Formula
from bpdebug.core.record import Record, replace
from bpdebug.core.render import AXES
from bpdebug.core.shapes import infer
from bpdebug.core.tensors import Array
from bpdebug.core.tree import Binary, Call, Index, Name, Number, Place, Transpose, Tree, Unary, Written, literal, total

Cell = tuple[int, ...]
Letters = tuple[int | str, ...]


class Term(Record, eq=False):
    """A number in an explanation, and what it is made of.

    Attributes:
        operator: ``cell``, ``number``, ``sum`` (its parts add up to it), an arithmetic sign, or a function's name.
        value: the number.
        name, index: the tensor and its cell, where ``operator`` is ``cell``.
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

    def tree(self, leaf: Callable[[Term], Tree], most: int = 8) -> Tree:
        """The arithmetic of this number as a formula, for rendering.

        Args:
            leaf: what to write for a cell: its name or its value.
            most: terms of a sum (or a maximum) that are written out; the rest is an ellipsis.
        """
        if self.operator == "cell":
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
        self._shapes = {name: value.shape for name, value in values.items()}

    def explain(self, index: Cell) -> Term:
        """The term tree of one cell of the formula's value."""
        with np.errstate(all="ignore"):
            return self._term(self.formula.tree, index)

    def symbolic(self, index: Letters) -> Tree:
        """The formula of one cell, its names with subscripts: ``sum over i of a1[i,1] * dz2[i,0]``."""
        return self._symbol(self.formula.tree, index, 0)

    def _value(self, tree: Tree, index: Cell) -> float:
        with np.errstate(all="ignore"):
            return float(np.asarray(self._evaluator.value(tree))[index])

    def _shape(self, tree: Tree) -> tuple[int, ...]:
        return infer(Formula(self.formula.text, tree), self._shapes)

    def _at(self, tree: Tree, index: tuple[Any, ...]) -> tuple[Any, ...]:
        """The operand's cell that goes into the result's cell: axes of length 1 are stretched."""
        shape = self._shape(tree)
        own = index[len(index) - len(shape) :]
        return tuple(0 if length == 1 else place for length, place in zip(shape, own, strict=True))

    def _term(self, tree: Tree, index: Cell) -> Term:
        if isinstance(tree, Transpose | Index):
            return self._term(tree.operand, index[::-1] if isinstance(tree, Transpose) else self._source(tree, index))
        value = self._value(tree, index)
        match tree:
            case Name(name) if name in self.values:
                return Term("cell", value, name, index)
            case Name() | Number():
                return Term("number", value)
            case Binary("@"):
                return Term("sum", value, _make=lambda: self._products(tree, index))
            case Call() if tree.reduces:
                return self._reduction(tree, index, value)
        operator = tree.function if isinstance(tree, Call) else tree.operator  # type: ignore[attr-defined]
        return Term(operator, value, _make=lambda: (self._term(child, self._at(child, index)) for child in tree.children()))

    def _products(self, tree: Binary, index: Cell) -> Iterator[Term]:
        row, column = index
        for k in range(self._shape(tree.left)[1]):
            left, right = self._term(tree.left, (row, k)), self._term(tree.right, (k, column))
            yield Term("*", left.value * right.value, _make=lambda a=left, b=right: iter((a, b)))  # type: ignore[misc]

    def _reduction(self, tree: Call, index: Cell, value: float) -> Term:
        operand, shape = tree.arguments[0], self._shape(tree.arguments[0])
        ranges = [range(n if tree.axis in (None, axis) else 1) for axis, n in enumerate(shape)]
        if tree.function == "mean":
            added = replace(tree, function="sum")
            summed = self._reduction(added, index, self._value(added, index))
            count = float(np.prod([len(r) for r in ranges]))
            return Term("/", value, _make=lambda: iter((summed, Term("number", count))))
        return Term(tree.function, value, _make=lambda: (self._term(operand, tree.source(index, place)) for place in pairs(*ranges)))

    def _source(self, tree: Index, index: Cell) -> Cell:
        """The cell of the indexed tensor that a cell of the result is."""
        shape = self._shape(tree.operand)
        places = np.arange(int(np.prod(shape))).reshape(shape)[tree.key()]
        return tuple(int(i) for i in np.unravel_index(int(places[index]), shape))

    def _symbol(self, tree: Tree, index: Letters, depth: int) -> Tree:
        match tree:
            case Name(name):
                return Place(name, index) if name in self.values else tree
            case Transpose(operand):
                return self._symbol(operand, index[::-1], depth)
            case Index(operand):
                known = all(isinstance(place, int) for place in index)
                return self._symbol(operand, self._source(tree, index), depth) if known else tree  # type: ignore[arg-type]
            case Binary("@"):
                return self._symbolic_product(tree, index, depth)
            case Call() if tree.reduces:
                return self._symbolic_reduction(tree, index, depth)
        return tree.rebuilt(lambda child: self._symbol(child, self._at(child, index), depth))

    def _symbolic_product(self, tree: Binary, index: Letters, depth: int) -> Tree:
        single = self._shape(tree.left)[1] == 1
        letter: int | str = 0 if single else AXES[depth]
        inner = depth if single else depth + 1
        left, right = self._symbol(tree.left, (index[0], letter), inner), self._symbol(tree.right, (letter, index[1]), inner)
        body = Binary("*", left, right)
        return body if single else Call("sum", (body,), depth)

    def _symbolic_reduction(self, tree: Call, index: Letters, depth: int) -> Tree:
        operand, place, folded = tree.arguments[0], list[int | str](), list[int]()
        first = depth  # the first letter for what is folded: that which the whole formula has for the axis, unless it is taken
        if not depth and tree.axis is not None:
            first = 1 - tree.axis if self._columns else tree.axis
        for axis, length in enumerate(self._shape(operand)):
            folds = tree.axis in (None, axis) and length > 1
            folded += [first + len(folded)] * folds
            place.append(AXES[folded[-1]] if folds else 0)
        body = self._symbol(operand, tree.source(index, place), folded[-1] + 1 if folded else depth)
        if not folded and tree.function in ("sum", "mean", "max", "min"):
            return body
        for letter in reversed(folded or [depth]):
            body = Call(tree.function, (body,), letter)
        return body
