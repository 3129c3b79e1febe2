import numpy as np

class RMSprop:
    def __init__(self, params, lr=0.01, rho=0.9, eps=1e-7):
        self.params, self.lr, self.rho, self.eps = params, lr, rho, eps
        self.cache = [np.zeros_like(p) for p in params]

    def step(self, grads):
        for i, (p, g) in enumerate(zip(self.params, grads)):
            self.cache[i] = self.rho * self.cache[i] + (1 - self.rho) * g**2
            p -= self.lr * g / (np.sqrt(self.cache[i]) + self.eps)

def softplus(x):
    return np.log1p(np.exp(x))

rng = np.random.default_rng(8)
X = rng.uniform(-2, 2, (30, 1))
Y = np.abs(X)
W1, b1 = rng.normal(size=(1, 9)), rng.normal(size=9)
W2, b2 = rng.normal(size=(9, 1)) * 0.3, np.zeros(1)
opt = RMSprop([W1, b1, W2, b2])
for epoch in range(200):
    pre = X @ W1 + b1
    hid = softplus(pre)
    out = hid @ W2 + b2
    diff = out - Y
    mse = (diff**2).mean()
    d_out = 2 * diff / diff.size
    d_W2, d_b2 = hid.T @ d_out, d_out.sum(0)
    d_pre = d_out @ W2.T / (1 + np.exp(-pre))
    d_W1, d_b1 = X.T @ d_pre, d_pre.sum(0)
    opt.step([d_W1, d_b1, d_W2, d_b2])
print(mse)
