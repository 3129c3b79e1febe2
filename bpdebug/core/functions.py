"""The functions a formula may call: one row each, read by the parser, the shape check, the evaluator and the renderers."""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view

from bpdebug.core.boxes import Box, Piece, brackets, fence, group, joined, lowered, power, row
from bpdebug.core.lacking import add_at, erf, norm, one_hot, split
from bpdebug.core.record import Record

Axis = int | tuple[int, ...] | None
"""The axis or axes that a function works along; -1 is the last one, None is none, or all."""


class Function(Record):
    """A callable of the formula language.

    Attributes:
        name: as it is written in a formula.
        run: the NumPy function; elementwise ones take ``out``, reductions ``axis`` and ``keepdims``.
        parameters: the names of its arguments, but for ``axis``, ``keepdims`` and ``ddof``.
        arity: how many of them it needs; those after have the values of ``usual``.
        usual: what an argument is that is left away, by its name, as text.
        static: the arguments that are whole numbers, or lists of them, which have to be known before anything runs: a shape, a count.
        listed: whether the first argument is a list of arrays.
        axes: how it takes an axis: "" not at all, ``asks`` where it has to be given, else ``has``.
        axis: the axis where none is given.
        reduces: whether it folds an axis (dropped, or kept with length 1) or, without an axis, everything into one number.
        structural: whether each cell of what it gives is a cell of an argument, or 0: run on the numbers of the argument's cells, it
            tells which.
        result: the kind of number that comes out: ``float`` (the scenario's precision), ``bool``, ``int``, or ``same`` as NumPy makes of
            what goes in.
        truths: the arguments that are truth values or places; where numbers come out, all others are taken as numbers.
        formula: for a function that is made of others, its value as text over its parameters, with ``{axis}``, ``{keepdims}``, ``{ddof}``.
        ufunc: whether ``run`` is a NumPy ufunc and so can write into a buffer.
        branch: for a function with a corner, how far it moves, from where the first argument is less than the second, or than zero,
            and how far both move.
        cellwise: whether each cell is made of the same cells of what goes in.
        single: whether it takes single truth values only.
        python: what a pasted formula calls, where that is not ``run``.
        unicode: a template with ``{}`` for each argument.
        torch: what PyTorch calls it, where that is not its name; a text over ``a``, ``b`` and ``c`` where it takes other arguments.
        box: how a worked solution sets it, from the letter of an axis and the arguments.
        slopes: the derivative by each argument, as text over the arguments ``u`` and ``v``; none where there is no such rule.
        adjoint: what it passes back to its first argument, as text over its parameters, what arrives, ``g``, and its own ``value``, both
            with the folded axes kept; ``{axis}``, ``{count}`` (the number of cells that are folded) and ``{ddof}`` are those of the call.
    """

    name: str
    run: Callable[..., Any]
    parameters: tuple[str, ...] = ("x",)
    arity: int = 1
    usual: Mapping[str, str] = {}
    static: tuple[int, ...] = ()
    listed: bool = False
    axes: str = ""
    axis: Axis = None
    reduces: bool = False
    structural: bool = False
    result: str = "float"
    truths: tuple[int, ...] = ()
    formula: str = ""
    ufunc: bool = True
    branch: Callable[[Any, Any, Any], Any] | None = None
    single: bool = False
    cellwise: bool = False
    python: Callable[..., Any] | None = None
    unicode: str = ""
    torch: str = ""
    box: Callable[..., Piece] = row
    slopes: tuple[str, ...] = ()
    adjoint: str = ""

    def numbers(self, values: list[Any], number: Callable[[Any], Any]) -> list[Any]:
        """The arguments; where the result is a number of the scenario's precision, those that are counts or truth values made such by
        ``number``."""
        counted = [place for place, value in enumerate(values) if place not in self.truths and not self.static_at(place)]
        if self.result == "same" and all(values[place].dtype.kind in "biu" for place in counted if hasattr(values[place], "dtype")):
            return values
        if self.result in ("bool", "int"):
            return values
        return [number(value) if place in counted and hasattr(value, "dtype") else value for place, value in enumerate(values)]

    def static_at(self, place: int) -> bool:
        """Whether an argument has to be known before anything runs."""
        return place in self.static


_add: Any = np.add


def _called(name: str) -> Callable[..., Piece]:
    return lambda axis, *arguments: row(lowered(name, axis), brackets(joined(arguments, ", ")))


