import numpy as np
rng = np.random.default_rng(0)
imgs = rng.standard_normal((6, 6, 6)); lab = rng.integers(0, 2, 6)
K = rng.standard_normal((3, 3, 3)) * 0.3
W = rng.standard_normal((3 * 16, 2)) * 0.1
b = np.zeros(2)
def im2col(x):
    cols = np.zeros((16, 9))
    n = 0
    for i in range(4):
        for j in range(4):
            cols[n] = x[i:i+3, j:j+3].reshape(-1)
            n += 1
    return cols
for epoch in range(2):
    for x, y in zip(imgs, lab):
        cols = im2col(x)
        out = cols @ K.reshape(3, -1).T
        act = np.maximum(out, 0)
        flat = act.flatten()
        s = flat @ W + b
        p = np.exp(s) / np.sum(np.exp(s))
        loss = -np.log(p[y])
        ds = p.copy(); ds[y] -= 1
        dW = np.outer(flat, ds); db = ds
        dflat = W @ ds
        dact = dflat.reshape(act.shape)
        dout = dact * (out > 0)
        dK = (dout.T @ cols).reshape(K.shape)
        K -= 0.05 * dK; W -= 0.05 * dW; b -= 0.05 * db
