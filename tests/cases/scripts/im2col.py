import numpy as np

def im2col(x, k):
    n, h, w = x.shape
    cols = []
    for i in range(h - k + 1):
        for j in range(w - k + 1):
            cols.append(x[:, i:i + k, j:j + k].reshape(n, -1))
    return np.stack(cols, axis=1)

class ConvNet:
    def __init__(self, k, filters, classes, side):
        r = np.random.RandomState(1)
        self.k = k
        self.F = r.randn(k * k, filters) * .3
        self.V = r.randn((side - k + 1) ** 2 * filters, classes) * .1
        self.c = np.zeros(classes)

    def loss(self, x, y):
        self.cols = im2col(x, self.k)
        self.pre = self.cols @ self.F
        self.act = np.maximum(self.pre, 0)
        self.flat = self.act.reshape(len(x), -1)
        logits = self.flat @ self.V + self.c
        logits = logits - logits.max(axis=1, keepdims=True)
        self.logp = logits - np.log(np.exp(logits).sum(axis=1, keepdims=True))
        return -self.logp[np.arange(len(y)), y].mean()

    def grad(self, y):
        d = np.exp(self.logp)
        d[np.arange(len(y)), y] -= 1
        d /= len(y)
        dV = self.flat.T @ d
        dc = d.sum(0)
        dact = (d @ self.V.T).reshape(self.act.shape)
        dpre = dact * (self.pre > 0)
        dF = np.einsum('npk,npf->kf', self.cols, dpre)
        return dF, dV, dc

rs = np.random.RandomState(0)
x = rs.randn(12, 5, 5)
y = (x[:, :2].sum(axis=(1, 2)) > x[:, 3:].sum(axis=(1, 2))).astype(int)
net = ConvNet(3, 4, 2, 5)
for it in range(40):
    L = net.loss(x, y)
    dF, dV, dc = net.grad(y)
    net.F -= .3 * dF
    net.V -= .3 * dV
    net.c -= .3 * dc
    if it % 10 == 0: print(it, L)
