"""The shape of every formula before anything runs, with one-sided broadcasting.

NumPy lets (4, 1) and (1, 4) meet in a (4, 4) table of all pairs, and (4,) and (4, 1) too: the silent mistake behind many
a network that "trains" to 0.5. Here the result of an elementwise operation has the shape of one of its operands, or the
formula is refused.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping, Sequence
from typing import Any, cast

from bpdebug.core.errors import FormulaError, ShapeError
from bpdebug.core.expansion import constant_of, expanded
from bpdebug.core.function import Function
from bpdebug.core.functions import COUNTING, FUNCTIONS
from bpdebug.core.laying import RULES, laid, reduced
from bpdebug.core.misfits import axes_text, dot_misfit, joint_misfit, keepdims_hint, misfit, misfit_at, product_misfit, shape_text
from bpdebug.core.parser import Formula
from bpdebug.core.record import replace
from bpdebug.core.structure import Form, MisfitError, Unknown, axes_of, broadcast, counted, indexed, size_of, stretched
from bpdebug.core.tree import (
    Binary,
    Call,
    Index,
    Item,
    Key,
    Length,
    Listing,
    Name,
    Operation,
    Text,
    Transpose,
    Tree,
    View,
    operation,
    walk,
)
from bpdebug.core.words import suggestion
from bpdebug.core.writing import to_text

Shape = tuple[int, ...]
Shapes = Mapping[str, Shape]
GENERIC_ROWS = 10007
"""A batch size that no layer has: a formula must fit with it too, and not only a batch that has as many rows as a layer has units."""


def infer(formula: Formula, shapes: Shapes) -> Form:
    """The shape of the formula's value, with the kind of its numbers.

    Args:
        formula: any formula.
        shapes: the shape of every tensor that it may read.

    Raises:
        FormulaError: for a name that ``shapes`` does not have.
        ShapeError: for operands that do not fit, with both shapes and, where there is one, the likely remedy.
    """
    return Inference(formula.text, shapes).shape(formula.tree).lasting()


def infer_condition(formula: Formula, shapes: Shapes) -> None:
    """Check that the formula is a single truth value.

    Raises:
        FormulaError: as :func:`infer`, and for a table where one value is needed.
    """
    shape = infer(formula, shapes)
    if shape:
        message = f"a condition is one value; this one is {shape_text(shape)}: write any(…) or all(…) around it"
        raise ShapeError(message, formula.text, 1)


def check_stage(name: str, formula: Formula, shapes: Shapes, later: Collection[str]) -> None:
    """Check that a stage may compute a formula.

    Args:
        name: the tensor that it assigns.
        formula: what it is to compute.
        shapes: the shape of every tensor, for batches of some size or of :data:`GENERIC_ROWS`.
        later: the tensors that have no value yet when the stage runs.

    Raises:
        FormulaError: for one of those.
        ShapeError: as :func:`infer`, and where the tensor has another shape.
    """
    for node in walk(formula.tree):
        if isinstance(node, Name) and node.name in later:
            own = ": each update computes it anew, and nothing is kept of the one before" * (node.name == name)
            message = f"{node.name} is not computed yet when {name} runs{own}"
            raise FormulaError(message, formula.text, node.column)
    try:
        found, wanted = infer(formula, shapes), shapes[name]
        if found != wanted:
            remedy = keepdims_hint(formula.tree) if len(found) < len(wanted) else ""
            if len(found) == len(wanted) == 2 and wanted[0] == 1 != found[0] and found[1] == wanted[1]:
                remedy = f"sum over the samples, sum({to_text(formula.tree)}, axis=0, keepdims=True)"
            message = f"{name} is {shape_text(wanted)}; this formula gives {shape_text(found)}{remedy and f': {remedy}'}"
            raise ShapeError(message, formula.text, 1)
    except ShapeError as error:
        if not any(GENERIC_ROWS in shape for shape in shapes.values()):
            raise
        reason = "m samples: it only seems to fit because this batch has as many rows as a layer has units"
        raise ShapeError(f"{in_general(error.message)} ({reason})", error.text, error.column) from None


def in_general(message: str) -> str:
    """A message about :data:`GENERIC_ROWS` samples as one about m."""

    def said(found: re.Match[str]) -> str:
        times, rest = divmod(int(found[0]), GENERIC_ROWS)
        return found[0] if rest or not times else f"{times}·m" if times > 1 else "m"

    return re.sub(r"\b\d+\b", said, message)


class Inference:
    """The shapes of the nodes of one formula, each made of those below it."""

    def __init__(self, text: str, shapes: Shapes) -> None:
        self.text, self.shapes = text, shapes
        self._known: dict[int, tuple[Tree, Form]] = {}

    def error(self, message: str, tree: Tree) -> ShapeError:
        return ShapeError(message, self.text, tree.column)

    def shape(self, tree: Tree) -> Form:
        """The shape of any node, with the kind of its numbers.

        Raises:
            FormulaError: as :func:`infer`.
        """
        known = self._known.get(id(tree))
        if known is None:
            known = self._known[id(tree)] = tree, self._found(tree)
        return known[1]

    def _found(self, tree: Tree) -> Form:
        constant = constant_of(tree) if not isinstance(tree, Name) or tree.name not in self.shapes else None
        if constant is not None:
            return Form.of((), "i" if isinstance(constant, int) else "f", constant if isinstance(constant, int) else None)
        if isinstance(tree, Name):
            return self.of_name(tree)
        if not isinstance(tree, Operation | View):
            raise self.error(f"{to_text(tree)} is no value", tree)
        try:
            return self._made(tree)
        except MisfitError as misfit:
            operand = tree.children()[0]
            own = None if isinstance(operand, Listing | Text | Key) else self.shape(operand)
            raise self.error(misfit_at(tree, operand, own, str(misfit)), tree) from None

    def _made(self, tree: Operation | View) -> Form:
        """The shape of what is made of others.

        Raises:
            MisfitError: where these do not fit, and it is not said yet why.
        """
        match tree:
            case Transpose(operand):
                inner = self.shape(operand)
                return Form.of(inner[::-1], inner.kind)
            case Index(operand, items):
                inner = self.shape(operand)
                return Form.of(indexed(inner, [self.item(item) for item in items]), inner.kind)
            case Length(operand, axis):
                inner = self.shape(operand)
                count = inner[axes_of(axis, len(inner))[0]] if isinstance(axis, int) else size_of(inner)
                if axis is ...:
                    raise self.error(f"{to_text(tree)} is several numbers: one of them is {to_text(replace(tree, axis=0))}", tree)
                return Form.of((), "i", count)
            case Call(function) if FUNCTIONS[function].formula:
                return self._composite(tree)
            case Call(function) if function in RULES or not FUNCTIONS[function].ufunc:
                return self._called(tree)
        row, operands = operation(tree)
        shapes = tuple(map(self.shape, operands))
        for operand, shape in zip(operands, shapes, strict=True) if row.single else ():
            if shape:
                values = f"{to_text(operand)} is {shape_text(shape)}"
                raise self.error(f"'{row.name}' takes single values; {values}: write any(…) or all(…), or & and | cell by cell", operand)
        found = self._product(tree, *shapes) if row.name == "@" else self.together(tree, operands, shapes)  # type: ignore[arg-type]
        return Form.of(found, self._kind(tree, row, shapes), counted(row.name, [shape.number for shape in shapes]))

    def _kind(self, tree: Tree, row: Function, shapes: Sequence[Form]) -> str:
        """The kind of number that comes out."""
        if row.result != "same":
            return row.result[0]
        kind = max((shape.kind for place, shape in enumerate(shapes) if place not in row.truths), key="bif".index, default="f")
        if kind == "i" and isinstance(tree, Binary) and tree.operator == "**" and (self.shape(tree.right).number or 0) < 0:
            raise self.error(f"NumPy raises whole numbers to no negative power: write {to_text(tree)}.0", tree)
        if kind == "b" and row.name in ("-", "sign"):
            name = to_text(operation(cast(Operation, tree))[1][0])
            raise self.error(f"NumPy has no {row.name} for truth values: where({name}, 1, 0) are numbers", tree)
        return "i" if kind == "b" and row.name in COUNTING else kind

    def item(self, item: Item) -> Any:
        """A part of a subscript as its shape is found with."""
        if isinstance(item, tuple):
            return slice(*(self.static(bound) if isinstance(bound, Tree) else bound for bound in item))
        if not isinstance(item, Tree):
            return item
        found = self._listed(item) if isinstance(item, Listing) else self.shape(item)
        if found.kind == "f":
            raise self.error(f"places are whole numbers or truth values; {to_text(item)} is neither", item)
        return found if found or found.kind == "b" or found.number is None or isinstance(found.number, Unknown) else found.number

    def _listed(self, tree: Listing) -> Form:
        """A list of places."""
        parts = [self._listed(item) if isinstance(item, Listing) else self.shape(item) for item in tree.items]
        if not parts or any(part != parts[0] for part in parts):
            raise self.error("a list of places has rows of one length", tree)
        return Form.of((len(parts), *parts[0]), parts[0].kind)

    def static(self, tree: Tree) -> Any:
        """What has to be known before anything runs: a whole number, a list of them, a text.

        Raises:
            FormulaError: where it is computed.
        """
        if isinstance(tree, Text):
            return tree.text
        if isinstance(tree, Listing):
            return tuple(map(self.static, tree.items))
        if isinstance(tree, Length) and tree.axis is ...:
            return tuple(self.shape(tree.operand))
        number = self.shape(tree).number
        if number is None:
            raise self.error(f"{to_text(tree)} has to be a whole number that is known before anything runs, such as 3 or x.shape[0]", tree)
        return number

    def _composite(self, tree: Call) -> Form:
        [*map(self.shape, tree.arguments)]
        try:
            return self.shape(expanded(tree))
        except ShapeError as error:
            raise self.error(f"{tree.function}: {error.message}", tree) from None

    def _called(self, tree: Call) -> Form:
        """The shape of a function that does not work cell by cell."""
        row, shapes, numbers = FUNCTIONS[tree.function], list[Form](), list[Any]()
        for place, argument in enumerate(tree.arguments):
            if row.static_at(place):
                numbers.append(self.static(argument))
            elif isinstance(argument, Listing) and row.listed:
                shapes += map(self.shape, argument.items)
            elif not isinstance(argument, Key):
                shapes.append(self._listed(argument) if isinstance(argument, Listing) else self.shape(argument))
        if row.reduces:
            return Form.of(self._reduced(tree, shapes[0]), self._kind(tree, row, shapes))
        kind = self._kind(tree, row, shapes)
        if tree.function not in RULES:
            return Form.of(self.together(tree, tree.arguments, tuple(shapes)), kind)
        if refused := self._refused(tree, shapes):
            raise self.error(refused, tree)
        return Form.of(laid(tree, shapes, numbers, GENERIC_ROWS), kind)

    def _refused(self, tree: Call, shapes: Sequence[Form]) -> str:
        """Why arrays cannot be joined, or values not be added where they are to be; "" where they can."""
        if tree.function in ("take", "take_along_axis") and shapes[1].kind == "f":
            return f"places are whole numbers or truth values; {to_text(tree.arguments[1])} is neither"
        if FUNCTIONS[tree.function].listed:
            return joint_misfit(tree, shapes)
        if tree.function == "add_at":
            places = Form.of(indexed(shapes[0], [self.item(item) for item in cast(Key, tree.arguments[1]).items])).lasting()
            wide = broadcast(places, shapes[1])
            if wide is None or stretched(places, wide):
                return f"the places are {shape_text(places)} and {to_text(tree.arguments[2])} is {shape_text(shapes[1])}"
        return ""

    def of_name(self, tree: Name) -> Form:
        """The shape of a tensor."""
        if tree.name in self.shapes:
            shape = self.shapes[tree.name]
            return shape if isinstance(shape, Form) else Form.of(shape)
        hint = suggestion(tree.name, self.shapes) or f"; there are {' '.join([*self.shapes][:30])}"
        if tree.name in FUNCTIONS:
            raise FormulaError(f"'{tree.name}' is a function: write {tree.name}(…)", self.text, tree.column)
        raise FormulaError(f"unknown name '{tree.name}'{hint}", self.text, tree.column)

    def _product(self, tree: Binary, left: Form, right: Form) -> Shape:
        """The shape of ``@``: of matrices, of vectors, and over leading axes of each of them."""
        a, b = to_text(tree.left), to_text(tree.right)
        start = f"{a} is {shape_text(left)} and {b} is {shape_text(right)}"
        if not left or not right:
            raise self.error(f"@ multiplies matrices; {start}: a number is multiplied by *", tree)
        inner = right[-2] if len(right) > 1 else right[0]
        if refused := dot_misfit(self.text, tree, right):
            raise self.error(refused, tree)
        if left[-1] != inner and not isinstance(left[-1], Unknown) and not isinstance(inner, Unknown):
            raise self.error(f"{start}: {product_misfit(tree, left, right)}", tree)
        leading = broadcast(left[:-2], right[:-2])
        if leading is None:
            axis = next(n for n in range(3, 99) if left[-n] != right[-n] and 1 not in (left[-n], right[-n]))
            raise self.error(f"{start}: {axes_text(a, len(left) - axis, left[-axis], b, len(right) - axis, right[-axis])}", tree)
        if stretched(left[:-2], leading) and stretched(right[:-2], leading):
            raise self.error(f"{start}: NumPy would pair all of the one with all of the other", tree)
        return (*leading, *left[-2:-1], *(right[-1:] if len(right) > 1 else ()))

    def together(self, tree: Tree, operands: Sequence[Tree], shapes: Sequence[Shape]) -> Shape:
        """The common shape of elementwise operands: that of one of them, but for axes that the formula itself makes."""
        holder, result = operands[0], shapes[0]
        for operand, shape in zip(operands[1:], shapes[1:], strict=True):
            wide = broadcast(result, shape)
            if wide is None or (stretched(result, wide) and stretched(shape, wide)):
                remedy = keepdims_hint(holder if len(result) < len(shape) else operand)
                raise self.error(misfit(to_text(holder), result, to_text(operand), shape, wide, remedy), tree)
            if wide != result:
                holder = operand
            result = wide
        return result

    def _reduced(self, tree: Call, shape: Form) -> Shape:
        if 0 in shape and tree.function in ("max", "min", "argmax", "mean"):
            raise self.error(f"{tree.function} of nothing: {to_text(tree.arguments[0])} is {shape_text(shape)}", tree)
        if tree.function == "argmax" and isinstance(tree.axis, tuple):
            raise self.error("argmax takes one axis", tree)
        return reduced(shape, tree.axis, tree.keepdims)
