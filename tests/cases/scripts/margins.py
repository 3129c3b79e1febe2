import numpy as np

class LinearSVM:
    def __init__(self, dim, classes, rng):
        self.W = 0.001 * rng.normal(size=(dim, classes))

    def loss(self, X, y, reg):
        n = len(X)
        rows = np.arange(n)
        scores = X.dot(self.W)
        margin = np.maximum(0, scores - scores[rows, y].reshape(n, 1) + 1)
        margin[rows, y] = 0
        loss = margin.sum() / n
        loss += reg * np.sum(self.W * self.W)
        margin[margin > 0] = 1
        count = margin.sum(axis=1)
        margin[rows, y] -= count
        dW = X.T.dot(margin) / n
        return loss, dW + 2 * reg * self.W

rng = np.random.default_rng(2)
X = rng.normal(size=(90, 6))
y = rng.integers(0, 3, 90)
svm = LinearSVM(6, 3, rng)
history = []
for turn in range(25):
    batch = rng.choice(90, 30, replace=False)
    loss, grad = svm.loss(X[batch], y[batch], 1e-2)
    history.append(loss)
    svm.W -= 0.1 * grad
