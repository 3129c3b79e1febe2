"""One sample at a time, with the loss of each in a list that nothing adds up; the gradients of all four are."""
import numpy as np

rng = np.random.default_rng(1)
X = np.array([[0, 0], [0, 1], [1, 0], [1, 1.0]])
Y = np.array([[0], [1], [1], [0.0]])
W1, b1 = rng.normal(size=(2, 5)), np.zeros((5, 1))
W2, b2 = rng.normal(size=(5, 1)), np.zeros((1, 1))
sig = lambda z: 1 / (1 + np.exp(-z))
history = []
for epoch in range(200):
    dW1, dW2, db1, db2 = np.zeros_like(W1), np.zeros_like(W2), np.zeros_like(b1), np.zeros_like(b2)
    for x, y in zip(X, Y):
        x, y = x.reshape(2, 1), y.reshape(1, 1)
        h = sig(W1.T @ x + b1)
        o = sig(W2.T @ h + b2)
        history.append(0.5 * np.mean(np.sum((o - y) ** 2, axis=1)))
        d = (o - y) * o * (1 - o)
        dW2 += h @ d.T
        db2 += d
        dh = (W2 @ d) * h * (1 - h)
        dW1 += x @ dh.T
        db1 += dh
    W1 -= 0.5 * dW1 / 4
    W2 -= 0.5 * dW2 / 4
    b1 -= 0.5 * db1 / 4
    b2 -= 0.5 * db2 / 4
print(np.mean(history[-4:]))
