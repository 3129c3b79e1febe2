"""Broadcasting undone: what comes back along axes that were stretched is added up, and where it is one number for many it stays so.

What comes back to a node may be smaller than its value, where all cells of an axis get the same number; it is spread only where
nothing else does that.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from types import EllipsisType

from bpdebug.core.products import Product, minus, negative, times
from bpdebug.core.record import replace
from bpdebug.core.shapes import GENERIC_ROWS, Inference, Shape
from bpdebug.core.structure import Unknown, broadcast, stretched
from bpdebug.core.tree import (
    ONE,
    WHOLE,
    Binary,
    Call,
    Index,
    Item,
    Length,
    Listing,
    Name,
    Number,
    Operation,
    Tree,
    Unary,
    literal,
    operation,
)

_FEW = GENERIC_ROWS // 2
"""A length below is what it seems to be; one above may have come from the number of samples."""


class Spread(Inference):
    """The shapes of nodes, each found once, and what is made of formulas by them."""

    def rank(self, tree: Tree) -> int:
        """How many axes a node has."""
        return len(self.shape(tree))

    def as_it_is(self, row: Tree, tree: Tree) -> Tree:
        """Cells in one row, laid out as those of a node are."""
        return row if self.rank(tree) == 1 else Call("reshape", (row, self.lengths(tree)))

    def length(self, tree: Tree, axis: int) -> Tree:
        """The length of an axis of a node, as it is written: a number, or ``m`` times a number where the samples have it."""
        n = self.shape(tree)[axis]
        if isinstance(n, Unknown) and isinstance(tree, Operation) and operation(tree)[0].cellwise:
            for child in tree.children():
                place = axis % self.rank(tree) - self.rank(tree) + self.rank(child)
                if place >= 0 and isinstance(self.shape(child)[place], Unknown):
                    return self.length(child, place)
        if n and n % GENERIC_ROWS == 0:
            return times(literal(n // GENERIC_ROWS), Name("m"))
        return Length(tree, axis) if isinstance(n, Unknown) or n > _FEW else literal(n)

    def lengths(self, tree: Tree) -> Tree:
        """The shape of a node as an argument."""
        shape = self.shape(tree)
        if isinstance(tree, Name) or any(isinstance(n, Unknown) for n in shape):
            return Length(tree, ...)
        return Listing(tuple(self.length(tree, axis) for axis in range(len(shape))))

    def counted(self, tree: Tree) -> Tree:
        """The tree with its lengths as they are written."""
        match tree:
            case Length(operand, int(axis)):
                return self.length(operand, axis)
            case Length(operand, None):
                return times(ONE, *(self.length(operand, axis) for axis in range(self.rank(operand))))
            case Length(operand, EllipsisType()):
                return self.lengths(operand)
            case Call(axis=None, keepdims=True):
                return self.counted(replace(tree, keepdims=False))
            case Binary("-", left, Number(0)):
                return self.counted(left)
        return tree.rebuilt(self.counted)

    def count(self, fold: Call) -> Tree:
        """How many cells of the operand go into one of the fold."""
        operand = fold.arguments[0]
        return times(ONE, *(self.length(operand, axis) for axis in fold.folded(self.rank(operand))))

    def beside(self, tree: Tree, other: Tree, node: Tree) -> tuple[Tree, Tree]:
        """Two parts of a node's value as they may be computed with together: one of them has the shape of both."""
        own, there = self.shape(tree), self.shape(other)
        wide = broadcast(own, there)
        if wide is None or not (stretched(own, wide) and stretched(there, wide)):
            return tree, other
        if len(there) < len(wide):
            return tree, subscript(other, [None] * (len(wide) - len(there)) + [WHOLE])
        return (subscript(tree, [None] * (len(wide) - len(own)) + [WHOLE]) if len(own) < len(wide) else self.whole(tree, node)), other

    def same(self, tree: Tree) -> bool:
        """Whether all cells get one number."""
        return not self.shape(tree)

    def whole(self, tree: Tree, node: Tree) -> Tree:
        """What comes back to a node, a number for each of its cells."""
        if self.shape(tree) == self.shape(node):
            return tree
        if tree == ONE:
            return Call("ones_like", (node,)) if isinstance(node, Name) else Call("ones", (self.lengths(node),))
        return Call("broadcast_to", (tree, self.lengths(node)))

    def empty(self, node: Tree) -> Tree:
        """Zeros, as many as a node has cells."""
        lengths = self.lengths(node)
        return Call("zeros", (lengths,)) if isinstance(lengths, Listing) else Call("zeros_like", (node,))

    def opened(self, tree: Tree, rank: int, axes: Collection[int]) -> Tree:
        """A formula with a place for each of the axes, of so many, that its value does not have; the first ones need none."""
        if negative(tree):
            return minus(self.opened(minus(tree), rank, axes))
        own, kept = self.shape(tree), [axis for axis in range(rank) if axis not in axes]
        there = kept[len(kept) - len(own) :] if own else []
        items: list[Item] = [WHOLE if axis in there else None for axis in range(min(there, default=rank), rank)]
        return subscript(tree, items)

    def closed(self, tree: Tree, rank: int, axes: Collection[int]) -> Tree:
        """A formula without some of the axes of so many, each of length 1."""
        own = self.rank(tree)
        places = [axis - rank + own for axis in axes if axis - rank + own >= 0]
        if not places:
            return tree
        if isinstance(tree, Call) and tree.reduces and tree.keepdims and tree.axis is not None and [*tree.folded(own)] == sorted(places):
            return _merged(replace(tree, keepdims=False), own)
        if (
            isinstance(tree, Unary | Binary)
            and tree.operator in ("-", "*", "/")
            and not (isinstance(tree, Binary) and tree.operator == "-")
        ):
            return tree.rebuilt(lambda child: self.closed(child, rank, axes))
        made = isinstance(tree, Index) and [*tree.items] == [None if axis in places else WHOLE for axis in range(len(tree.items))]
        if isinstance(tree, Index) and made and len(tree.items) > max(places):
            return tree.operand
        return subscript(tree, [0 if axis in places else WHOLE for axis in range(own)])

    def reduced(self, tree: Tree, node: Tree, wanted: Shape, shared: bool = False) -> Tree:
        """What comes back to an operand that was stretched: added up along the axes along which it was.

        Args:
            tree: what comes back to the result.
            node: the result.
            wanted: the shape of the operand.
            shared: whether the same goes back to another operand, so that it is to stay as it is.
        """
        given, own = self.shape(node), self.shape(tree)
        folded = [axis for axis in range(-len(given), 0) if -axis > len(wanted) or wanted[axis] == 1 != given[axis]]
        real = [axis for axis in folded if -axis <= len(own) and (own[axis] != 1 or -axis > len(wanted))]
        copies = [self.length(node, axis) for axis in folded if axis not in real or own[axis] == 1]
        summed = self._summed(tree, real, wanted, shared) if real else tree
        return times(summed, *copies) if copies else summed

    def _summed(self, tree: Tree, axes: list[int], wanted: Shape, whole: bool) -> Tree:
        """The sum along axes, counted from the last one; what does not vary along them stands outside, unless all is kept whole."""
        product, inside = Product(tree), Product()
        for base, power in product.powers.items():
            if not _fits(self.shape(base), wanted):
                inside.powers[base] = power
        if whole or not inside.powers:
            product, inside = Product(literal(-1.0 if negative(tree) else 1.0)), Product(minus(tree) if negative(tree) else tree)
        result = inside.tree()
        rank = self.rank(result)
        dropped, kept = ([rank + axis for axis in axes if (-axis > len(wanted)) is gone] for gone in (True, False))
        if dropped:
            result = Call("sum", (result,), _axis(dropped, rank))
        if kept:
            result = Call("sum", (result,), _axis([axis - len(dropped) for axis in kept], rank - len(dropped)), keepdims=True)
        product.replace(inside, result)
        return product.tree()


