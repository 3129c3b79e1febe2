"""What answers cost: the loss of the data's samples above the best that each target allows, beside the best constant answer."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from bpdebug.core.evaluate import evaluate
from bpdebug.core.numbers import short
from bpdebug.core.operations import OPERATIONS
from bpdebug.core.program import Program
from bpdebug.core.tensors import Array
from bpdebug.look.finding import Finding

_ROWS = 400
"""Samples that are looked at, at most."""


class Terms:
    """The loss of answers, sample by sample.

    Args:
        program: whose loss it is.
        threshold: from which share of what there is to learn on something is said.

    Attributes:
        rows: of the data, that are looked at.
        x, y: their inputs and targets.
        function: of the loss, without what it fuses.
        entropy: whether that is one of the cross-entropies.
    """

    def __init__(self, program: Program, threshold: float) -> None:
        total, asked = program.batches.total, program.network.asked
        self.program, self.threshold = program, threshold
        self.rows = np.linspace(0, total - 1, min(total, _ROWS)).astype(int)
        self.x, self.y = (np.asarray(program.data[name][self.rows], float) for name in (program.input, program.target))
        self.function, self.entropy = asked.function, asked.function.endswith("cross_entropy")
        constants = dict(OPERATIONS[self.function].constants) | dict(asked.constants)
        self._given = {name: np.array(value) for name, value in constants.items()} | {"y": self.y}
        self._own = self._costs(self.y)
        self._most = float(self.excess(self.best(np.zeros(len(self.y), int))).sum())

    @property
    def bounded(self) -> bool:
        """Whether the loss has a least value that is known for each target by itself."""
        inside, last = bool(((self.y >= 0) & (self.y <= 1)).all()), self.program.layers[-1].layer.activation
        if self.function == "categorical_cross_entropy":
            return inside and last == "softmax" and np.allclose(self.y.sum(axis=1), 1, atol=1e-6)
        if self.function == "hinge":
            return bool((np.abs(self.y) == 1).all())
        return inside or not self.entropy

    def _costs(self, answers: Array) -> Array:
        answers = np.clip(answers, 1e-300, 1 - 1e-16) if self.entropy else answers
        given = {**self._given, "a": np.broadcast_to(answers, self.y.shape)}
        return np.asarray(evaluate(OPERATIONS[self.function].forward, given).sum(axis=1))

    def excess(self, answers: Array) -> Array:
        """What each sample loses above what its target allows, (samples,), before it is scaled."""
        return self._costs(answers) - self._own

    def best(self, groups: Array) -> Array:
        """The best answers, where all samples of a group get the same one."""
        middle = np.median if self.function in ("absolute_error", "hinge") else np.mean  # of -1 and 1: the side of most
        return np.array([middle(self.y[groups == group], axis=0) for group in groups])

    def share(self, excess: float) -> float:
        """What an excess is beside that of the best constant answer, which is what there is to learn."""
        return excess / self._most if self._most > 1e-12 * len(self.y) * float(np.abs(self.y).max()) ** 2 else 0.0

    def finding(self, name: str, text: str, excess: float, why: str, remedy: str) -> Iterator[Finding]:
        """What is to be said of an excess that no parameters avoid."""
        share, asked, batches = self.share(excess), self.program.network.asked, self.program.batches
        if not (share >= self.threshold > 0 or share > self.threshold):
            return
        whole = len(self.y) == batches.total
        over = len(self.y) if asked.samples == "mean" else batches.each_epoch if whole else 1
        scale = asked.factor / over / (self.y.shape[1] if asked.outputs == "mean" else 1)
        least, constant = (short(scale * (float(self._own.sum()) + more), 4) for more in (excess, self._most))
        of = "" if whole else f" of {len(self.y)} samples"
        bound = f"The loss{of} cannot fall below {least}, and one answer for all samples gives {constant}"
        beyond = f"{short(100 * min(share, 1), 2)} % of what there is to learn is out of reach (threshold {100 * self.threshold:g} %)"
        yield Finding(name, text, f"{why}. {bound}: {beyond}. {remedy}.", True, 0, share, self.threshold)
