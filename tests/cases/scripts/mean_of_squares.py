import numpy as np

def sigmoid(x):
    return 1 / (1 + np.exp(-x))

def sigmoid_prime(s):
    return s * (1 - s)

class Network:
    def __init__(self, sizes, seed=1):
        rng = np.random.RandomState(seed)
        self.weights = [rng.randn(m, n) * 0.5 for m, n in zip(sizes[:-1], sizes[1:])]
        self.biases = [np.zeros((1, n)) for n in sizes[1:]]

    def forward(self, X):
        self.activations = [X]
        for W, b in zip(self.weights, self.biases):
            X = sigmoid(X @ W + b)
            self.activations.append(X)
        return X

    def backward(self, y, lr):
        out = self.activations[-1]
        delta = (out - y) * sigmoid_prime(out)
        for i in reversed(range(len(self.weights))):
            a = self.activations[i]
            dW = a.T @ delta / len(y)
            db = delta.mean(axis=0, keepdims=True)
            delta = delta @ self.weights[i].T * sigmoid_prime(a)
            self.weights[i] -= lr * dW
            self.biases[i] -= lr * db

X = np.array([[0, 0], [0, 1], [1, 0], [1, 1]], dtype=float)
y = np.array([[0], [1], [1], [0]], dtype=float)
net = Network([2, 3, 1])
for epoch in range(2000):
    out = net.forward(X)
    loss = np.mean((out - y) ** 2)
    net.backward(y, lr=0.5)
    if epoch % 500 == 0:
        print(epoch, loss)