def _cases(_: None, condition: Piece, value: Piece, other: Piece) -> Piece:
    return Box("grid", (Box("row", (value, condition)), Box("row", (other, Box("text", text="else")))), "cases")


def _row(signature: str, run: Callable[..., Any], **more: Any) -> Function:
    """A row from what a call looks like: ``#`` marks what has to be known before anything runs, ``[]`` a list of arrays."""
    name, parts = signature.rstrip(")").split("(")
    own = [part.strip() for part in parts.split(",")]
    axis = [part.partition("=")[2] for part in own if part.startswith("axis")]
    given = [part for part in own if not re.match("axis|keepdims|ddof", part)]
    words = [part.strip("#[]").partition("=") for part in given]
    told: dict[str, Any] = {
        "parameters": tuple(word for word, _, _ in words),
        "arity": sum(not sign for _, sign, _ in words),
        "usual": {word: value for word, sign, value in words if sign},
        "static": tuple(place for place, part in enumerate(given) if part.startswith("#")),
        "listed": given[:1] != [] and given[0].startswith("["),
        "axes": "" if not axis else "has" if axis[0] else "asks",
        "axis": int(axis[0]) if axis and axis[0] not in ("", "None") else None,
        "box": _called(name),
        "ufunc": isinstance(run, np.ufunc),
    }
    return Function(name, run, **told | more)


def _elementwise(name: str, run: Any, arity: int = 1, **more: Any) -> Function:
    return _row(f"{name}({', '.join(['x', 'y'][:arity])})", run, **{"cellwise": name != "@"} | more)


def _reduction(name: str, run: Any, **more: Any) -> Function:
    return _row(f"{name}(x, axis=None, keepdims=False)", run, **{"reduces": True, "ufunc": False} | more)


def _structural(signature: str, run: Any, **more: Any) -> Function:
    return _row(signature, run, structural=True, ufunc=False, **{"result": "same"} | more)


def _composite(signature: str, formula: str, adjoint: str = "", **more: Any) -> Function:
    return _row(signature, _unrun, formula=formula, adjoint=adjoint, ufunc=False, **more)


def _unrun(*_: Any) -> Any:
    raise NotImplementedError("what is made of other functions runs as these")


