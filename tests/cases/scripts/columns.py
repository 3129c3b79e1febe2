import numpy as np

np.random.seed(7)
X = np.random.randn(2, 40)
Y = (X[0:1] * X[1:2] > 0).astype(float)


def sigmoid(z):
    s = 1 / (1 + np.exp(-z))
    return s


def initialize(n_x, n_h, n_y):
    W1 = np.random.randn(n_h, n_x) * 0.5
    b1 = np.zeros((n_h, 1))
    W2 = np.random.randn(n_y, n_h) * 0.5
    b2 = np.zeros((n_y, 1))
    return {"W1": W1, "b1": b1, "W2": W2, "b2": b2}


def propagate(X, parameters):
    W1, b1, W2, b2 = parameters["W1"], parameters["b1"], parameters["W2"], parameters["b2"]
    Z1 = np.dot(W1, X) + b1
    A1 = np.tanh(Z1)
    Z2 = np.dot(W2, A1) + b2
    A2 = sigmoid(Z2)
    return A2, {"Z1": Z1, "A1": A1, "Z2": Z2, "A2": A2}


def compute_cost(A2, Y):
    m = Y.shape[1]
    logprobs = np.multiply(np.log(A2), Y) + np.multiply(np.log(1 - A2), 1 - Y)
    cost = -np.sum(logprobs) / m
    return float(np.squeeze(cost))


def gradients(parameters, cache, X, Y):
    m = X.shape[1]
    dZ2 = cache["A2"] - Y
    dW2 = np.dot(dZ2, cache["A1"].T) / m
    db2 = np.sum(dZ2, axis=1, keepdims=True) / m
    dZ1 = np.dot(parameters["W2"].T, dZ2) * (1 - np.power(cache["A1"], 2))
    dW1 = np.dot(dZ1, X.T) / m
    db1 = np.sum(dZ1, axis=1, keepdims=True) / m
    return {"dW1": dW1, "db1": db1, "dW2": dW2, "db2": db2}


def update(parameters, grads, rate=1.2):
    W1 = parameters["W1"] - rate * grads["dW1"]
    b1 = parameters["b1"] - rate * grads["db1"]
    W2 = parameters["W2"] - rate * grads["dW2"]
    b2 = parameters["b2"] - rate * grads["db2"]
    return {"W1": W1, "b1": b1, "W2": W2, "b2": b2}


parameters = initialize(2, 4, 1)
for i in range(30):
    A2, cache = propagate(X, parameters)
    cost = compute_cost(A2, Y)
    grads = gradients(parameters, cache, X, Y)
    parameters = update(parameters, grads)
    if i % 10 == 0:
        print("Cost after iteration", i, cost)
