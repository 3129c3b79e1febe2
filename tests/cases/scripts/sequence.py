import numpy as np

rng = np.random.default_rng(5)


class BatchNorm:
    def __init__(self, n, momentum=0.9, eps=1e-5):
        self.params = {"gamma": np.ones((1, n)), "beta": np.zeros((1, n))}
        self.grads = {}
        self.running_mean = np.zeros((1, n))
        self.running_var = np.ones((1, n))
        self.momentum, self.eps = momentum, eps

    def forward(self, x, train=True):
        if not train:
            xn = (x - self.running_mean) / np.sqrt(self.running_var + self.eps)
            return self.params["gamma"] * xn + self.params["beta"]
        mean = np.mean(x, axis=0, keepdims=True)
        var = np.var(x, axis=0, keepdims=True)
        self.running_mean = self.momentum * self.running_mean + (1 - self.momentum) * mean
        self.running_var = self.momentum * self.running_var + (1 - self.momentum) * var
        self.std = np.sqrt(var + self.eps)
        self.xhat = (x - mean) / self.std
        return self.params["gamma"] * self.xhat + self.params["beta"]

    def backward(self, dout):
        m = dout.shape[0]
        self.grads["beta"] = np.sum(dout, axis=0, keepdims=True)
        self.grads["gamma"] = np.sum(dout * self.xhat, axis=0, keepdims=True)
        dxhat = dout * self.params["gamma"]
        dx = (m * dxhat - np.sum(dxhat, axis=0) - self.xhat * np.sum(dxhat * self.xhat, axis=0)) / (m * self.std)
        return dx


class Dense:
    def __init__(self, n_in, n_out, l2=0.0):
        self.params = {"W": rng.normal(0, 1 / np.sqrt(n_in), (n_in, n_out)), "b": np.zeros((1, n_out))}
        self.grads = {}
        self.l2 = l2

    def forward(self, x, train=True):
        self.x = x
        return np.dot(x, self.params["W"]) + self.params["b"]

    def backward(self, dout):
        self.grads["W"] = np.dot(self.x.T, dout) + self.l2 * self.params["W"]
        self.grads["b"] = np.sum(dout, axis=0, keepdims=True)
        return np.dot(dout, self.params["W"].T)


class LeakyReLU:
    params, grads = {}, {}

    def forward(self, x, train=True):
        self.x = x
        return np.where(x > 0, x, 0.1 * x)

    def backward(self, dout):
        return dout * np.where(self.x > 0, 1.0, 0.1)


class Dropout:
    params, grads = {}, {}

    def __init__(self, keep):
        self.keep = keep

    def forward(self, x, train=True):
        if not train:
            return x
        self.mask = (rng.random(x.shape) < self.keep) / self.keep
        return x * self.mask

    def backward(self, dout):
        return dout * self.mask


class Network:
    def __init__(self):
        self.layers = [Dense(4, 16, 0.01), BatchNorm(16), LeakyReLU(), Dropout(0.8), Dense(16, 8, 0.01), LeakyReLU(), Dense(8, 1, 0.01)]
        self.velocity = [{k: np.zeros_like(v) for k, v in layer.params.items()} for layer in self.layers]

    def forward(self, x, train=True):
        for layer in self.layers:
            x = layer.forward(x, train)
        return x

    def loss(self, pred, y):
        data = np.mean((pred - y) ** 2)
        reg = sum(0.5 * layer.l2 * np.sum(layer.params["W"] ** 2) for layer in self.layers if hasattr(layer, "l2"))
        return data + reg

    def train_step(self, x, y, lr, mu):
        pred = self.forward(x)
        loss = self.loss(pred, y)
        dout = 2 * (pred - y) / pred.size
        for layer in reversed(self.layers):
            dout = layer.backward(dout)
        for layer, v in zip(self.layers, self.velocity):
            for name in layer.params:
                v[name] = mu * v[name] - lr * layer.grads[name]
                layer.params[name] += v[name]
        return loss


X = rng.normal(size=(96, 4))
Y = np.sin(X[:, :1]) + X[:, 1:2] * X[:, 2:3]
net = Network()
for epoch in range(4):
    order = rng.permutation(96)
    total = 0.0
    for k in range(0, 96, 32):
        rows = order[k:k + 32]
        total += net.train_step(X[rows], Y[rows], 0.05, 0.9)
