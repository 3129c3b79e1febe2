"""What functions pass back that put cells in other places, and products of matrices: rules that no text of a row can say.

Each takes the node and what comes back to it, and gives what comes back to one of its operands.
"""

from __future__ import annotations

from collections.abc import Callable
from string import ascii_letters
from typing import cast

import numpy as np

from bpdebug.core.products import over, plus, times
from bpdebug.core.sources import with_operands
from bpdebug.core.spread import Spread, subscript
from bpdebug.core.structure import axes_of, contracted
from bpdebug.core.tree import WHOLE, Binary, Call, Index, Item, Key, Length, Listing, Number, Text, Transpose, Tree, is_product, literal


def turned(tree: Tree) -> Tree:
    """The transpose, of a transpose what it was."""
    return tree.operand if isinstance(tree, Transpose) else Transpose(tree)


def flipped(tree: Tree, rank: int) -> Tree:
    """The transpose; of a product of two matrices that of each."""
    if rank == 2 and is_product(tree):
        return Binary("@", turned(tree.right), turned(tree.left))
    return turned(tree)


def of_product(shapes: Spread, node: Binary, place: int, back: Tree) -> Tree:
    """``x @ W``: over matrices, vectors, and leading axes that one of them may lack."""
    operand, other = (node.left, node.right)[:: 1 - 2 * place]
    left, right = shapes.rank(node.left), shapes.rank(node.right)
    if left == right == 1:
        return times(back, other)
    if 1 in (left, right):
        return _of_vector(shapes, node, place, back)
    whole = shapes.whole(back, node)
    across = turned(other) if shapes.rank(other) == 2 else _swapped(other)
    result = Binary("@", whole, across) if place == 0 else Binary("@", across, whole)
    return shapes.reduced(result, result, shapes.shape(operand))


def _of_vector(shapes: Spread, node: Binary, place: int, back: Tree) -> Tree:
    """A product of a vector and a matrix, or matrices along leading axes."""
    operand, other = (node.left, node.right)[:: 1 - 2 * place]
    rank = shapes.rank(operand)
    if rank == 1 and shapes.rank(other) == 2:
        whole = shapes.whole(back, node)
        return Binary("@", whole, turned(other)) if place == 0 else Binary("@", turned(other), whole)
    if rank > 1:  # each row or column of the matrix is multiplied by the vector
        row = other if place == 0 else shapes.opened(other, 2, [1])
        return times(shapes.opened(back, rank, [rank - 1 - place]), row)
    axes = shapes.rank(other)
    table = times(shapes.opened(shapes.whole(back, node), axes, [axes - 2 + place]), other)
    return Call("sum", (table,), tuple(axis for axis in range(axes) if axis != axes - 2 + place))


def _swapped(tree: Tree) -> Tree:
    """With the last two axes exchanged; with these exchanged already, what it was."""
    match tree:
        case Call("swapaxes", (operand, *places)) if {*places} == {literal(-1), literal(-2)}:
            return operand
    return Call("swapaxes", (tree, literal(-1), literal(-2)))


def _swap(shapes: Spread, node: Call, _: int, back: Tree) -> Tree:
    whole, rank = shapes.whole(back, node), shapes.rank(node)
    last = {axis % rank for axis in map(shapes.static, node.arguments[1:])} == {rank - 2, rank - 1}
    if last and is_product(whole):
        return Binary("@", _swapped(whole.right), _swapped(whole.left))
    return _again(shapes, node, 0, back)


def _again(shapes: Spread, node: Call, _: int, back: Tree) -> Tree:
    """What a function passes back that takes back what it does, or leaves away the same cells."""
    return with_operands(node, (shapes.whole(back, node),))


def _outer(shapes: Spread, node: Call, place: int, back: Tree) -> Tree:
    operand, other = node.arguments[:: 1 - 2 * place]
    flat = other if shapes.rank(other) == 1 else Call("reshape", (other, literal(-1)))
    whole = shapes.whole(back, node)
    found = Binary("@", whole if place == 0 else turned(whole), flat)
    return shapes.as_it_is(found, operand)


def of_subscript(shapes: Spread, node: Index, back: Tree) -> Tree:
    """``x[…]``: what comes back is added at the places from which it was taken."""
    rank = shapes.rank(node)
    items, made = [item for item in node.items if item is not None], _new_axes(node, rank)
    if made and node.arrays:
        return from_numbers(shapes, node, node.operand, back)
    back = shapes.closed(back, rank, made)
    if all(item in (WHOLE, ...) for item in items):
        return back
    return Call("add_at", (shapes.empty(node.operand), Key(tuple(items)), back))


def _new_axes(node: Index, rank: int) -> list[int]:
    """The axes of the result that ``None`` makes."""
    before: list[Item] = [item for item in node.items if not isinstance(item, int)]
    if ... not in before:
        return [place for place, item in enumerate(before) if item is None]
    middle = before.index(...)
    after = [place - len(before) + rank for place, item in enumerate(before) if item is None and place > middle]
    return [place for place, item in enumerate(before[:middle]) if item is None] + after


