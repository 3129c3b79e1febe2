import numpy as np

rng = np.random.RandomState(0)


class Dense:
    def __init__(self, n, m):
        self.W = rng.randn(n, m) * np.sqrt(1 / n)
        self.b = np.zeros((1, m))

    def forward(self, x):
        self.x = x
        return x @ self.W + self.b

    def backward(self, grad, rate):
        grad_W = self.x.T @ grad
        grad_b = grad.sum(axis=0, keepdims=True)
        grad_x = grad @ self.W.T
        self.W = self.W - rate * grad_W
        self.b = self.b - rate * grad_b
        return grad_x


class Sigmoid:
    def forward(self, x):
        self.out = 1 / (1 + np.exp(-x))
        return self.out

    def backward(self, grad, rate):
        return grad * self.out * (1 - self.out)


X = rng.randn(20, 4)
Y = (X[:, :2] * X[:, 2:] > 0).astype(float)
layers = [Dense(4, 6), Sigmoid(), Dense(6, 5), Sigmoid(), Dense(5, 2), Sigmoid()]
for epoch in range(15):
    out = X
    for layer in layers:
        out = layer.forward(out)
    loss = np.mean((Y - out) ** 2)
    grad = 2 * (out - Y) / Y.size
    for layer in reversed(layers):
        grad = layer.backward(grad, 0.5)
    print(loss)
