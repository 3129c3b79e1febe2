import numpy as np

np.random.seed(1)
X = np.matrix(np.random.randn(40, 3))
X = np.insert(X, 0, 1, axis=1)
y = np.matrix((X[:, 1] + 2 * X[:, 2] > 0).astype(float))
theta = np.matrix(np.zeros((1, 4)))
alpha, lam = 0.5, 0.1


def sigmoid(z):
    return 1 / (1 + np.exp(-z))


def cost(theta, X, y):
    first = np.multiply(-y, np.log(sigmoid(X * theta.T)))
    second = np.multiply((1 - y), np.log(1 - sigmoid(X * theta.T)))
    reg = (lam / (2 * len(X))) * np.sum(np.power(theta[:, 1:], 2))
    return np.sum(first - second) / len(X) + reg


def gradient(theta, X, y):
    error = sigmoid(X * theta.T) - y
    grad = ((X.T * error) / len(X)).T + (lam / len(X)) * theta
    grad[0, 0] = np.sum(np.multiply(error, X[:, 0])) / len(X)
    return grad


for i in range(100):
    J = cost(theta, X, y)
    theta = theta - alpha * gradient(theta, X, y)
print(J)
