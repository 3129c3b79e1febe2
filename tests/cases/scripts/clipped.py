import numpy as np
rs = np.random.RandomState(7)
X = rs.randn(3, 30)
Y = np.sum(X ** 3, axis=0, keepdims=True)
dims = [3, 6, 5, 1]
W = [rs.randn(m, n) * np.sqrt(2 / n) for n, m in zip(dims[:-1], dims[1:])]
B = [np.zeros((m, 1)) for m in dims[1:]]
weight_decay, base = 1e-2, 0.05
for t in range(40):
    lr = base / (1 + 0.1 * t)
    acts = [X]
    for w, b in zip(W[:-1], B[:-1]):
        acts.append(np.tanh(w @ acts[-1] + b))
    out = W[-1] @ acts[-1] + B[-1]
    loss = np.mean((out - Y) ** 2) + weight_decay * sum(np.sum(w ** 2) for w in W)
    delta = 2 * (out - Y) / Y.shape[1]
    dW, dB = [None] * 3, [None] * 3
    for l in reversed(range(3)):
        dW[l] = delta @ acts[l].T + 2 * weight_decay * W[l]
        dB[l] = delta.sum(axis=1, keepdims=True)
        if l > 0:
            delta = (W[l].T @ delta) * (1 - acts[l] ** 2)
    norm = np.sqrt(sum(np.sum(g ** 2) for g in dW + dB))
    if norm > 1.0:
        dW = [g / norm for g in dW]
        dB = [g / norm for g in dB]
    for l in range(3):
        W[l] = W[l] - lr * dW[l]
        B[l] = B[l] - lr * dB[l]
