import numpy as np

def softmax(z):
    e = np.exp(z - np.max(z, axis=1, keepdims=True))
    return e / np.sum(e, axis=1, keepdims=True)

def relu(z): return z * (z > 0)
def relu_grad(z): return (z > 0).astype(float)

class MLP:
    def __init__(self, sizes):
        rng = np.random.RandomState(0)
        self.params = {}
        self.L = len(sizes) - 1
        for l in range(1, self.L + 1):
            self.params[f"W{l}"] = rng.randn(sizes[l - 1], sizes[l]) * np.sqrt(2 / sizes[l - 1])
            self.params[f"b{l}"] = np.zeros(sizes[l])
        self.m = {k: np.zeros_like(v) for k, v in self.params.items()}
        self.v = {k: np.zeros_like(v) for k, v in self.params.items()}
        self.t = 0

    def forward(self, x):
        self.cache = {"a0": x}
        a = x
        for l in range(1, self.L + 1):
            z = a @ self.params[f"W{l}"] + self.params[f"b{l}"]
            a = softmax(z) if l == self.L else relu(z)
            self.cache[f"z{l}"], self.cache[f"a{l}"] = z, a
        return a

    def loss(self, p, y):
        return -np.mean(np.sum(y * np.log(p + 1e-12), axis=1))

    def backward(self, y):
        grads = {}
        n = len(y)
        dz = (self.cache[f"a{self.L}"] - y) / n
        for l in range(self.L, 0, -1):
            grads[f"W{l}"] = self.cache[f"a{l-1}"].T @ dz
            grads[f"b{l}"] = dz.sum(axis=0)
            if l > 1:
                da = dz @ self.params[f"W{l}"].T
                dz = da * relu_grad(self.cache[f"z{l-1}"])
        return grads

    def step(self, grads, lr=0.01, b1=0.9, b2=0.999, eps=1e-8):
        self.t += 1
        for k in self.params:
            self.m[k] = b1 * self.m[k] + (1 - b1) * grads[k]
            self.v[k] = b2 * self.v[k] + (1 - b2) * grads[k] ** 2
            mh = self.m[k] / (1 - b1 ** self.t)
            vh = self.v[k] / (1 - b2 ** self.t)
            self.params[k] -= lr * mh / (np.sqrt(vh) + eps)

def main():
    rng = np.random.RandomState(1)
    X = rng.randn(120, 4)
    labels = np.argmax(X[:, :3], axis=1)
    Y = np.eye(3)[labels]
    net = MLP([4, 10, 6, 3])
    for epoch in range(2):
        order = rng.permutation(120)
        for i in range(0, 120, 20):
            xb, yb = X[order[i:i + 20]], Y[order[i:i + 20]]
            p = net.forward(xb)
            loss = net.loss(p, yb)
            net.step(net.backward(yb))
        print(epoch, loss, np.mean(net.forward(X).argmax(1) == labels))

if __name__ == "__main__":
    main()
