import numpy as np

class Net:
    def __init__(self, sizes, rng):
        self.W = [rng.normal(0, np.sqrt(2 / a), size=(b, a)) for a, b in zip(sizes[:-1], sizes[1:])]
        self.B = [0.01 * np.ones(b) for b in sizes[1:]]
        self.Z, self.A, self.D = [None] * len(sizes), [None] * len(sizes), [None] * len(sizes)

    def forward(self, x):
        self.A[0] = x
        for i, (w, b) in enumerate(zip(self.W, self.B)):
            self.Z[i + 1] = np.einsum('ij,kj->k...i', w, self.A[i]) + b
            self.A[i + 1] = np.where(self.Z[i + 1] > 0, self.Z[i + 1], 0.1 * self.Z[i + 1]) if i + 1 < len(self.W) else self.Z[i + 1]
        return self.A[-1]

    def backward(self, y, lr=0.05, decay=0.01):
        self.D[-1] = self.A[-1] - y
        for l in range(2, len(self.A)):
            slope = 1 * (self.Z[-l] > 0) + 0.1 * (self.Z[-l] <= 0)
            self.D[-l] = np.einsum('ji,kj->k...i', self.W[-l + 1], self.D[-l + 1]) * slope
        for l in range(1, len(self.A)):
            n = len(y)
            self.W[-l] = (1 - lr * decay) * self.W[-l] - lr / n * np.einsum('...i,...j->...ij', self.D[-l], self.A[-l - 1]).sum(0)
            self.B[-l] -= lr / n * self.D[-l].sum(0)

rng = np.random.default_rng(9)
X = rng.normal(size=(12, 3))
Y = np.sin(X.sum(axis=1, keepdims=True))
net = Net([3, 5, 4, 1], rng)
for step in range(30):
    out = net.forward(X)
    net.backward(Y)
