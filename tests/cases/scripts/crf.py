"""A linear-chain conditional random field; forward and backward sums by hand, one sequence after the other."""
import numpy as np
rng = np.random.default_rng(2)
T, D, K, N = 4, 4, 3, 4
X = rng.normal(size=(N, T, D))
Y = (X[:, :, 0] > 0).astype(int) + (X[:, :, 1] > 0.5).astype(int)
E, A = rng.normal(size=(D, K)) * 0.1, rng.normal(size=(K, K)) * 0.1


def lse(v, axis):
    m = v.max(axis=axis, keepdims=True)
    return np.squeeze(m, axis) + np.log(np.exp(v - m).sum(axis=axis))


for epoch in range(15):
    nll = 0.0
    gE, gA = np.zeros_like(E), np.zeros_like(A)
    for x, y in zip(X, Y):
        u = x @ E
        alpha = np.zeros((T, K))
        alpha[0] = u[0]
        for t in range(1, T):
            alpha[t] = lse(alpha[t - 1][:, None] + A, 0) + u[t]
        logz = lse(alpha[-1], 0)
        beta = np.zeros((T, K))
        for t in range(T - 2, -1, -1):
            beta[t] = lse(A + u[t + 1] + beta[t + 1], 1)
        score = u[np.arange(T), y].sum() + A[y[:-1], y[1:]].sum()
        nll += logz - score
        node = np.exp(alpha + beta - logz)
        du = node.copy()
        du[np.arange(T), y] -= 1
        gE += x.T @ du
        for t in range(T - 1):
            edge = np.exp(alpha[t][:, None] + A + u[t + 1] + beta[t + 1] - logz)
            edge[y[t], y[t + 1]] -= 1
            gA += edge
    E -= 0.05 * gE / N
    A -= 0.05 * gA / N
    print(epoch, nll / N)
