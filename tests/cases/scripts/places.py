import numpy as np
rng = np.random.RandomState(3)
X = rng.randn(40, 3) * [1, 5, 20]
y = np.where(X[:, 0] + X[:, 1] / 5 > 0.2, 1, -1)
for column in (0, 1, 2):
    mean = X[:, column].mean()
    X[:, column] = (X[:, column] - mean) / X[:, column].std()
w, b, C, lr = 0.1 * rng.randn(3), 0, 1.0, 0.01
for epoch in range(60):
    margins = y * (X @ w + b)
    loss = 0.5 * w @ w + C * np.maximum(0, 1 - margins).sum()
    inside = np.where(margins < 1)[0]
    grad_w = w - C * y[inside] @ X[inside]
    grad_b = -C * y[inside].sum()
    w = w - lr * grad_w
    b = b - lr * grad_b
