"""The functions a formula may call: one row each, read by the parser, the shape check, the evaluator and the renderers."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view

from bpdebug.core.boxes import Box, Piece, brackets, fence, group, lowered, power, row
from bpdebug.core.function import Function, called, composite, elementwise, reduction, row_of, structural
from bpdebug.core.lacking import add_at, broadcast, erf, logaddexp, norm, one_hot, split, stop_gradient, whole

_add: Any = np.add


def _cases(_: None, condition: Piece, value: Piece, other: Piece) -> Piece:
    return Box("grid", (Box("row", (value, condition)), Box("row", (other, Box("text", text="else")))), "cases")


def _flat(_: Any, moves: Any, __: Any) -> Any:
    return np.zeros_like(moves)


_MEAN = "mean(x, axis={axis}, keepdims=True)"
_SHARED = "g * (x == value) / sum(x == value, axis={axis}, keepdims=True)"
"""Cells that are equally extreme share what comes back: so it is the mean of the slopes to both sides, whichever of them moves."""
_FACTORS = "where(x == 0, 1, x)"
_OTHERS = f"g * (sum(x == 0, axis={{axis}}, keepdims=True) == (x == 0)) * prod({_FACTORS}, axis={{axis}}, keepdims=True) / {_FACTORS}"
"""The product of all others: where one is 0, only that one's own others have one that is not."""
_NUMBERS = "reshape(arange(x.size), x.shape)"
_SCATTERED = f"reshape(add_at(zeros(x.size), take_along_axis({_NUMBERS}, indices, axis={{axis}}), g), x.shape)"
_ARRIVING = "sum(g, axis={axis}, keepdims=True)"
_HIGHEST = "max(x, axis={axis}, keepdims=True)"
_UNSCALED = f"exp(x - {_HIGHEST})"
_TOTAL = f"sum({_UNSCALED}, axis={{axis}}, keepdims=True)"
_SOFTPLUS = "maximum(x, 0) + log1p(exp(-abs(x)))"
_NORMAL = "(1 + erf(x / sqrt(2)))"
_ELEMENTWISE = (
    elementwise("exp", np.exp, slopes=("exp(u)",)),
    elementwise("expm1", np.expm1, slopes=("exp(u)",)),
    elementwise("log", np.log, slopes=("1 / u",)),
    elementwise("log2", np.log2, slopes=("1 / (u * log(2))",)),
    elementwise("log10", np.log10, slopes=("1 / (u * log(10))",)),
    elementwise("log1p", np.log1p, slopes=("1 / (1 + u)",), box=lambda _, x: row("log", brackets("1", " + ", x))),
    elementwise("sqrt", np.sqrt, unicode="√({})", slopes=("1 / (2 * sqrt(u))",), box=lambda _, x: Box("root", (x,))),
    elementwise("tanh", np.tanh, slopes=("1 - tanh(u) ** 2",)),
    elementwise("sinh", np.sinh, slopes=("cosh(u)",)),
    elementwise("cosh", np.cosh, slopes=("sinh(u)",)),
    elementwise("sin", np.sin, slopes=("cos(u)",)),
    elementwise("cos", np.cos, slopes=("-sin(u)",)),
    elementwise("tan", np.tan, slopes=("1 + tan(u) ** 2",)),
    elementwise("erf", erf, slopes=("2 * exp(-u ** 2) / sqrt(pi)",)),
    elementwise(
        "abs",
        np.abs,
        result="same",
        unicode="|{}|",
        box=lambda _, x: fence("||", x),
        branch=lambda less, a, _: np.where(less, -a, a),
        slopes=("sign(u)",),
    ),
    elementwise("floor", np.floor, unicode="⌊{}⌋", box=lambda _, x: fence("⌊⌋", x), branch=_flat),
    elementwise("whole", whole, result="int", ufunc=False),
    elementwise("sign", np.sign, result="same", branch=_flat),
    elementwise("square", np.square, result="same", unicode="({})²", slopes=("2 * u",), box=lambda _, x: power(brackets(x), group("2"))),
    elementwise("arcsin", np.arcsin, slopes=("1 / sqrt(1 - u ** 2)",)),
    elementwise("arccos", np.arccos, slopes=("-1 / sqrt(1 - u ** 2)",)),
    elementwise("arctan", np.arctan, slopes=("1 / (1 + u ** 2)",)),
    elementwise(
        "maximum",
        np.maximum,
        2,
        result="same",
        box=called("max"),
        branch=lambda less, a, b: np.where(less, b, a),
        slopes=("u > v", "v > u"),
    ),
    elementwise("minimum", np.minimum, 2, result="same", box=called("min"), branch=np.where, slopes=("u < v", "v < u")),
    elementwise("logaddexp", logaddexp, 2, slopes=("1 / (1 + exp(v - u))", "1 / (1 + exp(u - v))")),
    row_of("where(condition, x, y)", np.where, result="same", cellwise=True, truths=(0,), box=_cases),
    row_of("stop_gradient(x)", stop_gradient, result="same", cellwise=True),
    elementwise("isnan", np.isnan, result="bool"),
    elementwise("isinf", np.isinf, result="bool"),
    elementwise("isfinite", np.isfinite, result="bool"),
)
_REDUCTIONS = (
    reduction(
        "sum",
        _add.reduce,
        result="same",
        python=np.sum,
        unicode="Σ{axis}",
        box=lambda axis, x: row(lowered("∑", f"{axis} ") if axis else "∑ ", x),
        adjoint="g",
    ),
    reduction("mean", np.mean, adjoint="g / {count}"),
    reduction("max", np.max, result="same", adjoint=_SHARED),
    reduction("min", np.min, result="same", adjoint=_SHARED),
    reduction("prod", np.prod, result="same", unicode="Π{axis}", adjoint=_OTHERS),
    reduction(
        "norm",
        norm,
        unicode="‖{}‖",
        box=lambda axis, x: lowered(fence("‖‖", x), axis),
        adjoint="g * x / divisor",
    ),
    reduction("argmax", np.argmax, result="int"),
    reduction("any", np.any, result="bool"),
    reduction("all", np.all, result="bool"),
)
_ROWS = (
    *_ELEMENTWISE,
    *_REDUCTIONS,
    row_of("cumsum(x, axis=None)", np.cumsum, result="same"),
    row_of("cumprod(x, axis=None)", np.cumprod, result="same", linear=False),
    row_of("einsum(#subscripts, x, y=, z=, w=)", np.einsum, result="same"),
    row_of("tensordot(x, y, #axes=2)", np.tensordot, result="same"),
    row_of("add_at(x, index, values)", add_at, result="same"),
    row_of("arange(#start, #stop=, #step=)", np.arange, result="int"),
    row_of("eye(#rows, #columns=)", np.eye),
    row_of("zeros(#shape)", np.zeros),
    row_of("ones(#shape)", np.ones),
    row_of("zeros_like(x)", np.zeros_like, result="same"),
    row_of("ones_like(x)", np.ones_like, result="same", linear=False),
    structural("reshape(x, #shape)", np.reshape),
    structural("transpose(x, #axes)", np.transpose),
    structural("swapaxes(x, #axis1, #axis2)", np.swapaxes),
    structural("moveaxis(x, #source, #destination)", np.moveaxis, adjoint="moveaxis(g, destination, source)"),
    structural("squeeze(x, axis=None)", np.squeeze),
    structural("expand_dims(x, axis)", np.expand_dims),
    structural("broadcast_to(x, #shape)", broadcast, python=np.broadcast_to),
    structural("concatenate([arrays], axis=0)", np.concatenate),
    structural("stack([arrays], axis=0)", np.stack),
    structural("split(x, #sections, axis=0)", split, python=np.split),
    structural("pad(x, #width)", np.pad),
    structural("repeat(x, #repeats, axis=None)", np.repeat),
    structural("flip(x, axis=None)", np.flip),
    structural("take(x, indices, axis=None)", np.take, truths=(1,)),
    structural("take_along_axis(x, indices, axis)", np.take_along_axis, truths=(1,), adjoint=_SCATTERED),
    structural("diag(x)", np.diag, adjoint="diag(g)"),
    structural("tril(x, #k=0)", np.tril),
    structural("triu(x, #k=0)", np.triu),
    structural("sliding_window_view(x, #window, axis=None)", sliding_window_view),
    composite("sigmoid(x)", "1 / (1 + exp(-x))", "g * value * (1 - value)", unicode="σ({})"),
    composite("relu(x)", "maximum(x, 0)", "g * (x > 0)"),
    composite("leaky_relu(x, slope=0.01)", "where(x > 0, x, slope * x)", "g * where(x > 0, 1, slope)"),
    composite("elu(x, alpha=1)", "where(x > 0, x, alpha * expm1(minimum(x, 0)))", "g * where(x > 0, 1, alpha * exp(minimum(x, 0)))"),
    composite("softplus(x)", _SOFTPLUS, "g / (1 + exp(-x))"),
    composite("silu(x)", "x / (1 + exp(-x))", "g * (value + (1 - value) / (1 + exp(-x)))"),
    composite("gelu(x)", f"0.5 * x * {_NORMAL}", f"g * (0.5 * {_NORMAL} + x * exp(-0.5 * x ** 2) / sqrt(2 * pi))"),
    composite("mish(x)", f"x * tanh({_SOFTPLUS})", "g * (tanh(softplus(x)) + x * (1 - tanh(softplus(x)) ** 2) / (1 + exp(-x)))"),
    composite("clip(x, low, high)", "minimum(maximum(x, low), high)", "g * (low < x) * (x < high)", python=np.clip),
    composite("softmax(x, axis=-1)", f"{_UNSCALED} / {_TOTAL}", "value * (g - sum(g * value, axis={axis}, keepdims=True))"),
    composite("log_softmax(x, axis=-1)", f"x - {_HIGHEST} - log({_TOTAL})", f"g - softmax(x, axis={{axis}}) * {_ARRIVING}"),
    composite(
        "logsumexp(x, axis=None, keepdims=False)",
        f"max(x, axis={{axis}}, keepdims={{keepdims}}) + log(sum({_UNSCALED}, axis={{axis}}, keepdims={{keepdims}}))",
        "g * exp(x - value)",
        reduces=True,
    ),
    composite(
        "var(x, axis=None, ddof=0, keepdims=False)",
        f"sum((x - {_MEAN}) ** 2, axis={{axis}}, keepdims={{keepdims}}) / ({{count}} - {{ddof}})",
        f"2 * g * (x - {_MEAN}) / ({{count}} - {{ddof}})",
        python=np.var,
        reduces=True,
    ),
    composite(
        "std(x, axis=None, ddof=0, keepdims=False)",
        "sqrt(var(x, axis={axis}, ddof={ddof}, keepdims={keepdims}))",
        f"g * (x - {_MEAN}) / (({{count}} - {{ddof}}) * divisor)",
        python=np.std,
        reduces=True,
    ),
    composite("outer(x, y)", "reshape(x, -1)[:, None] * reshape(y, -1)", python=np.outer),
    composite("one_hot(labels, #count)", "where(labels[..., None] == arange(count), 1.0, 0.0)", python=one_hot),
    composite(
        "cross_entropy(x, labels)",
        "mean(logsumexp(x, axis=-1) - sum(x * one_hot(labels, x.shape[-1]), axis=-1))",
        "g * (softmax(x, axis=-1) - one_hot(labels, x.shape[-1])) / labels.size",
    ),
)

