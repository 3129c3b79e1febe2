import math

import numpy as np

rng = np.random.default_rng(8)
X, y = rng.normal(size=(3, 10)), rng.integers(0, 3, 10)
W, U = rng.normal(size=(5, 3)), rng.normal(size=(3, 6))
squash, power = np.vectorize(lambda v: v / (1 + v * v)), np.vectorize(lambda v: np.exp(v))
ones = np.vectorize(lambda v: math.copysign(1.0, v))
for epoch in range(20):
    h = squash(W @ X)
    a = np.row_stack((h, np.abs(ones(X[:1]))))
    e = power(U @ a)
    p = e / e.sum(axis=0)
    loss = -np.log(p[y, np.arange(10)]).mean()
    dz = p.copy()
    dz[y, np.arange(10)] -= 1
    dz /= 10
    dU = dz @ a.T
    dh = (U.T @ dz)[:5]
    v = W @ X
    dv = dh * (1 - v * v) / (1 + v * v) ** 2
    dW = dv @ X.T
    U -= 0.3 * dU
    W -= 0.3 * dW
