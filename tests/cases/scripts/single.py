import numpy as np
f = np.float32
rng = np.random.default_rng(1)
x = rng.standard_normal((32, 6), dtype=f)
labels = (x[:, 0] * x[:, 1] > 0).astype(np.int64)
w1 = rng.standard_normal((6, 10), dtype=f) * f(.4)
b1 = np.zeros(10, f)
w2 = rng.standard_normal((10, 2), dtype=f) * f(.4)
b2 = np.zeros(2, f)
for it in range(50):
    hid = np.tanh(x @ w1 + b1)
    logits = hid @ w2 + b2
    shifted = logits - logits.max(1, keepdims=True)
    probs = np.exp(shifted)
    probs /= probs.sum(1, keepdims=True)
    nll = -np.log(probs[np.arange(32), labels]).mean()
    dlogits = probs
    dlogits[np.arange(32), labels] -= 1
    dlogits /= 32
    dw2, db2 = hid.T @ dlogits, dlogits.sum(0)
    dpre = (dlogits @ w2.T) * (1 - hid ** 2)
    dw1, db1 = x.T @ dpre, dpre.sum(0)
    w1 -= f(.5) * dw1
    b1 -= f(.5) * db1
    w2 -= f(.5) * dw2
    b2 -= f(.5) * db2
print(nll)
