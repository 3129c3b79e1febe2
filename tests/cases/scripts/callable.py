import numpy as np
np.random.seed(3)

class Sigmoid:
    def __call__(self, x):
        return 1 / (1 + np.exp(-x))

    def gradient(self, x):
        return self(x) * (1 - self(x))

class CrossEntropy:
    def loss(self, y, p):
        return -y * np.log(p) - (1 - y) * np.log(1 - p)

    def gradient(self, y, p):
        return -(y / p) + (1 - y) / (1 - p)

class Perceptron:
    def __init__(self, n_iterations=40, activation=Sigmoid, cost=CrossEntropy, rate=0.05):
        self.n_iterations, self.rate = n_iterations, rate
        self.activation, self.cost = activation(), cost()

    def fit(self, X, y):
        limit = 1 / np.sqrt(X.shape[1])
        self.W = np.random.uniform(-limit, limit, (X.shape[1], 1))
        self.w0 = np.zeros((1, 1))
        for i in range(self.n_iterations):
            linear = X.dot(self.W) + self.w0
            p = self.activation(linear)
            slope = self.cost.gradient(y, p) * self.activation.gradient(linear)
            grad_W = X.T.dot(slope)
            grad_w0 = np.sum(slope, axis=0, keepdims=True)
            self.W -= self.rate * grad_W
            self.w0 -= self.rate * grad_w0
            if i % 10 == 0:
                print(np.mean(self.cost.loss(y, p)))

X = np.random.randn(30, 4)
Perceptron().fit(X, (X[:, :1] + X[:, 1:2] > 0).astype(float))
