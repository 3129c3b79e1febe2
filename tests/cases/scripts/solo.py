"""One sample at a time, one output: all that is wrong there is a factor that every gradient has; a column is made in place."""
import numpy as np
rng = np.random.default_rng(6)
sigmoid = lambda v: 1 / (1 + np.exp(-v))
inputs, targets = rng.normal(size=(6, 3)), np.array([0, 1, 1, 0, 1, 0])
V, c = rng.normal(size=(4, 3)), np.zeros((4, 1))
u, e = rng.normal(size=(1, 4)), np.zeros((1, 1))
for epoch in range(20):
    for x, t in zip(inputs.copy(), targets):
        x.shape += (1,)
        h = sigmoid(V @ x + c)
        o = sigmoid(u @ h + e)
        loss = 0.5 * np.sum((o - t) ** 2)
        delta_o = (o - t) * o * (1 - o)
        delta_h = u.T @ delta_o * h * (1 - h)
        u = u - 0.5 * delta_o @ h.T
        e = e - 0.5 * delta_o
        V = V - 0.5 * delta_h @ x.T
        c = c - 0.5 * delta_h
