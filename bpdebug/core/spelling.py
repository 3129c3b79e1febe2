"""Other ways to write what the language has: NumPy's names and methods, and the functions that stand for a formula.

``np.dot(x, W1)`` and ``x.dot(W1)`` are ``x @ W1``, ``np.sum(dz1, 0)`` and ``dz1.sum(axis=0)`` are ``sum(dz1, axis=0)``, and
``sigmoid(z1)`` is its row of the operation table: a line of the user's own code can be pasted as it stands.
"""

from __future__ import annotations

import ast
from typing import cast

import numpy as np

from bpdebug.core.foreign import KEYWORDS, LIBRARIES, UNASKED
from bpdebug.core.function import Axis, Function
from bpdebug.core.functions import FUNCTIONS
from bpdebug.core.record import Record
from bpdebug.core.tree import WHOLE, Binary, Call, Index, Item, Listing, Number, Operation, Tree, operation


def whole(node: ast.expr) -> int | None:
    """A literal whole number of a size that an axis or a place may have."""
    sign, inner = (-1, node.operand) if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.USub) else (1, node)
    fits = isinstance(inner, ast.Constant) and type(inner.value) is int and abs(inner.value) <= 10**9
    return sign * inner.value if fits else None  # type: ignore[attr-defined]


def stacked(node: ast.expr) -> ast.expr:
    """What NumPy makes of a list in the place of a value, as in ``sum([a, b], axis=0)``."""
    if not isinstance(node, ast.List) or not node.elts:
        return node
    parts = ast.List([*map(stacked, node.elts)], ast.Load())
    return ast.fix_missing_locations(ast.copy_location(ast.Call(ast.Name("stack", ast.Load()), [parts], []), node))


NUMPY = ("np", "numpy")
"""What programs call NumPy."""
ALIASES = {
    "absolute": "abs",
    "fabs": "abs",
    "amax": "max",
    "amin": "min",
    "lib.stride_tricks.sliding_window_view": "sliding_window_view",
    "permute_dims": "transpose",
    "concat": "concatenate",
    "diagonal": "diag",
    "range": "arange",
    "identity": "eye",
    "average": "mean",
}
"""NumPy's further names of a function."""
_USUAL = {"dtype": ("float", "np.float64"), "mode": ("'constant'",), "constant_values": ("0", "0.0"), "copy": ("True",)}
"""What keywords say that is so without them."""
_REDUCING = {name for name, row in FUNCTIONS.items() if row.reduces} - {"norm", "logsumexp"}
_LAYING = "astype clip copy cumprod cumsum diagonal dot flatten ravel repeat reshape squeeze swapaxes take trace transpose"
METHODS = sorted({*_LAYING.split(), *_REDUCING})
"""What may follow a value: ``dz1.sum(axis=0)``."""
_ARITHMETIC = "add + subtract - multiply * divide / true_divide / floor_divide // power ** pow ** dot @ matmul @ logical_and & logical_or |"
_COMPARISONS = "less < less_equal <= greater > greater_equal >= equal == not_equal !="
_WORDS = f"{_ARITHMETIC} {_COMPARISONS}".split()
_MOST = float(np.finfo(np.float64).max)


BINARY = {
    ast.Add: "+",
    ast.Sub: "-",
    ast.Mult: "*",
    ast.Div: "/",
    ast.FloorDiv: "//",
    ast.Pow: "**",
    ast.MatMult: "@",
    ast.BitAnd: "&",
    ast.BitOr: "|",
}
COMPARE = {ast.Lt: "<", ast.LtE: "<=", ast.Gt: ">", ast.GtE: ">=", ast.Eq: "==", ast.NotEq: "!="}
"""The operators, by what Python's parser calls them."""


REFUSED = {
    ast.Attribute: f"what may follow a value is .T, .size, .shape and the methods {' '.join(METHODS)}",
    ast.Lambda: "a formula has no lambda",
    ast.IfExp: "write where(condition, a, b) for a choice",
    ast.List: "a list stands in brackets of a function that takes one, such as concatenate([a, b])",
    ast.Tuple: "one value is expected; found a comma",
    ast.Mod: "there is no %",
    ast.BitXor: "there is no ^; write ** for a power",
    ast.NamedExpr: "there is no :=; give the value a line of its own",
    ast.ListComp: "a program has no loops: work along a whole axis at once, or write each step as a line of its own",
    ast.GeneratorExp: "a program has no loops: work along a whole axis at once, or write each step as a line of its own",
    ast.Dict: "a formula has no {…}",
    ast.Set: "a formula has no {…}",
    ast.JoinedStr: "a formula has no texts",
    ast.Starred: "a formula has no *arguments",
}
"""What is said of what the language does not have."""