def from_numbers(shapes: Spread, node: Tree, operand: Tree, back: Tree) -> Tree:
    """What any function passes back that only moves cells: run on the numbers of the operand's cells, it tells where each one goes."""
    numbers = Call("reshape", (Call("arange", (shapes.counted(Length(operand)),)), shapes.lengths(operand)))
    moved = with_operands(node, (numbers,))
    flat = Call("add_at", (Call("zeros", (shapes.counted(Length(operand)),)), Key((moved,)), back))
    return shapes.as_it_is(flat, operand)


def _part(shapes: Spread, back: Tree, node: Tree, axis: int, item: Item) -> Tree:
    """What comes back to a part along an axis of a node; what is the same along it stays as it is."""
    rank, own = shapes.rank(node), shapes.shape(back)
    place = axis - rank + len(own)
    if place < 0 or own[place] == 1 != shapes.shape(node)[axis]:
        return (
            subscript(back, [0 if axis == place else WHOLE for axis in range(len(own))]) if place >= 0 and isinstance(item, int) else back
        )
    return subscript(back, [WHOLE] * place + [item] + [WHOLE] * (len(own) - place - 1))


def _concatenate(shapes: Spread, node: Call, place: int, back: Tree) -> Tree:
    parts, (axis,) = cast(Listing, node.arguments[0]).items, axes_of(node.axis, shapes.rank(node))
    starts: list[Tree] = [Number(0)]
    for part in parts:
        starts.append(plus(starts[-1], shapes.length(part, axis)))
    return _part(
        shapes,
        back,
        node,
        axis,
        (_bound(starts[place]) if place else None, _bound(starts[place + 1]) if place < len(parts) - 1 else None, None),
    )


def _bound(tree: Tree) -> int | Tree:
    return tree.value if isinstance(tree, Number) and isinstance(tree.value, int) else tree


def _stack(shapes: Spread, node: Call, place: int, back: Tree) -> Tree:
    (axis,) = axes_of(node.axis, shapes.rank(node))
    return _part(shapes, back, node, axis, place)


def _split(shapes: Spread, node: Call, _: int, back: Tree) -> Tree:
    if shapes.same(back):
        return back
    whole = shapes.whole(back, node)
    parts = tuple(Index(whole, (place,)) for place in range(shapes.shape(node)[0]))
    return Call("concatenate", (Listing(parts),), node.axis)


def _pad(shapes: Spread, node: Call, _: int, back: Tree) -> Tree:
    rank, own = shapes.rank(node), shapes.shape(back)
    widths = np.broadcast_to(np.asarray(shapes.static(node.arguments[1])), (rank, 2)).tolist()
    spread = [n == 1 != length for n, length in zip(own, shapes.shape(node)[rank - len(own) :], strict=True)]
    items = [(before or None, -after if after else None, None) for before, after in widths[rank - len(own) :]]
    return subscript(back, [WHOLE if same else item for same, item in zip(spread, items, strict=True)])


def _repeat(shapes: Spread, node: Call, _: int, back: Tree) -> Tree:
    operand, count = node.arguments[0], shapes.static(node.arguments[1])
    if not isinstance(count, int):
        return from_numbers(shapes, node, operand, back)
    if node.axis is None:
        folded: Tree = Call("sum", (Call("reshape", (shapes.whole(back, node), Listing((literal(-1), literal(count))))),), 1)
        return shapes.as_it_is(folded, operand)
    (axis,) = axes_of(node.axis, shapes.rank(operand))
    lengths = [shapes.length(operand, place) for place in range(shapes.rank(operand))]
    lengths.insert(axis + 1, literal(count))
    return Call("sum", (Call("reshape", (shapes.whole(back, node), Listing(tuple(lengths)))),), axis + 1)


def _running(shapes: Spread, node: Call, _: int, back: Tree) -> Tree:
    """A running sum from the other end; of products, each without the cell itself."""
    (operand,), whole = node.arguments, shapes.whole(back, node)
    flattened = node.axis is None and shapes.rank(operand) > 1
    if node.function == "cumsum":
        found = _from_the_end(node, whole)
    else:
        found = _of_products(node, Call("reshape", (operand, literal(-1))) if flattened else operand, whole)
    return _reshape(shapes, node, 0, found) if flattened else found


def _from_the_end(node: Call, tree: Tree) -> Tree:
    return Call("flip", (Call("cumsum", (Call("flip", (tree,), node.axis),), node.axis),), node.axis)


def _of_products(node: Call, operand: Tree, whole: Tree) -> Tree:
    """What goes back to a factor, also to one that is 0: of the first such the products up to the next are those of the others, and of
    a later one there is none that is not 0."""
    is_zero = Binary("==", operand, Number(0))
    first = Binary("==", Call("cumsum", (is_zero,), node.axis), Number(1))
    others = Call("where", (is_zero, Number(1), operand))
    beside = times(first, _from_the_end(node, times(whole, first, Call("cumprod", (others,), node.axis))))
    return over(Call("where", (is_zero, beside, _from_the_end(node, times(whole, node)))), others)


