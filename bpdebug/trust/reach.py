"""What uses a tensor, and how that moves when the tensor does; and whether a formula is in proportion to what arrives."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from bpdebug.core.description import Array
from bpdebug.core.record import Record
from bpdebug.core.schedule import Stage
from bpdebug.core.tree import Name, Number, Operation, Tree, View, operation
from bpdebug.trust.perturbed import Moved, Rounded


class Reach(Record, eq=False):
    """What uses a tensor.

    Attributes:
        tensor: which.
        steps: the stages through which it moves, in order, up to those at which a gradient arrives.
        ends: these, to the gradient that arrives; "" is the loss, whose gradient is 1.
        alone: whether the tensor counts for the first of the steps only.
    """

    tensor: str
    steps: tuple[Stage, ...]
    ends: Mapping[str, str]
    alone: bool = False

    def moves(self, at: Rounded, direction: Array) -> tuple[dict[str, Array], bool]:
        """How the ends move when the tensor does, and whether the opposite direction may tell something else."""
        if not self.steps:  # a sum: each of its parts moves it as itself
            return dict.fromkeys(self.ends, direction), False
        moved, found = Moved(at, {self.tensor: direction}), dict[str, Array]()
        for stage in self.steps:
            way = moved.of(stage.formula.tree)
            if stage.name in self.ends:
                found[stage.name] = np.zeros(()) if way is None else way
            elif way is not None:
                moved.tensors[stage.name] = way
            if self.alone:
                moved.tensors.pop(self.tensor, None)
        return found, moved.tied


def degree(tree: Tree, arriving: Sequence[str]) -> int:
    """1 where a formula is in proportion to what arrives, 0 where it does not use it, 2 where neither can be seen."""
    if isinstance(tree, Name):
        return int(tree.name in arriving)
    if isinstance(tree, View):
        return degree(tree.operand, arriving)
    if not isinstance(tree, Operation):
        return 0
    row, operands = operation(tree)
    found = [degree(operand, arriving) for operand in operands]
    if max(found) != 1:
        return max(found)
    fits = {
        **dict.fromkeys(("*", "@"), sum(found) == 1),
        "/": found[-1] == 0,
        "where": found[0] == 0,
        **dict.fromkeys(("sum", "mean", "positive", "+", "-"), True),
    }
    added = row.name in ("+", "-", "where")
    whole = all(one or operand == Number(0.0) for one, operand in list(zip(found, operands, strict=True))[row.name == "where" :])
    return 1 if fits.get(row.name) and (whole or not added) else 2
