"""Random trees, formulas, tensors and scenarios for the engine's tests."""

from __future__ import annotations

import random
from typing import Any

import numpy as np
from hypothesis import strategies as st

from bpdebug.core.description import Layer, Loss, Optimizer, Scenario, Training
from bpdebug.core.functions import ARITHMETIC, COMPARISONS, FUNCTIONS
from bpdebug.core.operations import ACTIVATIONS, LOSSES
from bpdebug.core.optimizers import OPTIMIZERS
from bpdebug.core.tree import Binary, Call, Index, Name, Number, Transpose, Tree, Unary

JOINED = ("da1@z2", "da1@r2")
REDUCTIONS = tuple(name for name, row in FUNCTIONS.items() if row.reduces)
ELEMENTWISE_FUNCTIONS = tuple(name for name, row in FUNCTIONS.items() if row.cellwise)
FOLDS = ("sum", "mean", "max", "min", "norm")
SIZES = (1, 2, 3)
MATRICES = tuple((rows, columns) for rows in SIZES for columns in SIZES)
SHAPES = {f"T{rows}{columns}": (rows, columns) for rows, columns in MATRICES} | {"s": (), "t": ()}
"""A tensor of every small shape, so that a formula of any shape has a leaf to end in."""

_numbers = st.one_of(
    st.integers(0, 10**6),
    st.floats(0, allow_nan=False, allow_infinity=False).filter(lambda value: not np.signbit(value)),
)
_bounds = st.none() | st.integers(-3, 3)
_items = st.integers(-3, 3) | st.tuples(_bounds, _bounds, st.none() | st.sampled_from((-2, -1, 1, 2)))
_axes = st.sampled_from((None, 0, 1))


def _wider(children: st.SearchStrategy[Tree]) -> st.SearchStrategy[Tree]:
    functions = st.sampled_from(ELEMENTWISE_FUNCTIONS)
    calls = functions.flatmap(lambda name: st.tuples(*[children] * FUNCTIONS[name].arity).map(lambda arguments: Call(name, arguments)))
    return st.one_of(
        st.builds(Unary, st.sampled_from(("-", "not")), children),
        st.builds(Binary, st.sampled_from((*ARITHMETIC, *COMPARISONS, "@", "and", "or")), children, children),
        st.builds(Transpose, children.filter(lambda tree: not isinstance(tree, Number))),
        st.builds(
            lambda name, argument, axis, keep: Call(name, (argument,), axis, keep),
            st.sampled_from(REDUCTIONS),
            children,
            _axes,
            st.booleans(),
        ),
        st.builds(lambda operand, items: Index(operand, tuple(items)), children, st.lists(_items, min_size=1, max_size=2)),
        calls,
    )


def trees(names: tuple[str, ...] = ("x", "W1", "dz2", "learning_rate", "pi", *JOINED)) -> st.SearchStrategy[Tree]:
    """Any tree that the grammar can write, whether or not its shapes fit."""
    leaves = st.builds(Number, _numbers) | st.builds(Name, st.sampled_from(names))
    return st.recursive(leaves, _wider, max_leaves=14)


def fitting(shape: tuple[int, ...], flat: bool = True) -> st.SearchStrategy[Tree]:
    """A tree of numbers whose value has exactly that shape; with ``flat``, flat lists take part where an axis was dropped.

    Drawn by a generator of its own from one integer: a thousand times as fast to search and to shrink as a choice of
    Hypothesis for every node.
    """
    seeds = st.integers(0, 2**32 - 1)
    return st.builds(lambda seed, depth: _Fitting(random.Random(seed), flat).tree(shape, depth), seeds, st.integers(0, 4))  # noqa: S311


