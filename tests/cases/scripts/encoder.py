import numpy as np

rng = np.random.RandomState(1)
B, T, D, H, C = 6, 5, 8, 16, 3


def init(*shape):
    return rng.randn(*shape) / np.sqrt(shape[0])


P = {
    "Wq": init(D, D), "Wk": init(D, D), "Wv": init(D, D), "Wo": init(D, D),
    "W1": init(D, H), "b1": np.zeros(H), "W2": init(H, D), "b2": np.zeros(D),
    "Wc": init(D, C), "bc": np.zeros(C),
}
M = {k: np.zeros_like(v) for k, v in P.items()}
V = {k: np.zeros_like(v) for k, v in P.items()}


def softmax(s):
    e = np.exp(s - s.max(axis=-1, keepdims=True))
    return e / e.sum(axis=-1, keepdims=True)


def forward(x):
    c = {"x": x}
    c["q"], c["k"], c["v"] = x @ P["Wq"], x @ P["Wk"], x @ P["Wv"]
    s = c["q"] @ c["k"].transpose(0, 2, 1) / np.sqrt(D)
    c["att"] = softmax(s)
    c["ctx"] = c["att"] @ c["v"]
    c["h1"] = x + c["ctx"] @ P["Wo"]
    c["z"] = c["h1"] @ P["W1"] + P["b1"]
    c["r"] = np.maximum(c["z"], 0)
    c["h2"] = c["h1"] + c["r"] @ P["W2"] + P["b2"]
    c["pool"] = c["h2"].mean(axis=1)
    c["p"] = softmax(c["pool"] @ P["Wc"] + P["bc"])
    return c


def backward(c, y):
    g = {}
    dlogits = c["p"].copy()
    dlogits[np.arange(len(y)), y] -= 1
    dlogits /= len(y)
    g["Wc"] = c["pool"].T @ dlogits
    g["bc"] = dlogits.sum(0)
    dpool = dlogits @ P["Wc"].T
    dh2 = np.repeat(dpool[:, None, :], T, axis=1) / T
    g["W2"] = np.einsum("bth,btd->hd", c["r"], dh2)
    g["b2"] = dh2.sum(axis=(0, 1))
    dr = dh2 @ P["W2"].T
    dz = dr * (c["z"] > 0)
    g["W1"] = np.einsum("btd,bth->dh", c["h1"], dz)
    g["b1"] = dz.sum(axis=(0, 1))
    dh1 = dh2 + dz @ P["W1"].T
    g["Wo"] = np.einsum("btd,bte->de", c["ctx"], dh1)
    dctx = dh1 @ P["Wo"].T
    datt = dctx @ c["v"].transpose(0, 2, 1)
    dv = c["att"].transpose(0, 2, 1) @ dctx
    ds = c["att"] * (datt - (datt * c["att"]).sum(axis=-1, keepdims=True))
    ds /= np.sqrt(D)
    dq = ds @ c["k"]
    dk = ds.transpose(0, 2, 1) @ c["q"]
    for name, d in (("Wq", dq), ("Wk", dk), ("Wv", dv)):
        g[name] = np.einsum("bti,btj->ij", c["x"], d)
    return g


X = rng.randn(60, T, D)
y = (X[:, 0, 0] > 0).astype(int) + (X[:, 1, 1] > 0.5)
t = 0
for epoch in range(5):
    for i in range(0, 60, B):
        xb, yb = X[i:i + B], y[i:i + B]
        cache = forward(xb)
        loss = -np.log(cache["p"][np.arange(len(yb)), yb]).mean()
        grads = backward(cache, yb)
        t += 1
        for k in P:
            M[k] = 0.9 * M[k] + 0.1 * grads[k]
            V[k] = 0.999 * V[k] + 0.001 * grads[k] ** 2
            mhat = M[k] / (1 - 0.9 ** t)
            vhat = V[k] / (1 - 0.999 ** t)
            P[k] -= 0.01 * mhat / (np.sqrt(vhat) + 1e-8)
