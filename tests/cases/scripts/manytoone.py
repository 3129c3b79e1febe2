"""A sequence of numbers is read; what stands last is answered."""
import numpy as np
rng = np.random.default_rng(0)
U, W, b, V = rng.normal(0, .5, (5, 2)), rng.normal(0, .5, (5, 5)), np.zeros((5, 1)), rng.normal(0, .5, (1, 5))
for step in range(30):
    xs, target = rng.normal(size=(3, 2, 1)), rng.normal(size=(1, 1))
    hs = [np.zeros((5, 1))]
    for x in xs:
        hs.append(np.tanh(U @ x + W @ hs[-1] + b))
    y = V @ hs[-1]
    loss = np.sum((y - target) ** 2)
    dy = 2 * (y - target)
    dV, dh = dy @ hs[-1].T, V.T @ dy
    dU, dW, db = np.zeros_like(U), np.zeros_like(W), np.zeros_like(b)
    for t in (2, 1, 0):
        da = dh * (1 - hs[t + 1] ** 2)
        dU += da @ xs[t].T
        dW += da @ hs[t].T
        db += da
        dh = W.T @ da
    U -= .05 * dU
    W -= .05 * dW
    b -= .05 * db
    V -= .05 * dV
