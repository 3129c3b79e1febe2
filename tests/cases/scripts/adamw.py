"""AdamW on a list of objects and attributes, layer norm and GELU, in float32, with arguments."""
import argparse
import numpy as np

parser = argparse.ArgumentParser()
parser.add_argument("--epochs", type=int, default=5)
parser.add_argument("--batch", type=int, default=16)
parser.add_argument("--lr", type=float, default=0.01)
args = parser.parse_args()


class Dense:
    def __init__(self, i, o, rng):
        self.W = rng.standard_normal((i, o)).astype(np.float32) * np.float32(0.3)
        self.b = np.zeros(o, dtype=np.float32)

    def forward(self, x):
        self.x = x
        return x @ self.W + self.b

    def backward(self, grad):
        self.dW = self.x.T @ grad
        self.db = grad.sum(axis=0)
        return grad @ self.W.T


class LayerNorm:
    def __init__(self, d):
        self.gamma = np.ones(d, dtype=np.float32)
        self.beta = np.zeros(d, dtype=np.float32)

    def forward(self, x):
        self.mu = x.mean(axis=-1, keepdims=True)
        self.var = x.var(axis=-1, keepdims=True)
        self.inv = 1.0 / np.sqrt(self.var + 1e-5)
        self.xhat = (x - self.mu) * self.inv
        return self.gamma * self.xhat + self.beta

    def backward(self, grad):
        self.dgamma = (grad * self.xhat).sum(axis=0)
        self.dbeta = grad.sum(axis=0)
        g = grad * self.gamma
        n = g.shape[-1]
        return self.inv / n * (n * g - g.sum(-1, keepdims=True) - self.xhat * (g * self.xhat).sum(-1, keepdims=True))


class GELU:
    def forward(self, x):
        self.x = x
        self.t = np.tanh(0.7978845608 * (x + 0.044715 * x ** 3))
        return 0.5 * x * (1 + self.t)

    def backward(self, grad):
        du = 0.7978845608 * (1 + 3 * 0.044715 * self.x ** 2)
        return grad * (0.5 * (1 + self.t) + 0.5 * self.x * (1 - self.t ** 2) * du)


class CrossEntropy:
    def forward(self, logits, y):
        shifted = logits - logits.max(axis=1, keepdims=True)
        logp = shifted - np.log(np.exp(shifted).sum(axis=1, keepdims=True))
        self.p, self.y = np.exp(logp), y
        return -logp[np.arange(len(y)), y].mean()

    def backward(self):
        d = self.p.copy()
        d[np.arange(len(self.y)), self.y] -= 1
        return d / len(self.y)


class AdamW:
    def __init__(self, pairs, lr, wd=0.01, b1=0.9, b2=0.999, eps=1e-8):
        self.pairs, self.lr, self.wd, self.b1, self.b2, self.eps = pairs, lr, wd, b1, b2, eps
        self.m = [np.zeros_like(getattr(o, n)) for o, n in pairs]
        self.v = [np.zeros_like(getattr(o, n)) for o, n in pairs]
        self.t = 0

    def step(self):
        self.t += 1
        for i, (obj, name) in enumerate(self.pairs):
            w, g = getattr(obj, name), getattr(obj, "d" + name)
            self.m[i] = self.b1 * self.m[i] + (1 - self.b1) * g
            self.v[i] = self.b2 * self.v[i] + (1 - self.b2) * g ** 2
            mhat = self.m[i] / (1 - self.b1 ** self.t)
            vhat = self.v[i] / (1 - self.b2 ** self.t)
            w -= self.lr * self.wd * w
            w -= self.lr * mhat / (np.sqrt(vhat) + self.eps)


def main():
    rng = np.random.default_rng(0)
    X = rng.standard_normal((128, 6)).astype(np.float32)
    y = (X[:, 0] + X[:, 1] * X[:, 2] > 0).astype(int) + (X[:, 3] > 1)
    d1, ln, act, d2 = Dense(6, 16, rng), LayerNorm(16), GELU(), Dense(16, 3, rng)
    ce = CrossEntropy()
    opt = AdamW([(d1, "W"), (d1, "b"), (ln, "gamma"), (ln, "beta"), (d2, "W"), (d2, "b")], args.lr)
    for epoch in range(args.epochs):
        order = rng.permutation(len(X))
        total = 0.0
        for s in range(0, len(X), args.batch):
            idx = order[s:s + args.batch]
            h = X[idx]
            for layer in (d1, ln, act, d2):
                h = layer.forward(h)
            total += ce.forward(h, y[idx])
            g = ce.backward()
            for layer in (d2, act, ln, d1):
                g = layer.backward(g)
            opt.step()
        print(f"epoch {epoch} loss {total / (len(X) / args.batch):.4f}")


if __name__ == "__main__":
    main()
