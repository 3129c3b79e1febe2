import numpy as np

class BatchNorm:
    def __init__(self, d):
        self.gamma, self.beta, self.eps = np.ones(d), np.zeros(d), 1e-5
    def forward(self, x):
        self.mu, self.var = x.mean(0), x.var(0)
        self.xhat = (x - self.mu) / np.sqrt(self.var + self.eps)
        return self.gamma * self.xhat + self.beta
    def backward(self, dout):
        n = dout.shape[0]
        self.dgamma = (dout * self.xhat).sum(0)
        self.dbeta = dout.sum(0)
        dxhat = dout * self.gamma
        return (n * dxhat - dxhat.sum(0) - self.xhat * (dxhat * self.xhat).sum(0)) / (n * np.sqrt(self.var + self.eps))

class Linear:
    def __init__(self, i, o, rng):
        self.W, self.b = rng.normal(0, 1 / np.sqrt(i), (i, o)), np.zeros(o)
    def forward(self, x):
        self.x = x
        return x @ self.W + self.b
    def backward(self, dout):
        self.dW = self.x.T @ dout
        self.db = dout.sum(axis=0)
        return dout @ self.W.T

class ReLU:
    def forward(self, x):
        self.mask = x > 0
        return x * self.mask
    def backward(self, dout):
        return dout * self.mask

class SoftmaxCE:
    def forward(self, z, t):
        z = z - z.max(1, keepdims=True)
        logp = z - np.log(np.exp(z).sum(1, keepdims=True))
        self.p, self.t = np.exp(logp), t
        return -logp[np.arange(len(t)), t].mean()
    def backward(self):
        d = self.p.copy()
        d[np.arange(len(self.t)), self.t] -= 1
        return d / len(self.t)

rng = np.random.default_rng(0)
X = rng.normal(size=(60, 4)); t = (X[:, 0] > 0).astype(int) + (X[:, 1] > 0).astype(int)
layers = [Linear(4, 8, rng), BatchNorm(8), ReLU(), Linear(8, 3, rng)]
crit = SoftmaxCE()
for epoch in range(3):
    for k in range(0, 60, 20):
        out = X[k:k + 20]
        for layer in layers:
            out = layer.forward(out)
        loss = crit.forward(out, t[k:k + 20])
        d = crit.backward()
        for layer in layers[::-1]:
            d = layer.backward(d)
        for layer in layers:
            if hasattr(layer, "W"):
                layer.W -= 0.1 * layer.dW
                layer.b -= 0.1 * layer.db
            if hasattr(layer, "gamma"):
                layer.gamma -= 0.1 * layer.dgamma
                layer.beta -= 0.1 * layer.dbeta
    if epoch % 5 == 0:
        print(epoch, loss)
