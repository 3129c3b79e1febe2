import numpy as np
rng = np.random.default_rng(4)
A = rng.normal(size=(25, 3))
labels = (A.sum(axis=1) > 0).astype(float)
theta, velocity = np.zeros(3), np.zeros(3)
mu, rate = 0.9, 0.1
for k in range(50):
    ahead = theta + mu * velocity
    p = 1 / (1 + np.exp(-A @ ahead))
    nll = -np.mean(labels * np.log(p) + (1 - labels) * np.log(1 - p))
    gradient = A.T @ (p - labels) / len(labels)
    velocity = mu * velocity - rate * gradient
    theta = theta + velocity
