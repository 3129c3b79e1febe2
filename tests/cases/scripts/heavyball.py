import numpy as np

rng = np.random.default_rng(5)
X = rng.normal(size=(20, 3))
y = np.tanh(X @ rng.normal(size=(3, 1)))
W = rng.normal(size=(3, 1)) * 0.1
before = W.copy()
for turn in range(100):
    out = np.tanh(X @ W)
    loss = 0.5 * np.mean((out - y) ** 2)
    dout = (out - y) / len(X)
    dW = X.T @ (dout * (1 - out**2))
    new = W + 0.9 * (W - before) - 0.1 * dW
    before = W
    W = new
