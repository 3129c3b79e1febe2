"""What answers cost: the loss of the data's samples beside the best that each target allows, and the best constant answer."""

from __future__ import annotations

import numpy as np

from bpdebug.core.evaluate import evaluate
from bpdebug.core.numbers import short
from bpdebug.core.operations import OPERATIONS
from bpdebug.core.program import Program
from bpdebug.core.record import Record
from bpdebug.core.tensors import Array


class Terms(Record, eq=False):
    """The loss of answers, sample by sample.

    Attributes:
        program: whose loss it is.
        chosen: the rows of the data that are looked at.
        x, y: their inputs and targets.
        threshold: from which share on something is said.
    """

    program: Program
    chosen: Array
    x: Array
    y: Array
    threshold: float

    @property
    def function(self) -> str:
        """The row of the operation table, without what it fuses."""
        return self.program.network.asked.function

    @property
    def entropy(self) -> bool:
        """Whether it is one of the cross-entropies."""
        return self.function.endswith("cross_entropy")

    @property
    def scale(self) -> float:
        """What a sum over all samples is multiplied with to give the loss of an update, on the average."""
        asked, batches, samples = self.program.network.asked, self.program.batches, len(self.y)
        over = samples if asked.samples == "mean" else batches.each_epoch if samples == batches.total else 1
        return asked.factor / over / (self.y.shape[1] if asked.outputs == "mean" else 1)

    def costs(self, answers: Array) -> Array:
        """The loss of each sample, (samples,), before it is scaled."""
        row = OPERATIONS[self.function]
        constants = {name: np.array(value) for name, value in (dict(row.constants) | dict(self.program.network.asked.constants)).items()}
        answers = np.clip(answers, 1e-300, 1 - 1e-16) if self.entropy else answers
        return np.asarray(evaluate(row.forward, {"a": np.broadcast_to(answers, self.y.shape), "y": self.y, **constants}).sum(axis=1))

    def best(self, groups: Array) -> Array:
        """The best answers, where all samples of a group get the same one."""
        answers = np.empty_like(self.y)
        order = np.argsort(groups, kind="stable")
        for places in np.split(order, np.flatnonzero(np.diff(groups[order])) + 1):
            answers[places] = (np.median if self.function == "absolute_error" else np.mean)(self.y[places], axis=0)
        return answers

    def share(self, excess: float) -> float:
        """What an excess over the targets' own loss is beside that of the best constant answer."""
        of = float((self.costs(self.best(np.zeros(len(self.y), int))) - self.costs(self.y)).sum())
        return excess / of if of > 1e-12 * len(self.y) * float(np.abs(self.y).max(initial=0.0)) ** 2 else 0.0

    def told(self, excess: float) -> str:
        """The bound in words."""
        least = short(self.scale * (excess + float(self.costs(self.y).sum())), 4)
        whole = "" if len(self.y) == self.program.batches.total else f" of {len(self.y)} samples"
        part = self.share(excess)
        share = f"{100 * part:.0f} % of" if part < 2 else f"{short(part, 2)} times"
        share += f" what the best constant answer has (threshold {100 * self.threshold:g} %)"
        return f"the loss{whole} cannot fall below {least}, {share}"


def terms_of(program: Program, chosen: Array, threshold: float = 0.0) -> Terms:
    """The terms of these rows of the data."""
    x, y = (np.asarray(program.data[name][chosen], float) for name in (program.input, program.target))
    return Terms(program, chosen, x, y, threshold)


def bounded(program: Program) -> bool:
    """Whether the loss has a least value that is known for each target by itself."""
    function, y, last = program.network.asked.function, program.data[program.target], program.layers[-1].layer.activation
    inside = bool(((y >= 0) & (y <= 1)).all())
    if function == "categorical_cross_entropy":
        return inside and last == "softmax" and np.allclose(y.sum(axis=1), 1, atol=1e-6)
    return inside or function != "binary_cross_entropy"
