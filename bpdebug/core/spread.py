"""Broadcasting undone: what comes back along axes that were stretched is added up, and where it is one number for many it stays so.

What comes back to a node may be smaller than its value, where all cells of an axis get the same number; it is spread only where
nothing else does that.
"""

from __future__ import annotations

from collections.abc import Sequence

from bpdebug.core.errors import FormulaError
from bpdebug.core.products import Product, minus, negative, times
from bpdebug.core.shapes import GENERIC_ROWS, Inference, Shape
from bpdebug.core.tree import ONE, Call, Name, Tree, literal


class Spread(Inference):
    """The shapes of nodes, and what comes back to them."""

    def count(self, node: Call) -> Tree:
        """How many cells of the operand go into one of the fold."""
        shape = self.shape(node.arguments[0])
        return self._lengths([shape[axis] for axis in node.folded(len(shape))])

    def _lengths(self, lengths: Sequence[int]) -> Tree:
        return times(ONE, *map(length, lengths))

    def opened(self, tree: Tree, node: Call) -> Tree:
        """The value of a fold, or what comes back to it, with places for the axes that are dropped, unless they are the first ones."""
        if node.keepdims or node.axis in (None, 0) or len(self.shape(tree)) < len(self.shape(node)):
            return tree
        raise FormulaError("write keepdims=True", self.text, node.column)

    def reduced(self, tree: Tree, given: Shape, wanted: Shape, shared: bool = False) -> Tree:
        """What comes back to an operand that was stretched: added up along the axes along which it was.

        Args:
            tree: what comes back to the result.
            given: the shape of the result.
            wanted: the shape of the operand.
            shared: whether the same goes back to another operand, so that it is to stay as it is.
        """
        places = range(-len(given), 0)
        folded = [axis for axis in places if -axis > len(wanted) or wanted[axis] == 1 != given[axis]]
        own = self.shape(tree)
        real = [axis for axis in folded if -axis <= len(own) and (own[axis] != 1 or -axis > len(wanted))]
        copies = [length(given[axis]) for axis in folded if axis not in real or own[axis] == 1]
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
        rank, dropped = len(self.shape(result)), [axis for axis in axes if -axis > len(wanted)]
        if dropped:
            result = Call("sum", (result,), None if len(dropped) == rank else rank + dropped[0])
        for axis in [axis for axis in axes if axis not in dropped]:
            result = Call("sum", (result,), len(self.shape(result)) + axis, keepdims=True)
        product.replace(inside, result)
        return product.tree()

    def spread(self, tree: Tree, wanted: Shape) -> Tree:
        """The same number for each cell that gets it."""
        if self.shape(tree) == wanted:
            return tree
        return tree


def _fits(shape: Shape, wanted: Shape) -> bool:
    """Whether something can be spread to a shape."""
    return len(shape) <= len(wanted) and all(n in (1, there) for n, there in zip(shape[::-1], wanted[::-1], strict=False))


def length(n: int) -> Tree:
    """The length of an axis as it is written: ``m`` times a number for one that the samples have."""
    if n and n % GENERIC_ROWS == 0:
        return times(literal(n // GENERIC_ROWS), Name("m"))
    return literal(n)
