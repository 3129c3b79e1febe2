import numpy as np

class Net:
    def __init__(self, n_in, n_hid, n_out, seed=0):
        rng = np.random.default_rng(seed)
        self.w1 = rng.normal(0, 1, (n_in, n_hid)) / np.sqrt(n_in)
        self.w2 = rng.normal(0, 1, (n_hid, n_out)) / np.sqrt(n_hid)

    def predict(self, x):
        return np.tanh(x @ self.w1) @ self.w2

    def evaluate(self, x, y):
        return np.mean((self.predict(x) - y) ** 2)

    def train_step(self, x, y, lr):
        h = np.tanh(x @ self.w1)
        out = h @ self.w2
        delta2 = 2 * (out - y) / y.size
        delta1 = delta2 @ self.w2.T * (1 - h ** 2)
        self.w2 -= lr * h.T @ delta2
        self.w1 -= lr * x.T @ delta1

rng = np.random.default_rng(1)
x = rng.normal(size=(25, 3))
y = np.sin(x).sum(axis=1, keepdims=True)
net = Net(3, 6, 1)
for epoch in range(60):
    net.train_step(x, y, 0.1)
    if epoch % 20 == 0:
        mse = net.evaluate(x, y)
        print(epoch, mse)
