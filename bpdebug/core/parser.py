"""Text to tree: Python's own parser reads the formula, a whitelist decides what may stand in it.

Nothing is ever evaluated as Python. What is refused is refused here, when it is given, with its column.
"""

from __future__ import annotations

import ast
import difflib
import math
import re
import warnings
from collections.abc import Iterable, Sequence
from functools import cached_property

from bpdebug.core.errors import FormulaError
from bpdebug.core.functions import CONSTANTS, FUNCTIONS
from bpdebug.core.record import Record, replace
from bpdebug.core.render import to_text
from bpdebug.core.spelling import METHODS, SPELLINGS, Given, SpellingError, Vocabulary, as_number, lengths, numpy_name, rewritten
from bpdebug.core.tree import ONE, Binary, Call, Index, Name, Number, Slice, Transpose, Tree, Unary, chained, names, product, substitute

MAXIMUM_LENGTH = 2000
MAXIMUM_DEPTH = 60
_FILLER, _FIRST = "\u02d0", 0x4E00
"""Letters to Python, one column wide each: of them stand-ins are made for the names that are none to Python, such as ``da1@z2``."""

_BINARY = {ast.Add: "+", ast.Sub: "-", ast.Mult: "*", ast.Div: "/", ast.Pow: "**", ast.MatMult: "@"}
_COMPARE = {ast.Lt: "<", ast.LtE: "<=", ast.Gt: ">", ast.GtE: ">=", ast.Eq: "==", ast.NotEq: "!="}
_REFUSED = {
    ast.Attribute: f"what may follow a value is .T, .size, .shape[0] and the methods {' '.join(METHODS)}",
    ast.Lambda: "a formula has no lambda",
    ast.IfExp: "write where(condition, a, b) for a choice",
    ast.List: "a formula works on named tensors; lists have no place in it",
    ast.Tuple: "one value is expected; found a comma",
    ast.FloorDiv: "there is no //; write / for division",
    ast.Mod: "there is no %",
    ast.BitXor: "there is no ^; write ** for a power",
    ast.BitAnd: "there is no &; write 'and'",
    ast.BitOr: "there is no |; write 'or'",
    ast.Invert: "there is no ~; write 'not'",
}


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


def nearest(word: str, known: Iterable[str]) -> str:
    """The known word that is close, in whatever capitals, or nothing."""
    by_folded = {name.lower(): name for name in known}
    close = difflib.get_close_matches(word.lower(), by_folded, n=1, cutoff=0.6)
    return by_folded[close[0]] if close else ""


def suggestion(word: str, known: Iterable[str]) -> str:
    """``"; did you mean 'dW2'?"`` where a known word is close, or a word is its initials (lr for learning_rate), else nothing."""
    names = list(known)
    initials = {"".join(part[:1] for part in name.lower().split("_")): name for name in names if "_" in name}
    found = nearest(word, names) or initials.get(word.lower(), "")
    return f"; did you mean '{found}'?" if found not in ("", word) else ""