def _take(shapes: Spread, node: Call, _: int, back: Tree) -> Tree:
    operand, places = node.arguments
    rank = shapes.rank(operand)
    if node.axis is None and rank != 1:
        return from_numbers(shapes, node, operand, back)
    (axis,) = axes_of(node.axis, rank)
    return Call("add_at", (shapes.empty(operand), Key((*[WHOLE] * axis, places)), back))


def _windows(shapes: Spread, node: Call, _: int, back: Tree) -> Tree:
    """Windows along the last axes: the places of each are those where it begins plus the places in it."""
    operand, sizes = node.arguments[0], shapes.static(node.arguments[1])
    rank = shapes.rank(operand)
    axes = axes_of(node.axis, rank)
    if axes != tuple(range(rank - len(axes), rank)):
        return from_numbers(shapes, node, operand, back)
    several, items = 2 * len(axes), list[Item]()
    for place, (axis, size) in enumerate(zip(axes, sizes if isinstance(sizes, tuple) else (sizes,), strict=True)):
        begins, inside = Call("arange", (shapes.length(node, axis),)), Call("arange", (literal(size),))
        items.append(Binary("+", _along(begins, several - place), _along(inside, len(axes) - place)))
    return Call("add_at", (shapes.empty(operand), Key((*[WHOLE] * (rank - len(axes)), *items)), back))


def _along(places: Tree, axes: int) -> Tree:
    """Places along the first of so many axes."""
    return subscript(places, [WHOLE] + [None] * (axes - 1))


def _einsum(shapes: Spread, node: Call, place: int, back: Tree) -> Tree:
    others = [*node.arguments[1:]]
    parts, result = contracted(cast(Text, node.arguments[0]).text, [shapes.rank(one) for one in others])
    operand, own = others.pop(place - 1), parts.pop(place - 1)
    for axis, letter in enumerate(own):  # a diagonal: the second place is another letter, tied to the first by a matrix of ones
        if letter in own[:axis]:
            free = next(other for other in ascii_letters if other not in "".join(parts) + result + own)
            own = own[:axis] + free + own[axis + 1 :]
            parts, others = [*parts, letter + free], [*others, Call("eye", (shapes.length(operand, axis),))]
    known = "".join(letter for letter in own if any(letter in part for part in (result, *parts)))
    if not result and parts:
        found = times(back, _summed(parts, known, others))
    else:
        found = _summed([result, *parts], known, [shapes.whole(back, node), *others])
    return shapes.opened(found, len(own), [axis for axis, letter in enumerate(own) if letter not in known])


def _summed(parts: list[str], result: str, operands: list[Tree]) -> Tree:
    """The product of operands, added up along the letters that the result lacks."""
    return operands[0] if parts == [result] else Call("einsum", (Text(f"{','.join(parts)}->{result}"), *operands))


def _reshape(shapes: Spread, node: Call, _: int, back: Tree) -> Tree:
    return back if shapes.same(back) else Call("reshape", (shapes.whole(back, node), shapes.lengths(node.arguments[0])))


def _transpose(shapes: Spread, node: Call, _: int, back: Tree) -> Tree:
    axes = shapes.static(node.arguments[1])
    places = axes_of(axes, shapes.rank(node))
    inverse = Listing(tuple(literal(places.index(axis)) for axis in range(len(places))))
    return back if shapes.same(back) else Call("transpose", (shapes.whole(back, node), inverse))


def _squeeze(shapes: Spread, node: Call, _: int, back: Tree) -> Tree:
    operand = shapes.shape(node.arguments[0])
    gone = [axis for axis, n in enumerate(operand) if n == 1] if node.axis is None else axes_of(node.axis, len(operand))
    return shapes.opened(back, len(operand), gone)


def _expand(shapes: Spread, node: Call, _: int, back: Tree) -> Tree:
    rank = shapes.rank(node)
    return shapes.closed(back, rank, axes_of(node.axis, rank))


def _broadcast(shapes: Spread, node: Call, _: int, back: Tree) -> Tree:
    return shapes.reduced(back, node, shapes.shape(node.arguments[0]))


def _added(shapes: Spread, node: Call, place: int, back: Tree) -> Tree:
    if place == 0:
        return back
    key, values = cast(Key, node.arguments[1]), node.arguments[2]
    taken = Index(shapes.whole(back, node), key.items)
    return shapes.reduced(taken, taken, shapes.shape(values))


RULES: dict[str, Callable[[Spread, Call, int, Tree], Tree]] = {
    "concatenate": _concatenate,
    "stack": _stack,
    "split": _split,
    "pad": _pad,
    "repeat": _repeat,
    "take": _take,
    **dict.fromkeys(("cumsum", "cumprod"), _running),
    "sliding_window_view": _windows,
    "einsum": _einsum,
    "reshape": _reshape,
    "transpose": _transpose,
    "squeeze": _squeeze,
    "expand_dims": _expand,
    "broadcast_to": _broadcast,
    "add_at": _added,
    "outer": _outer,
    "swapaxes": _swap,
    **dict.fromkeys(("flip", "tril", "triu"), _again),
}
"""By function: from the node, the place of the operand among those that may have a gradient, and what comes back."""
