"""A softmax over columns, a penalty in a cost function that is called beside, momentum."""
import numpy as np
np.random.seed(3)
def forward(X, p):
    Z1 = p["W1"] @ X + p["b1"]
    A1 = np.maximum(0, Z1)
    Z2 = p["W2"] @ A1 + p["b2"]
    e = np.exp(Z2 - np.max(Z2, axis=0, keepdims=True))
    return {"Z1": Z1, "A1": A1, "A2": e / np.sum(e, axis=0, keepdims=True)}
def cost(A2, Y, p, lambd):
    m = Y.shape[1]
    ce = -np.sum(Y * np.log(A2 + 1e-12)) / m
    reg = lambd / (2 * m) * (np.sum(np.square(p["W1"])) + np.sum(np.square(p["W2"])))
    return ce + reg
def backward(X, Y, p, c, lambd):
    m = X.shape[1]
    g = {}
    dZ2 = c["A2"] - Y
    g["W2"] = dZ2 @ c["A1"].T / m + lambd / m * p["W2"]
    g["b2"] = np.sum(dZ2, axis=1, keepdims=True) / m
    dZ1 = p["W2"].T @ dZ2 * (c["Z1"] > 0)
    g["W1"] = dZ1 @ X.T / m + lambd / m * p["W1"]
    g["b1"] = np.sum(dZ1, axis=1, keepdims=True) / m
    return g
X = np.random.rand(6, 30)
Y = np.eye(3)[np.argmax(X[:3] + 0.3 * X[3:], axis=0)].T
p = {"W1": np.random.randn(5, 6) * 0.5, "b1": np.zeros((5, 1)), "W2": np.random.randn(3, 5) * 0.5, "b2": np.zeros((3, 1))}
v = {k: np.zeros_like(w) for k, w in p.items()}
beta, lr, lambd = 0.9, 0.1, 0.7
history = []
for it in range(40):
    c = forward(X, p)
    history.append(cost(c["A2"], Y, p, lambd))
    g = backward(X, Y, p, c, lambd)
    for k in p:
        v[k] = beta * v[k] + (1 - beta) * g[k]
        p[k] = p[k] - lr * v[k]
