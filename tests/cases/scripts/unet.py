"""A tiny 1-D U-net with a dice loss."""
import numpy as np

rng = np.random.default_rng(8)


def conv(x, w, b):
    xp = np.pad(x, ((0, 0), (0, 0), (1, 1)))
    win = np.lib.stride_tricks.sliding_window_view(xp, 3, axis=2)
    return np.einsum("bclk,ock->bol", win, w) + b[None, :, None], win


def conv_back(d, win, w):
    dw = np.einsum("bclk,bol->ock", win, d)
    db = d.sum(axis=(0, 2))
    dpad = np.zeros((d.shape[0], w.shape[1], d.shape[2] + 2))
    for k in range(3):
        dpad[:, :, k:k + d.shape[2]] += np.einsum("bol,oc->bcl", d, w[:, :, k])
    return dpad[:, :, 1:-1], dw, db


x = rng.normal(size=(6, 1, 8))
t = (np.cumsum(x, axis=2) > 0).astype(float)
w1, b1 = rng.normal(size=(3, 1, 3)) * 0.5, np.zeros(3)
w2, b2 = rng.normal(size=(4, 3, 3)) * 0.5, np.zeros(4)
w3, b3 = rng.normal(size=(1, 7, 3)) * 0.5, np.zeros(1)
lr = 0.3
for it in range(40):
    z1, c1 = conv(x, w1, b1)
    a1 = np.maximum(z1, 0)
    pool = a1.reshape(6, 3, 4, 2).max(axis=3)
    z2, c2 = conv(pool, w2, b2)
    a2 = np.maximum(z2, 0)
    up = np.repeat(a2, 2, axis=2)
    cat = np.concatenate([a1, up], axis=1)
    z3, c3 = conv(cat, w3, b3)
    p = 1 / (1 + np.exp(-z3))
    inter, union = np.sum(p * t), np.sum(p) + np.sum(t)
    loss = 1 - (2 * inter + 1) / (union + 1)

    dp = -2 * t / (union + 1) + (2 * inter + 1) / (union + 1) ** 2
    dz3 = dp * p * (1 - p)
    dcat, dw3, db3 = conv_back(dz3, c3, w3)
    da1, dup = dcat[:, :3], dcat[:, 3:]
    da2 = dup.reshape(6, 4, 4, 2).sum(axis=3)
    dz2 = da2 * (z2 > 0)
    dpool, dw2, db2 = conv_back(dz2, c2, w2)
    winners = a1.reshape(6, 3, 4, 2) == pool[..., None]
    da1 = da1 + (winners * dpool[..., None]).reshape(6, 3, 8)
    dz1 = da1 * (z1 > 0)
    _, dw1, db1 = conv_back(dz1, c1, w1)

    for q, g in ((w1, dw1), (b1, db1), (w2, dw2), (b2, db2), (w3, dw3), (b3, db3)):
        q -= lr * g
    print(it, loss)