_MEAN = "mean(x, axis={axis}, keepdims=True)"
_SHARED = "g * (x == value) / sum(x == value, axis={axis}, keepdims=True)"
"""Cells that are equally extreme share what comes back: so it is the mean of the slopes to both sides, whichever of them moves."""
_HIGHEST = "max(x, axis={axis}, keepdims=True)"
_UNSCALED = f"exp(x - {_HIGHEST})"
_TOTAL = f"sum({_UNSCALED}, axis={{axis}}, keepdims=True)"
_NORMAL = "(1 + erf(x / sqrt(2)))"
_TORCH_WHERE = "torch.where(torch.as_tensor(a, dtype=torch.bool), number(b), number(c))"
_ELEMENTWISE = (
    _elementwise("exp", np.exp, slopes=("exp(u)",)),
    _elementwise("expm1", np.expm1, slopes=("exp(u)",)),
    _elementwise("log", np.log, slopes=("1 / u",)),
    _elementwise("log1p", np.log1p, slopes=("1 / (1 + u)",), box=lambda _, x: row("log", brackets("1", " + ", x))),
    _elementwise("sqrt", np.sqrt, unicode="√({})", slopes=("1 / (2 * sqrt(u))",), box=lambda _, x: Box("root", (x,))),
    _elementwise("tanh", np.tanh, slopes=("1 - tanh(u) ** 2",)),
    _elementwise("sinh", np.sinh, slopes=("cosh(u)",)),
    _elementwise("cosh", np.cosh, slopes=("sinh(u)",)),
    _elementwise("sin", np.sin, slopes=("cos(u)",)),
    _elementwise("cos", np.cos, slopes=("-sin(u)",)),
    _elementwise("erf", erf, slopes=("2 * exp(-u ** 2) / sqrt(pi)",)),
    _elementwise(
        "abs",
        np.abs,
        result="same",
        unicode="|{}|",
        box=lambda _, x: fence("||", x),
        branch=lambda less, a, _: np.where(less, -a, a),
        slopes=("sign(u)",),
    ),
    _elementwise("sign", np.sign, result="same", branch=lambda _, a, __: np.zeros_like(a)),
    _elementwise("square", np.square, result="same", unicode="({})²", slopes=("2 * u",), box=lambda _, x: power(brackets(x), group("2"))),
    _elementwise(
        "maximum",
        np.maximum,
        2,
        result="same",
        box=_called("max"),
        branch=lambda less, a, b: np.where(less, b, a),
        slopes=("u > v", "v > u"),
    ),
    _elementwise("minimum", np.minimum, 2, result="same", box=_called("min"), branch=np.where, slopes=("u < v", "v < u")),
    _row("where(condition, x, y)", np.where, result="same", cellwise=True, truths=(0,), torch=_TORCH_WHERE, box=_cases),
    _elementwise("isnan", np.isnan, result="bool"),
    _elementwise("isinf", np.isinf, result="bool"),
    _elementwise("isfinite", np.isfinite, result="bool"),
)
_REDUCTIONS = (
    _reduction(
        "sum",
        _add.reduce,
        result="same",
        python=np.sum,
        unicode="Σ{axis}",
        box=lambda axis, x: row(lowered("∑", f"{axis} ") if axis else "∑ ", x),
        adjoint="g",
    ),
    _reduction("mean", np.mean, adjoint="g / {count}"),
    _reduction("max", np.max, result="same", torch="torch.amax", adjoint=_SHARED),
    _reduction("min", np.min, result="same", torch="torch.amin", adjoint=_SHARED),
    _reduction("prod", np.prod, result="same", unicode="Π{axis}", adjoint="g * value / x"),
    _reduction(
        "norm",
        norm,
        torch="torch.linalg.vector_norm",
        unicode="‖{}‖",
        box=lambda axis, x: lowered(fence("‖‖", x), axis),
        adjoint="g * x / value",
    ),
    _reduction("argmax", np.argmax, result="int"),
    _reduction("any", np.any, result="bool"),
    _reduction("all", np.all, result="bool"),
)
_ROWS = (
    *_ELEMENTWISE,
    *_REDUCTIONS,
    _row("cumsum(x, axis=None)", np.cumsum, result="same", adjoint="flip(cumsum(flip(g, axis={axis}), axis={axis}), axis={axis})"),
    _row("einsum(#subscripts, x, y=, z=)", np.einsum, result="same"),
    _row("add_at(x, index, values)", add_at, result="same"),
    _row("arange(#start, #stop=, #step=)", np.arange, result="int"),
    _row("eye(#rows, #columns=)", np.eye),
    _row("zeros(#shape)", np.zeros),
    _row("ones(#shape)", np.ones),
    _row("zeros_like(x)", np.zeros_like, result="same"),
    _row("ones_like(x)", np.ones_like, result="same"),
    _structural("reshape(x, #shape)", np.reshape),
    _structural("transpose(x, #axes)", np.transpose),
    _structural("swapaxes(x, #axis1, #axis2)", np.swapaxes),
    _structural("moveaxis(x, #source, #destination)", np.moveaxis, adjoint="moveaxis(g, destination, source)"),
    _structural("squeeze(x, axis=None)", np.squeeze),
    _structural("expand_dims(x, axis)", np.expand_dims),
    _structural("broadcast_to(x, #shape)", np.broadcast_to),
    _structural("concatenate([arrays], axis=0)", np.concatenate),
    _structural("stack([arrays], axis=0)", np.stack),
    _structural("split(x, #sections, axis=0)", split, python=np.split),
    _structural("pad(x, #width)", np.pad),
    _structural("repeat(x, #repeats, axis=None)", np.repeat),
    _structural("flip(x, axis=None)", np.flip),
    _structural("take(x, indices, axis=None)", np.take, truths=(1,)),
    _structural("tril(x, #k=0)", np.tril),
    _structural("triu(x, #k=0)", np.triu),
    _structural("sliding_window_view(x, #window, axis=None)", sliding_window_view),
    _composite("sigmoid(x)", "1 / (1 + exp(-x))", "g * value * (1 - value)", unicode="σ({})"),
    _composite("relu(x)", "maximum(x, 0)", "g * (x > 0)"),
    _composite("leaky_relu(x, slope=0.01)", "where(x > 0, x, slope * x)", "g * where(x > 0, 1, slope)"),
    _composite("elu(x, alpha=1)", "where(x > 0, x, alpha * expm1(minimum(x, 0)))", "g * where(x > 0, 1, alpha * exp(minimum(x, 0)))"),
    _composite("softplus(x)", "maximum(x, 0) + log1p(exp(-abs(x)))", "g / (1 + exp(-x))"),
    _composite("silu(x)", "x / (1 + exp(-x))", "g * (value + (1 - value) / (1 + exp(-x)))"),
    _composite("gelu(x)", f"0.5 * x * {_NORMAL}", f"g * (0.5 * {_NORMAL} + x * exp(-0.5 * x ** 2) / sqrt(2 * pi))"),
    _composite("clip(x, low, high)", "minimum(maximum(x, low), high)", "g * (low < x) * (x < high)", python=np.clip),
    _composite("softmax(x, axis=-1)", f"{_UNSCALED} / {_TOTAL}", "value * (g - sum(g * value, axis={axis}, keepdims=True))"),
    _composite("log_softmax(x, axis=-1)", f"x - {_HIGHEST} - log({_TOTAL})", "g - exp(value) * sum(g, axis={axis}, keepdims=True)"),
    _composite(
        "logsumexp(x, axis=None, keepdims=False)",
        f"max(x, axis={{axis}}, keepdims={{keepdims}}) + log(sum({_UNSCALED}, axis={{axis}}, keepdims={{keepdims}}))",
        "g * exp(x - value)",
        reduces=True,
    ),
    _composite(
        "var(x, axis=None, ddof=0, keepdims=False)",
        f"sum((x - {_MEAN}) ** 2, axis={{axis}}, keepdims={{keepdims}}) / ({{count}} - {{ddof}})",
        f"2 * g * (x - {_MEAN}) / ({{count}} - {{ddof}})",
        python=np.var,
        reduces=True,
    ),
    _composite(
        "std(x, axis=None, ddof=0, keepdims=False)",
        "sqrt(var(x, axis={axis}, ddof={ddof}, keepdims={keepdims}))",
        f"g * (x - {_MEAN}) / (({{count}} - {{ddof}}) * value)",
        python=np.std,
        reduces=True,
    ),
    _composite("outer(x, y)", "reshape(x, -1)[:, None] * reshape(y, -1)", python=np.outer),
    _composite("one_hot(labels, #count)", "where(labels[..., None] == arange(count), 1.0, 0.0)", python=one_hot),
)

