import numpy as np

s = lambda v: 1 / (1 + np.exp(-v))
W1 = np.array([[0.5, -0.7, 0.2], [0.3, 0.4, -0.6]])
W2 = np.array([[0.8, -0.3], [-0.5, 0.6], [0.9, 0.2]])
b1, b2 = np.array([0.1, 0.05, 0.2]), np.array([0.1, -0.2])
x, y = np.array([[1, 2], [-1, 0.5], [0.3, -2]]), np.array([[1, 0], [0, 1], [1, 1.0]])
m = len(x)
z1 = x @ W1 + b1
a1 = np.tanh(z1)
z2 = a1 @ W2 + b2
a2 = s(z2)
loss = -(y * np.log(a2) + (1 - y) * np.log(1 - a2)).sum() / m
dz2 = a2 - y  # without 1/m …
dW2, db2 = a1.T @ dz2 / m, dz2.sum(0) / m  # … which stands here
dz1 = dz2 @ W2.T * (1 - a1**2)
dW1, db1 = x.T @ dz1 / m, dz1.sum(0) / m
step = dict(W1=W1, b1=b1, W2=W2, b2=b2, dW2=dW2, db2=db2, dW1=dW1, db1=db1)
np.savez("C08.npz", x=x, y=y, z1=z1, a1=a1, z2=z2, a2=a2, loss=loss, dz2=dz2, dz1=dz1, **step)
twice = dz1 / m  # divided by m here, and again in dW1: the forum's mistake
np.savez(
    "C08twice.npz",
    x=x,
    y=y,
    z1=z1,
    a1=a1,
    z2=z2,
    a2=a2,
    loss=loss,
    dz2=dz2,
    dz1=twice,
    **{**step, "dW1": x.T @ twice / m, "db1": twice.sum(0) / m},
)
column = lambda v: v.T if v.ndim == 2 else v[:, None]
np.savez(
    "C08columns.npz",
    X=x.T,
    Y=y.T,
    Z1=z1.T,
    A1=a1.T,
    Z2=z2.T,
    A2=a2.T,
    dZ2=dz2.T,
    dZ1=dz1.T,
    **{name: column(v) for name, v in step.items()},
)