def uneven_part(split: Tree, items: tuple[Item, ...]) -> tuple[Tree, tuple[Item, ...]] | None:
    """What ``split(x, [2, 5], axis=1)[1]`` is, a part from one place to another: ``x``, with the slice; None for anything else."""
    match split, items:
        case Call("split", (operand, Listing(places)), int(axis)), (int(part), *rest) if all(isinstance(n, Number) for n in places):
            ends = [None, *(int(n.value) for n in places if isinstance(n, Number)), None]
            if -len(ends) < part < len(ends) - 1:
                part %= len(ends) - 1
                own: Item = (ends[part], ends[part + 1], None)
                after = (WHOLE,) * (-1 - axis)
                whole: tuple[Item, ...] = (*(WHOLE,) * axis, own) if axis >= 0 else (..., own, *after)
                return (Index(operand, whole), tuple(rest)) if rest else (operand, whole)
    return None


_READ = {
    "negative": "-x",
    "logical_not": "~x",
    "reciprocal": "1 / x",
    "transpose": "x.T",
    "trace": "sum(diag(x))",
    "full": "y * ones(x)",
    "vdot": "reshape(x, -1) @ reshape(y, -1)",
    "nan_to_num": f"clip(where(isnan(x), 0, x), {-_MOST!r}, {_MOST!r})",
    **dict.fromkeys(("flatten", "ravel"), "reshape(x, -1)"),
    **dict.fromkeys(("copy", "array", "asarray", "float64", "list"), "x"),
    **{name: f"x {sign} y" for name, sign in zip(_WORDS[::2], _WORDS[1::2], strict=True)},
}
SPELLINGS = tuple(_READ)
"""The names that :func:`read_as` knows."""


class _Filled(ast.NodeTransformer):
    """Puts arguments in the place of the letters of a text, all of which stands where the call stands."""

    def __init__(self, given: Given) -> None:
        self.node, self.arguments, self.used = given.node, dict(zip("xy", given.positional, strict=False)), set[str]()
        self.many = given.name != "full"  # whose first list is a shape

    def visit(self, node: ast.AST) -> ast.AST:
        if isinstance(node, ast.Name) and node.id in "xy":
            self.used.add(node.id)
            found = self.arguments.get(node.id, node)
            return stacked(found) if node.id == "y" or self.many else found
        return ast.copy_location(self.generic_visit(node), self.node)


def read_as(given: Given) -> ast.expr | None:
    """What a call by one of NumPy's other names stands for, such as an operator; None for another number of arguments."""
    filled = _Filled(given)
    found = cast(ast.expr, filled.visit(ast.parse(_READ[given.name], mode="eval").body))
    plain = all(given.is_usual(keyword) for keyword in given.node.keywords)
    return found if plain and len(filled.used) == len(given.positional) else None


def numpy_name(node: ast.expr) -> str:
    """What a name of NumPy's is called there, such as ``linalg.norm``; "" for anything else."""
    path = list[str]()
    while isinstance(node, ast.Attribute):
        path.insert(0, node.attr)
        node = node.value
    return ".".join(path) if isinstance(node, ast.Name) and node.id in NUMPY and path else ""


class SpellingError(Exception):
    """What the language does not have, and where it stands."""

    def __init__(self, message: str, node: ast.expr) -> None:
        super().__init__(message)
        self.message, self.node = message, node


def _squares(node: ast.Call) -> ast.Call:
    """``np.linalg.norm(x, 2, axis=1)``, whose second argument is the order, as ``norm(x, axis=1)``.

    Raises:
        SpellingError: where that is no root of a sum of squares.
    """
    given = dict(zip(("ord", "axis", "keepdims"), node.args[1:], strict=False)) | {k.arg: k.value for k in node.keywords}
    order, rows = ast.unparse(given.pop("ord", ast.Constant(None))), isinstance(given.get("axis"), ast.Constant | ast.UnaryOp)
    if order not in ("None", "'fro'") and not (order == "2" and rows):  # which of a matrix is the spectral norm
        told = f"norm is the root of a sum of squares, and of order {order} this is another one"
        raise SpellingError(f"{told}: write sum(abs(x)) or max(abs(x)), with an axis", node)
    return ast.copy_location(ast.Call(node.func, node.args[:1], [ast.keyword(name, value) for name, value in given.items()]), node)


