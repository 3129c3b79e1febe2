import numpy as np
rng = np.random.default_rng(0)
X = rng.normal(size=(50, 6))
Y = (X[:, :1] > 0).astype(float)
W1 = rng.normal(size=(6, 8)) * 0.001
b1 = np.zeros(8)
W2 = rng.normal(size=(8, 1)) * 0.001
b2 = np.zeros(1)
lr = 0.1
for epoch in range(500):
    a1 = np.tanh(X @ W1 + b1)
    out = 1 / (1 + np.exp(-(a1 @ W2 + b2)))
    loss = -np.mean(Y * np.log(out) + (1 - Y) * np.log(1 - out))
    d2 = (out - Y) / len(X)
    dW2 = a1.T @ d2
    db2 = d2.sum(axis=0)
    d1 = (d2 @ W2.T) * (1 - a1 ** 2)
    dW1 = X.T @ d1
    db1 = d1.sum(axis=0)
    W1 -= lr * dW1
    b1 -= lr * db1
    W2 -= lr * dW2
    b2 -= lr * db2
