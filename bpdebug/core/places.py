"""Places that a tensor does not have, found before anything runs, where the places are given and not computed."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np

from bpdebug.core.cells import cell_name
from bpdebug.core.errors import BpdebugError, ShapeError
from bpdebug.core.evaluate import evaluate
from bpdebug.core.misfits import shape_text
from bpdebug.core.parser import Formula
from bpdebug.core.shapes import Inference
from bpdebug.core.structure import Form, Shapes, Unknown, axis_of_each
from bpdebug.core.tensors import Array, Values
from bpdebug.core.tree import Binary, Call, Index, Item, Key, Listing, Name, Tree, Unary, names, walk
from bpdebug.core.writing import to_text

_FLOAT = np.dtype(float)


def check_places(formula: Formula, shapes: Shapes, other: Shapes, given: Values) -> None:
    """Refuse an array of places one of which there is not.

    Args:
        formula: whose shapes fit.
        shapes: of all tensors, for a batch.
        other: the same for another number of samples: an axis that is longer then counts samples.
        given: the tensors that are known, all samples of them.

    Raises:
        ShapeError: with the place, the axis and its length.
    """
    here, there = Inference(formula.text, shapes), Inference(formula.text, other)
    for tree, operand, items in _subscripts(formula.tree):
        known = [place for place, item in enumerate(items) if isinstance(item, Tree) and given.keys() >= {*names(item)}]
        shape = here.shape(operand) if known else Form.of(())
        axes = axis_of_each(len(shape), [_form(here, item) for item in items]) if known else []
        for place in known:
            item, axis = items[place], axes[place]
            if shape[axis] != there.shape(operand)[axis] or isinstance(shape[axis], Unknown):
                continue
            first = 0 if isinstance(tree, Call) and tree.function == "cross_entropy" else -shape[axis]
            if wrong := _wrong(item, range(first, shape[axis]), given):
                cell = f" ({cell_name(item.name, wrong[1])})" if isinstance(item, Name) and wrong[1] else ""
                about = f"{to_text(operand)}, which is {shape_text(shape)}; places count from 0"
                raise ShapeError(f"index {wrong[0]}{cell} is out of range for axis {axis} of {about}", formula.text, tree.column)


def _subscripts(tree: Tree) -> Iterator[tuple[Tree, Tree, Sequence[Item]]]:
    """What takes places of a tensor, with the tensor and the places."""
    for node in walk(tree):
        match node:
            case Index(operand, items):
                yield node, operand, items
            case Call("add_at", (operand, Key(items), *_)):
                yield node, operand, items
            case Call("cross_entropy", (operand, labels)):
                yield node, operand, [..., labels]
            case Call("take" | "take_along_axis", (operand, places), int(axis)) if axis >= 0:
                yield node, operand, [*[(None, None, None)] * axis, places]


def _form(shapes: Inference, item: Item) -> object:
    """An item as its shape, where it is a mask."""
    return shapes.item(item) if isinstance(item, Tree) else item


def _wrong(item: Item, there: range, given: Values) -> tuple[int, tuple[int, ...]] | None:
    """A place that is outside, and where it stands."""
    try:
        places = _values(item, given)  # type: ignore[arg-type]
    except (BpdebugError, ValueError, IndexError, TypeError):
        return None
    outside = np.argwhere((places < there.start) | (places >= there.stop)) if places.dtype.kind in "iu" else np.zeros((0, 0))
    return (int(places[tuple(outside[0])]), tuple(map(int, outside[0]))) if len(outside) else None


def _values(tree: Tree, given: Values) -> Array:
    """What places are, a list of them too."""
    if isinstance(tree, Listing):
        return np.array([_values(item, given) for item in tree.items])
    return evaluate(Formula.of(tree), given, _FLOAT)


def check_truths(formula: Formula, shapes: Shapes) -> None:
    """Check that ``&``, ``|`` and ``~`` work on truth values: of whole numbers NumPy takes the bits there, and of others nothing.

    Raises:
        ShapeError: with the column.
    """
    inference = Inference(formula.text, shapes)
    signs = (node for node in walk(formula.tree) if isinstance(node, Binary | Unary) and node.operator in ("&", "|", "~"))
    for sign, operand in ((node, operand) for node in signs for operand in node.children()):
        if inference.shape(operand).kind != "b":
            text = to_text(operand)
            raise ShapeError(f"'{sign.operator}' takes truth values, and {text} is a number: write {text} > 0", formula.text, sign.column)
