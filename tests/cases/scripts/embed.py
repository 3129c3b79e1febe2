import numpy as np
rng = np.random.default_rng(1)
V, E, H, B = 10, 3, 8, 16
C = rng.standard_normal((V, E)); W1 = rng.standard_normal((2 * E, H)) * .3; b1 = np.zeros(H); W2 = rng.standard_normal((H, V)) * .3; b2 = np.zeros(V)
Xtr = rng.integers(0, V, (64, 2)); Ytr = rng.integers(0, V, 64)
for step in range(20):
    ix = rng.integers(0, 64, B)
    Xb, Yb = Xtr[ix], Ytr[ix]
    emb = C[Xb]
    cat = emb.reshape(B, -1)
    h = np.tanh(cat @ W1 + b1)
    logits = h @ W2 + b2
    logits = logits - logits.max(1, keepdims=True)
    counts = np.exp(logits)
    probs = counts / counts.sum(1, keepdims=True)
    loss = -np.log(probs[np.arange(B), Yb]).mean()
    dlogits = probs.copy()
    dlogits[np.arange(B), Yb] -= 1
    dlogits /= B
    dW2 = h.T @ dlogits
    db2 = dlogits.sum(0)
    dh = dlogits @ W2.T
    dpre = dh * (1 - h ** 2)
    dW1 = cat.T @ dpre
    db1 = dpre.sum(0)
    dcat = dpre @ W1.T
    demb = dcat.reshape(B, 2, E)
    dC = np.zeros_like(C)
    np.add.at(dC, Xb, demb)
    for p, g in zip([C, W1, b1, W2, b2], [dC, dW1, db1, dW2, db2]):
        p -= 0.1 * g
