import numpy as np
rng = np.random.default_rng(10)

def dense(n, m):
    W, b = rng.normal(0, n ** -.5, (n, m)), np.zeros(m)
    def forward(x):
        def backward(g):
            dx = g @ W.T
            dW, db = x.T @ g, g.sum(0)
            updates.append((W, dW))
            updates.append((b, db))
            return dx
        return x @ W + b, backward
    return forward

def sigmoid(x):
    y = 1 / (1 + np.exp(-x))
    return y, lambda g: g * y * (1 - y)

net = [dense(2, 5), sigmoid, dense(5, 1), sigmoid]
X = np.array([[0, 0], [0, 1], [1, 0], [1, 1.]])
T = np.array([[0, 1, 1, 0.]]).T
for step in range(200):
    updates, backs, out = [], [], X
    for f in net:
        out, back = f(out)
        backs.append(back)
    loss = np.sum((out - T) ** 2) / 2
    grad = out - T
    for back in reversed(backs):
        grad = back(grad)
    for p, dp in updates:
        p -= 1.0 * dp
print(loss)
