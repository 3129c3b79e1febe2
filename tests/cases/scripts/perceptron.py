import numpy as np


class Perceptron:
    def __init__(self, features, rate=0.1):
        self.w = np.zeros(features)
        self.b = 0.0
        self.rate = rate

    def predict(self, x):
        self.z = np.dot(x, self.w) + self.b
        return np.where(self.z >= 0, 1, 0)

    def fit(self, X, y):
        for turn in range(10):
            for x, target in zip(X, y):
                error = target - self.predict(x)
                self.w += self.rate * error * x
                self.b += self.rate * error


rng = np.random.default_rng(4)
X = rng.normal(size=(30, 3))
Perceptron(3).fit(X, (X[:, 0] - X[:, 1] > 0.3).astype(int))