class _Fitting:
    """Draws trees from the wanted shape downwards."""

    def __init__(self, generator: random.Random, flat: bool) -> None:
        self.generator, self.flat = generator, flat

    def one(self, *options: Any) -> Any:
        return self.generator.choice(options)

    def leaf(self, shape: tuple[int, ...]) -> Tree:
        if shape == () and self.one(False, True):
            return Number(self.one(0.0, 0.5, 1.0, 2.0, 3.0, 0.1))
        return Name(self.one(*(name for name, found in SHAPES.items() if found == shape)))

    def tree(self, shape: tuple[int, ...], depth: int) -> Tree:
        if depth <= 0:
            return self.leaf(shape)
        kinds = [self.negative, self.arithmetic, self.function, self.where, self.truth, self.leaf_at]
        kinds += [self.transpose, self.product, self.product, self.slice] if shape else [self.folded, self.folded, self.cell]
        kinds += [self.folded_axis] if 1 in shape else []
        return self.one(*kinds)(shape, depth - 1)

    def leaf_at(self, shape: tuple[int, ...], depth: int) -> Tree:
        return self.leaf(shape)

    def narrower(self, shape: tuple[int, ...]) -> tuple[int, ...]:
        """A shape that broadcasts into ``shape``."""
        return self.one((), shape, shape, *({(1, shape[1]), (shape[0], 1), (1, 1)} if shape else ()))

    def pair(self, shape: tuple[int, ...], depth: int) -> tuple[Tree, Tree]:
        dropped = shape and self.flat and depth > 0 and self.one(*range(4)) == 0
        sides = self.tree(shape, depth), self.dropped(shape, depth - 1) if dropped else self.tree(self.narrower(shape), depth)
        return sides if self.one(False, True) else sides[::-1]

    def negative(self, shape: tuple[int, ...], depth: int) -> Tree:
        return Unary("-", self.tree(shape, depth))

    def arithmetic(self, shape: tuple[int, ...], depth: int) -> Tree:
        if self.one(*range(4)) == 0:
            return Binary("**", self.tree(shape, depth), Number(self.one(0.5, 1.0, 2.0, 3.0)))
        return Binary(self.one(*ARITHMETIC), *self.pair(shape, depth))

    def function(self, shape: tuple[int, ...], depth: int) -> Tree:
        name = self.one(*(n for n in ELEMENTWISE_FUNCTIONS if n != "where" and FUNCTIONS[n].result == "float"))
        return Call(name, self.pair(shape, depth) if FUNCTIONS[name].arity == 2 else (self.tree(shape, depth),))

    def compared(self, shape: tuple[int, ...], depth: int) -> Tree:
        if self.one(False, True):
            return Call(self.one("isnan", "isinf", "isfinite"), (self.tree(shape, depth),))
        return Binary(self.one(*COMPARISONS), *self.pair(shape, depth))

    def where(self, shape: tuple[int, ...], depth: int) -> Tree:
        condition = self.compared(self.narrower(shape), depth) if self.one(False, True) else self.tree(self.narrower(shape), depth)
        return Call("where", (condition, self.tree(shape, depth), self.tree(self.narrower(shape), depth)))

    def truth(self, shape: tuple[int, ...], depth: int) -> Tree:
        """Truth values that take part in arithmetic, as in ``g * (z > 0)``."""
        return Binary(self.one("*", "+", "-"), self.tree(self.narrower(shape), depth), self.compared(shape, depth))

    def transpose(self, shape: tuple[int, ...], depth: int) -> Tree:
        return Transpose(self.tree(shape[::-1], depth))

    def product(self, shape: tuple[int, ...], depth: int) -> Tree:
        inner = self.one(*SIZES)
        truths = self.one(*range(4)) == 0
        left = Transpose(self.compared((inner, shape[0]), depth)) if truths else self.tree((shape[0], inner), depth)
        return Binary("@", left, self.tree((inner, shape[1]), depth))

    def slice(self, shape: tuple[int, ...], depth: int) -> Tree:
        rows, columns = self.one(*range(shape[0], 4)), self.one(*range(shape[1], 4))
        first, last = rows - shape[0], columns - shape[1]
        return Index(self.tree((rows, columns), depth), ((first, None, None), (last, columns, self.one(None, 1))))

    def folded(self, shape: tuple[int, ...], depth: int) -> Tree:
        if self.one(*range(4)) == 0 and depth > 0:
            return Call(self.one(*FOLDS), (self.dropped((self.one(*SIZES),), depth - 1),), self.one(None, 0))
        return Call(self.one(*FOLDS), (self.tree(self.one((), *MATRICES), depth),))

    def folded_axis(self, shape: tuple[int, ...], depth: int) -> Tree:
        axis = self.one(*(axis for axis, length in enumerate(shape) if length == 1))
        whole = tuple(self.one(*SIZES) if place == axis else length for place, length in enumerate(shape))
        return Call(self.one(*FOLDS), (self.tree(whole, depth),), axis, keepdims=True)

    def dropped(self, shape: tuple[int, ...], depth: int) -> Tree:
        """A flat list as long as the last axis."""
        axis, other = self.one(0, 1), self.one(*SIZES)
        whole = (other, shape[-1]) if axis == 0 else (shape[-1], other)
        return Call(self.one(*FOLDS), (self.tree(whole, depth),), axis)

    def cell(self, shape: tuple[int, ...], depth: int) -> Tree:
        rows, columns = self.one(*MATRICES)
        return Index(self.tree((rows, columns), depth), (self.one(0, -1), self.one(0, columns - 1)))


