"""Random lines of NumPy over tensors of rank 0 to 4: floats, whole numbers, truth values."""

from __future__ import annotations

import random
import warnings
from collections.abc import Mapping
from math import prod
from typing import Any

import numpy as np

import bpdebug.functions

PYTHON = {name: getattr(bpdebug.functions, name) for name in bpdebug.functions.__all__}
"""What ``from bpdebug.functions import *`` gives."""
SMOOTH = ["exp", "tanh", "sin", "cos", "sigmoid", "silu", "softplus", "gelu", "mish", "erf", "square", "expm1", "sinh", "cosh"]
KINKED = ["abs", "sign", "floor", "relu", "leaky_relu", "elu", "sqrt", "log", "log1p"]
FOLDS = ["sum", "mean", "max", "min", "prod", "var", "std", "norm", "logsumexp"]
POWERS = ["2", "3", "0.5", "-1", "1.5", "(1 / 3)", "-2.0"]
"""Exponents; the powers of single numbers are the C library's, those of arrays NumPy's, which differ to the last bit."""
PLACES = ["-1", "0", "...", "::-1", "0:1", "None", "...,None", "...,0", "...,::2", ":,None", "[0,0]", "n*0", "...,n*0", "n[0]*0"]


def tensors(seed: int) -> dict[str, np.ndarray]:
    """Tensors of every rank and kind."""
    generator = np.random.default_rng(seed)
    shapes = {"s": (), "v": (3,), "w": (4,), "A": (3, 4), "B": (4, 2), "K": (2, 1, 4), "T": (2, 3, 4), "Q": (2, 2, 3, 4)}
    values = {name: np.asarray(generator.normal(size=shape)) for name, shape in shapes.items()}
    values |= {"n": generator.integers(0, 3, (3,)), "N": generator.integers(0, 2, (2, 3)), "mask": generator.random((3, 4)) < 0.5}
    return values


def in_python(text: str, values: Mapping[str, np.ndarray]) -> Any:
    """What Python makes of a line."""
    with np.errstate(all="ignore"), warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of a variance of one number
        return np.asarray(eval(text, PYTHON, dict(values)))  # noqa: S307


class Formulas:
    """Draws lines of NumPy that fit, from the leaves upwards; their shapes are what Python finds."""

    def __init__(self, seed: int, values: Mapping[str, np.ndarray]) -> None:
        self.generator, self.values = random.Random(seed), values  # noqa: S311

    def one(self, *choices: Any) -> Any:
        return self.generator.choice(choices)

    def draw(self, depth: int, kinds: str = "f") -> tuple[str, tuple[int, ...]]:
        """A formula of at most that depth, and its shape."""
        for _ in range(50 if depth else 0):
            text = self.one(*_MAKERS)(self, depth - 1)
            try:
                value = in_python(text, self.values) if text else np.empty(0)
            except (TypeError, AttributeError, ValueError, IndexError):  # NumPy subtracts no truth values, and a count has no shape
                continue
            if value.dtype.kind in kinds and value.ndim <= 4 and 0 < value.size <= 300:
                return f"({text})", value.shape
        name = self.one(*(name for name, value in self.values.items() if value.dtype.kind in kinds))
        return name, self.values[name].shape

    def fitting(self, shape: tuple[int, ...], depth: int) -> str:
        """A formula that can be stretched to a shape."""
        for _ in range(8):
            text, own = self.draw(depth, "fi")
            if len(own) <= len(shape) and all(n in (1, there) for n, there in zip(own[::-1], shape[::-1], strict=False)):
                return text
        return self.one("s", "2", "0.5", f"ones({shape})")

    def axes(self, rank: int) -> Any:
        chosen = [axis - rank * self.one(0, 1) for axis in self.generator.sample(range(rank), self.generator.randint(1, rank))]
        return chosen[0] if len(chosen) == 1 else tuple(chosen)


def _elementwise(f: Formulas, depth: int) -> str:
    return f"{f.one(*SMOOTH, *KINKED)}({f.draw(depth)[0]})"


def _arithmetic(f: Formulas, depth: int) -> str:
    text, shape = f.draw(depth, "fi")
    a, b = f.generator.sample([text, f.fitting(shape, depth)], 2)
    return f.one(
        f"{a} {f.one(*'+-*/')} {b}",
        f"maximum({a}, {b})",
        f"where({text} > 0.1, {a}, {b})",
        f"-{a}",
        f"clip({a}, -0.5, 1)",
        f"minimum({b}, {a})",
    )


def _power(f: Formulas, depth: int) -> str:
    return f"{f.draw(depth)[0]} ** {f.one(*POWERS)}"


def _whole(f: Formulas, depth: int) -> str:
    text, _ = f.draw(depth, "i")
    return f.one(
        f"{text} * 2",
        f"{text} - 1",
        f"{text} ** 2",
        f"sum({text})",
        f"{text} // 2",
        f"{text}.size * 2",
        "arange(4)",
        f"argmax({f.draw(depth)[0]})",
    )


