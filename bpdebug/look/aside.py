"""What would become of the loss, and what becomes of a parameter: stages run aside, from the values that they saw."""

from __future__ import annotations

from math import sqrt

import numpy as np

from bpdebug.core.cells import Cell
from bpdebug.core.evaluate import assigned, evaluate
from bpdebug.core.network import Phase
from bpdebug.core.program import Program
from bpdebug.core.schedule import Stage
from bpdebug.core.tensors import Values
from bpdebug.core.tree import Call, Index, Transpose, Tree, is_product, names, walk

AFFORDABLE = 400_000
"""What may be computed for a sentence, roughly in multiplications."""
_STAGE, _CELL = 4_000, 8
"""What it takes to begin a stage, and what a cell takes that no product makes."""


class LossAside:
    """The loss, where one cell of a tensor has another value than it had; in double precision.

    Args:
        program: as it ran.
        values: of all tensors of the forward pass.
        name, index: the cell.
        through: the only stage that sees the other value, where it is not all of them.

    Attributes:
        affordable: whether it costs so little that it may be worked out for a sentence, and the loss depends on the cell at all.
    """

    def __init__(self, program: Program, values: Values, name: str, index: Cell, through: str = "") -> None:
        self._name, self._index, self._through, self._loss = name, index, through, program.loss
        # the stages of the forward pass that a change of the cell reaches, as far as they are affordable
        moved, self._stages, cost = set[str](), list[Stage](), 0.0
        begin = 0 if name in program.persistent else program.index.get(name, -1) + 1
        for stage in program.stages[begin : program.end_of(Phase.LOSS)]:
            reading = stage.formula.names
            if not moved.isdisjoint(reading) or (name in reading and through in ("", stage.name)):
                cost += cost_of(stage, values)
                if cost > AFFORDABLE:
                    break
                self._stages.append(stage)
                moved.add(stage.name)
        self.affordable = bool(self._stages) and self._stages[-1].name == program.loss
        read = {name, *(read for stage in self._stages for read in stage.formula.names)}
        known = {tensor: values[tensor] for tensor in read if tensor in values}
        self._values = {tensor: value if value.dtype.kind in "biu" else np.asarray(value, float) for tensor, value in known.items()}

    def __call__(self, change: float) -> float:
        """The loss with the cell so much higher."""
        changed = self._values[self._name].copy()
        changed[self._index] += change
        known = {**self._values, self._name: changed}
        for stage in self._stages:
            known[stage.name] = np.asarray(evaluate(stage.formula, known), float)
            if stage.name == self._through:
                known[self._name] = self._values[self._name]
        return float(known[self._loss])


def cost_of(stage: Stage, values: Values) -> float:
    """What it takes to run a stage by itself, roughly in multiplications."""
    return _STAGE + work_of(stage, values)


def work_of(stage: Stage, values: Values) -> float:
    """What its cells take; a product takes the root of the product of three sizes."""
    result = values[stage.name].size if stage.name in values else 1
    tree = stage.formula.tree
    sides = [(node.left, node.right) for node in walk(tree) if is_product(node)]
    sides += [
        (node.arguments[1], node.arguments[2])
        for node in walk(tree)
        if isinstance(node, Call) and node.function == "einsum" and len(node.arguments) > 2
    ]
    return sum(sqrt(_size(left, values) * _size(right, values) * result) for left, right in sides) + _CELL * result


def _size(tree: Tree, values: Values) -> int:
    return max((values[name].size for name in names(tree) if name in values), default=1)


def step_of(program: Program, values: Values, parameter: str, index: Cell) -> float | None:
    """By how much the update changes a cell of a parameter, or None where it cannot be told yet.

    Args:
        program: as it runs.
        values: of all tensors, before the update.
        parameter, index: the cell.
    """
    needed, stages = {parameter}, list[Stage]()
    for stage in reversed(program.stages[: program.index[parameter] + 1]):
        if stage.phase is Phase.UPDATE and stage.name in needed:
            needed |= set(stage.formula.names)
            stages.insert(0, stage)
    made = {stage.name for stage in stages}
    known = {name: values[name] for name in needed if name in values and (name not in made or name in program.persistent)}
    if needed - made - known.keys():
        return None
    shape, place = values[parameter].shape, index
    if all(map(_cell_by_cell, (stage.formula.tree for stage in stages))):
        known, place = {name: value[index] if value.shape == shape else value for name, value in known.items()}, ()
    before = float(known[parameter][place])
    for stage in stages:
        known[stage.name] = assigned(stage.formula, known, program.dtype)
    return float(known[parameter][place]) - before


def _cell_by_cell(tree: Tree) -> bool:
    """Whether each cell of a formula's value is made of the same cells of what it reads."""
    moving = Transpose | Index
    return not any(isinstance(node, moving) or (isinstance(node, Call) and node.reduces) or is_product(node) for node in walk(tree))
