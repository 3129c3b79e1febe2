import numpy as np

rng = np.random.default_rng(0)
X = rng.normal(size=(8, 3))
y = rng.normal(size=(8, 1))
W = rng.normal(size=(4, 5)) * 0.3
V = rng.normal(size=(6, 1)) * 0.3
for turn in range(100):
    A = np.insert(X, 0, 1, axis=1)
    h = np.tanh(A @ W)
    H = np.append(h, np.ones((8, 1)), axis=1)
    out = np.inner(H, V.T)
    gap = out - y
    loss = np.mean(np.logaddexp(0, gap) + np.c_[gap, gap].sum(axis=1, keepdims=True) ** 2)
    s = 1 / (1 + np.exp(-gap))
    g = (s + 8 * gap) / 8
    dV = H.T @ g
    dH = g @ V.T
    dh = np.delete(dH, -1, axis=1) * (1 - h**2)
    dW = A.T @ dh
    W -= 0.05 * dW
    V -= 0.05 * dV
