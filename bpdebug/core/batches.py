"""Which samples an update sees: a pure function of the update's number."""

from __future__ import annotations

from functools import cached_property, lru_cache

import numpy as np

from bpdebug.core.record import Record
from bpdebug.core.tensors import Array

_SHUFFLE_KEY = 0x5_BA7C4
"""Keeps the shuffles' generators apart from those of the initial values under the same seed."""


class Batches(Record):
    """The batches of a training.

    Attributes:
        total: the samples that there are.
        epochs: how often each is seen.
        asked: rows of a full batch, or None for all.
        shuffle: whether every epoch has an order of its own.
        seed: what the shuffles are made from.
    """

    total: int
    epochs: int
    asked: int | None = None
    shuffle: bool = False
    seed: int = 0

    @cached_property
    def largest(self) -> int:
        """Rows of a full batch."""
        return min(self.asked or self.total, self.total)

    @cached_property
    def sizes(self) -> tuple[int, ...]:
        """The numbers of rows that occur: the full batch, and the short last one where there is one."""
        rest = self.total % self.largest
        return (self.largest, rest) if rest else (self.largest,)

    @cached_property
    def each_epoch(self) -> int:
        """Updates of an epoch."""
        return -(-self.total // self.largest)

    @cached_property
    def updates(self) -> int:
        """Updates of the whole training."""
        return self.each_epoch * self.epochs

    def place(self, update: int) -> tuple[int, int]:
        """The epoch and the batch in it, both from 0."""
        return divmod(update, self.each_epoch)

    def rows(self, update: int) -> Array | None:
        """The samples of the update's batch in order, or None where it is the whole data as it stands."""
        epoch, batch = self.place(update)
        start = batch * self.largest
        if self.shuffle:
            return _order(self.seed, epoch, self.total)[start : start + self.largest]
        return None if self.largest == self.total else np.arange(start, min(start + self.largest, self.total))

    def samples(self, update: int) -> Array:
        """The samples of the update's batch in order, by their rows of the data."""
        rows = self.rows(update)
        return np.arange(self.total) if rows is None else rows.copy()

    def size(self, update: int) -> int:
        """Rows of the update's batch."""
        return self.sizes[-1] if self.place(update)[1] == self.each_epoch - 1 else self.largest


@lru_cache(2)
def _order(seed: int, epoch: int, samples: int) -> Array:
    """The shuffle of an epoch, from a generator keyed by (seed, epoch)."""
    return np.random.default_rng([seed, _SHUFFLE_KEY, epoch]).permutation(samples)
