import numpy as np
rng = np.random.default_rng(17)
x = rng.uniform(-3, 3, (40, 1))
y = np.cos(x)
R, c = rng.normal(size=(1, 20)), rng.uniform(0, 6, 20)   # random features: never trained
w, b = np.zeros((20, 1)), np.zeros(1)
for epoch in range(50):
    phi = np.cos(x @ R + c)
    f = phi @ w + b
    err = f - y
    loss = np.mean(err * err)
    dw = 2 * phi.T @ err / len(x)
    db = 2 * np.mean(err, axis=0)
    w -= 0.05 * dw
    b -= 0.05 * db
