import numpy as np

np.random.seed(0)
X = (np.random.rand(80, 12) < np.random.rand(1, 12)).astype(float)

def sigmoid(a):
    return 1.0 / (1.0 + np.exp(-a))

class VAE:
    def __init__(self, d, h, z, lr=0.05):
        self.We = np.random.normal(0, 0.3, (d, h))
        self.be = np.zeros(h)
        self.Wm = np.random.normal(0, 0.3, (h, z))
        self.bm = np.zeros(z)
        self.Ws = np.random.normal(0, 0.3, (h, z))
        self.bs = np.zeros(z)
        self.Wd = np.random.normal(0, 0.3, (z, h))
        self.bd = np.zeros(h)
        self.Wx = np.random.normal(0, 0.3, (h, d))
        self.bx = np.zeros(d)
        self.lr = lr

    def step(self, x):
        n = x.shape[0]
        # encoder
        h = np.tanh(x @ self.We + self.be)
        mu = h @ self.Wm + self.bm
        logvar = h @ self.Ws + self.bs
        eps = np.random.normal(size=mu.shape)
        std = np.exp(0.5 * logvar)
        z = mu + eps * std
        # decoder
        hd = np.tanh(z @ self.Wd + self.bd)
        xhat = sigmoid(hd @ self.Wx + self.bx)
        rec = -np.sum(x * np.log(xhat) + (1 - x) * np.log(1 - xhat)) / n
        kl = -0.5 * np.sum(1 + logvar - mu ** 2 - np.exp(logvar)) / n
        loss = rec + kl
        # backward
        dout = (xhat - x) / n
        dWx = hd.T @ dout
        dbx = dout.sum(axis=0)
        dhd = dout @ self.Wx.T * (1 - hd ** 2)
        dWd = z.T @ dhd
        dbd = dhd.sum(axis=0)
        dz = dhd @ self.Wd.T
        dmu = dz + mu / n
        dlogvar = dz * eps * 0.5 * std + 0.5 * (np.exp(logvar) - 1) / n
        dWm = h.T @ dmu
        dbm = dmu.sum(axis=0)
        dWs = h.T @ dlogvar
        dbs = dlogvar.sum(axis=0)
        dh = dmu @ self.Wm.T + dlogvar @ self.Ws.T
        da = dh * (1 - h ** 2)
        dWe = x.T @ da
        dbe = da.sum(axis=0)
        for p, g in ((self.We, dWe), (self.be, dbe), (self.Wm, dWm), (self.bm, dbm), (self.Ws, dWs), (self.bs, dbs), (self.Wd, dWd), (self.bd, dbd), (self.Wx, dWx), (self.bx, dbx)):
            p -= self.lr * g
        return loss

model = VAE(12, 10, 2)
for epoch in range(4):
    order = np.random.permutation(80)
    for i in range(0, 80, 20):
        loss = model.step(X[order[i:i + 20]])
