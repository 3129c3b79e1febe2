"""An LSTM over columns, its gates in dictionaries, a sequence in each update."""
import numpy as np
np.random.seed(11)
hidden, inputs, T = 6, 4, 5
gates = ["f", "i", "o", "g"]
W = {k: np.random.randn(hidden, hidden + inputs) * 0.4 for k in gates}
b = {k: np.zeros((hidden, 1)) for k in gates}
Wy, by = np.random.randn(1, hidden) * 0.4, np.zeros((1, 1))
sig = lambda x: 1 / (1 + np.exp(-x))
seqs = np.random.randn(40, T, inputs, 1)
labels = (seqs[:, :, 0, 0].sum(axis=1) > 0).astype(float)

for n, (xs, y) in enumerate(zip(seqs, labels)):
    h, c = {-1: np.zeros((hidden, 1))}, {-1: np.zeros((hidden, 1))}
    a, z = {}, {}
    for t in range(T):
        z[t] = np.vstack((h[t - 1], xs[t]))
        a[t] = {k: (np.tanh if k == "g" else sig)(W[k] @ z[t] + b[k]) for k in gates}
        c[t] = a[t]["f"] * c[t - 1] + a[t]["i"] * a[t]["g"]
        h[t] = a[t]["o"] * np.tanh(c[t])
    p = sig(Wy @ h[T - 1] + by)
    loss = float(-(y * np.log(p) + (1 - y) * np.log(1 - p))[0, 0])

    dW = {k: np.zeros_like(W[k]) for k in gates}
    db = {k: np.zeros_like(b[k]) for k in gates}
    dy = p - y
    dWy, dby = dy @ h[T - 1].T, dy
    dh, dc = Wy.T @ dy, np.zeros((hidden, 1))
    for t in reversed(range(T)):
        do = dh * np.tanh(c[t]) * a[t]["o"] * (1 - a[t]["o"])
        dc = dc + dh * a[t]["o"] * (1 - np.tanh(c[t]) ** 2)
        df = dc * c[t - 1] * a[t]["f"] * (1 - a[t]["f"])
        di = dc * a[t]["g"] * a[t]["i"] * (1 - a[t]["i"])
        dg = dc * a[t]["i"] * (1 - a[t]["g"] ** 2)
        dz = np.zeros_like(z[t])
        for k, d in (("f", df), ("i", di), ("o", do), ("g", dg)):
            dW[k] += d @ z[t].T
            db[k] += d
            dz += W[k].T @ d
        dh = dz[:hidden]
        dc = dc * a[t]["f"]
    for k in gates:
        W[k] -= 0.1 * dW[k]
        b[k] -= 0.1 * db[k]
    Wy -= 0.1 * dWy
    by -= 0.1 * dby
    if n % 10 == 0:
        print(n, loss)
