import numpy as np

W1, b1 = np.array([[0.5, -0.7, 0.2], [0.3, 0.4, -0.6]]), np.array([0.1, 0.05, 0.2])
W2, b2 = np.array([[0.8], [-0.5], [0.9]]), np.array([0.1])
x, y, m = np.array([[1, 2], [-1, 0.5], [0.3, -2], [2, 1]]), np.array([[1], [0], [-1], [0.5]]), 4
mask, scale = np.array([[1, 0, 1], [0, 1, 1], [1, 1, 0], [0, 1, 1]]), 2.0  # 1 / (1 - p) with p = 1/2
z1 = x @ W1 + b1
a1 = np.maximum(z1, 0) * mask * scale
z2 = a1 @ W2 + b2
dz2 = 2 * (z2 - y) / m
da1 = dz2 @ W2.T
for name, dz1 in (("D04.npz", da1 * scale * (z1 > 0)), ("D04ok.npz", da1 * scale * mask * (z1 > 0))):
    np.savez(
        name,
        x=x,
        y=y,
        W1=W1,
        b1=b1,
        W2=W2,
        b2=b2,
        z1=z1,
        a1=a1,
        z2=z2,
        a2=z2,
        dz2=dz2,
        dW2=a1.T @ dz2,
        db2=dz2.sum(0),
        da1=da1,
        dz1=dz1,
        dW1=x.T @ dz1,
        db1=dz1.sum(0),
    )
