"""The right formula of a gradient in his own names: the derived one over his gradients."""

from __future__ import annotations

from collections.abc import Container, Mapping
from itertools import dropwhile, islice

import numpy as np

from bpdebug.core.tree import Binary, Call, Listing, Name, Tree, literal, substitute, walk
from bpdebug.core.tree import names as names_in
from bpdebug.frontends.numpy_script.fits import Differentiated
from bpdebug.frontends.numpy_script.multiples import scale
from bpdebug.frontends.numpy_script.recording import Recording
from bpdebug.frontends.numpy_script.scalings import Pair, divided

_LONGEST = 400
"""Nodes of a formula: where none of the gradients between is his, one of a late layer or time step would grow without end."""


class Due:
    """Derived formulas in his names.

    Args:
        recording, loss: of the script.
        pairs: his gradients.
        his: his names by those of the derived stages; "" for what is a part of another one.
        inner: the formulas of the stages that he does not have.
    """

    def __init__(
        self, recording: Recording, loss: Differentiated, pairs: Mapping[str, Pair], his: Mapping[str, str], inner: Mapping[str, Tree]
    ) -> None:
        self._values, self._gradients, self._pairs, self._his, self._inner = recording.values[-1], loss.gradients, pairs, his, inner

    def of(self, tree: Tree, whole: bool = False) -> Tree | None:
        """A derived formula over his gradients; None where it is too long.

        Args:
            tree: the formula.
            whole: whether gradients that are multiples are divided by what they are too much.
        """
        while not self._inner.keys().isdisjoint(names_in(tree)):
            tree = substitute(tree, self._inner)
            if next(islice(walk(tree), _LONGEST, None), None):
                return None
        named = {old: divided(self._laid(new), self._times(new) if whole else None) for old, new in self._his.items() if new}
        return _without(substitute(tree, named), {old for old, new in self._his.items() if not new})

    def _laid(self, his: str) -> Tree:
        """A gradient of his in the place of the derived one; where it has other axes of one cell, in that one's shape."""
        pair = self._pairs.get(his)
        if pair is None:
            return Name(his)
        shape, due = np.shape(self._values[his]), np.shape(self._gradients[pair.tensor])
        if [*dropwhile(lambda length: length == 1, shape)] == [*dropwhile(lambda length: length == 1, due)]:
            return Name(his)
        return Call("reshape", (Name(his), Listing(tuple(map(literal, due)))))

    def _times(self, his: str) -> float | None:
        """What a gradient of his is times that of the loss."""
        right = self._gradients.get(self._pairs[his].tensor) if his in self._pairs else None
        return None if right is None else scale(self._values[his], right)


def _without(tree: Tree, names: Container[str]) -> Tree:
    """A formula without the summands of these names."""
    tree = tree.rebuilt(lambda child: _without(child, names)) if names else tree
    match tree:
        case Binary("+", Name(left), right) if left in names:
            return right
        case Binary("+", left, Name(right)) if right in names:
            return left
    return tree


__all__ = ["Due"]
