import numpy as np

rng = np.random.default_rng(2)
X = rng.normal(size=(40, 4))
y = X @ np.array([1.0, -2.0, 0.5, 0.0]) + 0.7
n, strength = len(X), 1.0
w, b = rng.normal(size=4), 0.1
for epoch in range(200):
    out = X @ w + b
    shrink_w = (2 * strength / n) * w
    shrink_b = (2 * strength / n) * b
    dw = (1 / n) * X.T @ (out - y) + shrink_w
    db = (1 / n) * np.sum(out - y) + shrink_b
    w -= 0.05 * dw
    b -= 0.05 * db
