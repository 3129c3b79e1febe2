import numpy as np
rng = np.random.RandomState(2)
class LogisticRegression:
    def __init__(self, lr=0.1, n_iters=50):
        self.lr = lr
        self.n_iters = n_iters
        self.weights = None
        self.bias = None
    def fit(self, X, y):
        n_samples, n_features = X.shape
        self.weights = np.zeros(n_features)
        self.bias = 0
        for _ in range(self.n_iters):
            linear = np.dot(X, self.weights) + self.bias
            y_predicted = self._sigmoid(linear)
            dw = (1 / n_samples) * np.dot(X.T, (y_predicted - y))
            db = (1 / n_samples) * np.sum(y_predicted - y)
            self.weights -= self.lr * dw
            self.bias -= self.lr * db
    def _sigmoid(self, x):
        return 1 / (1 + np.exp(-x))
X = rng.randn(60, 3)
y = (X[:, 0] + X[:, 1] > 0).astype(int)
LogisticRegression().fit(X, y)
