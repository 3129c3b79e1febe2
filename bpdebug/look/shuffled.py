"""Targets that have nothing to do with the rows they stand in: each statistic that order would move is where shuffled targets have it.

A permutation test (Good, Permutation, Parametric and Bootstrap Tests of Hypotheses (2005), chapter 3) of several ways to be in order at
once, of which the one that shows most counts (Westfall and Young, Resampling-Based Multiple Testing (1993)). It is no proof: an order
that is too fine for so many rows looks the same.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import lru_cache

import numpy as np

from bpdebug.core.numbers import short
from bpdebug.core.program import Program
from bpdebug.core.tensors import Array
from bpdebug.look.finding import Finding

_FEWEST, _MOST = 80, 400
"""Rows with which something can be told, and of which no more are looked at."""
_FOR_EACH = 4
"""Rows that are needed for each direction in which the inputs vary."""
_SHUFFLES = 199
_SIGNS, _PRODUCTS = 10, 64
"""Inputs, at most, of which the products of any number are looked at, and of any two."""


@lru_cache(4)
def shuffled(program: Program, threshold: float) -> tuple[Finding, ...]:
    """What is to be said of the data, where more than a ``threshold`` of all shuffles is in as good an order."""
    total = program.batches.total
    rows = np.linspace(0, total - 1, min(total, _MOST)).astype(int)
    if not (program.input and program.target):
        return ()
    x, y = (np.asarray(program.data[name], float)[rows].reshape(len(rows), -1) for name in (program.input, program.target))
    if program.data[program.target].dtype.kind in "biu" and y.shape[1] == 1:  # class numbers
        y = np.asarray(y == np.unique(y), float)
    x, scaled = _at_size_1(x), _at_size_1(y)
    if len(rows) < _FEWEST or not (x.size and scaled.size and np.isfinite(x).all() and np.isfinite(scaled).all()):
        return ()
    spread = np.square(np.linalg.svd(x, compute_uv=False))
    near = _neighbours(x, 1)
    if len(rows) < _FOR_EACH * spread.sum() ** 2 / np.square(spread).sum() or (near > 0).sum() > len(rows) ** 2 / 3:
        return ()
    generator = np.random.default_rng(7)
    orders = [np.arange(len(rows)), *(generator.permutation(len(rows)) for _ in range(_SHUFFLES))]
    ways = _measured(x, near, np.stack([scaled[order] for order in orders], axis=1))
    ranks = np.min([(way >= way[:, None] * (1 - 1e-9)).mean(axis=1) for way in ways], axis=0)  # the share in as good an order
    share = float((ranks <= ranks[0]).mean())
    if not share > threshold:
        return ()
    classes = bool(((y == 0) | (y == 1)).all())
    pairs = (y[:, None] == y).all(axis=2) if classes else np.abs(y[:, None] - y).mean(axis=2)
    alike, usual = (near * pairs).sum() / len(y), (pairs.sum() - np.trace(pairs)) / (len(y) * (len(y) - 1))
    what = "of nearest neighbours share their class" if classes else "is how far the targets of nearest neighbours are apart"
    why = f"the targets seem to have nothing to do with the inputs: {short(float(alike), 2)} {what}, shuffled targets give "
    why += f"{short(float(usual), 2)}, and {short(100 * share, 2)} % of {_SHUFFLES} shuffles are in as good an order in all ways that are "
    why += f"tried (threshold {100 * threshold:g} %). Check whether targets stand in the wrong rows."
    return (Finding("shuffled", "targets shuffled", why, False, 0, share, threshold),)


def _at_size_1(values: Array) -> Array:
    """Around 0 and at size 1, without columns that are the same throughout."""
    values = values[:, np.ptp(values, axis=0) > 1e-9 * np.abs(values).max(axis=0)]
    return np.asarray((values - values.mean(axis=0)) / values.std(axis=0))


def _neighbours(x: Array, count: int) -> Array:
    """By row, what each other is of its nearest ones: a share each, also of more where several are equally near."""
    squares = np.square(x).sum(axis=1)
    apart = np.round((squares[:, None] + squares - 2 * x @ x.T) / squares.max(), 9)
    np.fill_diagonal(apart, np.inf)
    near = apart <= np.sort(apart, axis=1)[:, count - 1 : count]
    return np.asarray(near / near.sum(axis=1, keepdims=True))


def _measured(x: Array, near: Array, y: Array) -> Iterator[Array]:
    """How much in order targets (rows, shuffles, outputs) are in each way, by shuffle, whatever the sign: beside those of neighbours,
    and as functions of the inputs, of their squares and of products of them."""
    flat, inner = y.reshape(len(x), -1), x @ x.T
    for alike in (near, _neighbours(x, int(np.ceil(len(x) ** 0.5))), inner, (1 + inner / x.shape[1]) ** 2):
        paired = alike - np.diag(np.diag(alike))
        order = (flat * (paired @ flat)).reshape(y.shape).sum(axis=(0, 2))
        yield np.abs(order - order[1:].mean())
    terms = [np.zeros((len(x), 0))]
    if x.shape[1] <= _PRODUCTS:
        first, second = np.triu_indices(x.shape[1])
        terms += [x, x[:, first] * x[:, second]]
    if x.shape[1] <= _SIGNS:  # as of a parity
        signs = np.ones((len(x), 1))
        for column in np.sign(x).T:
            signs = np.hstack([signs, signs * column[:, None]])
        terms.append(signs)
    if (every := _at_size_1(np.hstack(terms))).size:
        yield np.square(every.T @ flat).reshape(-1, *y.shape[1:]).sum(axis=2).max(axis=0)
