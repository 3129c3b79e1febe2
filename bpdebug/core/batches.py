"""Which samples an update sees: a pure function of (scenario, update)."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from bpdebug.core.description import Array, Scenario

_SHUFFLE_KEY = 0x5_BA7C4
"""Keeps the shuffles' generators apart from those of the initial values under the same seed."""


@dataclass
class Batches:
    """The batches of a scenario; the order of one epoch is remembered, nothing else."""

    scenario: Scenario
    _epoch: int = field(default=-1, init=False)
    _order: Array | None = field(default=None, init=False)

    @property
    def sizes(self) -> tuple[int, ...]:
        """The numbers of rows that occur: the full batch, and the short last one where there is one."""
        size, rest = self.scenario.batch_size, self.scenario.samples % self.scenario.batch_size
        return (size, rest) if rest else (size,)

    def place(self, update: int) -> tuple[int, int]:
        """The epoch and the batch in it, both from 0."""
        return divmod(update, self.scenario.batches)

    def rows(self, update: int) -> Array | None:
        """The samples of the update's batch in order, or None where it is the whole data as it stands."""
        epoch, batch = self.place(update)
        size = self.scenario.batch_size
        if not self.scenario.training.shuffle:
            return None if size == self.scenario.samples else np.arange(batch * size, min((batch + 1) * size, self.scenario.samples))
        return self.order(epoch)[batch * size : (batch + 1) * size]

    def samples(self, update: int) -> Array:
        """The samples of the update's batch in order, by their rows of the data."""
        rows = self.rows(update)
        return np.arange(self.size(update)) if rows is None else rows.copy()

    def order(self, epoch: int) -> Array:
        """The shuffle of an epoch, from a generator keyed by (seed, epoch)."""
        if self._order is None or epoch != self._epoch:
            generator = np.random.default_rng([self.scenario.seed, _SHUFFLE_KEY, epoch])
            self._epoch, self._order = epoch, generator.permutation(self.scenario.samples)
        return self._order

    def size(self, update: int) -> int:
        """Rows of the update's batch."""
        last = self.place(update)[1] == self.scenario.batches - 1
        return self.sizes[-1] if last else self.sizes[0]
