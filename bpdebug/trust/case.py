"""A wrong array beside the right one, with all that a mistake may have been made of."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import field
from functools import cached_property

import numpy as np

from bpdebug.core.description import Array
from bpdebug.core.evaluate import evaluate
from bpdebug.core.parser import Formula
from bpdebug.core.program import Program
from bpdebug.core.record import Record
from bpdebug.core.schedule import Stage
from bpdebug.core.tree import Tree
from bpdebug.trust.site import AFTER, PREVIOUS, Site

_CLOSER = 0.002
"""A mistake explains a wrong array only where it comes this much nearer to it than the right one is."""


class Evidence(Record, eq=False):
    """One wrong stage.

    Attributes:
        program: its formulas as they are meant: of a stage with a user's own formula the derived one counts.
        stage: the stage that is wrong.
        wrong: the user's numbers, of any shape; of the right one's, once only axes of length 1 tell them apart.
        right: the right ones; NaN where unknown.
        values: every tensor that the stage and its neighbours read, as the stage read it: the batch with ``m``, constants,
            parameters (for an update stage: from before it, and slots that an earlier stage has changed as they are by then),
            and what the update had computed; where the user's own operands are known, those.
        after: the parameters after this update, where known.
        previous: the tensors of the update before, where known.
        tolerance: how far numbers may differ and still be the same, relative to the largest.
        unseen: gradients that the user's code computes and does not show, so that the mistake may have been made in them.
    """

    program: Program
    stage: Stage
    wrong: Array
    right: Array
    values: Mapping[str, Array]
    after: Mapping[str, Array] = field(default_factory=dict)
    previous: Mapping[str, Array] = field(default_factory=dict)
    tolerance: float = 1e-6
    unseen: frozenset[str] = frozenset()

    @cached_property
    def site(self) -> Site:
        """Where the mistake was made."""
        return Site(self.program, self.stage)

    @property
    def samples(self) -> int:
        """The rows of the batch."""
        return int(self.values["m"]) if "m" in self.values else 0

    @cached_property
    def size(self) -> float:
        """The largest absolute value of the wrong array."""
        return float(np.abs(self.wrong).max())

    @cached_property
    def comparable(self) -> bool:
        """Whether the two have the same shape."""
        return self.wrong.shape == self.right.shape

    @cached_property
    def distance(self) -> float:
        """How far the wrong array is from the right one, at most."""
        return float(np.nanmax(np.abs(self.wrong - self.right), initial=0.0)) if self.comparable else np.inf

    @cached_property
    def allowed(self) -> float:
        """How far an explanation may be from the wrong array."""
        return min(self.tolerance * self.size, _CLOSER * self.distance)

    @cached_property
    def _telling(self) -> int:
        """The cell that is most off, by which most explanations are refuted."""
        return int(np.nanargmax(np.abs(self.wrong - self.right))) if self.comparable and self.distance > 0 else 0

    def value(self, tree: Tree, overrides: Mapping[str, str] | None = None) -> Array | None:
        """What a formula gives here, where its tensors are known and fit."""
        versions, values = {AFTER: self.after, PREVIOUS: self.previous}, {**self.values}
        try:
            for name, version in (overrides or {}).items():
                value = versions.get(version, self.values)[name]
                # laid out anew, its transpose has the numbers in the order in which they are
                values[name] = value if version in versions else value.reshape(value.shape[::-1]).T
            found = evaluate(Formula("", tree), values)
        except (KeyError, ValueError, IndexError):
            return None
        return found.astype(np.float64) if found.dtype.kind in "biu" else found

    def error(self, value: Array | None) -> float | None:
        """How far an explanation is from the wrong array, relative to its largest cell; None where it does not explain it."""
        value = None if value is None else fitted(value, self.wrong.shape)
        if value is None or not abs(value.flat[self._telling] - self.wrong.flat[self._telling]) <= self.allowed:
            return None
        distance = float(np.abs(value - self.wrong).max())
        return (distance / self.size if self.size else 0.0) if distance <= self.allowed else None

    def explains(self, value: Array | None) -> bool:
        """Whether these are the wrong array's numbers."""
        return self.error(value) is not None


def fitted(value: Array, shape: tuple[int, ...]) -> Array | None:
    """The array in a shape that only axes of length 1 tell from its own, or one number in every cell; None where that cannot be."""
    if value.size == 1:
        return np.broadcast_to(value.reshape(()), shape)
    squeezed = [length for length in shape if length != 1]
    return value.reshape(shape) if [length for length in value.shape if length != 1] == squeezed else None
