"""Right functions as students write them, on numbers of any size, mixed in a row: none is accused; and no wrong one passes in silence."""

from __future__ import annotations

import numpy as np
import pytest
from testing.right import ELEMENTWISE, log_softmax_backward, log_softmax_forward, softmax_backward, softmax_forward
from testing.test_judgement import outcome

TWO_OVER_PI = np.sqrt(2 / np.pi)


def logistic(x):
    return 1 / (1 + np.exp(-x))


def gelu_slope(x):
    t = np.tanh(TWO_OVER_PI * (x + 0.044715 * x**3))
    return 0.5 * (1 + t) + 0.5 * x * (1 - t**2) * TWO_OVER_PI * (1 + 3 * 0.044715 * x**2)


def by_exp(x):
    return (np.exp(x) - np.exp(-x)) / (np.exp(x) + np.exp(-x))


def normalised(axis):
    def forward(x):
        scale = 1 / np.sqrt(((x - x.mean(axis, keepdims=True)) ** 2).mean(axis, keepdims=True) + 1e-5)
        hat = (x - x.mean(axis, keepdims=True)) * scale
        return hat, (hat, scale)

    def backward(dout, cache):
        hat, scale = cache
        return scale * (dout - dout.mean(axis, keepdims=True) - hat * (dout * hat).mean(axis, keepdims=True))

    return forward, backward


def root_mean_square(x):
    r = np.sqrt((x * x).mean(-1, keepdims=True) + 1e-6)
    return x / r, (x, r)


def root_mean_square_backward(dout, cache):
    x, r = cache
    return dout / r - x * (dout * x).mean(-1, keepdims=True) / r**3


def cosine(x):
    long = np.sqrt((x * x).sum(-1, keepdims=True) + 1e-12)
    return x / long, (x, long)


def cosine_backward(dout, cache):
    x, long = cache
    return dout / long - x * (dout * x).sum(-1, keepdims=True) / long**3


def logsumexp(x):
    top = x.max(-1)
    return top + np.log(np.exp(x - top[:, None]).sum(-1)), x


CELLS = {
    "silu": (lambda x: x / (1 + np.exp(-x)), lambda x: logistic(x) + x * logistic(x) * (1 - logistic(x))),
    "gelu": (lambda x: 0.5 * x * (1 + np.tanh(TWO_OVER_PI * (x + 0.044715 * x**3))), gelu_slope),
    "softplus": (lambda x: np.log(1 + np.exp(x)), logistic),
    "softplus, stable": (lambda x: np.maximum(x, 0) + np.log1p(np.exp(-np.abs(x))), logistic),
    "tanh by exp": (by_exp, lambda x: 1 - by_exp(x) ** 2),
    "log sigmoid with epsilon": (
        lambda x: np.log(logistic(x) + 1e-12),
        lambda x: logistic(x) * (1 - logistic(x)) / (logistic(x) + 1e-12),
    ),
    "hypotenuse": (lambda x: np.sqrt(x * x + 1) - x, lambda x: x / np.sqrt(x * x + 1) - 1),
    "root with epsilon": (lambda x: np.sqrt(x * x + 1e-8), lambda x: x / np.sqrt(x * x + 1e-8)),
    "atan": (np.arctan, lambda x: 1 / (1 + x * x)),
    "log of absolute": (lambda x: np.log(np.abs(x) + 1e-8), lambda x: np.sign(x) / (np.abs(x) + 1e-8)),
    "softsign": (lambda x: x / (1 + np.abs(x)), lambda x: 1 / (1 + np.abs(x)) ** 2),
    "relu6": (lambda x: np.clip(x, 0, 6), lambda x: 1.0 * ((x > 0) & (x < 6))),
    "selu": (
        lambda x: np.where(x > 0, 1.05 * x, 1.757 * (np.exp(np.minimum(x, 0)) - 1)),
        lambda x: np.where(x > 0, 1.05, 1.757 * np.exp(np.minimum(x, 0))),
    ),
    "one minus cosine": (lambda x: 1 - np.cos(x), np.sin),
    "log cosh": (lambda x: np.abs(x) + np.log1p(np.exp(-2 * np.abs(x))) - np.log(2), np.tanh),
    "absolute, 1 at 0": (np.abs, lambda x: np.where(x >= 0, 1.0, -1.0)),
}
FORMS = {
    **{name: (lambda x, f=f: (f(x), x), lambda dout, x, d=d: dout * d(x)) for name, (f, d) in CELLS.items()},
    **{name: (lambda x, f=f: (f(x), x), backward) for name, (f, backward) in ELEMENTWISE.items()},
    "softmax": (softmax_forward, softmax_backward),
    "log softmax": (log_softmax_forward, log_softmax_backward),
    "logsumexp": (logsumexp, lambda dout, x: dout[:, None] * softmax_forward(x)[0]),
    "layer norm": normalised(-1),
    "batch norm": normalised(0),
    "rms norm": (root_mean_square, root_mean_square_backward),
    "cosine": (cosine, cosine_backward),
    "variance": (lambda x: (x.var(-1), x), lambda dout, x: dout[:, None] * 2 * (x - x.mean(-1, keepdims=True)) / x.shape[-1]),
}
CORNERS = (0.0, 1.0, -1.0, 6.0, 3.0, -3.0)
KINDS = {
    "plain": lambda x, g: x,
    "any size": lambda x, g: x * 10.0 ** g.integers(-8, 9),
    "mixed": lambda x, g: x * 10.0 ** g.uniform(-8, 8, x.shape),
    "rows of any size": lambda x, g: x * 10.0 ** g.uniform(-6, 6, (len(x), 1)),
    "ties": lambda x, g: np.round(x),
    "negative zeros": lambda x, g: np.where(g.random(x.shape) < 0.5, -0.0, x),
    "denormal": lambda x, g: x * np.where(g.random(x.shape) < 0.5, 1e-310, 1),
    "saturated": lambda x, g: 30 * x,
    "shifted": lambda x, g: x + 10.0 ** g.integers(0, 7),
    "one far": lambda x, g: np.where(np.arange(x.size).reshape(x.shape) == 0, x * 10.0 ** g.uniform(2, 8), x),
    "corners": lambda x, g: g.choice([*CORNERS, 0.1], x.shape),
}
WRONG = {
    "twice": lambda right, dout: 2 * right,
    "sign": lambda right, dout: -right,
    "term": lambda right, dout: right + 0.1 * (dout if dout.shape == right.shape else 1),
    "transposed": lambda right, dout: right.T.reshape(right.shape),
    "no mean": lambda right, dout: right - right.mean(-1, keepdims=True),
    "another slope": lambda right, dout: np.sign(right) * np.abs(right) ** 1.5,
}


