import numpy as np

softmax = lambda v: np.exp(v) / np.exp(v).sum(1, keepdims=True)
W1 = np.array([[0.5, -0.7, 0.2], [0.3, 0.4, -0.6]])
W2 = np.array([[0.8, -0.3, 0.1], [-0.5, 0.6, 0.3], [0.9, 0.2, -0.4]])
b1, b2 = np.array([0.1, 0.05, 0.2]), np.array([0.1, -0.2, 0.0])
x, y, m = np.array([[1, 2], [-1, 0.5], [0.3, -2], [0.6, 0.6]]), np.eye(3)[[0, 1, 2, 1]], 4
z1 = x @ W1 + b1
a1 = np.tanh(z1)
z2 = a1 @ W2 + b2
a2 = softmax(z2)
q = softmax(a2)  # what the loss does with the model's answer
loss = -(y * np.log(q)).sum() / m
da2 = (q - y) / m
dz2 = a2 * (da2 - (da2 * a2).sum(1, keepdims=True))
da1 = dz2 @ W2.T
dz1 = da1 * (1 - a1**2)
np.savez(
    "C06.npz",
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
    loss=loss,
    da2=da2,
    dz2=dz2,
    dW2=a1.T @ dz2,
    db2=dz2.sum(0),
    da1=da1,
    dz1=dz1,
    dW1=x.T @ dz1,
    db1=dz1.sum(0),
)
