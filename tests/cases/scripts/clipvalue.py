import numpy as np
np.random.seed(12)
X = np.random.randn(15, 3) * 4
y = X @ np.array([[2.], [-3.], [.5]]) + 10
W1 = np.random.randn(3, 4); b1 = np.zeros((1, 4))
W2 = np.random.randn(4, 1); b2 = np.zeros((1, 1))
for i in range(30):
    h = np.maximum(0, X @ W1 + b1)
    pred = h @ W2 + b2
    loss = ((pred - y) ** 2).mean()
    dpred = 2 * (pred - y) / len(y)
    dW2 = h.T @ dpred
    db2 = dpred.sum(0, keepdims=True)
    dh = dpred @ W2.T
    dh[h <= 0] = 0
    dW1 = X.T @ dh
    db1 = dh.sum(0, keepdims=True)
    for dparam in [dW1, db1, dW2, db2]:
        np.clip(dparam, -5, 5, out=dparam)
    for param, dparam in zip([W1, b1, W2, b2], [dW1, db1, dW2, db2]):
        param += -0.01 * dparam