def _merged(fold: Call, rank: int) -> Tree:
    """A sum of a sum as one."""
    match fold.arguments:
        case (Call("sum", (_,), axis, False) as inner,) if axis is not None:
            gone = inner.folded(rank + 1 if isinstance(axis, int) else rank + len(axis))
            left = [place for place in range(rank + len(gone)) if place not in gone]
            return replace(inner, axis=_axis(sorted([*gone, *(left[place] for place in fold.folded(rank))]), rank + len(gone)))
    return fold


def _axis(axes: Sequence[int], rank: int) -> int | tuple[int, ...] | None:
    """The axes as a call has them, of so many."""
    if len(axes) > 1 or len(axes) == rank:
        return None if len(axes) == rank else tuple(axes)
    return -1 if axes[0] == rank - 1 > 1 else axes[0]


def subscript(tree: Tree, items: Sequence[Item]) -> Tree:
    """The subscript as a person writes it: with ``...`` for several axes before it, with none after it."""
    used = [*items]
    while used and used[-1] == WHOLE:
        used.pop()
    if not used:
        return tree
    if isinstance(tree, Index) and {*map(type, tree.items)} == {int} and all(item == WHOLE or type(item) is int for item in used):
        return Index(tree.operand, (*tree.items, *used))
    leading = next(place for place, item in enumerate(used) if item != WHOLE)
    if leading > 1 and len(used) == len(items):
        used[:leading] = [...]
    return Index(tree, tuple(used))


def _fits(shape: Shape, wanted: Shape) -> bool:
    """Whether something can be spread to a shape."""
    return len(shape) <= len(wanted) and all(n in (1, there) for n, there in zip(shape[::-1], wanted[::-1], strict=False))
