import numpy as np
np.random.seed(0)
D, C = 4, 3
X = np.random.randn(30, D)
T = np.zeros((30, C))
T[np.arange(30), np.random.randint(0, C, 30)] = 1

def forward(X, W, b):
    A = X.dot(W) + b
    expA = np.exp(A)
    return expA / expA.sum(axis=1, keepdims=True)

def cross_entropy(T, Y):
    return -(T * np.log(Y)).sum()

W = np.random.randn(D, C)
b = np.zeros(C)
Y = forward(X, W, b)
learning_rate = 0.01
for i in range(100):
    if i % 20 == 0:
        print(cross_entropy(T, Y))
    W += learning_rate * X.T.dot(T - Y)
    b += learning_rate * (T - Y).sum(axis=0)
    Y = forward(X, W, b)
