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
        unicode: a template with ``{}`` for each argument.
        box: how a worked solution sets it, from the letter of an axis and the arguments.
    """

    name: str
    run: Callable[..., Any]
    arity: int = 1
    reduces: bool = False
    result: str = "float"
    truths: tuple[int, ...] = ()
    ufunc: bool = True
    unicode: str = ""
    box: Callable[..., Piece] = row


_add: Any = np.add
_erf = np.frompyfunc(math.erf, 1, 1)


def erf(x: Any) -> Any:
    """The error function, cell by cell with the C library's (NumPy has none)."""
    values = np.asarray(x)
    return _erf(values).astype(values.dtype) if values.ndim else values.dtype.type(math.erf(values))


def norm(x: Any, axis: int | None = None, keepdims: bool = False) -> Any:
    """The Euclidean norm: the root of the sum of squares."""
    return np.sqrt(_add.reduce(np.square(x), axis=axis, keepdims=keepdims))


def argmax(x: Any, axis: int | None = None, keepdims: bool = False) -> Any:
    """The place of the largest value; flattened where no axis is given."""
    return np.argmax(x, axis=axis, keepdims=keepdims)


def _sum(x: Any, axis: int | None = None, keepdims: bool = False) -> Any:
    return _add.reduce(x, axis=axis, keepdims=keepdims)


def _called(name: str) -> Callable[..., Piece]:
    return lambda axis, *arguments: row(lowered(name, axis), brackets(joined(arguments, ", ")))


def _cases(_: None, condition: Piece, value: Piece, other: Piece) -> Piece:
    return Box("grid", (Box("row", (value, condition)), Box("row", (other, Box("text", text="else")))), "cases")


def _elementwise(name: str, run: Any, arity: int = 1, **more: Any) -> Function:
    return Function(name, run, arity, **{"box": _called(name)} | more)


def _reduction(name: str, run: Any, **more: Any) -> Function:
    return Function(name, run, reduces=True, ufunc=False, **{"box": _called(name)} | more)


_ROWS = (
    _elementwise("exp", np.exp),
    _elementwise("expm1", np.expm1),
    _elementwise("log", np.log),
    _elementwise("log1p", np.log1p, box=lambda _, x: row("log", brackets("1", " + ", x))),
    _elementwise("sqrt", np.sqrt, unicode="√({})", box=lambda _, x: Box("root", (x,))),
    _elementwise("tanh", np.tanh),
    _elementwise("sinh", np.sinh),
    _elementwise("cosh", np.cosh),
    _elementwise("sin", np.sin),
    _elementwise("cos", np.cos),
    _elementwise("erf", erf, ufunc=False),
    _elementwise("abs", np.abs, unicode="|{}|", box=lambda _, x: fence("||", x)),
    _elementwise("sign", np.sign),
    _elementwise("square", np.square, unicode="({})²", box=lambda _, x: power(brackets(x), group("2"))),
    _elementwise("maximum", np.maximum, 2, box=_called("max")),
    _elementwise("minimum", np.minimum, 2, box=_called("min")),
    _elementwise("where", np.where, 3, ufunc=False, truths=(0,), box=_cases),
    _elementwise("isnan", np.isnan, result="bool"),
    _elementwise("isinf", np.isinf, result="bool"),
    _elementwise("isfinite", np.isfinite, result="bool"),
    _reduction("sum", _sum, unicode="Σ{axis}", box=lambda axis, x: row(lowered("∑", f"{axis} ") if axis else "∑ ", x)),
    _reduction("mean", np.mean),
    _reduction("max", np.max),
    _reduction("min", np.min),
    _reduction("norm", norm, unicode="‖{}‖", box=lambda axis, x: lowered(fence("‖‖", x), axis)),
    _reduction("argmax", argmax, result="int"),
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
LOGIC: dict[str, Any] = {"and": np.logical_and, "or": np.logical_or}
ELEMENTWISE: dict[str, Any] = ARITHMETIC | COMPARISONS | LOGIC


def power_of(exponent: float) -> Any:
    """The cheaper, exactly rounded ufunc that a literal exponent stands for (as NumPy's own ``**`` chooses), or None."""
    return {2.0: np.square, 0.5: np.sqrt, 1.0: np.positive}.get(exponent)
