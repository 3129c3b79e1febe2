import numpy as np


def sigmoid(z):
    return np.where(z >= 0, 1 / (1 + np.exp(-z)), np.exp(z) / (1 + np.exp(z)))


rng = np.random.default_rng(1)
X = rng.normal(size=(10, 3))
Y = rng.integers(0, 2, (10, 1))
W1, b1 = rng.normal(size=(3, 20)) * 0.01, np.zeros((1, 20))
W2, b2 = rng.normal(size=(20, 1)) * 0.01, np.zeros((1, 1))
for turn in range(1000):
    Z1 = X @ W1 + b1
    A1 = np.maximum(0, Z1)
    A2 = sigmoid(A1 @ W2 + b2)
    loss = -(1 / len(X)) * np.sum(Y * np.log(A2) + (1 - Y) * np.log(1 - A2))
    dA2 = (A2 - Y) / (A2 * (1 - A2))
    slope = A2 * (1 - A2)
    dZ2 = dA2 * slope
    dW2 = A1.T @ dZ2 / len(X)
    db2 = np.sum(dZ2, axis=0, keepdims=True) / len(X)
    dZ1 = dZ2 @ W2.T * (Z1 > 0)
    dW1 = X.T @ dZ1 / len(X)
    db1 = np.sum(dZ1, axis=0, keepdims=True) / len(X)
    W1 -= 0.1 * dW1
    b1 -= 0.1 * db1
    W2 -= 0.1 * dW2
    b2 -= 0.1 * db2
