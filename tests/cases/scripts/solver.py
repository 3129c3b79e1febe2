import numpy as np


def affine_forward(x, w, b):
    out = x.reshape(x.shape[0], -1).dot(w) + b
    return out, (x, w, b)


def affine_backward(dout, cache):
    x, w, b = cache
    dx = dout.dot(w.T).reshape(x.shape)
    dw = x.reshape(x.shape[0], -1).T.dot(dout)
    db = np.sum(dout, axis=0)
    return dx, dw, db


def relu_forward(x):
    return np.maximum(0, x), x


def relu_backward(dout, cache):
    dx = dout.copy()
    dx[cache < 0] = 0
    return dx


def dropout_forward(x, p, mode):
    if mode == "test":
        return x, None
    mask = (np.random.rand(*x.shape) < p) / p
    return x * mask, mask


def svm_loss(x, y):
    n = x.shape[0]
    correct = x[np.arange(n), y]
    margins = np.maximum(0, x - correct[:, np.newaxis] + 1.0)
    margins[np.arange(n), y] = 0
    loss = np.sum(margins) / n
    num_pos = np.sum(margins > 0, axis=1)
    dx = np.zeros_like(x)
    dx[margins > 0] = 1
    dx[np.arange(n), y] -= num_pos
    dx /= n
    return loss, dx


def rmsprop(w, dw, config):
    config.setdefault("cache", np.zeros_like(w))
    config["cache"] = 0.99 * config["cache"] + 0.01 * dw**2
    return w - 1e-3 * dw / (np.sqrt(config["cache"]) + 1e-8), config


class FullyConnectedNet:
    def __init__(self, dims, reg=0.1, keep=0.8):
        self.reg, self.keep, self.num = reg, keep, len(dims) - 1
        self.params = {}
        for i in range(self.num):
            self.params[f"W{i + 1}"] = np.random.randn(dims[i], dims[i + 1]) * 0.2
            self.params[f"b{i + 1}"] = np.zeros(dims[i + 1])

    def loss(self, X, y=None):
        mode = "test" if y is None else "train"
        caches, h = [], X
        for i in range(1, self.num):
            a, fc = affine_forward(h, self.params[f"W{i}"], self.params[f"b{i}"])
            r, rc = relu_forward(a)
            h, mask = dropout_forward(r, self.keep, mode)
            caches.append((fc, rc, mask))
        scores, last = affine_forward(h, self.params[f"W{self.num}"], self.params[f"b{self.num}"])
        if y is None:
            return scores
        loss, dout = svm_loss(scores, y)
        grads = {}
        dout, grads[f"W{self.num}"], grads[f"b{self.num}"] = affine_backward(dout, last)
        for i in range(self.num - 1, 0, -1):
            fc, rc, mask = caches[i - 1]
            dout = relu_backward(dout * mask, rc)
            dout, grads[f"W{i}"], grads[f"b{i}"] = affine_backward(dout, fc)
        for i in range(1, self.num + 1):
            W = self.params[f"W{i}"]
            loss += 0.5 * self.reg * np.sum(W * W)
            grads[f"W{i}"] += self.reg * W
        return loss, grads


class Solver:
    def __init__(self, model, X, y, batch_size=16):
        self.model, self.X, self.y, self.batch_size = model, X, y, batch_size
        self.configs = {p: {} for p in model.params}
        self.history = []

    def _step(self):
        pick = np.random.choice(len(self.X), self.batch_size)
        loss, grads = self.model.loss(self.X[pick], self.y[pick])
        self.history.append(loss)
        for p, w in self.model.params.items():
            next_w, self.configs[p] = rmsprop(w, grads[p], self.configs[p])
            self.model.params[p] = next_w

    def accuracy(self):
        return np.mean(self.model.loss(self.X).argmax(1) == self.y)

    def train(self, epochs):
        for epoch in range(epochs):
            for _ in range(len(self.X) // self.batch_size):
                self._step()
            print(epoch, self.history[-1], self.accuracy())


np.random.seed(231)
X = np.random.randn(64, 3, 2, 2)
y = np.random.randint(0, 4, 64)
Solver(FullyConnectedNet([12, 10, 8, 4]), X, y).train(5)
