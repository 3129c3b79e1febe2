"""Gradients of four small batches are added up before each step."""
import numpy as np
rng = np.random.default_rng(2)
X, y = rng.normal(size=(64, 3)), rng.integers(0, 2, (64, 1)).astype(float)
W1, b1, W2, b2 = rng.normal(size=(3, 5)), np.zeros(5), rng.normal(size=(5, 1)), np.zeros(1)
every = 4
sums = [np.zeros_like(p) for p in (W1, b1, W2, b2)]
for step in range(48):
    rows = rng.choice(64, 8, replace=False)
    xb, yb = X[rows], y[rows]
    h = np.tanh(xb @ W1 + b1)
    p = 1 / (1 + np.exp(-(h @ W2 + b2)))
    loss = -np.mean(yb * np.log(p) + (1 - yb) * np.log(1 - p))
    dz = (p - yb) / 8
    dW2 = h.T @ dz
    db2 = dz.sum(axis=0)
    dpre = dz @ W2.T * (1 - h ** 2)
    dW1 = xb.T @ dpre
    db1 = dpre.sum(axis=0)
    for s, g in zip(sums, (dW1, db1, dW2, db2)):
        s += g / every
    if (step + 1) % every == 0:
        W1 -= .5 * sums[0]
        b1 -= .5 * sums[1]
        W2 -= .5 * sums[2]
        b2 -= .5 * sums[3]
        sums = [np.zeros_like(p) for p in (W1, b1, W2, b2)]
