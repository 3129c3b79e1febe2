import numpy as np
rng = np.random.RandomState(21)
X = rng.randn(18, 2)
Y = np.tanh(X[:, [0]] - 2 * X[:, [1]])
Xb = np.insert(X, 0, 1, axis=1)
V = rng.randn(3, 5) * .5
W = rng.randn(6, 1) * .5
ones = np.ones((18, 1))
for it in range(60):
    Z = np.tanh(Xb @ V)
    Zb = np.hstack([ones, Z])
    O = Zb @ W
    E = ((O - Y) ** 2).sum() / 2
    dO = O - Y
    dW = Zb.T @ dO
    dZ = (dO @ W.T)[:, 1:]
    dV = Xb.T @ (dZ * (1 - Z ** 2))
    W = W - .02 * dW
    V = V - .02 * dV
