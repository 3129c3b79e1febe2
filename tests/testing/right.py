"""Random right pairs of the nasty kinds: corners hit exactly, ties, saturation, zeros, scales from 1e-4 to 1e4, single precision."""

from __future__ import annotations

import numpy as np
from testing import layers


def sigmoid(x):
    return 0.5 * (1 + np.tanh(0.5 * x))


ELEMENTWISE = {
    "sigmoid": (sigmoid, lambda dout, x: dout * sigmoid(x) * (1 - sigmoid(x))),
    "tanh": (np.tanh, lambda dout, x: dout * (1 - np.tanh(x) ** 2)),
    "relu": (lambda x: np.maximum(x, 0), lambda dout, x: dout * (x > 0)),
    "relu, 1 at 0": (lambda x: np.maximum(x, 0), lambda dout, x: dout * (x >= 0)),
    "relu, half at 0": (lambda x: np.maximum(x, 0), lambda dout, x: dout * ((x > 0) + 0.5 * (x == 0))),
    "leaky relu": (lambda x: np.where(x > 0, x, 0.01 * x), lambda dout, x: dout * np.where(x > 0, 1, 0.01)),
    "elu": (lambda x: np.where(x > 0, x, np.expm1(np.minimum(x, 0))), lambda dout, x: dout * np.where(x > 0, 1, np.exp(np.minimum(x, 0)))),
    "silu": (lambda x: x * sigmoid(x), lambda dout, x: dout * sigmoid(x) * (1 + x * (1 - sigmoid(x)))),
    "softplus": (lambda x: np.logaddexp(0, x), lambda dout, x: dout * sigmoid(x)),
    "abs": (np.abs, lambda dout, x: dout * np.sign(x)),
    "hard tanh": (lambda x: np.clip(x, -1, 1), lambda dout, x: dout * ((x > -1) & (x < 1))),
    "square": (np.square, lambda dout, x: dout * 2 * x),
    "cube": (lambda x: x**3, lambda dout, x: dout * 3 * x**2),
    "sine": (np.sin, lambda dout, x: dout * np.cos(x)),
    "exp of minus square": (lambda x: np.exp(-(x**2)), lambda dout, x: dout * -2 * x * np.exp(-(x**2))),
    "huber": (lambda x: np.where(np.abs(x) < 1, x**2 / 2, np.abs(x) - 0.5), lambda dout, x: dout * np.clip(x, -1, 1)),
    "one minus sigmoid": (lambda x: 1 - sigmoid(x), lambda dout, x: -dout * sigmoid(x) * (1 - sigmoid(x))),
}


def softmax_forward(x):
    e = np.exp(x - x.max(axis=-1, keepdims=True))
    a = e / e.sum(axis=-1, keepdims=True)
    return a, a


def softmax_backward(dout, a):
    return a * (dout - (dout * a).sum(axis=-1, keepdims=True))


def log_softmax_forward(x):
    z = x - x.max(axis=-1, keepdims=True)
    out = z - np.log(np.exp(z).sum(axis=-1, keepdims=True))
    return out, out


def log_softmax_backward(dout, out):
    return dout - np.exp(out) * dout.sum(axis=-1, keepdims=True)


def hinge(x, y):
    rows = np.arange(len(x))
    margins = np.maximum(0, x - x[rows, y][:, None] + 1)
    margins[rows, y] = 0
    dx = (margins > 0).astype(x.dtype)
    dx[rows, y] -= dx.sum(axis=1)
    return margins.sum() / len(x), dx / len(x)


def max_forward(x):
    return x.max(axis=1), x


def max_backward(dout, x):
    dx = np.zeros_like(x)
    dx[np.arange(len(x)), x.argmax(axis=1)] = dout
    return dx


def attention_forward(q, k, v):
    p, _ = softmax_forward(q @ k.T / np.sqrt(q.shape[1]))
    return p @ v, (q, k, v, p)


def attention_backward(dout, cache):
    q, k, v, p = cache
    ds = softmax_backward(dout @ v.T, p) / np.sqrt(q.shape[1])
    return ds @ k, ds.T @ q, p.T @ dout


def rnn_step_forward(x, h, wx, wh, b):
    new = np.tanh(x @ wx + h @ wh + b)
    return new, (x, h, wx, wh, new)


