import numpy as np

def relu(v):
    return np.where(v > 0, v, 0.0)

def train(x, t, layers, lr):
    """Forward on the way down, backward on the way up."""
    if not layers:
        global cost
        cost = 0.5 * np.mean((x - t) ** 2)
        return (x - t) / x.size
    w, rest = layers[0], layers[1:]
    z = x @ w["W"] + w["b"]
    a = relu(z) if rest else z
    da = train(a, t, rest, lr)
    dz = da * (z > 0) if rest else da
    dx = dz @ w["W"].T
    w["W"] -= lr * x.T @ dz
    w["b"] -= lr * dz.sum(axis=0)
    return dx

rng = np.random.default_rng(2)
sizes = [2, 8, 8, 1]
model = [{"W": rng.normal(size=(a, b)) / a ** .5, "b": np.full(b, .1)} for a, b in zip(sizes, sizes[1:])]
X = rng.uniform(-1, 1, (20, 2))
T = X[:, :1] * X[:, 1:]
for epoch in range(50):
    train(X, T, model, 0.5)
    if epoch % 10 == 0:
        print(cost)
