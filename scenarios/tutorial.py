"""XOR by back-propagation, as a tutorial printed it: it stops with an exception. `bpdebug tutorial.py` shows the line that is to blame.

Mended: y = np.array([[0], [1], [1], [0]]), a column as the prediction is.
"""

import numpy as np

X = np.array([[0, 0], [0, 1], [1, 0], [1, 1]])
y = np.array([0, 1, 1, 0])
learning_rate = 0.1

np.random.seed(0)
W = [np.random.randn(2, 4), np.random.randn(4, 1)]
b = [np.zeros(4), np.zeros(1)]


def sigmoid(z):
    return 1 / (1 + np.exp(-z))


def sigmoid_derivative(z):
    return sigmoid(z) * (1 - sigmoid(z))


for step in range(1000):
    a, z = [X], []
    for l in range(2):
        z.append(np.dot(a[l], W[l]) + b[l])
        a.append(sigmoid(z[l]))
    loss = -y * np.log(a[2]) - (1 - y) * np.log(1 - a[2])

    da = -y / a[2] + (1 - y) / (1 - a[2])
    dW, db = [None, None], [None, None]
    for l in (1, 0):
        dz = da * sigmoid_derivative(z[l])
        dW[l] = np.dot(a[l].T, dz)
        db[l] = np.sum(dz, axis=0)
        da = np.dot(dz, W[l].T)
    for l in range(2):
        W[l] -= learning_rate * dW[l]
        b[l] -= learning_rate * db[l]

print(a[2])