def _truth(f: Formulas, depth: int) -> str:
    text, shape = f.draw(depth, "fi")
    return f.one(
        f"{text} {f.one('<', '>=', '==')} {f.fitting(shape, depth)}", f"~{f.draw(depth, 'b')[0]}", f"(s > 0) | {f.draw(depth, 'b')[0]}"
    )


def _fold(f: Formulas, depth: int) -> str:
    text, shape = f.draw(depth, "fib" if f.one(0, 0, 1) else "f")
    axis = f", axis={f.axes(len(shape))}" * f.one(0, 1, 1) if shape else ""
    name = f.one(*FOLDS) if shape else "sum"
    return f"{name}({text}{axis}{', ddof=1' * (name in ('var', 'std') and f.one(0, 1))}{f.one('', ', keepdims=True')})"


def _along(f: Formulas, depth: int) -> str:
    text, shape = f.draw(depth)
    axis = f", axis={f.generator.randrange(-len(shape), len(shape))}" * f.one(0, 1) if shape else ""
    return f"{f.one('softmax', 'log_softmax', 'cumsum', 'flip', 'cumprod')}({text}{axis})" if shape else ""


def _product(f: Formulas, depth: int) -> str:
    (a, left), (b, right) = f.draw(depth, "fi"), f.draw(depth)
    if left and right and left[-1] == right[-2:][0] and (len(right) <= 2 or left[:-2] == right[:-2]):
        return f"{a} @ {b}"
    return f"{b} @ swapaxes({b}, -1, -2)" if len(right) > 1 else ""


def _laid_out(f: Formulas, depth: int) -> str:
    text, shape = f.draw(depth, "fi")
    rank = len(shape)
    if not rank:
        return f.one(f"{text}[None]", f"reshape({text}, (1, 1))", f"expand_dims({text}, axis=0)", f"broadcast_to({text}, (2, 3))")
    axis, other, count = f.generator.randrange(-rank, rank), f.generator.randrange(rank), shape[f.one(0, -1)]
    length = shape[axis]
    return f.one(
        f"{text}.T",
        f"transpose({text}, {tuple(f.generator.sample(range(rank), rank))})",
        f"{text}.swapaxes({axis}, {other})",
        f"moveaxis({text}, {axis}, {other})",
        f"reshape({text}, -1)",
        f"{text}.reshape({shape[0]}, -1)",
        f"reshape({text}, ({text}.shape[0], -1, 1))",
        f"expand_dims({text}, axis={axis})",
        f"squeeze({text}[None], axis=0)",
        f"concatenate([{text}, {text} * 2], axis={axis})",
        f"stack([{text}, {text}], axis={axis})",
        f"split({text}, {length}, axis={axis})[{length - 1}]",
        f"pad({text}, {tuple((f.one(0, 1), f.one(0, 1)) for _ in shape)})",
        f"repeat({text}, 2, axis={axis})",
        f"take({text}, [0, {length - 1}, 0], axis={axis})",
        *[f"{text}[{f.one(*PLACES)}]"] * 4,
        f"broadcast_to({text}, {(2, *shape)})",
        f"sliding_window_view({text}, {length}, axis={axis})",
        f"{f.one('tril', 'triu')}({text}, {f.one('-1', '0', '1')})" if rank == 2 else f"{text}[n * 0, None]",
        f"add_at(zeros_like({text}), n * 0, {text}[[0, 0, 0]])",
        f"outer({text}, v)" if prod(shape) * 3 < 300 else f"{text}[{count - 1 if len(shape) == 1 else 0}]",
    )


def _known(f: Formulas, depth: int) -> str:
    text, shape = f.draw(depth)
    known = [
        "one_hot(n, 4)",
        "cross_entropy(A[:, :3], n)",
        "eye(3)",
        f"ones_like({text})",
        "v[N]",
        "A[arange(3), n]",
        "A[mask]",
        "logaddexp(A, w)",
        "tensordot(T, A, axes=([1, 2], [0, 1]))",
        f"np.tensordot({text}, B, 1)" if shape[-1:] == (4,) else "tensordot(A, A.T)",
        "take_along_axis(A, n[:, None], axis=1)",
        "diag(v) + np.diagonal(A @ A.T)",
        "T[:, mask]",
        "sum(A[A > 0] ** 2)",
        'einsum("...ij->...j", T)',
    ]
    for letters in ("ij,jk->ik", "bij,jk->kbi", "i,ik") if shape[-1:] == (4,) else ():
        known += [f'einsum("{letters}", {text}, B)'] * (len(shape) == letters.index(","))
    return f.one(*known)


_OFTEN = (_elementwise, _arithmetic, _fold, _laid_out, _laid_out)
_MAKERS = (*_OFTEN, *_OFTEN, _arithmetic, _power, _whole, _truth, _along, _product, _known)
