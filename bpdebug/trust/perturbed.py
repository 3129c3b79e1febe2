"""Formulas whose results are off by their last bits, and formulas along a direction.

How far rounding can move a number is not guessed: the formula is evaluated again with every result off by a random last bit (Parker,
"Monte Carlo Arithmetic" (1997)); also the terms of what is added up, since in a sum the large ones decide.

How a formula moves when tensors move along a direction is found node by node, forwards: arithmetic by its own rules, a function by
the complex step (Squire and Trapp, "Using Complex Variables to Estimate Derivatives of Real Functions" (1998)), which subtracts
nothing and so is exact but for rounding. Where two numbers are compared and equal, the direction decides which is the larger a moment
later: what is found is the one-sided derivative, exactly.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, cast

import numpy as np

from bpdebug.core.description import Array, Values
from bpdebug.core.evaluate import Evaluator, key_of, viewed
from bpdebug.core.expansion import expanded
from bpdebug.core.function import Function
from bpdebug.core.functions import COMPARISONS, FUNCTIONS, OPERATORS
from bpdebug.core.record import Record, replace
from bpdebug.core.schedule import Stage
from bpdebug.core.sources import is_layout, operands_of, with_operands
from bpdebug.core.tree import Binary, Call, Index, Key, Length, Listing, Name, Number, Operation, Text, Tree, View, operation

EPSILON = float(np.finfo(np.float64).eps)
_STEP, _TINY = 1e-30, 1e-120
"""The imaginary step, relative to the number that it is added to: its square vanishes beside it, and nothing is subtracted. Beside 0 it is
the second one, whose cube vanishes."""
_EXACT = ("max", "min", "where", "positive")
"""What only chooses, as do functions with a corner: there is nothing to be rounded."""
_AHEAD = 1 << 12
_NEAR = 1e-9
"""What differs by less may be equal but for last bits."""
_TINIEST = 1e-290
"""Smaller numbers have fewer bits, the smaller the fewer."""
_LESS = OPERATORS["<", 2]


class Rounding:
    """Last bits, one way or the other.

    Args:
        generator: where they come from.
    """

    def __init__(self, generator: np.random.Generator) -> None:
        self._generator, self._bits = generator, np.empty(0)

    def off(self, value: Any) -> Any:
        """Numbers with other last bits; zeros stay, and so does what is no number."""
        value = np.asarray(value)
        if value.dtype.kind != "f":
            return value
        if len(self._bits) < value.size + _AHEAD:
            bits = self._generator.integers(0, 4, value.size + _AHEAD, np.uint8)
            self._bits = 1.0 + EPSILON * np.array([-2.0, -1.0, 1.0, 2.0]).take(bits)
        start = int(self._generator.integers(_AHEAD))
        bits = self._bits[start : start + value.size].reshape(value.shape)
        if value.size and -_TINIEST < value.min() <= value.max() < _TINIEST:
            return np.where(value == 0, value, value + (bits - 1.0) * (_TINIEST / 256))
        return value * bits


class Rounded(Evaluator):
    """Values of trees with other last bits in every result.

    Args:
        values: every tensor as it was.
        rounding: where the last bits come from; None leaves all as they are.
        again: stages that are computed anew where their tensor is read.
    """

    def __init__(self, values: Values, rounding: Rounding | None = None, again: Mapping[str, Stage] | None = None) -> None:
        super().__init__(dict(values))
        self._plain = self if rounding is None else Evaluator(values)
        self._rounding, self._again, self._anew, self.quickly = rounding, again or {}, dict[str, Array](), True
        self._slopes = dict[tuple[int, int], tuple[Tree, Array]]()

    def with_values(self, values: Values) -> Rounded:
        """The same with other tensors in the place of some."""
        return Rounded({**self.values, **self._anew, **values}, self._rounding, {k: v for k, v in self._again.items() if k not in values})

    def off(self, value: Any) -> Any:
        """A value with other last bits."""
        return self._rounding.off(value) if self._rounding else value

    def slope(self, tree: Operation, row: Function, place: int) -> Array:
        """The derivative of a function for one of its operands, whatever moves these; computed once."""
        if (id(tree), place) not in self._slopes:
            values = row.numbers([*map(self.value, operation(tree)[1])], self._number)
            self._slopes[id(tree), place] = tree, _slope(row, self.value(tree), values, place)
        return self._slopes[id(tree), place][1]

    def _computed(self, tree: Tree) -> Any:
        if isinstance(tree, Name) and tree.name in self._again:
            if tree.name not in self._anew:
                kind = np.asarray(self.values.get(tree.name, 0.0)).dtype  # truth values pick cells, counts would pick rows
                kind = kind if kind.kind in "biu" else self.dtype
                self._anew[tree.name] = np.asarray(self.value(self._again[tree.name].formula.tree), kind)
            return self._anew[tree.name]
        match tree:
            case Call("add_at", (x, Key(items), Binary("-", new, Index(part, at)))) if (part, at) == (x, items):
                made = np.array(self.value(x))  # x[at] = new: of the old cells not even rounding is left
                made[key_of(items, self.argument)] = self.value(new)
                return made
        return super()._computed(tree)

    def _applied(self, tree: Tree, row: Function, values: list[Any]) -> Any:
        if self._rounding and row.name in COMPARISONS:
            return self._compared(tree, row, values)
        if self._rounding is None or row.branch or row.structural or row.name in _EXACT or (row.name == "-" and len(values) == 1):
            return super()._applied(tree, row, values)
        summed = row.name in ("@", "sum", "mean", "norm")
        return self.off(super()._applied(tree, row, [*map(self.off, values)] if summed else values))

    def _compared(self, tree: Tree, row: Function, values: list[Any]) -> Any:
        """A comparison; what is equal without other last bits is so with them, since one number may be computed in two ways."""
        if not np.isclose(values[0], values[1], rtol=_NEAR, atol=0).any():
            return row.run(*values)
        plain = [self._plain.value(operand) for operand in operation(cast(Operation, tree))[1]]
        return np.where(np.equal(*plain), row.run(*plain), row.run(*values))


class Moved:
    """How formulas move when tensors do.

    Args:
        at: the values from which they move.
        tensors: how each moves.

    Attributes:
        tied: whether numbers were compared that are equal and move apart: the opposite direction may tell something else.
        truths: of such comparisons that have a name, what is true a moment later.
    """

    def __init__(self, at: Rounded, tensors: Values) -> None:
        self.at, self.tensors, self.tied, self.truths = at, dict(tensors), False, dict[str, Array]()

    def of(self, tree: Tree, name: str = "") -> Array | None:
        """How the value of a formula, whose result may have a name, moves; None where it does not depend on what moves."""
        value, moved = self._pair(tree)
        self.truths |= {name: value} if name and moved is None and self.tied and np.asarray(value).dtype.kind == "b" else {}
        return cast("Array | None", moved)

    def _pair(self, tree: Tree) -> tuple[Any, Any]:
        """A node's value (another than it was, where equal numbers move apart), and how it moves."""
        if isinstance(tree, Call) and FUNCTIONS[tree.function].formula:
            return self._pair(expanded(tree))
        if is_layout(tree):
            return self._laid_out(tree)
        if not isinstance(tree, Operation) or isinstance(tree, Length) or not tree.children():
            name = tree.name if isinstance(tree, Name) else ""
            return self.truths.get(name, self.at.value(tree)), self.tensors.get(name)
        if isinstance(tree, Call) and not tree.reduces and not FUNCTIONS[tree.function].cellwise:
            return self.at.value(tree), self._multilinear(tree)
        return self._worked_out(tree)

    def _worked_out(self, tree: Operation) -> tuple[Any, Any]:
        """As :meth:`_pair`, of what works cell by cell, or folds."""
        row, operands = operation(tree)
        pairs = [self._pair(operand) for operand in operands]
        same = all(moved is None and value is self.at.value(operand) for (value, moved), operand in zip(pairs, operands, strict=True))
        if same and not any(is_layout(operand) for operand in operands):
            return self.at.value(tree), None
        values, moves = row.numbers([value for value, _ in pairs], self.at._number), [moved for _, moved in pairs]
        if row.name in COMPARISONS and any(moved is not None for moved in moves):
            return self._compared(row, *values, *map(_or_zero, moves)), None
        value = self.at._applied(tree, row, values) if self.tied else self.at.value(tree)
        if np.asarray(value).dtype.kind in "biu" or all(moved is None for moved in moves):
            return value, None
        moved = self.at.off(self._rule(tree, row, value, values, moves))
        return value, np.broadcast_to(moved, np.shape(value)) if np.shape(moved) != np.shape(value) else moved

    def _laid_out(self, tree: Tree) -> tuple[Any, Any]:
        pairs = [self._pair(operand) for operand in operands_of(tree)]
        value = self._with(tree, [value for value, _ in pairs])
        if all(moved is None for _, moved in pairs):
            return value, None
        return value, self._with(tree, [np.zeros(np.shape(value)) if moved is None else moved for value, moved in pairs])

    def _with(self, tree: Tree, operands: Sequence[Any]) -> Any:
        """A node that lays its operands out anew, with these in their place."""
        if isinstance(tree, View):
            return viewed(tree, operands[0], self.at.argument)
        named = {f"#{place}": operand for place, operand in enumerate(operands)}
        return Evaluator({**self.at.values, **named}).value(with_operands(tree, [*map(Name, named)]))

    def _multilinear(self, tree: Call) -> Any:
        """How ``cumsum``, ``einsum`` and ``add_at`` move: by each argument, the others as they are; ``cumprod`` by the complex step."""
        moved, linear = None, FUNCTIONS[tree.function].linear
        for place, argument in enumerate(tree.arguments):
            if isinstance(argument, Text | Key | Listing) or (way := self._pair(argument)[1]) is None:
                continue
            arguments = [Name("#") if n == place else other for n, other in enumerate(tree.arguments)]
            if tree.function == "add_at":
                arguments[2 - place] = Binary("*", arguments[2 - place], Number(0))
            held = np.asarray(way if linear else self.at.value(argument) + 1j * _STEP * way)
            part = Rounded({**self.at.values, "#": held}).value(replace(tree, arguments=tuple(arguments)))
            moved = (0.0 if moved is None else moved) + (part if linear else part.imag / _STEP)
        return moved

    def _rule(self, tree: Operation, row: Function, value: Any, values: list[Any], moves: list[Any]) -> Any:
        """How a node moves when its operands do."""
        if isinstance(tree, Call) and row.reduces:
            return self._folded(tree, row, value, values[0], moves[0])
        if row.name == "@":
            left = None if moves[0] is None else self._product(moves[0], values[1])
            return _sum_of(left, None if moves[1] is None else self._product(values[0], moves[1]))
        if row.name == "where":
            return np.where(values[0], *map(_or_zero, moves[1:]))
        if row.branch:
            other, moved = (values[1], _or_zero(moves[1])) if len(values) > 1 else (0.0, 0.0)
            return row.branch(self._compared(_LESS, values[0], other, _or_zero(moves[0]), moved), _or_zero(moves[0]), moved)
        if rule := _ARITHMETIC.get((row.name, len(values))):
            return rule(value, *values, *moves)
        ways = [(place, moved) for place, moved in enumerate(moves) if moved is not None]
        return sum(moved * (_slope(row, value, values, n) if self.tied else self.at.slope(tree, row, n)) for n, moved in ways)

    def _product(self, left: Array, right: Array) -> Array:
        """A product, of which only the rows count that are not all zeros."""
        some = right.any(axis=1) if right.ndim == 2 else np.ones(len(right), bool)
        if 4 * np.count_nonzero(some) < len(right):
            left, right = left[..., some], right[some]
        return np.asarray(self.at.off(left) @ self.at.off(right))

    def _compared(self, row: Function, a: Any, b: Any, a_moved: Any, b_moved: Any) -> Any:
        """A comparison a moment later: of equal numbers, of how they move."""
        equal = np.equal(a, b)
        if not equal.any():
            return row.run(a, b)
        self.tied |= bool((equal & (a_moved != b_moved)).any())
        return np.where(equal, row.run(a_moved, b_moved), row.run(a, b))

    def _folded(self, tree: Call, row: Function, value: Any, values: Array, moved: Array) -> Any:
        how = {"axis": tree.axis, "keepdims": tree.keepdims}
        if row.name not in ("max", "min"):
            linear = row.name in ("sum", "mean")
            self.tied |= row.name == "norm" and not np.all(value)  # of a vector of zeros it has a corner
            return row.run(self.at.off(moved), **how) if linear else row.run(values + 1j * _STEP * moved, **how).imag / _STEP
        extreme = np.equal(values, row.run(values, axis=tree.axis, keepdims=True))
        self.tied |= bool(np.count_nonzero(extreme) > np.size(value))
        return row.run(np.where(extreme, moved, -np.inf if row.name == "max" else np.inf), **how)


