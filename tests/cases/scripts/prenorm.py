import numpy as np

np.random.seed(3)


class Linear:
    def __init__(self, n_in, n_out):
        self.W = np.random.randn(n_in, n_out) * np.sqrt(2.0 / n_in)
        self.b = np.zeros(n_out)

    def forward(self, x):
        self.x = x
        return x @ self.W + self.b

    def backward(self, grad):
        self.dW = self.x.T @ grad
        self.db = np.sum(grad, axis=0)
        return grad @ self.W.T

    def params(self):
        return [(self.W, self.dW), (self.b, self.db)]


class LayerNorm:
    def __init__(self, n, eps=1e-5):
        self.g = np.ones(n)
        self.beta = np.zeros(n)
        self.eps = eps

    def forward(self, x):
        self.mu = x.mean(axis=-1, keepdims=True)
        self.xc = x - self.mu
        self.var = (self.xc ** 2).mean(axis=-1, keepdims=True)
        self.inv = 1.0 / np.sqrt(self.var + self.eps)
        self.xhat = self.xc * self.inv
        return self.g * self.xhat + self.beta

    def backward(self, grad):
        n = grad.shape[-1]
        self.dg = np.sum(grad * self.xhat, axis=0)
        self.dbeta = np.sum(grad, axis=0)
        dxhat = grad * self.g
        return self.inv / n * (n * dxhat - dxhat.sum(axis=-1, keepdims=True) - self.xhat * (dxhat * self.xhat).sum(axis=-1, keepdims=True))

    def params(self):
        return [(self.g, self.dg), (self.beta, self.dbeta)]


class GELU:
    def forward(self, x):
        self.x = x
        self.t = np.tanh(np.sqrt(2 / np.pi) * (x + 0.044715 * x ** 3))
        return 0.5 * x * (1 + self.t)

    def backward(self, grad):
        dt = (1 - self.t ** 2) * np.sqrt(2 / np.pi) * (1 + 3 * 0.044715 * self.x ** 2)
        return grad * (0.5 * (1 + self.t) + 0.5 * self.x * dt)

    def params(self):
        return []


class Residual:
    def __init__(self, *inner):
        self.inner = inner

    def forward(self, x):
        h = x
        for layer in self.inner:
            h = layer.forward(h)
        return x + h

    def backward(self, grad):
        g = grad
        for layer in reversed(self.inner):
            g = layer.backward(g)
        return grad + g

    def params(self):
        return [p for layer in self.inner for p in layer.params()]


class SoftmaxCE:
    def forward(self, logits, y):
        z = logits - logits.max(axis=1, keepdims=True)
        logp = z - np.log(np.exp(z).sum(axis=1, keepdims=True))
        self.p = np.exp(logp)
        self.y = y
        return -logp[np.arange(len(y)), y].mean()

    def backward(self):
        d = self.p.copy()
        d[np.arange(len(self.y)), self.y] -= 1
        return d / len(self.y)


X = np.random.randn(120, 6)
y = (X[:, 0] * X[:, 1] > 0).astype(int) + (X[:, 2] > 1)
model = [Linear(6, 10), Residual(LayerNorm(10), Linear(10, 10), GELU()), Linear(10, 3)]
criterion = SoftmaxCE()
lr, wd = 0.05, 1e-3
for epoch in range(6):
    idx = np.random.permutation(len(X))
    for start in range(0, len(X), 40):
        batch = idx[start:start + 40]
        out = X[batch]
        for layer in model:
            out = layer.forward(out)
        loss = criterion.forward(out, y[batch])
        grad = criterion.backward()
        for layer in reversed(model):
            grad = layer.backward(grad)
        for layer in model:
            for p, g in layer.params():
                p -= lr * (g + wd * p)