def tensors(seed: int, dtype: str = "float64", special: bool = True) -> dict[str, np.ndarray]:
    """Values for :data:`SHAPES`; some of them 0, infinite or not a number where ``special``."""
    generator = np.random.default_rng(seed)
    values = {}
    for name, shape in SHAPES.items():
        value = np.asarray(generator.standard_normal(shape) * 10.0 ** generator.integers(-2, 3))
        odd = np.asarray(generator.random(shape) < (0.05 if special else 0))
        value[odd] = generator.choice([0.0, -0.0, np.inf, -np.inf, np.nan], int(odd.sum()))
        values[name] = value.astype(dtype)
    return values


def same_bits(left: np.ndarray, right: np.ndarray) -> bool:
    """Equal in every bit; any NaN equals any other."""
    ordered = ~np.isnan(left)
    return np.array_equal(left, right, equal_nan=True) and np.array_equal(np.signbit(left)[ordered], np.signbit(right)[ordered])


@st.composite
def scenarios(draw: st.DrawFn) -> Scenario:
    """Small networks of every kind."""
    generator = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    samples, width = draw(st.integers(1, 6)), draw(st.integers(1, 4))
    x = generator.standard_normal((samples, width))
    layers = []
    for _ in range(draw(st.integers(1, 3))):
        residual = draw(st.booleans())
        units = width if residual else draw(st.integers(1, 4))
        layers.append(Layer(units, draw(st.sampled_from(ACTIVATIONS)), draw(st.booleans()), residual))
        width = units
    function = draw(st.sampled_from(LOSSES))
    fused = {"binary_cross_entropy": "sigmoid", "categorical_cross_entropy": "softmax"}.get(function)
    from_logits = fused is not None and draw(st.booleans())
    if fused:
        layers[-1] = Layer(width, fused, layers[-1].bias, layers[-1].residual and not from_logits)
    y = generator.random((samples, width))
    y /= y.sum(axis=1, keepdims=True)
    reduction = st.sampled_from(("sum", "mean"))
    l2 = draw(st.sampled_from((0.0, 0.01)))
    return Scenario(
        name="random",
        inputs=tuple(f"x{i}" for i in range(x.shape[1])),
        layers=tuple(layers),
        x=x,
        y=y,
        seed=draw(st.integers(0, 10)),
        precision=draw(st.sampled_from(("float64", "float32"))),
        loss=Loss(function, draw(reduction), draw(reduction), draw(st.sampled_from((1.0, 0.5, 3.0))), l2, from_logits),
        optimizer=Optimizer(draw(st.sampled_from(tuple(OPTIMIZERS)))),
        training=Training(5, draw(st.none() | st.integers(1, samples)), draw(st.booleans())),
    )


def xor(**changes: object) -> Scenario:
    """The tutorial's network: XOR, 2-4-1, sigmoid twice, summed cross-entropy, learning rate 0.1."""
    settings: dict[str, object] = {
        "name": "XOR",
        "inputs": ("x1", "x2"),
        "layers": (Layer(4, "sigmoid"), Layer(1, "sigmoid")),
        "x": np.array([[0.0, 0.0], [0.0, 1.0], [1.0, 0.0], [1.0, 1.0]]),
        "y": np.array([[0.0], [1.0], [1.0], [0.0]]),
        "generator": "legacy",
        "loss": Loss("binary_cross_entropy"),
        "optimizer": Optimizer("sgd", {"learning_rate": 0.1}),
    }
    return Scenario(**(settings | changes))
