import numpy as np

rng = np.random.default_rng(4)
X = rng.normal(size=(20, 4))
y = rng.normal(size=(20, 1))
W = rng.normal(size=(4, 6)) * 0.4
v = rng.normal(size=(6, 1)) * 0.4
for step in range(6):
    h = X @ W
    order = np.argsort(h, axis=1)
    s = np.partition(h, range(h.shape[1]), axis=1)
    out = s @ v
    loss = np.mean((out - y) ** 2)
    dout = 2 * (out - y) / len(y)
    dv = s.T @ dout
    ds = dout @ v.T
    dh = np.zeros_like(h)
    np.put_along_axis(dh, order, ds, axis=1)
    dW = X.T @ dh
    W -= 0.1 * dW
    v -= 0.1 * dv
print(loss)
