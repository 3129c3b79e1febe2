import numpy as np
rng = np.random.default_rng(11)
x = rng.standard_normal((24, 6)); t = rng.standard_normal((24, 2))
W1 = rng.standard_normal((6, 9)) * .4; W2 = rng.standard_normal((9, 2)) * .4
b1 = np.zeros(9); b2 = np.zeros(2); lam = 1e-3; keep = 0.8
cache1 = {}
for it in range(15):
    z = x @ W1 + b1
    h = np.maximum(z, 0)
    mask = (rng.random(h.shape) < keep) / keep
    hd = h * mask
    yhat = hd @ W2 + b2
    loss = 0.5 * np.mean(np.sum((yhat - t) ** 2, axis=1)) + 0.5 * lam * (np.sum(W1 * W1) + np.sum(W2 * W2))
    dy = (yhat - t) / x.shape[0]
    dW2 = hd.T @ dy + lam * W2
    db2 = dy.sum(0)
    dhd = dy @ W2.T
    dh = dhd * mask
    dz = dh * (z > 0)
    dW1 = x.T @ dz + lam * W1
    db1 = dz.sum(0)
    for p, g, k in ((W1, dW1, 'W1'), (b1, db1, 'b1'), (W2, dW2, 'W2'), (b2, db2, 'b2')):
        cache1[k] = cache1.get(k, 0) * 0.9 + 0.1 * g * g
        p -= 0.01 * g / (np.sqrt(cache1[k]) + 1e-8)
