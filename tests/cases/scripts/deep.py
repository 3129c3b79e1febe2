import numpy as np

def relu(z): return np.maximum(0, z)
def sigmoid(z): return 1.0 / (1.0 + np.exp(-z))

class NN:
    def __init__(self, sizes, seed=0):
        rs = np.random.RandomState(seed)
        self.params = {}
        self.L = len(sizes) - 1
        for l in range(1, self.L + 1):
            self.params[f"W{l}"] = rs.randn(sizes[l], sizes[l-1]) * np.sqrt(2.0 / sizes[l-1])
            self.params[f"b{l}"] = np.zeros((sizes[l], 1))

    def forward(self, X):
        cache = {"A0": X}
        A = X
        for l in range(1, self.L):
            cache[f"Z{l}"] = self.params[f"W{l}"] @ A + self.params[f"b{l}"]
            A = relu(cache[f"Z{l}"])
            cache[f"A{l}"] = A
        cache[f"Z{self.L}"] = self.params[f"W{self.L}"] @ A + self.params[f"b{self.L}"]
        cache[f"A{self.L}"] = sigmoid(cache[f"Z{self.L}"])
        return cache

    def cost(self, AL, Y):
        m = Y.shape[1]
        return float(-(Y * np.log(AL) + (1 - Y) * np.log(1 - AL)).sum() / m)

    def backward(self, cache, Y):
        grads, m = {}, Y.shape[1]
        dZ = cache[f"A{self.L}"] - Y
        for l in range(self.L, 0, -1):
            grads[f"dW{l}"] = dZ @ cache[f"A{l-1}"].T / m
            grads[f"db{l}"] = dZ.sum(axis=1, keepdims=True) / m
            if l > 1:
                dA = self.params[f"W{l}"].T @ dZ
                dZ = dA * (cache[f"Z{l-1}"] > 0)
        return grads

    def fit(self, X, Y, lr, n):
        for i in range(n):
            cache = self.forward(X)
            grads = self.backward(cache, Y)
            for key in self.params:
                self.params[key] -= lr * grads["d" + key]
            if i % 10 == 0:
                print(i, self.cost(cache[f"A{self.L}"], Y))

rs = np.random.RandomState(7)
X = rs.randn(2, 50)
Y = (X[0:1] * X[1:2] > 0).astype(int)
NN([2, 7, 5, 1]).fit(X, Y, 0.5, 31)
