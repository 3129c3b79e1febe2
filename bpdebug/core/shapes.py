"""The shape of every formula before anything runs, with one-sided broadcasting.

NumPy lets (4, 1) and (1, 4) meet in a (4, 4) table of all pairs, and (4,) and (4, 1) too: the silent mistake behind many
a network that "trains" to 0.5. Here the result of an elementwise operation has the shape of one of its operands, or the
formula is refused.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import cast

import numpy as np

from bpdebug.core.errors import FormulaError, ShapeError
from bpdebug.core.functions import CONSTANTS
from bpdebug.core.parser import Formula, suggestion
from bpdebug.core.record import replace
from bpdebug.core.render import to_text
from bpdebug.core.tree import Binary, Call, Name, Number, Operation, Transpose, Tree, View, operation, walk

Shape = tuple[int, ...]

GENERIC_ROWS = 10007
"""A batch size that no layer has: a formula must fit with it too, not only because a batch happens to have as many rows
as a layer has units."""


def shape_text(shape: Shape) -> str:
    """``4×1`` for (4, 1), ``4`` for (4,), ``a single number`` for ()."""
    return "×".join(map(str, shape)) if shape else "a single number"


def infer(formula: Formula, shapes: Mapping[str, Shape]) -> Shape:
    """The shape of the formula's value.

    Args:
        formula: any formula.
        shapes: the shape of every tensor that it may read.

    Raises:
        FormulaError: for a name that ``shapes`` does not have.
        ShapeError: for operands that do not fit, with both shapes and, where there is one, the likely remedy.
    """
    return Inference(formula.text, shapes).shape(formula.tree)


def infer_condition(formula: Formula, shapes: Mapping[str, Shape]) -> None:
    """Check that the formula is a single truth value.

    Raises:
        FormulaError: as :func:`infer`, and for a table where one value is needed.
    """
    shape = infer(formula, shapes)
    if shape:
        message = f"a condition is one value; this one is {shape_text(shape)}: write any(…) or all(…) around it"
        raise ShapeError(message, formula.text, 1)


def check_stage(name: str, formula: Formula, shapes: Mapping[str, Shape], later: Collection[str]) -> None:
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
        general = error.message.replace(str(GENERIC_ROWS), "m")
        reason = "m samples: it only seems to fit because this batch has as many rows as a layer has units"
        raise ShapeError(f"{general} ({reason})", error.text, error.column) from None


class Inference:
    """The shapes of the nodes of one formula, each made of those below it."""

    def __init__(self, text: str, shapes: Mapping[str, Shape]) -> None:
        self.text, self.shapes = text, shapes

    def error(self, message: str, tree: Tree) -> ShapeError:
        return ShapeError(message, self.text, tree.column)

    def shape(self, tree: Tree) -> Shape:
        """The shape of any node.

        Raises:
            FormulaError: as :func:`infer`.
        """
        if isinstance(tree, Number):
            return ()
        if isinstance(tree, Name):
            return self.of_name(tree)
        operands = tree.children()
        shapes = tuple(map(self.shape, operands))
        if isinstance(tree, View):
            return self._viewed(tree, shapes[0])
        row = operation(cast(Operation, tree))[0]
        for operand, shape in zip(operands, shapes, strict=True) if row.single else ():
            if shape:
                message = f"'{row.name}' takes single values; {to_text(operand)} is {shape_text(shape)}: write any(…) or all(…)"
                raise self.error(message, operand)
        if isinstance(tree, Binary) and row.name == "@":
            return self._product(tree, *shapes)
        return self._reduced(tree, shapes[0]) if isinstance(tree, Call) and row.reduces else self.together(tree, operands, shapes)

    def of_name(self, tree: Name) -> Shape:
        """The shape of a tensor."""
        if tree.name in self.shapes:
            return self.shapes[tree.name]
        if tree.name in CONSTANTS:
            return ()
        known = list(self.shapes)
        hint = suggestion(tree.name, known) or f"; there are {' '.join(known[:30])}"
        raise FormulaError(f"unknown name '{tree.name}'{hint}", self.text, tree.column)

    def _product(self, tree: Binary, left: Shape, right: Shape) -> Shape:
        if len(left) == len(right) == 2 and left[1] == right[0]:
            return (left[0], right[1])
        a, b = to_text(tree.left), to_text(tree.right)
        if len(left) != 2 or len(right) != 2:
            raise self.error(f"@ multiplies two matrices; {a} is {shape_text(left)} and {b} is {shape_text(right)}", tree)
        turned_left, turned_right = (side.operand if isinstance(side, Transpose) else Transpose(side) for side in (tree.left, tree.right))
        fits = "; the other order would fit" if left[0] == right[1] else ""
        if left == right:
            fits = f"; both have one shape: multiply them cell by cell, {to_text(Binary('*', tree.left, tree.right))}"
        elif left[0] == right[0]:
            fits = f"; {to_text(Binary('@', turned_left, tree.right))} would fit"
        elif left[1] == right[1]:
            fits = f"; {to_text(Binary('@', tree.left, turned_right))} would fit"
        message = f"{a} is {shape_text(left)} and {b} is {shape_text(right)}: @ needs as many columns on the left as rows on the right"
        raise self.error(f"{message} ({left[1]} and {right[0]}){fits}", tree)

    def together(self, tree: Tree, operands: tuple[Tree, ...], shapes: tuple[Shape, ...]) -> Shape:
        """The common shape of elementwise operands: that of one of them."""
        result, holder = shapes[0], operands[0]
        for operand, shape in zip(operands[1:], shapes[1:], strict=True):
            try:
                wide = np.broadcast_shapes(result, shape)
            except ValueError:
                wide = None
            if wide not in (result, shape):
                remedy = keepdims_hint(holder if len(result) < len(shape) else operand)
                raise self.error(_mismatch(to_text(holder), result, to_text(operand), shape, wide, remedy), tree)
            if wide != result:
                result, holder = shape, operand
        return result

    def _reduced(self, tree: Call, shape: Shape) -> Shape:
        if 0 in shape and tree.function in ("max", "min", "argmax", "mean"):
            raise self.error(f"{tree.function} of nothing: {to_text(tree.arguments[0])} is {shape_text(shape)}", tree)
        if tree.axis is None:
            return (1,) * len(shape) if tree.keepdims else ()
        if tree.axis >= len(shape):
            raise self.error(f"there is no axis {tree.axis}: {to_text(tree.arguments[0])} is {shape_text(shape)}", tree)
        return (*shape[: tree.axis], *(1,) * tree.keepdims, *shape[tree.axis + 1 :])

    def _viewed(self, tree: View, shape: Shape) -> Shape:
        try:
            found: Shape = tree.of(np.broadcast_to(np.empty(()), shape)).shape
            return found
        except (IndexError, ValueError):
            message = f"{to_text(tree)} is outside {to_text(tree.operand)}, which is {shape_text(shape)}; rows and columns count from 0"
            raise self.error(message, tree) from None


def keepdims_hint(tree: Tree) -> str:
    """What to write so that an axis which a formula folds is kept; "" where it drops none."""
    dropping = (node for node in walk(tree) if isinstance(node, Call) and node.axis is not None and not node.keepdims)
    return next((f"{to_text(replace(node, keepdims=True))} keeps the axis" for node in dropping), "")


def _mismatch(a: str, left: Shape, b: str, right: Shape, wide: Shape | None, remedy: str) -> str:
    start = f"{a} is {shape_text(left)} and {b} is {shape_text(right)}"
    if len(left) != len(right) and wide is not None:
        flat, shape, other = (a, left, b) if len(left) < len(right) else (b, right, a)
        return (
            f"{start}: {flat} is a flat list of {shape[0]}, no column, so that NumPy would pair each of its numbers with each row of "
            f"{other} and give {shape_text(wide)}. {remedy or f'Make it a column, {shape[0]}×1'}"
        )
    if wide is not None:
        reason = f"NumPy would pair everything with everything and give {shape_text(wide)}, which neither of them is"
        return f"{start}: {reason}. Did you mean {a} @ {b}, or a .T?"
    if remedy:
        return f"{start}: {remedy}"
    return f"{start}: elementwise operands need the same shape{', which .T would give' if left == right[::-1] else ''}"