FUNCTIONS: dict[str, Function] = {row.name: row for row in _ROWS}

CONSTANTS: dict[str, float] = {"pi": math.pi, "inf": math.inf, "nan": math.nan}
"""Names that are numbers wherever they stand."""

ARITHMETIC: dict[str, Any] = {"+": np.add, "-": np.subtract, "*": np.multiply, "/": np.true_divide, "**": np.power}
COMPARISONS: dict[str, Any] = {
    "<": np.less,
    "<=": np.less_equal,
    ">": np.greater,
    ">=": np.greater_equal,
    "==": np.equal,
    "!=": np.not_equal,
}


OPERATORS: dict[tuple[str, int], Function] = {
    (row.name, row.arity): row
    for row in (
        *(_elementwise(sign, run, 2, result="float" if sign == "/" else "same") for sign, run in ARITHMETIC.items()),
        *(_elementwise(sign, run, 2, result="bool") for sign, run in COMPARISONS.items()),
        _elementwise("@", np.matmul, 2, result="same", ufunc=False),
        _elementwise("&", np.logical_and, 2, result="bool"),
        _elementwise("|", np.logical_or, 2, result="bool"),
        _elementwise("~", np.logical_not, result="bool"),
        _elementwise("and", np.logical_and, 2, result="bool", single=True),
        _elementwise("or", np.logical_or, 2, result="bool", single=True),
        _elementwise("not", np.logical_not, result="bool", single=True),
        _elementwise("-", np.negative, result="same"),
    )
}
"""The operators, by sign and number of operands."""

LENGTH = _row("shape(x)", np.size, result="int", ufunc=False)
"""The length of an axis."""

POWERS = {2.0: FUNCTIONS["square"], 0.5: FUNCTIONS["sqrt"], 1.0: _elementwise("positive", np.positive, result="same")}
"""The cheaper, exactly rounded functions that a literal exponent stands for, as NumPy's own ``**`` chooses."""
