"""Mistakes planted in right backward functions: what is changed in one of the gradients that they give."""

from __future__ import annotations

import numpy as np
from testing import layers, right


def _one_cell(g, place):
    g = np.array(g)
    g.flat[place % g.size] *= 1.01
    return g


def _row(g):
    g = np.array(g)
    g[-1] = 0
    return g


CHANGES = {
    "factor 2": lambda g, place: 2 * g,
    "half": lambda g, place: g / 2,
    "a thousandth too much": lambda g, place: 1.001 * g,
    "sign": lambda g, place: -g,
    "mean for sum": lambda g, place: g / 4,
    "zero": lambda g, place: 0 * g,
    "one cell": _one_cell,
    "a row of zeros": lambda g, place: _row(g),
    "absolute": lambda g, place: np.abs(g),
    "something added": lambda g, place: g + 1e-3,
    "squared": lambda g, place: g * np.abs(g),
    "turned round": lambda g, place: g[::-1],
    "nan": lambda g, place: np.where(np.arange(g.size).reshape(g.shape) == place % g.size, np.nan, g),
    "a row for all": lambda g, place: np.stack([g, g]),
    "flat": lambda g, place: g.reshape(-1)[None, None],
}


def planted(generator):
    """A right pair with a mistake: what it is, the name of the gradient, forward, backward, inputs, keywords; None where the change
    changes nothing."""
    said, forward, backward, inputs, keywords = right.right_pair(generator)
    kind = str(generator.choice(list(CHANGES)))
    place = int(generator.integers(1000))
    which = []

    def changed(gradients):
        several = isinstance(gradients, tuple)
        items = list(gradients) if several else [gradients]
        chosen = place % len(items)
        before = np.asarray(items[chosen])
        after = CHANGES[kind](before, place)
        which[:] = which or [chosen, before, after]  # of the first call; later ones are on nudged inputs
        items[chosen] = after
        return tuple(items) if several else items[0]

    def wrong_backward(dout, cache):
        return changed(backward(dout, cache))

    def wrong_loss(*given):
        loss, gradient = forward(*given)
        return loss, changed(gradient)

    if backward is None:
        return f"{kind} in {said}", which, wrong_loss, None, inputs, keywords
    return f"{kind} in {said}", which, forward, wrong_backward, inputs, keywords


def matters(which):
    """Whether what was changed is a change: above what rounding and tolerance leave, and beyond what a corner allows."""
    _, before, after = which
    if after.shape != before.shape:
        squeezed = [length for length in after.shape if length != 1], [length for length in before.shape if length != 1]
        return squeezed[0] != squeezed[1]
    scale = np.abs(before).max(initial=0.0)
    return scale > 1e-10 and not np.allclose(after, before, 1e-5, 1e-6 * scale, equal_nan=True)


def mean_as_constant(dout, cache):
    hat, gamma, std = cache
    return dout * gamma / std, (dout * hat).sum(axis=0), dout.sum(axis=0)


def flipped_kernel(dout, cache):
    dx, dw, db = layers.conv_backward(dout, cache)
    return dx, dw[:, :, ::-1, ::-1], db


def dbeta_not_summed(dout, cache):
    dx, dgamma, _ = layers.batchnorm_backward(dout, cache)
    return dx, dgamma, dout


def gamma_left_out(dout, cache):
    hat, _, std = cache
    return layers.batchnorm_backward(dout, (hat, np.ones(hat.shape[1]), std))


def mask_drawn_again(dout, cache):
    return dout * (np.random.rand(*cache.shape) < 0.6) / 0.6


def softmax_by_its_diagonal(dout, a):
    return dout * a * (1 - a)


def indices_overwritten(dout, cache):
    rows, shape = cache
    dw = np.zeros(shape)
    dw[rows] += dout
    return dw