def made(number):
    """A right pair on its numbers: what it is, forward, backward, x; whether it computes in single precision."""
    generator = np.random.default_rng([22, number])
    name, kind = str(generator.choice([*FORMS])), str(generator.choice([*KINDS]))
    x = KINDS[kind](generator.standard_normal(generator.integers(1, 5, 2)), generator)
    forward, backward = FORMS[name]
    single = bool(generator.random() < 0.2)
    to = np.float32 if single else np.float64
    return (
        f"{name}, {kind}, {to.__name__}",
        lambda x: forward(x.astype(to)),
        lambda dout, cache: backward(dout, cache).astype(to),
        x.astype(np.float32) if single else x,
        single,
    )


@pytest.mark.parametrize("pairs", [range(120), pytest.param(range(120, 5000), marks=pytest.mark.long)])
def test_whatever_the_size_nothing_right_is_accused_and_nothing_wrong_passes(pairs):
    untold = 0
    with np.errstate(all="ignore"):
        for number in pairs:
            said, forward, backward, x, single = made(number)
            out, cache = forward(x)
            right = backward(np.ones_like(out), cache)
            if not np.isfinite(right).all() or not np.isfinite(out).all():
                continue
            found, words = outcome(forward, backward, (x,), {})
            assert found != "wrong", f"{number}: {said}, {x.tolist()}: {words}"
            untold += found == "untold"
            fault, seen = [*WRONG][number % len(WRONG)], []

            def wrongly(dout, cache, backward=backward, fault=fault, seen=seen):
                seen.append((right := backward(dout, cache), WRONG[fault](right, dout)))
                return seen[-1][1]

            found, _ = outcome(forward, wrongly, (x,), {})
            right, wrong = seen[0]
            least, near = (1e-3, 3e-2) if single else (1e-10, 1e-5)  # what rounding leaves
            size = np.abs(right).max()
            changed = ~np.isclose(wrong, right, near, near * size) & ~np.isin(x, CORNERS)  # there, what lies between both slopes is right
            assert found != "right" or size <= least or not changed.any(), f"{number}: {said}, {fault}, {x.tolist()}"
    assert untold <= 0.06 * len(pairs)
