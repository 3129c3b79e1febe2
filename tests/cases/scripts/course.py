"""The mean stands in the gradients of the parameters, the deltas are sums; values travel in tuples and a dictionary."""

import numpy as np

np.random.seed(3)
X, Y = np.random.rand(5, 30), (np.random.rand(1, 30) > 0.6).astype(int)
sizes = [5, 6, 4, 1]
net = {}
for l in range(1, 4):
    net[f"W{l}"] = np.random.randn(sizes[l], sizes[l - 1]) / np.sqrt(sizes[l - 1])
    net[f"b{l}"] = np.zeros((sizes[l], 1))


def forward(A, W, b, last):
    Z = W.dot(A) + b
    return (1 / (1 + np.exp(-Z)) if last else np.maximum(0, Z)), (A, W, b, Z)


def relu_back(dA, Z):
    dZ = np.array(dA, copy=True)
    dZ[Z <= 0] = 0
    return dZ


def sigmoid_back(dA, Z):
    s = 1 / (1 + np.exp(-Z))
    return dA * s * (1 - s)


def back(dA, cache, last):
    A, W, b, Z = cache
    m = A.shape[1]
    dZ = sigmoid_back(dA, Z) if last else relu_back(dA, Z)
    dW = 1.0 / m * np.dot(dZ, A.T)
    db = 1.0 / m * np.sum(dZ, axis=1, keepdims=True)
    dA_before = np.dot(W.T, dZ)
    return dA_before, dW, db


for i in range(30):
    A, caches, grads = X, [], {}
    for l in range(1, 4):
        A, cache = forward(A, net[f"W{l}"], net[f"b{l}"], l == 3)
        caches.append(cache)
    cost = np.squeeze(-np.dot(Y, np.log(A).T) - np.dot(1 - Y, np.log(1 - A).T)) / Y.shape[1]
    dA = -(np.divide(Y, A) - np.divide(1 - Y, 1 - A))
    for l in (3, 2, 1):
        dA, grads[f"dW{l}"], grads[f"db{l}"] = back(dA, caches[l - 1], l == 3)
    for l in range(1, 4):
        net[f"W{l}"] = net[f"W{l}"] - 0.5 * grads[f"dW{l}"]
        net[f"b{l}"] = net[f"b{l}"] - 0.5 * grads[f"db{l}"]
    if i % 10 == 0:
        print(i, cost)
