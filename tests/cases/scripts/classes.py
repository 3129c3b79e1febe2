import numpy as np

np.random.seed(1)


class Network:
    def __init__(self, sizes):
        self.W1 = np.random.randn(sizes[0], sizes[1]) * 0.3
        self.b1 = np.zeros((1, sizes[1]))
        self.W2 = np.random.randn(sizes[1], sizes[2]) * 0.3
        self.b2 = np.zeros((1, sizes[2]))
        self.vW1 = np.zeros_like(self.W1)
        self.vb1 = np.zeros_like(self.b1)
        self.vW2 = np.zeros_like(self.W2)
        self.vb2 = np.zeros_like(self.b2)
        self.rate = 0.05
        self.momentum = 0.9

    def forward(self, x):
        self.z1 = x @ self.W1 + self.b1
        self.a1 = np.maximum(0, self.z1)
        self.z2 = self.a1 @ self.W2 + self.b2
        return self.z2

    def backward(self, x, y):
        n = len(x)
        dz2 = 2 * (self.z2 - y) / n
        self.dW2 = self.a1.T @ dz2
        self.db2 = np.sum(dz2, axis=0, keepdims=True)
        da1 = dz2 @ self.W2.T
        dz1 = da1 * (self.z1 > 0)
        self.dW1 = x.T @ dz1
        self.db1 = np.sum(dz1, axis=0, keepdims=True)

    def step(self):
        self.vW1 = self.momentum * self.vW1 - self.rate * self.dW1
        self.vb1 = self.momentum * self.vb1 - self.rate * self.db1
        self.vW2 = self.momentum * self.vW2 - self.rate * self.dW2
        self.vb2 = self.momentum * self.vb2 - self.rate * self.db2
        self.W1 += self.vW1
        self.b1 += self.vb1
        self.W2 += self.vW2
        self.b2 += self.vb2


x = np.random.randn(40, 3)
t = np.sin(x[:, :1]) + x[:, 1:2] ** 2
net = Network([3, 10, 1])
for epoch in range(10):
    order = np.random.permutation(40)
    for i in range(0, 40, 8):
        batch = order[i : i + 8]
        out = net.forward(x[batch])
        mse = np.mean(np.sum((out - t[batch]) ** 2, axis=1))
        net.backward(x[batch], t[batch])
        net.step()
    print(epoch, mse)
