"""People's own programs of lines: norms, dropout, convolution, recurrence, embedding, attention, tied weights, pooling, hinge, gates.

What is right, in each of its spellings, is right; what is wrong is accused at its place, by ``check`` of the lines and by ``compare`` of
the numbers that they make, and has its name or none.
"""

from __future__ import annotations

import textwrap

import numpy as np
import pytest
from programs import BATCH_NORM

from bpdebug import Session, load_scenario
from bpdebug.core.network import Phase

PROGRAMS = {
    "batch norm": BATCH_NORM,
    "layer norm": """
program: |
  h = x @ W1
  mu = mean(h, axis=1, keepdims=True)
  sd = sqrt(var(h, axis=1, keepdims=True) + 0.001)
  n = (h - mu) / sd
  out = n * gamma + beta
  loss = mean((out - y) ** 2)
parameters: {seed: 2, shapes: {W1: [3, 4]}, values: {gamma: [1, 2, 0.5, 1], beta: [0.1, 0.2, 0.3, 0]}}
data:
  inputs: [[0.1, -0.3, 0.7], [1.2, 0.4, -0.5], [-0.6, 0.9, 0.2]]
  targets: [[0, 1, 0.3, 0.2], [1, -1, 0.2, 0.5], [0.5, 0.3, 0.1, -0.4]]
""",
    "dropout": """
program: |
  z = x @ W1 + b1
  a = relu(z)
  d = a * mask * 2
  p = d @ W2
  loss = mean((p - y) ** 2)
parameters: {seed: 4, shapes: {W1: [3, 4], b1: [4], W2: [4, 1]}}
tensors:
  mask: [[1, 0, 1, 1], [0, 1, 0, 1], [1, 1, 1, 0], [1, 0, 0, 1], [0, 1, 1, 1]]
  other: [[1, 1, 0, 0], [1, 1, 0, 0], [0, 1, 0, 1], [1, 1, 1, 0], [0, 0, 1, 1]]
data:
  inputs: [[0.1, -0.3, 0.7], [1.2, 0.4, -0.5], [-0.6, 0.9, 0.2], [0.3, 0.8, -1.1], [-0.9, -0.2, 0.4]]
  targets: [[0.3], [1], [0.5], [0.1], [0.7]]
""",
    "convolution": """
program: |
  w = sliding_window_view(pad(x, ((0, 0), (1, 1), (1, 1))), (3, 3), axis=(1, 2))
  c = tanh(einsum('bijkl,kl->bij', w, K))
  v = sliding_window_view(pad(c, ((0, 0), (1, 1), (1, 1))), (3, 3), axis=(1, 2))
  o = einsum('bijkl,kl->bij', v, F)
  loss = mean((o - y) ** 2)
parameters: {seed: 4, shapes: {K: [3, 3], F: [3, 3]}}
data:
  inputs: [[[0.1, 0.2, 0.3], [0.5, -0.4, 0.9], [0.2, 0.7, -0.6]], [[1.0, -1.0, 0.4], [0.3, 0.6, -0.2], [0.8, 0.1, 0.2]]]
  targets: [[[0.5, 0.1, 0.2], [-0.2, 0.3, 0.4], [0.2, 0.1, 0.7]], [[0.5, 0.6, 0.1], [0.3, -0.2, 0.9], [0.8, -0.5, 0.3]]]
""",
    "recurrence": """
program: |
  h1 = tanh(x[:, 0] @ U + b)
  h2 = tanh(x[:, 1] @ U + h1 @ V + b)
  h3 = tanh(x[:, 2] @ U + h2 @ V + b)
  p = stack([h1, h2, h3], axis=1) @ W
  loss = mean((p - y) ** 2)
parameters: {seed: 7, shapes: {U: [2, 3], V: [3, 3], b: [3], W: [3, 1]}}
data:
  inputs: [
    [[0.1, 0.2], [0.5, -0.4], [1.0, 0.3]],
    [[1.0, -1.0], [0.3, 0.6], [-0.2, 0.4]],
    [[-0.7, 0.2], [0.9, 0.1], [0.6, -0.5]],
    [[0.3, 0.8], [-0.4, 0.2], [0.1, 0.9]]]
  targets: [[[0.1], [0.2], [0.9]], [[1.0], [-0.3], [0.5]], [[0.7], [0.1], [-0.6]], [[0.2], [0.5], [0.3]]]
""",
    "embedding": """
program: |
  e = E[x]
  h = tanh(mean(e, axis=1) @ W1 + b1)
  logits = h @ W2
  loss = -mean(log_softmax(logits, axis=1)[arange(m), y])
parameters: {seed: 1, shapes: {E: [5, 3], W1: [3, 4], b1: [4], W2: [4, 5]}}
data: {inputs: [[0, 1, 1], [2, 1, 4], [0, 0, 3], [3, 2, 1]], targets: [1, 4, 0, 2]}
""",
    "attention": """
program: |
  q = x @ Wq
  k = x @ Wk
  v = x @ Wv
  s = q @ swapaxes(k, -1, -2) / sqrt(3)
  s2 = where(mask, s, -inf)
  a = softmax(s2, axis=-1)
  o = a @ v
  loss = mean((o - y) ** 2)
parameters: {seed: 5, shapes: {Wq: [2, 3], Wk: [2, 3], Wv: [2, 3]}}
tensors: {mask: [[true, false, false], [true, true, false], [true, true, true]]}
data:
  inputs: [[[0.1, 0.2], [0.5, -0.4], [0.7, 0.1]], [[1.0, -1.0], [0.3, 0.6], [0.2, -0.8]]]
  targets: [[[0.1, 0.2, 0.3], [0.5, -0.4, 0], [0.9, 0.2, -0.3]], [[1.0, -1.0, 1], [0.3, 0.6, 0], [0.4, -0.1, 0.2]]]
""",
    "tied weights": """
program: |
  h = tanh(x @ W + b)
  r = h @ W.T + c
  loss = mean((r - x) ** 2)
parameters: {seed: 6, shapes: {W: [3, 2], b: [2], c: [3]}}
data: {inputs: [[0.1, -0.3, 0.7], [1.2, 0.4, -0.5], [-0.6, 0.9, 0.2], [0.3, 0.8, -1.1]]}
""",
    "max pooling": """
program: |
  w = x.reshape(m, 2, 2, 2, 2)
  c = tanh(w * K[:, None, :])
  p = max(c, axis=(2, 4))
  loss = mean((p.reshape(m, 4) @ W - y) ** 2)
parameters: {seed: 8, shapes: {K: [2, 2], W: [4, 1]}}
data:
  inputs: [
    [[0.1, 0.2, 0.3, 0.4], [0.5, -0.4, 0.9, 0.7], [0.2, 0.7, -0.6, 0.3], [0.8, 0.1, -0.2, 0.6]],
    [[1.0, -1.0, 0.4, 0.3], [0.3, 0.6, -0.2, 0.9], [0.8, 0.1, 0.2, -0.7], [0.5, -0.3, 0.6, 0.1]]]
  targets: [[0.5], [-0.3]]
""",
    "hinge": """
program: |
  s = x @ W
  margin = maximum(0, s - s[arange(m), y][:, None] + 1)
  data = (sum(margin) - m) / m
  loss = data + reg * sum(W ** 2)
parameters: {seed: 9, shapes: {W: [3, 4]}}
constants: {reg: 0.1}
data: {inputs: [[0.1, -0.3, 0.7], [1.2, 0.4, -0.5], [-0.6, 0.9, 0.2], [0.3, 0.8, -1.1], [0.4, 0.6, 0.9]], targets: [1, 3, 0, 2, 1]}
""",
    "gates": """
program: |
  z = concatenate([x, h0], axis=1) @ W + b
  f, i, g = split(z, 3, axis=1)
  sf = sigmoid(f)
  si = sigmoid(i)
  tg = tanh(g)
  c = sf * c0 + si * tg
  h = tanh(c)
  loss = mean((h @ V - y) ** 2)
parameters: {seed: 10, shapes: {W: [4, 6], b: [6], V: [2, 1]}}
tensors: {h0: [[0.3, -0.2], [0.5, 0.7], [-0.4, 0.1]], c0: [[0.6, 0.8], [-0.9, 0.4], [1.1, -0.3]]}
data: {inputs: [[0.1, -0.3], [1.2, 0.4], [-0.6, 0.9]], targets: [[0.5], [-0.3], [0.9]]}
""",
    "residual": """
program: |
  h = x @ W1
  u = h / sqrt(mean(h ** 2, axis=-1, keepdims=True) + 0.01)
  t = u @ W2
  f = t * sigmoid(t) @ W3
  o = h + f
  loss = mean(logsumexp(o, axis=1) - o[arange(m), y])
parameters: {seed: 11, shapes: {W1: [2, 4], W2: [4, 3], W3: [3, 4]}}
data: {inputs: [[0.1, -0.3], [1.2, 0.4], [-0.6, 0.9], [0.7, 0.2]], targets: [0, 2, 3, 1]}
""",
}
RIGHT = [
    (
        "batch norm",
        "dxhat = dout * gamma\n"
        "dvar = -0.5 * np.sum(dxhat * xc, axis=0) * (var + eps) ** (-3 / 2)\n"
        "dgamma = np.einsum('ij,ij->j', dout, xhat)\n"
        "dbeta = ones(m) @ dout",
    ),
    ("batch norm", "dxhat = np.multiply(gamma, dout)\ndh = (dxhat - dxhat.mean(0) - xhat * (dxhat * xhat).mean(0)) / sqrt(var + eps)"),
    (
        "batch norm",
        "ivar = 1 / sqrt(var + eps)\n"
        "dh = (1 / m) * gamma * ivar * (m * dout - np.sum(dout, axis=0) - xc * ivar ** 2 * np.sum(dout * xc, axis=0))",
    ),
    (
        "layer norm",
        "dn = dout * gamma\n"
        "dh = (dn - dn.mean(1, keepdims=True) - n * (dn * n).mean(1, keepdims=True)) / sd\n"
        "dout = 2 * (out - y) / out.size",
    ),
    (
        "layer norm",
        "dh = (4 * dn - dn.sum(axis=1, keepdims=True) - n * np.sum(dn * n, axis=1, keepdims=True)) / (4 * sd)\n"
        "dgamma = (dout * n).sum(0)\n"
        "dout = (out - y) / (m * 2)",
    ),
    ("dropout", "da = dd * mask * 2\ndz = da * (a > 0)\ndb1 = dz.sum(axis=0)"),
    ("dropout", "da = np.where(mask == 1, 2 * dd, 0)\ndz = where(z > 0, da, 0.0)\ndb1 = np.ones(m) @ dz"),
    (
        "convolution",
        "dF = einsum('bij,bijkl->kl', do, v)\n"
        "g = sliding_window_view(pad(do, ((0, 0), (1, 1), (1, 1))), (3, 3), axis=(1, 2))\n"
        "dc = einsum('bijkl,kl->bij', g, F[::-1, ::-1])\n"
        "do = 2 * (o - y) / y.size",
    ),
    (
        "convolution",
        "dF = (do[:, :, :, None, None] * v).sum(axis=(0, 1, 2))\n"
        "g = sliding_window_view(pad(do, ((0, 0), (1, 1), (1, 1))), (3, 3), axis=(1, 2))\n"
        "dc = (g * np.flip(F)).sum((3, 4))",
    ),
    (
        "recurrence",
        "dh2 = (dh3 * (1 - h3 * h3)) @ V.T + dp[:, 1] @ W.T\n"
        "dV = einsum('bi,bj->ij', h1, dh2 * (1 - h2 ** 2)) + einsum('bi,bj->ij', h2, dh3 * (1 - h3 ** 2))",
    ),
    (
        "recurrence",
        "e = stack([dh1 * (1 - h1 ** 2), dh2 * (1 - h2 ** 2), dh3 * (1 - h3 ** 2)])\n"
        "db = e.sum((0, 1))\n"
        "dU = einsum('tbi,tbj->ij', swapaxes(x, 0, 1), e)\n"
        "dV = h1.T @ e[1] + h2.T @ e[2]",
    ),
    ("embedding", "dlogits = (softmax(logits, axis=1) - one_hot(y, 5)) / m\ndE = np.einsum('btv,btd->vd', one_hot(x, 5), de)"),
    (
        "embedding",
        "p = softmax(logits, axis=1)\n"
        "dlogits = add_at(p, (arange(m), y), -1) / m\n"
        "dE = one_hot(x.reshape(-1), 5).T @ de.reshape(-1, 3)\n"
        "de = ones((1, 3, 1)) * ((dh * (1 - h * h)) @ W1.T)[:, None] / 3",
    ),
    (
        "attention",
        "ds2 = a * (da - (da * a).sum(-1, keepdims=True))\n"
        "ds = ds2 * mask\n"
        "dq = ds @ k / sqrt(3)\n"
        "dk = np.transpose(ds, (0, 2, 1)) @ q / np.sqrt(3)\n"
        "dv = swapaxes(a, 1, 2) @ do",
    ),
    (
        "attention",
        "ds2 = a * da - a * einsum('bij,bij->bi', da, a)[:, :, None]\n"
        "ds = where(mask, ds2, 0.0)\n"
        "dq = np.einsum('bij,bjd->bid', ds, k) * 3 ** -0.5\n"
        "dWq = x.reshape(-1, 2).T @ dq.reshape(-1, 3)",
    ),
    ("tied weights", "dW = x.T @ (dh * (1 - h ** 2)) + dr.T @ h\ndh = dr @ W"),
    ("tied weights", "dW = einsum('bi,bj->ij', x, dh * (1 - h * h)) + (h.T @ dr).T\ndh = np.einsum('bi,ij->bj', dr, W)"),
    ("max pooling", "dc = (c == p[:, :, None, :, None]) * dp[:, :, None, :, None]"),
    ("max pooling", "dc = where(c == max(c, axis=(2, 4), keepdims=True), expand_dims(dp, (2, 4)), 0.0)"),
    ("hinge", "g = (margin > 0) / m\nds = add_at(g, (arange(m), y), -g.sum(1))\ndW = x.T @ ds + 2 * reg * W"),
    ("hinge", "g = (margin > 0) * 1.0\nds = (g - one_hot(y, 4) * g.sum(axis=1, keepdims=True)) / m\ndW = np.dot(x.T, ds) + reg * 2 * W"),
    ("gates", "df = dc * c0 * sf * (1 - sf)\ndg = dc * si * (1 - tg ** 2)\ndz = concatenate([df, di, dg], axis=1)"),
    ("gates", "df = (dc * c0) * sigmoid(f) * sigmoid(-f)\ndW = concatenate([x, h0], axis=1).T @ dz\ndc = dh * (1 - np.square(h))"),
    ("residual", "do = (softmax(o, axis=1) - one_hot(y, 4)) / m\nst = sigmoid(t)\ndt = (df @ W3.T) * (st + t * st * (1 - st))"),
    (
        "residual",
        "do = (exp(o - logsumexp(o, axis=1, keepdims=True)) - (arange(4) == y[:, None])) / m\n"
        "dt = df @ W3.T * sigmoid(t) * (1 + t * (1 - sigmoid(t)))\n"
        "n2 = mean(h * h, axis=1, keepdims=True) + 0.01\n"
        "dh = do + du / sqrt(n2) - h * (du * h).sum(1, keepdims=True) / (4 * n2 ** 1.5)",
    ),
]
WRONG = [
    ("attention", "da = do @ swapaxes(v, -1, -2)\nds2 = a * (da - sum(da * a, axis=1, keepdims=True))", "wrong_axis"),
    ("layer norm", "dh = (dn - dn.mean(1, keepdims=True) - n * (dn * n).sum(1, keepdims=True) / 3) / sd", ""),
    ("batch norm", "dxhat = dout", "factor_missing"),
    ("batch norm", "dh = gamma * (m * dout - dout.sum(0) - xhat * (dout * xhat).sum(0)) / sqrt(var + eps)", "sum_for_mean"),
    ("batch norm", "dvar = -0.5 * (dxhat * xc).sum(0) * (var + eps) ** -0.5", "exchanged+factor_missing"),
    ("batch norm", "dgamma = sum(dout * xc, axis=0)", "exchanged"),
    ("batch norm", "dbeta = mean(dout, axis=0)", "m_twice"),
    ("batch norm", "dh = (dxhat - dxhat.mean(0) - xhat * (dxhat * xhat).mean(0)) / sqrt(var * m / (m - 1) + eps)", "one_part"),
    ("batch norm", "dh = (dxhat - dxhat.mean(0) - xhat * (dxhat * xhat).mean(0)) / (var + eps)", ""),
    ("batch norm", "dgamma = sum(dout * xhat, axis=0) / m", "m_twice"),
    ("batch norm", "dh = (dxhat - dxhat.mean() - xhat * (dxhat * xhat).mean(0)) / sqrt(var + eps)", ""),
    ("layer norm", "dh = (dn - dn.mean(0) - n * (dn * n).mean(0)) / sd", ""),
    ("layer norm", "dh = dn / sd", "held_constant"),
    ("layer norm", "dh = (dn - n * (dn * n).mean(1, keepdims=True)) / sd", "held_constant"),
    ("layer norm", "dn = dout", "factor_missing"),
    ("layer norm", "dout = 2 * (out - y) / m", "outputs_factor"),
    ("layer norm", "dgamma = sum(dout, axis=0)", "factor_missing"),
    ("layer norm", "dh = (dn - dn.mean(1, keepdims=True) - (dn * n).mean(1, keepdims=True)) / sd", ""),
    ("dropout", "da = dd * 2", "factor_missing"),
    ("dropout", "da = dd", "factor_missing+stray_factor"),
    ("dropout", "da = dd * other * 2", "exchanged"),
    ("dropout", "da = dd * mask", "stray_factor"),
    ("dropout", "dz = da", "activation_missing"),
    ("dropout", "da = dd * mask * mask * 4", "stray_factor"),
    ("dropout", "db1 = dz.mean(0)", "m_twice"),
    (
        "convolution",
        "g = sliding_window_view(pad(do, ((0, 0), (1, 1), (1, 1))), (3, 3), axis=(1, 2))\ndc = einsum('bijkl,kl->bij', g, F)",
        "kernel_turned",
    ),
    ("convolution", "dF = einsum('bij,bijlk->kl', do, v)", "transposed"),
    ("convolution", "dF = einsum('bij,bijkl->kl', do, v) / m", "m_twice stray_factor"),
    ("convolution", "do = 2 * (o - y) / m", "outputs_factor"),
    ("convolution", "do = 2 * (y - o) / y.size", "sign"),
    ("convolution", "dF = einsum('bij,bijkl->kl', do, w)", "exchanged"),
    (
        "convolution",
        "g = sliding_window_view(pad(do, ((0, 0), (1, 1), (1, 1))), (3, 3), axis=(1, 2))\ndc = einsum('bijkl,kl->bij', g, F[::-1, ::-1].T)",
        "",
    ),
    ("convolution", "dF = einsum('bij,bijkl->kl', do, v[:, :, :, ::-1, ::-1])", "kernel_turned"),
    ("convolution", "dK = einsum('bij,bijkl->kl', dc, w)", "factor_missing"),
    ("recurrence", "dh2 = (dp @ W.T)[:, 1]", "term_missing"),
    ("recurrence", "dh2 = (dh3 * (1 - h3 ** 2)) @ V.T", "term_missing"),
    ("recurrence", "dh2 = (dh3 * (1 - h3 ** 2)) @ V + (dp @ W.T)[:, 1]", "transposed"),
    ("recurrence", "dh2 = dh3 @ V.T + (dp @ W.T)[:, 1]", "factor_missing"),
    ("recurrence", "dV = h2.T @ (dh3 * (1 - h3 ** 2))", "term_missing"),
    ("recurrence", "dV = h1.T @ dh2 + h2.T @ dh3", ""),
    ("recurrence", "db = (dh3 * (1 - h3 ** 2)).sum(0)", "term_missing+term_missing"),
    ("recurrence", "dV = h2.T @ (dh2 * (1 - h2 ** 2)) + h3.T @ (dh3 * (1 - h3 ** 2))", "exchanged+exchanged"),
    ("recurrence", "dU = x[:, 2].T @ (dh3 * (1 - h3 ** 2))", ""),
    ("recurrence", "dh2 = (dh3 * (1 - h3 ** 2)) @ V.T + (dp @ W.T)[:, 2]", ""),
    ("embedding", "dlogits = softmax(logits, axis=1) / m", "term_missing"),
    ("embedding", "dlogits = (softmax(logits, axis=1) - one_hot(y, 5)) / 5", "stray_factor"),
    ("embedding", "dlogits = (softmax(logits, axis=1) - one_hot(y, 5)) / (m * 5)", "stray_factor"),
    ("embedding", "dlogits = (softmax(logits, axis=0) - one_hot(y, 5)) / m", "wrong_axis"),
    ("embedding", "p = softmax(logits, axis=1)\ndlogits = add_at(p, (arange(m), concatenate([y[-1:], y[:-1]])), -1) / m", "rows_shifted"),
    ("embedding", "p = softmax(logits, axis=1)\ndlogits = add_at(p, (arange(m), concatenate([y[1:], y[:1]])), -1) / m", "rows_shifted"),
    ("embedding", "de = ones((1, 3, 1)) * ((dh * (1 - h * h)) @ W1.T)[:, None]", "factor_missing stray_factor"),
    ("embedding", "dE = add_at(zeros_like(E), x[:, 0], de[:, 0])", ""),
    ("embedding", "de = ones((1, 3, 1)) * (dh @ W1.T)[:, None] / 3", "factor_missing"),
    ("embedding", "dW2 = h.T @ softmax(logits, axis=1) / m", ""),
    ("embedding", "dlogits = (logits - one_hot(y, 5)) / m", ""),
    ("attention", "ds2 = da * a * (1 - a)", "another_activation"),
    ("attention", "ds2 = da", "activation_missing"),
    ("attention", "ds2 = a * (da - (da * a).sum(-2, keepdims=True))", "wrong_axis"),
    ("attention", "dq = ds @ k", "factor_missing"),
    ("attention", "dq = ds @ k / 3", "another_function counted_twice"),
    ("attention", "dk = ds @ q / sqrt(3)", "transposed"),
    ("attention", "dv = a @ do", "transposed"),
    ("attention", "dWq = einsum('bti,btj->ij', x, ds @ k)", "stray_factor"),
    ("attention", "dWq = sum(swapaxes(x, 1, 2) @ dk, axis=0)", "exchanged"),
    ("attention", "ds2 = a * da", "term_missing"),
    ("attention", "dWq = mean(swapaxes(x, 1, 2) @ dq, axis=0)", "m_twice stray_factor"),
    ("attention", "dWv = einsum('bti,btj->ij', x[:1], dv[:1])", "sample_missing sample_missing"),
    ("attention", "dk = swapaxes(ds, -1, -2) @ k / sqrt(3)", "exchanged"),
    ("attention", "da = do @ v", "transposed"),
    ("tied weights", "dW = x.T @ (dh * (1 - h ** 2))", "term_missing"),
    ("tied weights", "dW = dr.T @ h", "term_missing"),
    ("tied weights", "dW = x.T @ dh + dr.T @ h", "factor_missing"),
    ("tied weights", "dW = x.T @ (dh * (1 - h ** 2)) - dr.T @ h", "sign+sign"),
    ("tied weights", "dW = 2 * dr.T @ h", "term_missing+stray_factor"),
    ("tied weights", "dc = dr.mean(0)", "m_twice"),
    ("tied weights", "db = (dh * (1 - h ** 2)).mean(0)", "m_twice"),
    ("tied weights", "dW = (x.T @ (dh * (1 - h ** 2)) + dr.T @ h) / 2", "stray_factor"),
    ("max pooling", "dc = ones((1, 1, 2, 1, 2)) * dp[:, :, None, :, None]", ""),
    ("max pooling", "dc = ones((1, 1, 2, 1, 2)) * dp[:, :, None, :, None] / 4", ""),
    ("max pooling", "dc = (c == p[:, :, None, :, None]) * dp[:, :, None, :, None] / 4", "stray_factor"),
    ("max pooling", "dc = (c == min(c, axis=(2, 4), keepdims=True)) * dp[:, :, None, :, None]", ""),
    ("max pooling", "dp = (2 / m * (p.reshape(m, 4) @ W - y) @ W.T).reshape(m, 2, 2).swapaxes(1, 2)", ""),
    ("max pooling", "dc = (w == max(w, axis=(2, 4), keepdims=True)) * dp[:, :, None, :, None]", "one_part"),
    ("hinge", "dW = x.T @ ds + reg * W", "factor_missing"),
    ("hinge", "dW = x.T @ ds", "term_missing"),
    ("hinge", "ds = (margin > 0) / m", "term_missing"),
    ("hinge", "g = (margin > 0) / m\nds = add_at(g, (arange(m), y), -1 / m)", ""),
    ("hinge", "g = (margin > 0) * 1.0\nds = g - one_hot(y, 4) * g.sum(axis=1, keepdims=True)", "stray_factor"),
    ("hinge", "dW = x.T @ ds + 2 * reg * W / m", "l2_unasked"),
    ("hinge", "g = margin / m\nds = add_at(g, (arange(m), y), -g.sum(1))", "exchanged+mean_for_sum"),
    ("gates", "dsf = dc * c", "exchanged"),
    ("gates", "df = dsf * (1 - sf ** 2)", "another_activation"),
    ("gates", "dg = dtg * tg * (1 - tg)", "another_activation"),
    ("gates", "dsi = dc * g", "exchanged"),
    ("gates", "dz = concatenate([di, df, dg], axis=1)", "exchanged"),
    ("gates", "dtg = dc * sf", "exchanged"),
    ("gates", "dW = concatenate([h0, x], axis=1).T @ dz", "exchanged"),
    ("gates", "dc = dh", "activation_missing"),
    ("gates", "df = dsf * f * (1 - f)", "activation_at_z"),
    ("gates", "dz = concatenate([df, dg, di], axis=1)", "exchanged"),
    ("gates", "di = dsi * si", "activation_part"),
    ("gates", "dc = dh * (1 - c ** 2)", "activation_at_z"),
    (
        "residual",
        "r = 1 / sqrt(mean(h ** 2, axis=-1, keepdims=True) + 0.01)\ndh = r * (du - u * mean(du * u, axis=-1, keepdims=True))",
        "term_missing",
    ),
    ("residual", "dh = do", "held_constant"),
    ("residual", "dh = do + du / sqrt(mean(h ** 2, axis=-1, keepdims=True) + 0.01)", "held_constant"),
    ("residual", "dt = df @ W3.T * sigmoid(t)", "factor_missing"),
    ("residual", "dt = df @ W3.T * sigmoid(t) * (1 - sigmoid(t))", "term_missing+factor_missing"),
    ("residual", "do = softmax(o, axis=1) - one_hot(y, 4)", "sum_for_mean"),
    ("residual", "do = (softmax(o, axis=1) - one_hot(y, 4)) / 4 / m", "m_twice"),
    ("residual", "df = -do", "sign"),
    ("residual", "dW3 = (t * sigmoid(t)).T @ do / m", "m_twice"),
    ("residual", "dt = df @ W3.T * (t > 0)", ""),
    ("residual", "dW3 = t.T @ df", "factor_missing"),
    (
        "residual",
        "r = 1 / sqrt(mean(h ** 2, axis=-1, keepdims=True) + 0.01)\ndh = do + r * (du - u * sum(du * u, axis=-1, keepdims=True))",
        "one_part",
    ),
]
"""Program, lines of which the last is wrong, and the kinds of mistakes that are named: none where the numbers do not tell."""
SCALED = {"outputs_factor", "sum_for_mean", "m_twice", "stray_factor"}
"""Mistakes that make all gradients larger alike are a convention where they come first."""
DAILY = 7
"""Of the wrong lines every fourth comes up by day."""


