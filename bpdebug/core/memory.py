"""One layout of memory: named tensors end to end in one flat array, so that a copy of all is a copy of that."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from itertools import accumulate
from math import prod
from typing import Any

import numpy as np

from bpdebug.core.shapes import Shape
from bpdebug.core.tensors import Array


class Memory:
    """Zeros for tensors of these shapes.

    Args:
        shapes: by name.
        dtype: their precision.
        first: the tensors that come first, in order; the others follow in the order of their shapes.

    Attributes:
        flat: every number.
        tensors: views of it by name.
    """

    def __init__(self, shapes: Mapping[str, Shape], dtype: np.dtype[Any], first: Iterable[str] = ()) -> None:
        self._shapes = {name: shapes[name] for name in dict.fromkeys([*first, *shapes])}
        sizes = [prod(shape) for shape in self._shapes.values()]
        self._places = dict(zip(self._shapes, accumulate(sizes, initial=0), strict=False))
        self.flat = np.zeros(sum(sizes), dtype)
        self.tensors = self.views(self.flat)

    def views(self, flat: Array) -> dict[str, Array]:
        """The tensors of a copy of :attr:`flat`."""
        return {name: flat[start : start + prod(self._shapes[name])].reshape(self._shapes[name]) for name, start in self._places.items()}

    def stretch(self, names: Sequence[str]) -> Array:
        """The part in which tensors lie that come one after the other."""
        start, last = self._places[names[0]], names[-1]
        return self.flat[start : self._places[last] + prod(self._shapes[last])]
