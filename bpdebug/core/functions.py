"""The functions a formula may call: one row each, read by the parser, the shape check, the evaluator and the renderers."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np

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
        unicode, latex: templates with ``{}`` for each argument.
    """

    name: str
    run: Callable[..., Any]
    arity: int = 1
    reduces: bool = False
    result: str = "float"
    truths: tuple[int, ...] = ()
    ufunc: bool = True
    unicode: str = ""
    latex: str = ""


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


def _elementwise(name: str, run: Any, latex: str = "", unicode: str = "", arity: int = 1, **more: Any) -> Function:
    return Function(name, run, arity, latex=latex or rf"\{name}({{}})", unicode=unicode, **more)


def _reduction(name: str, run: Any, latex: str, unicode: str = "", result: str = "float") -> Function:
    return Function(name, run, reduces=True, ufunc=False, result=result, latex=latex, unicode=unicode)


_ROWS = (
    _elementwise("exp", np.exp),
    _elementwise("expm1", np.expm1, r"\mathrm{{expm1}}({})"),
    _elementwise("log", np.log),
    _elementwise("log1p", np.log1p, r"\log(1 + {})"),
    _elementwise("sqrt", np.sqrt, r"\sqrt{{{}}}", "√({})"),
    _elementwise("tanh", np.tanh),
    _elementwise("sinh", np.sinh),
    _elementwise("cosh", np.cosh),
    _elementwise("sin", np.sin),
    _elementwise("cos", np.cos),
    _elementwise("erf", erf, r"\mathrm{{erf}}({})", ufunc=False),
    _elementwise("abs", np.abs, r"\left|{}\right|", "|{}|"),
    _elementwise("sign", np.sign, r"\mathrm{{sign}}({})"),
    _elementwise("square", np.square, r"({})^{{2}}", "({})²"),
    _elementwise("maximum", np.maximum, r"\max({}, {})", arity=2),
    _elementwise("minimum", np.minimum, r"\min({}, {})", arity=2),
    _elementwise("where", np.where, r"\begin{{cases}} {1} & {0} \\ {2} & \text{{else}} \end{{cases}}", arity=3, ufunc=False, truths=(0,)),
    _elementwise("isnan", np.isnan, r"\mathrm{{isnan}}({})", result="bool"),
    _elementwise("isinf", np.isinf, r"\mathrm{{isinf}}({})", result="bool"),
    _elementwise("isfinite", np.isfinite, r"\mathrm{{isfinite}}({})", result="bool"),
    _reduction("sum", _sum, r"\sum{axis} {}", "Σ{axis}"),
    _reduction("mean", np.mean, r"\mathrm{{mean}}{axis}({})"),
    _reduction("max", np.max, r"\max{axis}({})"),
    _reduction("min", np.min, r"\min{axis}({})"),
    _reduction("norm", norm, r"\left\|{}\right\|{axis}", "‖{}‖"),
    _reduction("argmax", argmax, r"\mathrm{{argmax}}{axis}({})", result="int"),
    _reduction("any", np.any, r"\mathrm{{any}}{axis}({})", result="bool"),
    _reduction("all", np.all, r"\mathrm{{all}}{axis}({})", result="bool"),
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