@pytest.fixture
def opened(tmp_path):
    """A session of a program with lines of the user's own."""

    def session(name, lines=""):
        path = tmp_path / "program.yaml"
        path.write_text(PROGRAMS[name] + (f"backward: |\n{textwrap.indent(lines, '  ')}\n" if lines else ""), "utf-8")
        return Session(load_scenario(path))

    return session


@pytest.fixture
def compared(opened, tmp_path):
    """The answer to a comparison of a program with numbers of a user's."""

    def compare(name, arrays):
        np.savez(tmp_path / "theirs.npz", **arrays)
        return opened(name).execute(f"compare {tmp_path / 'theirs.npz'}").data

    return compare


def numbers_of(session, known):
    """What one update computes, as a person's own file has it: without parts of gradients and inner values."""
    program, start = session.program, session.program.initial | session.program.batch(0)
    made = {name: value for name, value in program.run(start).items() if name in known and not {*".@"} & {*name}}
    later = {f"{name}_new": made.pop(name) for name in program.parameters}
    return {name: start[name] for name in (*program.data, *program.parameters)} | made | later


def known_of(session):
    return {stage.name: stage.phase for stage in session.program.stages}


@pytest.mark.parametrize(("name", "lines"), RIGHT, ids=[f"{name} {lines[:16]}" for name, lines in RIGHT])
def test_right_lines_are_right_and_so_are_their_numbers(opened, compared, name, lines):
    session = opened(name, lines)
    assert {stage["status"] for stage in session.execute("check").data["stages"]} == {"good"}
    assert compared(name, numbers_of(session, known_of(opened(name))))["ok"]