FUNCTIONS: dict[str, Function] = {row.name: row for row in _ROWS}

CONSTANTS: dict[str, float] = {"pi": math.pi, "inf": math.inf, "nan": math.nan}
"""Names that are numbers wherever they stand."""

ARITHMETIC: dict[str, Any] = {"+": np.add, "-": np.subtract, "*": np.multiply, "/": np.true_divide, "//": np.floor_divide, "**": np.power}
COMPARISONS: dict[str, Any] = {
    "<": np.less,
    "<=": np.less_equal,
    ">": np.greater,
    ">=": np.greater_equal,
    "==": np.equal,
    "!=": np.not_equal,
}

COUNTING = ("sum", "prod", "cumsum", "cumprod", "square", "**")
"""What makes whole numbers of truth values."""

OPERATORS: dict[tuple[str, int], Function] = {
    (row.name, row.arity): row
    for row in (
        *(
            elementwise(sign, run, 2, result="float" if sign == "/" else "same", branch=_flat if sign == "//" else None)
            for sign, run in ARITHMETIC.items()
        ),
        *(elementwise(sign, run, 2, result="bool") for sign, run in COMPARISONS.items()),
        elementwise("@", np.matmul, 2, result="same", ufunc=False),
        elementwise("&", np.logical_and, 2, result="bool"),
        elementwise("|", np.logical_or, 2, result="bool"),
        elementwise("~", np.logical_not, result="bool"),
        elementwise("and", np.logical_and, 2, result="bool", single=True),
        elementwise("or", np.logical_or, 2, result="bool", single=True),
        elementwise("not", np.logical_not, result="bool", single=True),
        elementwise("-", np.negative, result="same"),
    )
}
"""The operators, by sign and number of operands."""

LENGTH = row_of("shape(x)", np.size, result="int", ufunc=False)
"""The length of an axis."""

POWERS = {
    2.0: FUNCTIONS["square"],
    0.5: FUNCTIONS["sqrt"],
    1.0: elementwise("positive", np.positive, result="same"),
    -1.0: elementwise("reciprocal", np.reciprocal, result="same"),
}
"""The cheaper, exactly rounded functions that a literal exponent stands for, as NumPy's own ``**`` of an array chooses."""
