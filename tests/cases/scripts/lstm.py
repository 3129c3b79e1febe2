import numpy as np
np.random.seed(5)
T, n_in, n_h = 3, 4, 5
def sigmoid(x): return 1 / (1 + np.exp(-x))
Wf, Wi, Wc, Wo = (np.random.randn(n_h, n_h + n_in) * 0.3 for _ in range(4))
bf, bi, bc, bo = (np.zeros((n_h, 1)) for _ in range(4))
Wy = np.random.randn(2, n_h) * 0.3
by = np.zeros((2, 1))
xs = [np.random.randn(n_in, 1) for _ in range(T)]
target = np.array([[0.3], [-0.4]])
lr = 0.05
for epoch in range(6):
    h, c = np.zeros((n_h, 1)), np.zeros((n_h, 1))
    cache = []
    for t in range(T):
        z = np.vstack((h, xs[t]))
        f = sigmoid(Wf @ z + bf)
        i = sigmoid(Wi @ z + bi)
        g = np.tanh(Wc @ z + bc)
        o = sigmoid(Wo @ z + bo)
        c_prev = c
        c = f * c_prev + i * g
        h = o * np.tanh(c)
        cache.append((z, f, i, g, o, c_prev, c))
    y = Wy @ h + by
    loss = np.sum((y - target) ** 2)
    dy = 2 * (y - target)
    dWy = dy @ h.T
    dby = dy
    dh = Wy.T @ dy
    dc = np.zeros_like(c)
    dWf, dWi, dWc, dWo = (np.zeros_like(Wf) for _ in range(4))
    dbf, dbi, dbc, dbo = (np.zeros_like(bf) for _ in range(4))
    for t in reversed(range(T)):
        z, f, i, g, o, c_prev, c = cache[t]
        do = dh * np.tanh(c) * o * (1 - o)
        dc = dc + dh * o * (1 - np.tanh(c) ** 2)
        df = dc * c_prev * f * (1 - f)
        di = dc * g * i * (1 - i)
        dg = dc * i * (1 - g ** 2)
        dWf += df @ z.T; dbf += df
        dWi += di @ z.T; dbi += di
        dWc += dg @ z.T; dbc += dg
        dWo += do @ z.T; dbo += do
        dz = Wf.T @ df + Wi.T @ di + Wc.T @ dg + Wo.T @ do
        dh = dz[:n_h]
        dc = dc * f
    Wf -= lr * dWf; Wi -= lr * dWi; Wc -= lr * dWc; Wo -= lr * dWo
    bf -= lr * dbf; bi -= lr * dbi; bc -= lr * dbc; bo -= lr * dbo
    Wy -= lr * dWy; by -= lr * dby
print(loss)