@pytest.mark.parametrize(
    ("name", "lines", "kinds"),
    [pytest.param(*row, marks=[pytest.mark.long] * (place % DAILY > 0)) for place, row in enumerate(WRONG)],
    ids=[f"{name} {lines[:24]}" for name, lines, _ in WRONG],
)
def test_a_wrong_line_is_found_where_it_is_by_its_text_and_by_its_numbers(opened, compared, name, lines, kinds):
    session, wrong = opened(name, lines), lines.splitlines()[-1].partition(" ")[0]
    found = session.execute("check").data
    known, status = known_of(opened(name)), {stage["name"]: stage["status"] for stage in found["stages"]}
    first = next(one for one, phase in known.items() if phase is Phase.BACKWARD and not {*".@"} & {*one})
    theirs = compared(name, numbers_of(session, known))
    if wrong == first and kinds and {*kinds.split()} <= SCALED and status[wrong] != "wrong":
        assert theirs["culprit"] is None and {*status.values()} == {"convention"} and found["ok"]
    else:
        assert [name for name, found in status.items() if found == "wrong"] == [wrong]
        assert " ".join(s["kind"] for stage in found["stages"] if stage["name"] == wrong for s in stage["suspects"]) == kinds
        assert theirs["culprit"] in ([None, wrong] if wrong == first and {*kinds.split()} <= SCALED else [wrong])


