"""Ten layers of a typical course, from the mathematics, each forward with a cache, each right backward, and what people get wrong."""

from __future__ import annotations

import numpy as np


def affine_forward(x, w, b):
    return x.reshape(len(x), -1) @ w + b, (x, w)


def affine_backward(dout, cache):
    x, w = cache
    return (dout @ w.T).reshape(x.shape), x.reshape(len(x), -1).T @ dout, dout.sum(axis=0)


def relu_forward(x):
    return np.maximum(x, 0), x


def relu_backward(dout, cache):
    return dout * (cache > 0)


def batchnorm_forward(x, gamma, beta, bn_param):
    eps, momentum = bn_param.get("eps", 1e-5), bn_param.get("momentum", 0.9)
    mean, var = x.mean(axis=0), x.var(axis=0)
    hat = (x - mean) / np.sqrt(var + eps)
    bn_param["running_mean"] = momentum * bn_param.get("running_mean", np.zeros(x.shape[1])) + (1 - momentum) * mean
    return gamma * hat + beta, (hat, gamma, np.sqrt(var + eps))


def batchnorm_backward(dout, cache):
    hat, gamma, std = cache
    dhat, m = dout * gamma, len(dout)
    dvar_part = -hat / m * (dhat * hat).sum(axis=0)
    return (dhat - dhat.mean(axis=0) + dvar_part) / std, (dout * hat).sum(axis=0), dout.sum(axis=0)


def batchnorm_backward_alt(dout, cache):
    """The same in one line."""
    hat, gamma, std = cache
    m = len(dout)
    dx = gamma / (m * std) * (m * dout - dout.sum(axis=0) - hat * (dout * hat).sum(axis=0))
    return dx, (dout * hat).sum(axis=0), dout.sum(axis=0)


def layernorm_forward(x, gamma, beta, eps=1e-5):
    std = np.sqrt(x.var(axis=1, keepdims=True) + eps)
    hat = (x - x.mean(axis=1, keepdims=True)) / std
    return gamma * hat + beta, (hat, gamma, std)


def layernorm_backward(dout, cache):
    hat, gamma, std = cache
    dhat = dout * gamma
    dx = (dhat - dhat.mean(axis=1, keepdims=True) - hat * (dhat * hat).mean(axis=1, keepdims=True)) / std
    return dx, (dout * hat).sum(axis=0), dout.sum(axis=0)


def dropout_forward(x, p=0.6):
    mask = (np.random.rand(*x.shape) < p) / p
    return x * mask, mask


def dropout_backward(dout, cache):
    return dout * cache


def conv_forward(x, w, b, stride=1, pad=1):
    n, _, h, width = x.shape
    f, _, k, wide = w.shape
    padded = np.pad(x, ((0, 0), (0, 0), (pad, pad), (pad, pad)))
    rows, columns = 1 + (h + 2 * pad - k) // stride, 1 + (width + 2 * pad - wide) // stride
    out = np.zeros((n, f, rows, columns))
    for i in range(rows):
        for j in range(columns):
            window = padded[:, :, i * stride : i * stride + k, j * stride : j * stride + wide]
            for filter_ in range(f):
                out[:, filter_, i, j] = (window * w[filter_]).sum(axis=(1, 2, 3)) + b[filter_]
    return out, (x, w, b, stride, pad)


def conv_backward(dout, cache):
    x, w, b, stride, pad = cache
    f, _, k, wide = w.shape
    padded = np.pad(x, ((0, 0), (0, 0), (pad, pad), (pad, pad)))
    dpadded, dw, db = np.zeros_like(padded), np.zeros_like(w), np.zeros_like(b)
    for i in range(dout.shape[2]):
        for j in range(dout.shape[3]):
            place = (slice(None), slice(None), slice(i * stride, i * stride + k), slice(j * stride, j * stride + wide))
            for filter_ in range(f):
                arrives = dout[:, filter_, i, j][:, None, None, None]
                dw[filter_] += (padded[place] * arrives).sum(axis=0)
                db[filter_] += arrives.sum()
                dpadded[place] += w[filter_] * arrives
    return dpadded[:, :, pad : padded.shape[2] - pad, pad : padded.shape[3] - pad], dw, db


