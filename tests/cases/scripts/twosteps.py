import numpy as np

def act(z):
    return 1 / (1 + np.exp(-z))

def slope(z):
    return np.exp(-z) / (1 + np.exp(-z)) ** 2

rng = np.random.default_rng(3)
X = np.insert(rng.random((6, 5)), 0, -1, axis=1)
Y = rng.random((6, 2))
V = 2 * rng.random((6, 3)) - 1
W = 2 * rng.random((4, 2)) - 1
old_V, old_W = np.zeros_like(V), np.zeros_like(W)
error, epoch = 1.0, 0
while error > 1e-4 and epoch < 200:
    z1 = X @ V
    a1 = np.insert(act(z1), 0, -1, axis=1)
    z2 = a1 @ W
    out = act(z2)
    d2 = (Y - out) * slope(z2)
    d1 = d2 @ W[1:].T * slope(z1)
    W = W + 0.3 * (a1.T @ d2)
    V = V + 0.3 * (X.T @ d1)
    new_W = W + 0.6 * (W - old_W) + 0.3 * (a1.T @ d2)
    old_W = W
    W = new_W
    new_V = V + 0.6 * (V - old_V) + 0.3 * (X.T @ d1)
    old_V = V
    V = new_V
    error = 0.5 * np.sum((Y - out) ** 2)
    epoch += 1
