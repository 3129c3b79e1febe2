"""Text to tree: Python's own parser reads the formula, a whitelist decides what may stand in it.

Nothing is ever evaluated as Python. What is refused is refused here, when it is given, with its column.
"""

from __future__ import annotations

import ast
import math
import re
import warnings
from functools import cached_property

from bpdebug.core.errors import FormulaError
from bpdebug.core.foreign import LAYER_NAMES, MODULES, instead_of, unreadable
from bpdebug.core.function import Function
from bpdebug.core.functions import CONSTANTS, FUNCTIONS
from bpdebug.core.record import Record, replace
from bpdebug.core.spelling import (
    BINARY,
    COMPARE,
    METHODS,
    REFUSED,
    SPELLINGS,
    Given,
    SpellingError,
    converted,
    numpy_name,
    read_as,
    stacked,
    uneven_part,
    whole,
)
from bpdebug.core.standins import StandIns, Vocabulary
from bpdebug.core.tree import (
    Binary,
    Bound,
    Call,
    Index,
    Item,
    Key,
    Length,
    Listing,
    Name,
    Number,
    Text,
    Transpose,
    Tree,
    Unary,
    chained,
    names,
)
from bpdebug.core.writing import to_text

MAXIMUM_LENGTH = 10_000
MAXIMUM_DEPTH = 100
_LONG = 40
_TEXTS = " (a text stands in einsum alone)"


class Formula(Record):
    """One text and its tree.

    Attributes:
        text: as it was given, or as the engine writes a derived tree.
        tree: what runs.
    """

    text: str
    tree: Tree

    @classmethod
    def of(cls, tree: Tree) -> Formula:
        """The formula of a tree that the engine has made."""
        return cls(to_text(tree), tree)

    @cached_property
    def names(self) -> tuple[str, ...]:
        """The tensors that it reads."""
        return names(self.tree)


_PLAIN = Vocabulary()


def parse(text: str, vocabulary: Vocabulary = _PLAIN) -> Formula:
    """Parse a formula.

    Args:
        text: an expression such as ``a1.T @ dz2``, or ``np.dot(a1.T, dz2)``.
        vocabulary: the program's names.

    Raises:
        FormulaError: with the column, for anything that the language does not have.
    """
    if len(text) > MAXIMUM_LENGTH:
        raise FormulaError(f"the formula has {len(text)} characters; at most {MAXIMUM_LENGTH} are read", text[:60] + "…", 1)
    stripped = text.strip()
    if not stripped:
        raise FormulaError("a formula is expected; found nothing", text or " ", 1)
    return Formula(stripped, _Reader(stripped, vocabulary).read())


def parse_assignment(text: str) -> tuple[str, Formula]:
    """Parse ``dW2 = a1.T @ dz2`` into the target and its formula."""
    target, sign, expression = text.partition("=")
    if not sign or expression.startswith("="):
        raise FormulaError("expected NAME = FORMULA", text, len(text) + 1)
    if not re.fullmatch(r"\s*[A-Za-z_]\w*(@\w+)?\s*", target):
        raise FormulaError(f"expected a tensor's name before '='; found '{target.strip()}'", text, 1)
    try:
        return target.strip(), parse(expression)
    except FormulaError as error:
        shift = len(text) - len(expression.lstrip()) if expression.strip() else len(text)
        raise type(error)(error.message, text, error.column + shift) from None


