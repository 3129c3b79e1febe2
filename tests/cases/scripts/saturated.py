import numpy as np

rng = np.random.default_rng(2)
X = 40 * rng.normal(size=(30, 3))
y = (X[:, 0] > 0).astype(float)
w = rng.normal(size=3)
b = 0.0
for epoch in range(200):
    z = X @ w + b
    p = 1 / (1 + np.exp(-z))
    dw = X.T @ (p - y) / len(X)
    db = np.mean(p - y)
    w = w - 0.1 * dw
    b = b - 0.1 * db
