import numpy as np

softmax = lambda v: np.exp(v) / np.exp(v).sum(1, keepdims=True)
W1 = np.array([[0.5, -0.7, 0.2], [0.3, 0.4, -0.6]])
W2 = np.array([[0.8, -0.3, 0.1], [-0.5, 0.6, 0.3], [0.9, 0.2, -0.4]])
b1, b2 = np.array([0.1, 0.05, 0.2]), np.array([0.1, -0.2, 0.0])
x, y, m = np.array([[1, 2], [-1, 0.5], [0.3, -2], [0.6, 0.6]]), np.eye(3)[[0, 1, 2, 1]], 4
f = np.float32
W1, W2, b1, b2, x, y = (v.astype(f) for v in (W1, W2, b1, b2, x, y))
z1 = x @ W1 + b1
a1 = np.tanh(z1)
z2 = a1 @ W2 + b2
c = np.exp(z2 - z2.max(1, keepdims=True))
total = c.sum(1, keepdims=True)
a2 = c / total
da2 = -y / f(m) / a2
dc = da2 / total - (c * da2).sum(1, keepdims=True) * total ** f(-2)
dz2 = c * dc
da1 = dz2 @ W2.T
dz1 = (f(1) - a1**2) * da1
np.savez(
    "D03.npz",
    x=x,
    y=y,
    W1=W1,
    b1=b1,
    W2=W2,
    b2=b2,
    z1=z1,
    a1=a1,
    z2=z2,
    a2=a2,
    da2=da2,
    dz2=dz2,
    dW2=a1.T @ dz2,
    db2=dz2.sum(0),
    da1=da1,
    dz1=dz1,
    dW1=x.T @ dz1,
    db1=dz1.sum(0),
)
