import numpy as np

def batches(X, Y, size, rng):
    order = rng.permutation(len(X))
    for start in range(0, len(X), size):
        chosen = order[start:start + size]
        yield X[chosen], Y[chosen]

rng = np.random.default_rng(6)
X = rng.normal(size=(22, 4))
Y = np.eye(3)[np.argmax(X[:, :3], axis=1)]
theta = {"W1": rng.normal(size=(4, 8)) * .4, "b1": np.zeros((1, 8)), "W2": rng.normal(size=(8, 3)) * .4, "b2": np.zeros((1, 3))}
for epoch in range(6):
    total = 0.0
    for xb, yb in batches(X, Y, 8, rng):
        n = len(xb)
        z1 = xb @ theta["W1"] + theta["b1"]
        a1 = np.where(z1 > 0, z1, 0.1 * z1)
        z2 = a1 @ theta["W2"] + theta["b2"]
        e = np.exp(z2 - z2.max(axis=1, keepdims=True))
        p = e / e.sum(axis=1, keepdims=True)
        batch_loss = -np.sum(yb * np.log(p + 1e-12)) / n
        total += batch_loss
        g = {}
        dz2 = (p - yb) / n
        g["W2"] = a1.T @ dz2
        g["b2"] = dz2.sum(axis=0, keepdims=True)
        dz1 = dz2 @ theta["W2"].T * np.where(z1 > 0, 1, 0.1)
        g["W1"] = xb.T @ dz1
        g["b1"] = dz1.sum(axis=0, keepdims=True)
        for name in theta:
            theta[name] -= 0.2 * g[name]
    print(epoch, total)
