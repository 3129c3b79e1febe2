import numpy as np
rng = np.random.default_rng(9)
x = rng.normal(size=(40, 2))
t = 3 * x[:, 0] - x[:, 1] + rng.standard_t(2, 40)
w, b = np.zeros(2), np.zeros(1)
delta = 1.0
for k in range(100):
    r = x @ w + b - t
    small = np.abs(r) <= delta
    loss = np.mean(np.where(small, 0.5 * r**2, delta * (np.abs(r) - 0.5 * delta)))
    g = np.where(small, r, delta * np.sign(r)) / len(t)
    w -= 0.3 * (x.T @ g)
    b -= 0.3 * g.sum()
