import numpy as np


def expit(z):
    return 1 / (1 + np.exp(-z))

rng = np.random.default_rng(5)
X = rng.normal(size=(64, 4))
y = (np.sin(X[:, 0]) + X[:, 1] * X[:, 2] > 0).astype(int)


def init(sizes):
    return {f"W{i}": rng.normal(0, 1 / np.sqrt(a), (a, b)) for i, (a, b) in enumerate(zip(sizes, sizes[1:]), 1)} | {
        f"b{i}": np.zeros(b) for i, b in enumerate(sizes[1:], 1)}


def forward(p, x):
    h1 = expit(x @ p["W1"] + p["b1"])
    h2 = np.tanh(h1 @ p["W2"] + p["b2"])
    out = h2 @ p["W3"] + p["b3"]
    return h1, h2, out


def loss_fn(out, y):
    shifted = out - out.max(axis=1, keepdims=True)
    logp = shifted - np.log(np.exp(shifted).sum(axis=1, keepdims=True))
    return -logp[range(len(y)), y].mean(), np.exp(logp)


def grads(p, x, y):
    h1, h2, out = forward(p, x)
    loss, prob = loss_fn(out, y)
    d3 = (prob - np.eye(2)[y]) / len(y)
    d2 = np.einsum("ij,kj->ik", d3, p["W3"]) * (1 - h2 * h2)
    d1 = (d2 @ p["W2"].T) * (h1 - h1 ** 2)
    g = dict(W3=np.einsum("ni,nj->ij", h2, d3), b3=d3.sum(0),
             W2=h1.T @ d2, b2=d2.sum(0), W1=x.T @ d1, b1=d1.sum(0))
    return loss, g


params = init([4, 6, 5, 2])
cache = {k: np.zeros_like(v) for k, v in params.items()}
for epoch in range(30):
    order = rng.permutation(len(X))
    for batch in np.array_split(order, 4):
        loss, g = grads(params, X[batch], y[batch])
        cache = {k: 0.9 * cache[k] + 0.1 * g[k] ** 2 for k in g}
        params = {k: params[k] - 0.01 * g[k] / (np.sqrt(cache[k]) + 1e-8) for k in g}
print(loss)
