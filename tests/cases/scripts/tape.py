"""A small automatic differentiation: each operation leaves a function that adds to the gradients of its operands."""

import numpy as np


class Tensor:
    def __init__(self, data, operands=()):
        self.data = np.asarray(data, dtype=float)
        self.grad = np.zeros_like(self.data)
        self.operands = operands
        self.send = lambda: None

    def __matmul__(self, other):
        out = Tensor(self.data @ other.data, (self, other))

        def send():
            self.grad += out.grad @ other.data.T
            other.grad += self.data.T @ out.grad

        out.send = send
        return out

    def __add__(self, other):
        out = Tensor(self.data + other.data, (self, other))

        def send():
            self.grad += out.grad
            other.grad += out.grad.sum(axis=0)

        out.send = send
        return out

    def tanh(self):
        t = np.tanh(self.data)
        out = Tensor(t, (self,))

        def send():
            self.grad += (1 - t**2) * out.grad

        out.send = send
        return out

    def error(self, y):
        diff = self.data - y
        out = Tensor(np.mean(diff**2), (self,))

        def send():
            self.grad += 2 * diff / diff.size * out.grad

        out.send = send
        return out

    def backward(self):
        order, seen = [], set()

        def visit(tensor):
            if tensor not in seen:
                seen.add(tensor)
                for one in tensor.operands:
                    visit(one)
                order.append(tensor)

        visit(self)
        self.grad = np.ones_like(self.data)
        for tensor in reversed(order):
            tensor.send()


rng = np.random.default_rng(3)
X = rng.normal(size=(20, 3))
Y = np.stack([np.sin(X.sum(axis=1)), X[:, 0]], axis=1)
W1, b1 = Tensor(rng.normal(size=(3, 8)) * 0.5), Tensor(np.zeros(8))
W2, b2 = Tensor(rng.normal(size=(8, 2)) * 0.5), Tensor(np.zeros(2))
parameters = [W1, b1, W2, b2]
for step in range(40):
    loss = ((Tensor(X) @ W1 + b1).tanh() @ W2 + b2).error(Y)
    for p in parameters:
        p.grad = np.zeros_like(p.data)
    loss.backward()
    for p in parameters:
        p.data -= 0.1 * p.grad
    if step % 10 == 0:
        print(step, loss.data)
