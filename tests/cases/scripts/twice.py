import numpy as np

rng = np.random.default_rng(3)


class Softmax:
    def forward(self, x):
        e = np.exp(x - np.max(x, axis=-1, keepdims=True))
        return e / np.sum(e, axis=-1, keepdims=True)

    def gradient(self, x):
        p = self.forward(x)
        return p * (1 - p)


class CrossEntropy:
    def loss(self, y, p):
        p = np.clip(p, 1e-15, 1 - 1e-15)
        return -y * np.log(p) - (1 - y) * np.log(1 - p)

    def gradient(self, y, p):
        p = np.clip(p, 1e-15, 1 - 1e-15)
        return -(y / p) + (1 - y) / (1 - p)


class Dense:
    def __init__(self, n, m):
        self.w, self.b = rng.normal(0, 0.5, (n, m)), np.zeros((1, m))

    def forward(self, x):
        self.x = x
        return x @ self.w + self.b

    def backward(self, d, rate):
        w = self.w
        dw, db = self.x.T @ d, np.sum(d, axis=0, keepdims=True)
        self.w = self.w - rate * dw
        self.b = self.b - rate * db
        return d @ w.T


class Act:
    def __init__(self):
        self.f = Softmax()

    def forward(self, x):
        self.x = x
        return self.f.forward(x)

    def backward(self, d, rate):
        return d * self.f.gradient(self.x)


class Tanh:
    def forward(self, x):
        self.x = x
        return np.tanh(x)

    def backward(self, d, rate):
        return d * (1 - np.tanh(self.x) ** 2)


class Net:
    def __init__(self, layers):
        self.layers, self.loss = layers, CrossEntropy()

    def forward(self, x):
        for layer in self.layers:
            x = layer.forward(x)
        return x

    def step(self, x, y, rate):
        p = self.forward(x)
        loss = np.mean(self.loss.loss(y, p))
        d = self.loss.gradient(y, p)
        for layer in reversed(self.layers):
            d = layer.backward(d, rate)
        return loss


net = Net([Dense(6, 5), Tanh(), Dense(5, 2), Act()])
for step in range(40):
    fake = rng.normal(0, 1, (8, 6))
    real = rng.normal(1, 1, (8, 6))
    a = net.step(real, np.tile([1.0, 0.0], (8, 1)), 0.05)
    b = net.step(fake, np.tile([0.0, 1.0], (8, 1)), 0.05)
    print(step, 0.5 * (a + b))
