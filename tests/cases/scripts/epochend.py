"""Each sample adds its gradient; the step comes at the end of the epoch."""
import numpy as np
rng = np.random.default_rng(4)
X = rng.normal(size=(12, 2))
t = (X[:, 0] * X[:, 1] > 0).astype(float)
V, w = rng.normal(0, .7, (2, 4)), rng.normal(0, .7, 4)
for epoch in range(20):
    gV, gw, total = np.zeros_like(V), np.zeros_like(w), 0.0
    for x, target in zip(X, t):
        a = np.tanh(x @ V)
        out = a @ w
        total += 0.5 * (out - target) ** 2
        err = out - target
        gw += err * a
        gV += np.outer(x, err * w * (1 - a ** 2))
    V -= .05 * gV / len(X)
    w -= .05 * gw / len(X)
    print(epoch, total / len(X))
