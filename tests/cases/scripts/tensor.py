"""A small autograd engine."""
import numpy as np

class Tensor:
    def __init__(self, data, parents=()):
        self.data = np.asarray(data, dtype=float)
        self.grad = np.zeros_like(self.data)
        self.parents, self.back = parents, lambda: None

    def __matmul__(self, other):
        out = Tensor(self.data @ other.data, (self, other))
        def back():
            self.grad += out.grad @ other.data.T
            other.grad += self.data.T @ out.grad
        out.back = back
        return out

    def tanh(self):
        t = np.tanh(self.data)
        out = Tensor(t, (self,))
        def back():
            self.grad += out.grad * (1 - t * t)
        out.back = back
        return out

    def mse(self, target):
        d = self.data - target
        out = Tensor((d * d).mean(), (self,))
        def back():
            self.grad += out.grad * 2 * d / d.size
        out.back = back
        return out

    def backward(self):
        order, seen = [], set()
        def visit(t):
            if id(t) not in seen:
                seen.add(id(t))
                for p in t.parents:
                    visit(p)
                order.append(t)
        visit(self)
        self.grad = np.ones_like(self.data)
        for t in reversed(order):
            t.back()

rng = np.random.default_rng(8)
x, y = Tensor(rng.normal(size=(12, 3))), rng.normal(size=(12, 1))
w1, w2 = Tensor(rng.normal(size=(3, 5))), Tensor(rng.normal(size=(5, 1)))
for step in range(30):
    for p in (w1, w2):
        p.grad = np.zeros_like(p.data)
    loss = ((x @ w1).tanh() @ w2).mse(y)
    loss.backward()
    for p in (w1, w2):
        p.data -= 0.1 * p.grad