def rnn_step_backward(dnext, cache):
    x, h, wx, wh, new = cache
    dz = dnext * (1 - new**2)
    return dz @ wx.T, dz @ wh.T, x.T @ dz, h.T @ dz, dz.sum(axis=0)


def embedding_forward(rows, w):
    return w[rows], (rows, w.shape)


def embedding_backward(dout, cache):
    rows, shape = cache
    dw = np.zeros(shape, dout.dtype)
    np.add.at(dw, rows, dout)
    return dw


def numbers(generator, shape):
    """Numbers of a nasty kind, and which."""
    kind = generator.choice(["plain", "plain", "ties", "zeros", "all zero", "duplicated rows", "on corners", "saturated", "whole"])
    x = generator.standard_normal(shape)
    scale = 10.0 ** generator.integers(-4, 5) if kind == "plain" else 1.0
    if kind == "ties":
        x = np.round(x, 0)
    elif kind == "zeros":
        x *= generator.random(shape) < 0.5
    elif kind == "all zero":
        x = np.zeros(shape)
    elif kind == "duplicated rows":
        x[:] = x[:1]
    elif kind == "on corners":
        x = generator.choice([-1.0, 0.0, 1.0, 0.3], shape)
    elif kind == "saturated":
        x = 40 * x
    elif kind == "whole":
        x = np.round(5 * x)
    return np.ascontiguousarray(x * scale), f"{kind} {scale:g}"


def right_pair(generator):
    """A random right pair: what it is, forward, backward, inputs, keywords."""
    rows, width = int(generator.integers(1, 6)), int(generator.integers(1, 6))
    x, kind = numbers(generator, (rows, width))
    normal = generator.standard_normal
    weight = normal((width, 3)) * 10.0 ** generator.integers(-3, 3)
    image, image_kind = numbers(generator, (2, 4, 4, 4))
    labels = generator.integers(0, width, rows)
    wide = [numbers(generator, (5, width))[0] for _ in range(3)]
    name = str(generator.choice(list(ELEMENTWISE)))
    choices = [
        (name, *ELEMENTWISE[name], (x,), {}),
        (name, *ELEMENTWISE[name], (x,), {}),
        (name, *ELEMENTWISE[name], (x,), {}),
        ("affine", layers.affine_forward, layers.affine_backward, (x, weight, normal(3)), {}),
        ("batch norm", layers.batchnorm_forward, layers.batchnorm_backward, (x, normal(width), normal(width), {}), {}),
        ("batch norm", layers.batchnorm_forward, layers.batchnorm_backward_alt, (x, normal(width), np.zeros(width), {}), {}),
        ("layer norm", layers.layernorm_forward, layers.layernorm_backward, (x, normal(width), normal(width)), {}),
        ("dropout", layers.dropout_forward, layers.dropout_backward, (x,), {"p": 0.5}),
        ("conv", layers.conv_forward, layers.conv_backward, (image[:1, :2], normal((2, 2, 3, 3)), normal(2)), {}),
        ("max pool", layers.max_pool_forward, layers.max_pool_backward, (image,), {}),
        ("group norm", layers.groupnorm_forward, layers.groupnorm_backward, (image, normal((1, 4, 1, 1)), normal((1, 4, 1, 1))), {}),
        ("softmax", softmax_forward, softmax_backward, (x,), {}),
        ("log softmax", log_softmax_forward, log_softmax_backward, (x,), {}),
        ("cross-entropy", layers.softmax_loss, None, (x, labels), {}),
        ("hinge", hinge, None, (x, labels), {}),
        ("max", max_forward, max_backward, (x,), {}),
        ("attention", attention_forward, attention_backward, tuple(wide), {}),
        ("rnn step", rnn_step_forward, rnn_step_backward, (x, normal((rows, 3)), weight, normal((3, 3)), normal(3)), {}),
        ("embedding", embedding_forward, embedding_backward, (generator.integers(0, 4, (3, 2)), normal((4, 3))), {}),
    ]
    name, forward, backward, inputs, keywords = choices[generator.integers(len(choices))]
    single = bool(generator.random() < 0.25)
    if single:
        inputs = tuple(value.astype(np.float32) if getattr(value, "dtype", None) == np.float64 else value for value in inputs)
    said = f"{name}, x {image_kind if name in ('conv', 'max pool', 'group norm') else kind}, {'float32' if single else 'float64'}"
    return said, forward, backward, inputs, keywords
