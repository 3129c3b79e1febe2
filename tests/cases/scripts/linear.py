import numpy as np

rng = np.random.default_rng(5)
X = rng.normal(size=(50, 3))
y = X @ np.array([1.0, -2.0, 0.5]) + 0.3
w = np.zeros(3)
b = 0.0
alpha = 0.1
n = len(y)
history = []
for i in range(30):
    y_hat = X @ w + b
    error = y_hat - y
    cost = (1 / (2 * n)) * np.sum(error**2)
    dw = (1 / n) * (X.T @ error)
    db = (1 / n) * np.sum(error)
    w = w - alpha * dw
    b = b - alpha * db
    history.append(cost)
print(w, b)
