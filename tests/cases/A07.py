import numpy as np

s = lambda v: 1 / (1 + np.exp(-v))
W1 = np.array([[0.5, -0.7, 0.2], [0.3, 0.4, -0.6]])
W2 = np.array([[0.8, -0.3], [-0.5, 0.6], [0.9, 0.2]])
b1, b2 = np.array([0.1, 0.05, 0.2]), np.array([0.1, -0.2])
x, y = np.array([[1, 2], [-1, 0.5], [0.3, -2]]), np.array([[1, 0], [0, 1], [1, 1.0]])

z1 = x @ W1 + b1
a1 = s(z1)
z2 = a1 @ W2 + b2
a2 = s(z2)
dz2 = (a2 - y) * a2 * (1 - a2)
da1 = a2 @ W2.T  # the next layer's values; its errors dz2 belong here
dz1 = da1 * a1 * (1 - a1)
np.savez(
    "A07.npz",
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
    dz2=dz2,
    dW2=a1.T @ dz2,
    db2=dz2.sum(0),
    da1=da1,
    dz1=dz1,
    dW1=x.T @ dz1,
    db1=dz1.sum(0),
)
