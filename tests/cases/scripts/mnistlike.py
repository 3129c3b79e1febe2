import numpy as np
import argparse
parser = argparse.ArgumentParser()
parser.add_argument("--lr", type=float, default=0.1)
args = parser.parse_args()
np.random.seed(3)
X = np.random.rand(200, 12).astype(np.float32)
labels = (X[:, :4].sum(1) > X[:, 4:8].sum(1)).astype(int) + (X[:, 8] > 0.5)
Y = np.eye(3)[labels]

class Model:
    def __init__(self, dims):
        self.weights = []
        self.biases = []
        for i in range(len(dims) - 1):
            self.weights.append(np.random.randn(dims[i], dims[i + 1]) * 0.1)
            self.biases.append(np.zeros(dims[i + 1]))

    def forward(self, x):
        self.activations = [x]
        self.zs = []
        for i, (w, b) in enumerate(zip(self.weights, self.biases)):
            z = np.dot(self.activations[-1], w) + b
            self.zs.append(z)
            if i == len(self.weights) - 1:
                e = np.exp(z - z.max(axis=1, keepdims=True))
                a = e / e.sum(axis=1, keepdims=True)
            else:
                a = np.where(z > 0, z, 0.01 * z)
            self.activations.append(a)
        return self.activations[-1]

    def backward(self, y):
        grads_w = [None] * len(self.weights)
        grads_b = [None] * len(self.biases)
        delta = (self.activations[-1] - y) / len(y)
        for i in reversed(range(len(self.weights))):
            grads_w[i] = np.dot(self.activations[i].T, delta)
            grads_b[i] = delta.sum(axis=0)
            if i > 0:
                delta = np.dot(delta, self.weights[i].T) * np.where(self.zs[i - 1] > 0, 1, 0.01)
        return grads_w, grads_b

model = Model([12, 16, 8, 3])
losses = []
for epoch in range(3):
    perm = np.random.permutation(len(X))
    for start in range(0, len(X), 32):
        idx = perm[start:start + 32]
        xb, yb = X[idx], Y[idx]
        out = model.forward(xb)
        loss = -np.mean(np.sum(yb * np.log(out + 1e-9), axis=1))
        losses.append(loss)
        gw, gb = model.backward(yb)
        for i in range(len(model.weights)):
            model.weights[i] -= args.lr * gw[i]
            model.biases[i] -= args.lr * gb[i]
    print(epoch, loss)
