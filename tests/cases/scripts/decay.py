import numpy as np
rng = np.random.default_rng(30)
n, p = 30, 8
X = rng.normal(size=(n, p))
y = X[:, 0] - 2 * X[:, 3] + 0.1 * rng.normal(size=n)
w = rng.normal(size=p)
l1, l2, lr = 0.05, 0.1, 0.02
for t in range(200):
    resid = X @ w - y
    loss = np.sum(resid ** 2) / (2 * n) + l1 * np.sum(np.abs(w)) + 0.5 * l2 * np.sum(w ** 2)
    grad = X.T @ resid / n + l1 * np.sign(w) + l2 * w
    w = w - lr * grad