def max_pool_forward(x, size=2):
    n, c, h, w = x.shape
    windows = x.reshape(n, c, h // size, size, w // size, size).transpose(0, 1, 2, 4, 3, 5).reshape(n, c, h // size, w // size, -1)
    return windows.max(axis=-1), (x.shape, windows.argmax(axis=-1), size)


def max_pool_backward(dout, cache):
    shape, chosen, size = cache
    n, c, h, w = shape
    windows = (np.arange(size * size) == chosen[..., None]) * dout[..., None]
    return windows.reshape(n, c, h // size, w // size, size, size).transpose(0, 1, 2, 4, 3, 5).reshape(shape)


def spatial_batchnorm_forward(x, gamma, beta, bn_param):
    n, c, h, w = x.shape
    out, cache = batchnorm_forward(x.transpose(0, 2, 3, 1).reshape(-1, c), gamma, beta, bn_param)
    return out.reshape(n, h, w, c).transpose(0, 3, 1, 2), cache


def spatial_batchnorm_backward(dout, cache):
    n, c, h, w = dout.shape
    dx, dgamma, dbeta = batchnorm_backward(dout.transpose(0, 2, 3, 1).reshape(-1, c), cache)
    return dx.reshape(n, h, w, c).transpose(0, 3, 1, 2), dgamma, dbeta


def groupnorm_forward(x, gamma, beta, groups=2, eps=1e-5):
    n, _c, _h, _w = x.shape
    grouped = x.reshape(n, groups, -1)
    std = np.sqrt(grouped.var(axis=2, keepdims=True) + eps)
    hat = ((grouped - grouped.mean(axis=2, keepdims=True)) / std).reshape(x.shape)
    return gamma * hat + beta, (hat, gamma, std, groups)


def groupnorm_backward(dout, cache):
    hat, gamma, std, groups = cache
    n = len(dout)
    dgamma, dbeta = (dout * hat).sum(axis=(0, 2, 3), keepdims=True), dout.sum(axis=(0, 2, 3), keepdims=True)
    dhat, flat = (dout * gamma).reshape(n, groups, -1), hat.reshape(n, groups, -1)
    dx = (dhat - dhat.mean(axis=2, keepdims=True) - flat * (dhat * flat).mean(axis=2, keepdims=True)) / std
    return dx.reshape(dout.shape), dgamma, dbeta


def softmax_loss(x, y):
    """The loss and its gradient in one."""
    p = np.exp(x - x.max(axis=1, keepdims=True))
    p /= p.sum(axis=1, keepdims=True)
    rows = np.arange(len(x))
    dx = p.copy()
    dx[rows, y] -= 1
    return -np.log(p[rows, y]).mean(), dx / len(x)


def ten(generator):
    """The layers with inputs: name, forward, backward, inputs, keywords."""
    normal = generator.standard_normal
    image = normal((2, 4, 4, 4))
    return [
        ("affine", affine_forward, affine_backward, (normal((4, 2, 3)), normal((6, 5)), normal(5)), {}),
        ("relu", relu_forward, relu_backward, (normal((4, 5)),), {}),
        ("batch norm", batchnorm_forward, batchnorm_backward, (normal((5, 4)), normal(4), normal(4), {"mode": "train"}), {}),
        ("batch norm, in one line", batchnorm_forward, batchnorm_backward_alt, (normal((5, 4)), normal(4), normal(4), {}), {}),
        ("layer norm", layernorm_forward, layernorm_backward, (normal((4, 5)), normal(5), normal(5)), {}),
        ("dropout", dropout_forward, dropout_backward, (normal((5, 6)),), {}),
        ("conv", conv_forward, conv_backward, (normal((2, 3, 4, 4)), normal((2, 3, 3, 3)), normal(2)), {}),
        ("max pool", max_pool_forward, max_pool_backward, (image,), {}),
        ("spatial batch norm", spatial_batchnorm_forward, spatial_batchnorm_backward, (image, normal(4), normal(4), {}), {}),
        ("group norm", groupnorm_forward, groupnorm_backward, (image, normal((1, 4, 1, 1)), normal((1, 4, 1, 1))), {}),
    ]