class Given(Record, eq=False):
    """A call as it is written.

    Attributes:
        name: the function's, without NumPy's; "" for what is no function.
        positional: its arguments, the value before a method's dot first.
        node: the whole of it.
        method: whether it follows a value and a dot.
    """

    name: str
    positional: list[ast.expr]
    node: ast.Call
    method: bool = False

    @classmethod
    def of(cls, node: ast.Call) -> Given:
        """The parts of a call."""
        called, name = node.func, numpy_name(node.func)
        if isinstance(called, ast.Name):
            name = called.id
        elif isinstance(called, ast.Attribute) and not name and called.attr in METHODS and ast.unparse(called.value) not in LIBRARIES:
            return cls(ALIASES.get(called.attr, called.attr), [called.value, *node.args], node, True)
        if name == "linalg.norm":
            name, node = "norm", _squares(node)
        return cls(ALIASES.get(name, name), node.args, node)

    def arguments(self, function: Function) -> list[ast.expr]:
        """The function's arguments, without an axis and the like.

        Raises:
            SpellingError: for another number of them, or a keyword that the function does not have.
        """
        most, given = len(function.parameters), self.positional
        if len(given) > most and self.name in ("reshape", "transpose") and self.method:  # x.reshape(2, -1)
            given = [given[0], ast.copy_location(ast.Tuple(given[1:]), given[1])]
        if self.name == "pad" and len(given) == most + 1 and ast.unparse(given[most]) in _USUAL["mode"]:
            given = given[:most]
        named = {k.arg: k.value for k in self.node.keywords if k.arg not in self._options(function) and not self.is_usual(k)}
        for name in named:
            if name not in function.parameters[len(given) :]:
                meant = KEYWORDS.get(name or "", "")
                meant = f"; it is called {meant} here" if meant in self._options(function) else UNASKED.get(name or "", "")
                raise SpellingError(f"{function.name} takes no argument '{name}'{meant}", self.node)
        wanted = function.parameters[len(given) : most]
        while wanted and wanted[-1] not in named:
            wanted = wanted[:-1]
        found = given[:most] + [named[name] for name in wanted if name in named]
        if not function.arity <= len(found) <= most or len(given) > most + bool(function.axes) or not set(wanted) <= {*named}:
            more, axis = f" to {most}" * (most > function.arity), " and an axis" * bool(function.axes)
            several = f"{function.arity}{more} argument{'s' * (most > 1)}"
            raise SpellingError(f"{function.name} takes {several}{axis}; found {len(self.positional)}", self.node)
        return found

    @staticmethod
    def is_usual(keyword: ast.keyword) -> bool:
        """Whether a keyword says what is so without it."""
        return ast.unparse(keyword.value) in _USUAL.get(keyword.arg or "", ())

    @staticmethod
    def _options(function: Function) -> list[str]:
        return ["axis"] * bool(function.axes) + ["keepdims"] * function.reduces + ["ddof"] * (function.name in ("var", "std"))

    def option(self, name: str) -> ast.expr | None:
        """The value of a keyword."""
        return next((k.value for k in self.node.keywords if k.arg == name), None)

    def keepdims(self) -> bool:
        """Whether a folded axis stays.

        Raises:
            SpellingError: where that is no truth value.
        """
        value = self.option("keepdims")
        if value is not None and (not isinstance(value, ast.Constant) or type(value.value) is not bool):
            raise SpellingError("keepdims is True (a folded axis stays, with length 1) or False (it is dropped)", value)
        return isinstance(value, ast.Constant) and bool(value.value)

    def ddof(self) -> int:
        """What is taken from the number of cells that a variance divides by.

        Raises:
            SpellingError: where that is no whole number.
        """
        value = self.option("ddof")
        if value is None:
            return 0
        if not isinstance(value, ast.Constant) or type(value.value) is not int:
            raise SpellingError("ddof is a whole number: 0 divides by n, 1 by n - 1", value)
        return value.value

    def axis(self, function: Function) -> Axis:
        """The axis or axes, as they are written; the usual one where none is given.

        Raises:
            SpellingError: where it is none, is missing, or is given twice.
        """
        keyword, most = self.option("axis"), len(function.parameters)
        given = [*self.positional[most:], *([keyword] if keyword is not None else [])]
        if (self.method and self.name in ("reshape", "transpose")) or not function.axes:
            return function.axis
        if len(given) > 1:
            raise SpellingError("the axis is given twice", given[1])
        if not given and function.axes == "asks":
            raise SpellingError(f"{function.name} needs an axis: axis=-1 is the last", self.node)
        if not given:
            return function.axis
        if isinstance(given[0], ast.Constant) and given[0].value is None:
            return None
        parts = given[0].elts if isinstance(given[0], ast.Tuple | ast.List) else given
        found = tuple(map(whole, parts))
        if not found or None in found or len(set(found)) < len(found):
            message = "axis is a whole number, 0 is the first axis and -1 the last, or several in parentheses: (0, 2)"
            raise SpellingError(message, given[0])
        axes = tuple(number for number in found if number is not None)
        return axes[0] if len(axes) == 1 else axes


def converted(tree: Tree, given: Given) -> Tree:
    """The value as another kind of number: ``.astype(float)``, 1 and 0 for truth values."""
    kind = " ".join(ast.unparse(one) for one in (*given.positional[1:], *(keyword.value for keyword in given.node.keywords)))
    if "bool" in kind or "int" in kind:
        return Binary("!=", tree, Number(0)) if "bool" in kind else Call("whole", (tree,))
    truth = isinstance(tree, Operation) and operation(tree)[0].result == "bool"
    return Call("where", (tree, Number(1.0), Number(0.0))) if truth else Binary("*", tree, Number(1.0))
