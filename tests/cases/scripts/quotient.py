import numpy as np


class Dense:
    def __init__(self, n_in, n_out, rng):
        self.W, self.b = rng.normal(0, 0.5, (n_in, n_out)), np.zeros(n_out)

    def forward(self, x):
        self.x = x
        return x @ self.W + self.b

    def backward(self, grad):
        self.dW, self.db = self.x.T @ grad, grad.sum(axis=0)
        return grad @ self.W.T


class Tanh:
    def forward(self, x):
        self.out = np.tanh(x)
        return self.out

    def backward(self, grad):
        return grad * (1.0 - self.out ** 2)


class Softmax:
    def forward(self, x):
        e = np.exp(x - x.max(axis=1, keepdims=True))
        self.out = e / e.sum(axis=1, keepdims=True)
        return self.out

    def backward(self, grad):
        along = np.sum(grad * self.out, axis=1, keepdims=True)
        return self.out * (grad - along)


rng = np.random.default_rng(5)
X, t = rng.normal(size=(12, 4)), np.eye(3)[rng.integers(0, 3, 12)]
layers = [Dense(4, 6, rng), Tanh(), Dense(6, 3, rng), Softmax()]
for epoch in range(40):
    out = X
    for layer in layers:
        out = layer.forward(out)
    grad = -(t / (out + 1e-8))
    grad = grad / len(X)
    for layer in reversed(layers):
        grad = layer.backward(grad)
    for layer in (layers[0], layers[2]):
        layer.W -= 0.5 * layer.dW
        layer.b -= 0.5 * layer.db