class _Reader:
    """Translates one ``ast`` expression; every refusal knows its column."""

    def __init__(self, text: str, vocabulary: Vocabulary) -> None:
        self.text, self.vocabulary, self.depth, joined = text, vocabulary, 0, vocabulary.joined
        # the names that Python cannot read have stand-ins of the same length
        known = {name: chr(_FIRST + n).ljust(len(name), _FILLER) for n, name in enumerate(sorted(joined, key=len, reverse=True))}
        at = {name: "@" * ("@" in name) for name in known}
        words = "|".join(rf"(?<![\w.{at[name]}]){re.escape(name)}(?![\w{at[name]}])" for name in known)
        self.meant = {stand_in: name for name, stand_in in known.items()}
        self.source = re.sub(words, lambda found: known[found[0]], text) if known else text

    def read(self) -> Tree:
        """The tree of the whole text."""
        depth = 0
        for column, character in enumerate(self.source, 1):
            depth += (character in "([{") - (character in ")]}")
            if depth > MAXIMUM_DEPTH:
                raise FormulaError(f"nested more than {MAXIMUM_DEPTH} deep", self.text, column)
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")  # Python warns of "1or 2"; the screen is no place for that
                parsed = ast.parse(self.source, mode="eval").body
            return self.tree(parsed)
        except SpellingError as refusal:
            raise FormulaError(refusal.message, self.text, self.column(refusal.node)) from None
        except SyntaxError as error:
            raise self._syntax_error(error) from None
        except (ValueError, MemoryError, RecursionError, OverflowError):
            raise FormulaError("the formula is nested too deeply or holds a character that does not belong", self.text, 1) from None

    def _syntax_error(self, error: SyntaxError) -> FormulaError:
        column = min(max(error.offset or 1, 1), len(self.text) + 1)
        reason = (error.msg or "invalid syntax").replace("invalid syntax. ", "").replace("invalid syntax", "this is not a formula")
        sign = re.search(r"(?<![=!<>])=(?!=)", self.text)
        if sign and self.text.count("(", 0, sign.start()) == self.text.count(")", 0, sign.start()):
            column, reason = sign.start() + 1, "an expression is expected here, without '='"
        elif not error.offset:
            column = len(self.text) + 1
        return FormulaError(reason[0].lower() + reason[1:], self.text, column)

    def column(self, node: ast.expr) -> int:
        """The column in characters (``ast`` counts bytes)."""
        return len(self.source.encode()[: node.col_offset].decode(errors="ignore")) + 1

    def tree(self, node: ast.expr) -> Tree:
        """One node, translated."""
        self.depth += 1
        if self.depth > 2 * MAXIMUM_DEPTH:
            raise SpellingError(f"nested more than {2 * MAXIMUM_DEPTH} deep", node)
        handler = getattr(self, f"_{type(node).__name__.lower()}", None)
        if handler is None:
            raise SpellingError(_REFUSED.get(type(node), f"a formula has no {type(node).__name__.lower()}"), node)
        result: Tree = handler(node)
        self.depth -= 1
        return result

    def _constant(self, node: ast.Constant) -> Tree:
        if isinstance(node.value, bool) or not isinstance(node.value, int | float):
            raise SpellingError(f"a number is expected; found {node.value!r:.30}", node)
        try:
            value = float(node.value)
        except OverflowError:
            value = math.inf
        if math.isinf(value):
            raise SpellingError("the number is too large for a float; infinity is written inf", node)
        return Number(value, column=self.column(node))

    def _name(self, node: ast.Name) -> Tree:
        if node.id in FUNCTIONS:
            raise SpellingError(f"'{node.id}' is a function: write {node.id}(…)", node)
        return Name(self.meant.get(node.id, node.id), column=self.column(node))

    def _unaryop(self, node: ast.UnaryOp) -> Tree:
        if isinstance(node.op, ast.UAdd):
            return self.tree(node.operand)
        if isinstance(node.op, ast.Invert):
            raise SpellingError(_REFUSED[ast.Invert], node)
        operator = "-" if isinstance(node.op, ast.USub) else "not"
        return Unary(operator, self.tree(node.operand), column=self.column(node))

    def _binop(self, node: ast.BinOp) -> Tree:
        operator = _BINARY.get(type(node.op))
        left = self.tree(node.left)
        column = self._operator_column(node.left, node.right)
        if operator is None:
            raise FormulaError(_REFUSED.get(type(node.op), "this operator does not belong to the language"), self.text, column)
        return Binary(operator, left, self.tree(node.right), column=column)

    def _operator_column(self, left: ast.expr, right: ast.expr) -> int:
        """Where the operator stands: after the left operand, its closing parentheses and blanks."""
        lines = self.source.encode()
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
            if type(operation) not in _COMPARE:
                raise SpellingError("the comparisons are < <= > >= == !=", right)
            column = self._operator_column(left, right)
            pairs.append(Binary(_COMPARE[type(operation)], self.tree(left), self.tree(right), column=column))
        return chained("and", pairs)

    def _attribute(self, node: ast.Attribute) -> Tree:
        if (constant := numpy_name(node)) in CONSTANTS:
            return Name(constant, column=self.column(node))
        if node.attr == "size":
            return product(*self._lengths(node.value))
        if node.attr != "T":
            raise SpellingError(f"'.{node.attr}' is not in the language; {_REFUSED[ast.Attribute]}", node)
        return Transpose(self.tree(node.value), column=self.column(node))

    def _lengths(self, node: ast.expr) -> Sequence[Tree]:
        """The lengths of a tensor's axes."""
        found = lengths(self.tree(node), self.vocabulary)
        if found is None:
            raise SpellingError("only of a tensor's name can the lengths be asked: x.shape[0], len(x)", node)
        return [replace(length, column=self.column(node)) for length in found]

    def _call(self, node: ast.Call) -> Tree:
        given, column = Given.of(node), self.column(node)
        function = FUNCTIONS.get(given.name)
        if function is None:
            return replace(self._spelt(given), column=column)
        arguments = tuple(map(self.tree, given.arguments(function)))
        axis = given.axis(function, arguments[0], self.vocabulary) if function.reduces else None
        return Call(function.name, arguments, axis, given.keepdims(), column=column)

    def _spelt(self, given: Given) -> Tree:
        """A call that stands for something else: an operator by its name in NumPy, a length, a composite."""
        name, node, count = given.name, given.node, len(given.positional)
        if not name:
            raise SpellingError(f"only the functions of the language can be called, by their name; {_REFUSED[ast.Attribute]}", node)
        if name == "astype" and given.positional:
            return as_number(self.tree(given.positional[0]))
        if name == "len" and count == 1:
            return next(iter(self._lengths(given.positional[0])), ONE)
        letters, formula = self.vocabulary.composites.get(name, ((), ONE))
        if not letters and name not in SPELLINGS:
            known = [*FUNCTIONS, *self.vocabulary.composites]
            raise SpellingError(f"unknown function '{name}'{suggestion(name, known) or '; there are ' + ' '.join(known)}", node)
        arguments = [] if node.keywords else [self.tree(one) for one in given.positional]
        if letters and len(letters) == len(arguments):
            return substitute(formula, dict(zip(letters, arguments, strict=True)))
        if letters or (made := rewritten(name, arguments)) is None:
            hint = "; a product of two matrices is written a @ b" * (name in ("dot", "matmul"))
            raise SpellingError(f"{name} does not take {count} arguments{' and keywords' * bool(node.keywords)}{hint}", node)
        return made

    def _subscript(self, node: ast.Subscript) -> Tree:
        parts = node.slice.elts if isinstance(node.slice, ast.Tuple) else [node.slice]
        if isinstance(node.value, ast.Attribute) and node.value.attr == "shape":
            found, place = self._lengths(node.value.value), self._bound(node.slice)
            if place is None or not -len(found) <= place < len(found):
                raise SpellingError(f"its axes are {', '.join(map(str, range(len(found))))}", node.slice)
            return found[place]
        if not 1 <= len(parts) <= 2:
            raise SpellingError("a tensor has two axes at most: write [row, column]", node)
        items: list[int | Slice] = []
        operand = self.tree(node.value)
        for part in parts:
            if isinstance(part, ast.Slice):
                items.append((self._bound(part.lower), self._bound(part.upper), self._bound(part.step)))
            else:
                items.append(self._bound(part) or 0)
        return Index(operand, tuple(items), column=self.column(node))

    def _bound(self, node: ast.expr | None) -> int | None:
        if node is None:
            return None
        sign, inner = (-1, node.operand) if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.USub) else (1, node)
        if not isinstance(inner, ast.Constant) or type(inner.value) is not int or abs(inner.value) > 10**9:
            raise SpellingError("an index is a whole number or a slice such as 0:2", node)
        return sign * inner.value


def constant_of(tree: Tree) -> float | None:
    """The number that a leaf stands for: a literal, ``pi``, ``inf`` or ``nan``; else None."""
    if isinstance(tree, Number):
        return tree.value
    return CONSTANTS.get(tree.name) if isinstance(tree, Name) else None