class _Reader:
    """Translates one ``ast`` expression; every refusal knows its column."""

    def __init__(self, text: str, vocabulary: Vocabulary) -> None:
        self.text, self.depth, self.names = text, 0, StandIns(text, vocabulary)

    def read(self) -> Tree:
        """The tree of the whole text."""
        depth = 0
        for column, character in enumerate(self.names.source, 1):
            depth += (character in "([{") - (character in ")]}")
            if depth > MAXIMUM_DEPTH:
                raise FormulaError(f"nested more than {MAXIMUM_DEPTH} deep", self.text, column)
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")  # Python warns of "1or 2"; the screen is no place for that
                parsed = ast.parse(self.names.source, mode="eval").body
            return self.tree(parsed)
        except SpellingError as refusal:
            raise FormulaError(refusal.message, self.text, self.column(refusal.node)) from None
        except SyntaxError as error:
            raise FormulaError(*unreadable(self.text, error)) from None
        except (ValueError, MemoryError, RecursionError, OverflowError):
            raise FormulaError("the formula is nested too deeply or holds a character that does not belong", self.text, 1) from None

    def column(self, node: ast.expr) -> int:
        """The column in characters."""
        return self.names.span(node)[0] + 1

    def tree(self, node: ast.expr) -> Tree:
        """One node, translated."""
        self.depth += 1
        if self.depth > MAXIMUM_DEPTH:
            raise SpellingError(f"nested more than {MAXIMUM_DEPTH} deep", node)
        handler = getattr(self, f"_{type(node).__name__.lower()}", None)
        if handler is None:
            raise SpellingError(REFUSED.get(type(node), f"a formula has no {type(node).__name__.lower()}"), node)
        result: Tree = handler(node)
        self.depth -= 1
        return result

    def _constant(self, node: ast.Constant) -> Tree:
        if isinstance(node.value, bool) or not isinstance(node.value, int | float):
            raise SpellingError(f"a number is expected; found {node.value!r:.30}{_TEXTS * isinstance(node.value, str)}", node)
        try:
            infinite = math.isinf(float(node.value))
        except OverflowError:
            infinite = True
        if infinite:
            raise SpellingError("the number is too large for a float; infinity is written inf", node)
        return Number(node.value, column=self.column(node))

    def _name(self, node: ast.Name) -> Tree:
        return Name(self.names.meant.get(node.id, node.id), column=self.column(node))

    def _unaryop(self, node: ast.UnaryOp) -> Tree:
        if isinstance(node.op, ast.UAdd):
            return self.tree(node.operand)
        operator = {ast.USub: "-", ast.Invert: "~"}.get(type(node.op), "not")
        return Unary(operator, self.tree(node.operand), column=self.column(node))

    def _binop(self, node: ast.BinOp) -> Tree:
        operator = BINARY.get(type(node.op))
        left = self.tree(node.left)
        column = self._operator_column(node.left, node.right)
        if operator is None:
            raise FormulaError(REFUSED.get(type(node.op), "this operator does not belong to the language"), self.text, column)
        return Binary(operator, left, self.tree(node.right), column=column)

    def _operator_column(self, left: ast.expr, right: ast.expr) -> int:
        """Where the operator stands: after the left operand, its closing parentheses and blanks."""
        lines = self.names.source.encode()
        position = left.end_col_offset or 0
        while position < right.col_offset and lines[position : position + 1] in b" )\t":
            position += 1
        return len(lines[:position].decode(errors="ignore")) + 1

    def _boolop(self, node: ast.BoolOp) -> Tree:
        operator = "and" if isinstance(node.op, ast.And) else "or"
        return chained(operator, [self.tree(value) for value in node.values])

    def _compare(self, node: ast.Compare) -> Tree:
        operands = [node.left, *node.comparators]
        pairs: list[Tree] = []
        for left, operation, right in zip(operands, node.ops, operands[1:], strict=False):
            if type(operation) not in COMPARE:
                raise SpellingError("the comparisons are < <= > >= == !=", right)
            column = self._operator_column(left, right)
            pairs.append(Binary(COMPARE[type(operation)], self.tree(left), self.tree(right), column=column))
        return chained("and", pairs)

    def _attribute(self, node: ast.Attribute) -> Tree:
        if (constant := numpy_name(node)) in (*CONSTANTS, "e"):
            return Number(math.e, column=self.column(node)) if constant == "e" else Name(constant, column=self.column(node))
        if node.attr in ("size", "shape"):
            return Length(self.tree(node.value), None if node.attr == "size" else ..., column=self.column(node))
        if node.attr == "mT":
            last = (Unary("-", Number(1)), Unary("-", Number(2)))
            return Call("swapaxes", (self.tree(node.value), *last), column=self.column(node))
        if node.attr != "T":
            path = ast.unparse(node)
            tensor = f", and there is no tensor {path}" * bool(re.fullmatch(r"[A-Za-z_][\w.]*", path) and node.attr not in METHODS)
            raise SpellingError(f"'.{node.attr}' is not in the language{tensor}; {REFUSED[ast.Attribute]}", node)
        return Transpose(self.tree(node.value), column=self.column(node))

    def _call(self, node: ast.Call) -> Tree:
        given, column = Given.of(node), self.column(node)
        function = FUNCTIONS.get(given.name)
        if function is None or (given.name == "transpose" and len(node.args) + len(node.keywords) + given.method < 2):
            return replace(self._spelt(given), column=column)
        found = given.arguments(function)
        arguments = [self._argument(function, place, argument) for place, argument in enumerate(found)]
        while (last := len(arguments) - 1) >= function.arity and ast.unparse(found[last]) == function.usual[function.parameters[last]]:
            arguments.pop()  # it is what it is when it is left away
        return Call(function.name, tuple(arguments), given.axis(function), given.keepdims(), given.ddof(), column=column)

    def _argument(self, function: Function, place: int, node: ast.expr) -> Tree:
        """One argument: a list or a subscript where the function takes one, else a value."""
        name = function.parameters[place]
        if name == "subscripts":
            if not isinstance(node, ast.Constant) or not isinstance(node.value, str):
                raise SpellingError('einsum begins with its subscripts, such as "ij,jk->ik"', node)
            return Text(node.value, column=self.column(node))
        if name == "index":
            sliced = isinstance(node, ast.Subscript) and ast.unparse(node.value) in ("s_", "np.s_", "numpy.s_")
            return Key(self._items(node.slice if sliced else node), column=self.column(node))  # type: ignore[attr-defined]
        if function.static_at(place) or (function.listed and place == 0) or name == "indices":
            return self._listed(node, function.listed)
        return self.tree(stacked(node))

    def _listed(self, node: ast.expr, arrays: bool = False) -> Tree:
        """A list or tuple, of lists perhaps, which may be arrays, or a value."""
        if not isinstance(node, ast.List | ast.Tuple):
            return self.tree(node)
        return Listing(tuple(self.tree(stacked(one)) if arrays else self._listed(one) for one in node.elts), column=self.column(node))

    def _spelt(self, given: Given) -> Tree:
        """A call that stands for something else: an operator by its name in NumPy, a length."""
        name, node, count = given.name, given.node, len(given.positional)
        if not name:
            self._refuse_call(node)
        if name == "astype" and given.method:
            return converted(self.tree(given.positional[0]), given)
        if name == "len" and count == 1:
            return Length(self.tree(given.positional[0]), 0)
        if name not in SPELLINGS:
            hint = "it is written add_at(x, index, values)" if name == "add.at" else instead_of(name.rpartition(".")[2])
            raise SpellingError(f"unknown function '{name}'; {hint or 'there are ' + ' '.join([*FUNCTIONS, *LAYER_NAMES])}", node)
        if (text := read_as(given)) is None:
            hint = "; a product of two matrices is written a @ b" * (name in ("dot", "matmul"))
            raise SpellingError(f"{name} does not take {count} arguments{' and keywords' * bool(node.keywords)}{hint}", node)
        return self.tree(text)

    def _refuse_call(self, node: ast.Call) -> None:
        """Refuse to call what is no function of the language."""
        if not isinstance(node.func, ast.Attribute):
            self.tree(node.func)  # which may say why
            raise SpellingError("only the functions of the language can be called, by their name", node)
        value, called = node.func.value, ast.unparse(node.func)
        module = ast.unparse(value) if isinstance(value, ast.Name | ast.Attribute) else ""
        instead = instead_of(node.func.attr, module, module.partition(".")[0] in MODULES)
        what = called if len(called) < _LONG else f".{node.func.attr}"
        raise SpellingError(f"'{what}' cannot be called here; {instead or REFUSED[ast.Attribute]}", node)

    def _subscript(self, node: ast.Subscript) -> Tree:
        column = self.column(node)
        if isinstance(node.value, ast.Attribute) and node.value.attr == "shape":
            axis = whole(node.slice)
            if axis is None:
                raise SpellingError("a shape's axis is a whole number: x.shape[0], x.shape[-1]", node.slice)
            return Length(self.tree(node.value.value), axis, column=column)
        operand, items = self.tree(node.value), self._items(node.slice)
        parts = uneven_part(operand, items)
        return Index(parts[0], parts[1], column=column) if parts else Index(operand, items, column=column)

    def _items(self, node: ast.expr) -> tuple[Item, ...]:
        """The parts of a subscript."""
        return tuple(map(self._item, node.elts)) if isinstance(node, ast.Tuple) else (self._item(node),)

    def _item(self, node: ast.expr) -> Item:
        if isinstance(node, ast.Call) and ast.unparse(node.func) == "slice" and 0 < len(node.args) < 4:
            node = ast.Slice(*[None, *node.args, None][len(node.args) > 1 :][:3])
        if isinstance(node, ast.Slice):
            return self._bound(node.lower), self._bound(node.upper), self._bound(node.step)
        constant = node.value if isinstance(node, ast.Constant) else 0
        if constant is None or numpy_name(node) == "newaxis" or (isinstance(node, ast.Name) and node.id == "newaxis"):
            return None
        if constant is ...:
            return constant
        if isinstance(constant, str | float | bool | complex | bytes) or (type(constant) is int and abs(constant) > 10**9):
            raise SpellingError("an index is a whole number, a slice such as 0:2, None, ... or an array of places", node)
        return self._listed(node) if (place := whole(node)) is None else place

    def _bound(self, node: ast.expr | None) -> Bound:
        """An end or the step of a slice."""
        if node is None or (isinstance(node, ast.Constant) and node.value is None):
            return None
        found = self._item(node)
        if isinstance(found, int | Tree) and not isinstance(found, Listing):
            return found
        raise SpellingError("a slice has whole numbers: 0:2, or 1:len(x)", node)
