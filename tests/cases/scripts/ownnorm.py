import numpy as np

rng = np.random.default_rng(7)
X, Y = rng.normal(size=(30, 4)) * 3, rng.normal(size=(30, 2)) * 4
p = {"W1": rng.normal(size=(4, 8)), "b1": np.zeros(8), "W2": rng.normal(size=(8, 2)), "b2": np.zeros(2)}


def clip(g, limit=1.0):
    norm = np.linalg.norm(g)
    if norm > limit:
        g = limit * g / norm
    return g


for step in range(50):
    h = np.tanh(X @ p["W1"] + p["b1"])
    out = h @ p["W2"] + p["b2"]
    loss = np.mean(np.sum((out - Y) ** 2, axis=1))
    d = 2 * (out - Y) / len(X)
    grads = {"W2": h.T @ d, "b2": d.sum(0)}
    dh = (d @ p["W2"].T) * (1 - h**2)
    grads["W1"], grads["b1"] = X.T @ dh, dh.sum(0)
    for k in p:
        p[k] = p[k] - 0.1 * clip(grads[k])
print(loss)
