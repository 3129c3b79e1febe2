import numpy as np
np.random.seed(9)
x = np.linspace(0, 1, 25)[:, None]
t = np.sin(2 * np.pi * x)
val_x, val_t = x + 0.02, np.sin(2 * np.pi * (x + 0.02))
U = np.random.randn(1, 12) * 3
c = np.random.randn(12)
V = np.random.randn(12, 1) * 0.3
d = np.zeros(1)
best, patience, epoch, lr = np.inf, 0, 0, 0.1
while patience < 5 and epoch < 400:
    s = np.tanh(x @ U + c)
    y = s @ V + d
    cost = np.sum((y - t) ** 2) / 50
    dy = (y - t) / 25
    dV = s.T @ dy
    dd = dy.sum(axis=0)
    ds = dy @ V.T
    da = ds * (1 - s * s)
    dU = x.T @ da
    dc = da.sum(axis=0)
    U -= lr * dU
    c -= lr * dc
    V -= lr * dV
    d -= lr * dd
    val = np.mean((np.tanh(val_x @ U + c) @ V + d - val_t) ** 2)
    if val < best - 1e-7:
        best, patience = val, 0
    else:
        patience += 1
    lr *= 0.999
    epoch += 1
print(epoch, cost, best)