class Reach(Record, eq=False):
    """What uses a tensor.

    Attributes:
        tensor: which.
        steps: the stages through which it moves, in order, up to those at which a gradient arrives.
        ends: these, to the gradient that arrives; "" is the loss, whose gradient is 1.
        alone: whether the tensor counts for the first of the steps only.
    """

    tensor: str
    steps: tuple[Stage, ...]
    ends: Mapping[str, str]
    alone: bool = False

    def moves(self, at: Rounded, directions: Values) -> tuple[dict[str, Array], bool]:
        """How the ends move when the tensor, or several, move; and whether the opposite direction may tell something else."""
        if not self.steps:  # a sum: each of its parts moves it as itself
            return dict.fromkeys(self.ends, directions[self.tensor]), False
        moved, found = Moved(at, directions), dict[str, Array]()
        for stage in self.steps:
            way = moved.of(stage.formula.tree, stage.name)
            if stage.name in self.ends:
                found[stage.name] = np.zeros(()) if way is None else way
            elif way is not None:
                moved.tensors[stage.name] = way
            if self.alone:
                moved.tensors.pop(self.tensor, None)
        return found, moved.tied


def _or_zero(moved: Any) -> Any:
    return 0.0 if moved is None else moved


def _sum_of(one: Any, other: Any) -> Any:
    return one if other is None else other if one is None else one + other


_ARITHMETIC: dict[tuple[str, int], Callable[..., Any]] = {
    ("+", 2): lambda _, a, b, da, db: _sum_of(da, db),
    ("-", 2): lambda _, a, b, da, db: da if db is None else -db if da is None else da - db,
    ("-", 1): lambda _, a, da: -da,
    ("positive", 1): lambda _, a, da: da,
    ("*", 2): lambda _, a, b, da, db: _sum_of(None if da is None else da * b, None if db is None else a * db),
    ("/", 2): lambda c, a, b, da, db: (da if db is None else -c * db if da is None else da - c * db) / b,
}
"""How a result moves, from the result, its operands and how these move (None: not at all)."""


def _slope(row: Function, value: Any, values: list[Any], place: int) -> Array:
    """The derivative of a function for one of its operands, by the complex step; NaN where it has no value, and where a root begins,
    whose slope has no end."""
    at = values[place]
    step = np.where(at == 0, _TINY, np.where(np.isfinite(at), _STEP * np.abs(at), 1.0))
    found = np.asarray(row.run(*values[:place], at + 1j * step, *values[place + 1 :]).imag / step)
    return np.where(np.isnan(value) | ((at == 0) & (np.abs(found) > 2.0)), np.nan, found)
