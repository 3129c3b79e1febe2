"""The functions a formula may call: one row each, read by the parser, the shape check, the evaluator and the renderers."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np

from bpdebug.core.boxes import Box, Piece, brackets, fence, group, joined, lowered, power, row
from bpdebug.core.record import Record


class Function(Record):
    """A callable of the formula language.

    Attributes:
        name: as it is written in a formula.
        run: the NumPy function; elementwise ones take ``out``, reductions ``axis`` and ``keepdims``.
        arity: how many arguments it takes.
        reduces: whether it folds an axis (dropped, or kept with length 1) or, without an axis, everything into one number.
        result: the kind of number that comes out: ``float`` (the scenario's precision), ``bool`` or ``int``.
        truths: the arguments that are truth values; where numbers come out, all others are taken as numbers.
        ufunc: whether ``run`` is a NumPy ufunc and so can write into a buffer.
        branch: for a function with a corner, how far it moves, from where the first argument is less than the second, or than zero,
            and how far both move.
        single: whether it takes single truth values only.
        unicode: a template with ``{}`` for each argument.
        torch: what PyTorch calls it, where that is not its name; a text over ``a``, ``b`` and ``c`` where it takes other arguments.
        box: how a worked solution sets it, from the letter of an axis and the arguments.
        slopes: the derivative by each argument, as text over the arguments ``u`` and ``v``; none where there is no such rule.
        adjoint: what a fold passes back to a cell of its argument ``u``, as text over what arrives, ``g``, its own value ``y`` and the
            number ``n`` of cells that it folds, all with the folded axes kept; a fold in the text is along the same axes.
    """

    name: str
    run: Callable[..., Any]
    arity: int = 1
    reduces: bool = False
    result: str = "float"
    truths: tuple[int, ...] = ()
    ufunc: bool = True
    branch: Callable[[Any, Any, Any], Any] | None = None
    single: bool = False
    unicode: str = ""
    torch: str = ""
    box: Callable[..., Piece] = row
    slopes: tuple[str, ...] = ()
    adjoint: str = ""

    def numbers(self, values: list[Any], number: Callable[[Any], Any]) -> list[Any]:
        """The arguments, those that have to be numbers made such by ``number``."""
        if self.result != "float":
            return values
        if not self.truths:
            return [number(value) for value in values]
        return [value if place in self.truths else number(value) for place, value in enumerate(values)]


_add: Any = np.add
_erf = np.frompyfunc(math.erf, 1, 1)


def erf(x: Any) -> Any:
    """The error function, cell by cell with the C library's (NumPy has none); of a number with an imaginary part the first two terms of
    the series about its real part, which is exact for the tiny ones of a complex step."""
    values = np.asarray(x)
    if values.dtype.kind == "c":
        return erf(values.real) + 1j * values.imag * (2 / math.sqrt(math.pi)) * np.exp(-np.square(values.real))
    return _erf(values).astype(values.dtype) if values.ndim else values.dtype.type(math.erf(values))


def norm(x: Any, axis: int | None = None, keepdims: bool = False) -> Any:
    """The Euclidean norm: the root of the sum of squares."""
    return np.sqrt(_add.reduce(np.square(x), axis=axis, keepdims=keepdims))


def _called(name: str) -> Callable[..., Piece]:
    return lambda axis, *arguments: row(lowered(name, axis), brackets(joined(arguments, ", ")))


def _cases(_: None, condition: Piece, value: Piece, other: Piece) -> Piece:
    return Box("grid", (Box("row", (value, condition)), Box("row", (other, Box("text", text="else")))), "cases")


def _elementwise(name: str, run: Any, arity: int = 1, **more: Any) -> Function:
    return Function(name, run, arity, **{"box": _called(name)} | more)


def _reduction(name: str, run: Any, **more: Any) -> Function:
    return Function(name, run, reduces=True, ufunc=False, **{"box": _called(name)} | more)


_TORCH_WHERE = "torch.where(torch.as_tensor(a, dtype=torch.bool), number(b), number(c))"
_TIES = "g * (u == y) / sum(u == y)"
"""Cells that are equally extreme share what comes back: so it is the mean of the slopes to both sides, whichever of them moves."""
_ROWS = (
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
    _elementwise("erf", erf, ufunc=False, slopes=("2 * exp(-u ** 2) / sqrt(pi)",)),
    _elementwise(
        "abs",
        np.abs,
        unicode="|{}|",
        box=lambda _, x: fence("||", x),
        branch=lambda less, a, _: np.where(less, -a, a),
        slopes=("sign(u)",),
    ),
    _elementwise("sign", np.sign, branch=lambda _, a, __: np.zeros_like(a)),
    _elementwise("square", np.square, unicode="({})²", slopes=("2 * u",), box=lambda _, x: power(brackets(x), group("2"))),
    _elementwise("maximum", np.maximum, 2, box=_called("max"), branch=lambda less, a, b: np.where(less, b, a), slopes=("u > v", "v > u")),
    _elementwise("minimum", np.minimum, 2, box=_called("min"), branch=np.where, slopes=("u < v", "v < u")),
    _elementwise(
        "where",
        np.where,
        3,
        ufunc=False,
        truths=(0,),
        torch=_TORCH_WHERE,
        box=_cases,
    ),
    _elementwise("isnan", np.isnan, result="bool"),
    _elementwise("isinf", np.isinf, result="bool"),
    _elementwise("isfinite", np.isfinite, result="bool"),
    _reduction("sum", _add.reduce, adjoint="g", unicode="Σ{axis}", box=lambda axis, x: row(lowered("∑", f"{axis} ") if axis else "∑ ", x)),
    _reduction("mean", np.mean, adjoint="g / n"),
    _reduction("max", np.max, adjoint=_TIES, torch="torch.amax"),
    _reduction("min", np.min, adjoint=_TIES, torch="torch.amin"),
    _reduction(
        "norm",
        norm,
        adjoint="g * u / y",
        torch="torch.linalg.vector_norm",
        unicode="‖{}‖",
        box=lambda axis, x: lowered(fence("‖‖", x), axis),
    ),
    _reduction("argmax", np.argmax, result="int"),
    _reduction("any", np.any, result="bool"),
    _reduction("all", np.all, result="bool"),
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
        *(Function(sign, run, 2) for sign, run in ARITHMETIC.items()),
        *(Function(sign, run, 2, result="bool") for sign, run in COMPARISONS.items()),
        Function("@", np.dot, 2, ufunc=False),
        Function("and", np.logical_and, 2, result="bool", single=True),
        Function("or", np.logical_or, 2, result="bool", single=True),
        Function("not", np.logical_not, result="bool", single=True),
        Function("-", np.negative),
    )
}
"""The operators, by sign and number of operands."""

POWERS = {2.0: FUNCTIONS["square"], 0.5: FUNCTIONS["sqrt"], 1.0: Function("positive", np.positive)}
"""The cheaper, exactly rounded functions that a literal exponent stands for, as NumPy's own ``**`` chooses."""
