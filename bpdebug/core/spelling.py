"""Other ways to write what the language has: NumPy's names and methods, and the functions that stand for a formula.

``np.dot(x, W1)`` and ``x.dot(W1)`` are ``x @ W1``, ``np.sum(dz1, 0)`` and ``dz1.sum(axis=0)`` are ``sum(dz1, axis=0)``, and
``sigmoid(z1)`` is its row of the operation table: a line of the user's own code can be pasted as it stands.
"""

from __future__ import annotations

import ast
from collections.abc import Callable, Mapping, Sequence
from dataclasses import field

from bpdebug.core.functions import FUNCTIONS, Function
from bpdebug.core.record import Record
from bpdebug.core.tree import Binary, Call, Name, Number, Operation, Transpose, Tree, Unary, axes, operation

NUMPY = ("np", "numpy")
"""What programs call NumPy."""
ALIASES = {"absolute": "abs", "fabs": "abs", "amax": "max", "amin": "min", "linalg.norm": "norm"}
"""NumPy's further names of a function."""
METHODS = sorted({"astype", "clip", "dot", "transpose", *(name for name, row in FUNCTIONS.items() if row.reduces and name != "norm")})
"""What may follow a value: ``dz1.sum(axis=0)``."""
_ARITHMETIC = "add + subtract - multiply * divide / true_divide / power ** dot @ matmul @"
_COMPARISONS = "less < less_equal <= greater > greater_equal >= equal == not_equal !="
_WORDS = f"{_ARITHMETIC} {_COMPARISONS}".split()
_SIGNS = dict(zip(_WORDS[::2], _WORDS[1::2], strict=True))


class Vocabulary(Record, eq=False):
    """What a formula may be made of beside the language itself.

    Attributes:
        joined: the names that are no Python names (``da1@z2``, ``blocks.0.weight``, ``W[0]``); the longest that fits is read.
        lengths: the lengths of a tensor's axes, as trees since that of the samples is a name; None for what is no tensor.
        composites: the functions that stand for a formula, as the names of their arguments and that formula.
    """

    joined: frozenset[str] = frozenset()
    lengths: Callable[[str], Sequence[Tree] | None] = field(default=lambda _: None)
    composites: Mapping[str, tuple[Sequence[str], Tree]] = {}


def rewritten(name: str, arguments: Sequence[Tree]) -> Tree | None:
    """What a call by one of NumPy's names for an operator, or of a method, stands for; None for any other name or number of arguments."""
    match name, arguments:
        case _, (left, right) if name in _SIGNS:
            return Binary(_SIGNS[name], left, right)
        case "negative", (operand,):
            return Unary("-", operand)
        case "reciprocal", (operand,):
            return Binary("/", Number(1.0), operand)
        case "transpose", (operand,):
            return Transpose(operand)
        case "clip", (operand, low, high):
            return Call("minimum", (Call("maximum", (operand, low)), high))
    return None


SPELLINGS = (*_SIGNS, "negative", "reciprocal", "transpose", "clip")
"""The names that :func:`rewritten` knows."""


def as_number(tree: Tree) -> Tree:
    """The value as a number, ``.astype(float)``: 1 and 0 for truth values."""
    truth = isinstance(tree, Operation) and operation(tree)[0].result == "bool"
    return Call("where", (tree, Number(1.0), Number(0.0))) if truth else tree


def lengths(tree: Tree, vocabulary: Vocabulary) -> Sequence[Tree] | None:
    """The lengths of the axes of a named tensor or its transpose; None for any other formula."""
    if isinstance(tree, Transpose):
        inner = lengths(tree.operand, vocabulary)
        return inner and inner[::-1]
    return vocabulary.lengths(tree.name) if isinstance(tree, Name) else None


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


class Given(Record, eq=False):
    """A call as it is written.

    Attributes:
        name: the function's, without NumPy's; "" for what is no function.
        positional: its arguments, the value before a method's dot first.
        node: the whole of it.
    """

    name: str
    positional: list[ast.expr]
    node: ast.Call

    @classmethod
    def of(cls, node: ast.Call) -> Given:
        """The parts of a call."""
        called, name = node.func, numpy_name(node.func)
        if isinstance(called, ast.Name):
            name = called.id
        elif isinstance(called, ast.Attribute) and not name and called.attr in METHODS:
            return cls(called.attr, [called.value, *node.args], node)
        return cls(ALIASES.get(name, name), node.args, node)

    def arguments(self, function: Function) -> list[ast.expr]:
        """The function's arguments, without an axis.

        Raises:
            SpellingError: for another number of them, or a keyword that the function does not have.
        """
        others = [k.arg for k in self.node.keywords if not function.reduces or k.arg not in ("axis", "keepdims")]
        if others:
            raise SpellingError(f"{function.name} takes no argument '{others[0]}'", self.node)
        if not function.arity <= len(self.positional) <= function.arity + function.reduces:
            takes = f"{function.arity} argument{'s' * (function.arity > 1)}{' and an axis' * function.reduces}"
            raise SpellingError(f"{function.name} takes {takes}; found {len(self.positional)}", self.node)
        return self.positional[: function.arity]

    def keepdims(self) -> bool:
        """Whether a folded axis stays.

        Raises:
            SpellingError: where that is no truth value.
        """
        for value in [k.value for k in self.node.keywords if k.arg == "keepdims"]:
            if not isinstance(value, ast.Constant) or type(value.value) is not bool:
                raise SpellingError("keepdims is True (a folded axis stays, with length 1) or False (it is dropped)", value)
            return value.value
        return False

    def axis(self, function: Function, operand: Tree, vocabulary: Vocabulary) -> int | None:
        """The axis that is folded, counted from the first; None for all of them.

        Raises:
            SpellingError: where there is no such axis.
        """
        given = [*self.positional[function.arity :], *(k.value for k in self.node.keywords if k.arg == "axis")]
        if len(given) > 1:
            raise SpellingError("the axis is given twice", given[1])
        if not given or (isinstance(given[0], ast.Constant) and given[0].value is None):
            return None
        count = axes(operand, lambda name: len(there) if (there := vocabulary.lengths(name)) is not None else 2)
        parts = given[0].elts if isinstance(given[0], ast.Tuple) else given
        folded = {axis % count if -count <= axis < 0 else axis for axis in map(_whole, parts)}
        if len(folded) == len(parts) == count > 1:
            return None
        if [*folded] not in ([0], [1]) or len(parts) > 1:
            raise SpellingError("axis is 0 (down the rows) or 1 (along the columns); -1 is the last, (0, 1) are both", given[0])
        return folded.pop()


def _whole(node: ast.expr) -> int:
    """A literal whole number; else one that no axis has."""
    sign, inner = (-1, node.operand) if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.USub) else (1, node)
    return sign * inner.value if isinstance(inner, ast.Constant) and type(inner.value) is int else 99
