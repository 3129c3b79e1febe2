import numpy as np
np.random.seed(1)
X = np.random.randn(24, 3)
y = np.where(X @ np.array([1.0, -2.0, 0.5]) > 0.3, 1, -1)
w, b, C, eta = np.random.randn(3), 0.1, 2.0, 0.01
for epoch in range(30):
    margin = 1 - y * (X @ w + b)
    objective = 0.5 * w @ w + C * np.sum(np.maximum(0, margin))
    active = margin > 0
    grad_w = w - C * np.sum((active * y)[:, None] * X, axis=0)
    grad_b = -C * np.sum(active * y)
    w = w - eta * grad_w
    b = b - eta * grad_b