def turned(name, change):
    """A program with another forward pass, as somebody has it who means the first one."""
    return PROGRAMS[name].replace(*change)


MEANT = [
    ("attention", ("a = softmax(s2, axis=-1)", "a = softmax(s, axis=-2)"), "a"),
    ("attention", ("/ sqrt(3)", "* sqrt(3)"), "s"),
    ("attention", (" / sqrt(3)", ""), "s"),
    ("layer norm", ("var(h, axis=1, keepdims=True)", "mean(var(h, axis=0)) + 0 * h[:, :1]"), "sd"),
    ("batch norm", ("var = mean(xc ** 2, axis=0)", "var = sum(xc ** 2, axis=0) / (m - 1)"), "var"),
    ("convolution", ("einsum('bijkl,kl->bij', v, F)", "einsum('bijkl,kl->bij', v, F[::-1, ::-1])"), "o"),
    ("dropout", ("d = a * mask * 2", "d = a * mask"), "d"),
    ("recurrence", ("h3 = tanh(x[:, 2] @ U + h2 @ V + b)", "h3 = tanh(x[:, 2] @ U + h1 @ V + b)"), "h3"),
    ("embedding", ("[arange(m), y]", "[arange(m), concatenate([y[1:], y[:1]])]"), "loss"),
    ("max pooling", ("max(c, axis=(2, 4))", "mean(c, axis=(2, 4))"), "p"),
    ("gates", ("c = sf * c0 + si * tg", "c = si * c0 + sf * tg"), "c"),
    ("residual", ("o = h + f", "o = f"), "o"),
]


