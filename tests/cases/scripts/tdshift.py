"""TD(0) over whole walks: each value is compared with the next one."""
import numpy as np
rng = np.random.default_rng(1)
w = rng.normal(0, .1, 4)
gamma, alpha = .9, .05
for walk in range(40):
    X = rng.normal(size=(9, 4))
    rewards = X[1:, 0]
    values = X @ w
    targets = rewards + gamma * values[1:]
    errors = targets - values[:-1]
    loss = 0.5 * np.sum(errors ** 2)
    grad = -X[:-1].T @ errors
    w -= alpha * grad
print(w)