@pytest.mark.parametrize(("name", "change", "stage"), MEANT, ids=[f"{name} {stage}" for name, _, stage in MEANT])
def test_another_forward_pass_is_seen_in_its_numbers(opened, compared, tmp_path, name, change, stage):
    path = tmp_path / "other.yaml"
    path.write_text(turned(name, change), "utf-8")
    theirs = Session(load_scenario(path))
    found = compared(name, numbers_of(theirs, known_of(opened(name))))
    assert found["culprit"] == stage
    named, *more = [one["suspects"] for one in found["stages"] if one["status"] == "off"]
    assert not more or [suspect["formula"] for suspect in named] in ([], [""]), "the rest is right for his own line"


def changed(opened, name, **change):
    """The right numbers of a program, some of them changed, with none computed after them."""
    numbers = numbers_of(opened(name), known_of(opened(name)))
    return numbers | {one: make(numbers) for one, make in change.items()}


def last_of_equal_indices(numbers):
    """As by ``dE[x] = de``."""
    made = np.zeros_like(numbers["E"])
    made[numbers["x"]] = numbers["de"]
    return made


ARRAYS = [
    ("embedding", "dE", last_of_equal_indices, "equal_rows"),
    ("tied weights", "dc", lambda numbers: numbers["dr"], "not_summed"),
    ("gates", "dW", lambda numbers: numbers["dW"].T.reshape(numbers["dW"].shape), "reshaped"),
    ("batch norm", "dgamma", lambda numbers: numbers["dgamma"] * 0, "zero"),
]


@pytest.mark.parametrize(("name", "array", "change", "kind"), ARRAYS, ids=[f"{name} {array}" for name, array, *_ in ARRAYS])
def test_what_only_arrays_can_have_is_found(opened, compared, name, array, change, kind):
    found = compared(name, changed(opened, name, **{array: change}))
    assert found["culprit"] == array
    kinds = [suspect["kind"] for stage in found["stages"] if stage["name"] == array for suspect in stage["suspects"]]
    assert kind in " ".join(kinds), kinds
