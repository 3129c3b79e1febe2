import numpy as np


def hbeta(D, beta=1.0):
    P = np.exp(-D * beta)
    total = P.sum()
    H = np.log(total) + beta * np.sum(D * P) / total
    return H, P / total


def x2p(X, perplexity=5.0):
    n = len(X)
    sq = np.sum(X ** 2, 1)
    D = sq[:, None] + sq[None, :] - 2 * X @ X.T
    P = np.zeros((n, n))
    for i in range(n):
        beta, lo, hi = 1.0, -np.inf, np.inf
        idx = np.r_[0:i, i + 1:n]
        H, p = hbeta(D[i, idx], beta)
        for _ in range(30):
            diff = H - np.log(perplexity)
            if abs(diff) < 1e-5:
                break
            if diff > 0:
                lo = beta
                beta = beta * 2 if np.isinf(hi) else (beta + hi) / 2
            else:
                hi = beta
                beta = beta / 2 if np.isinf(lo) else (beta + lo) / 2
            H, p = hbeta(D[i, idx], beta)
        P[i, idx] = p
    return P


rng = np.random.RandomState(0)
X = np.concatenate([rng.randn(12, 5) + 4 * c for c in range(3)])
n = len(X)
P = x2p(X)
P = (P + P.T) / np.sum(P + P.T)
P = np.maximum(P, 1e-12)
Y = rng.randn(n, 2)
iY = np.zeros_like(Y)
gains = np.ones_like(Y)
for it in range(30):
    s = np.sum(Y ** 2, 1)
    num = 1 / (1 + s[:, None] + s[None, :] - 2 * Y @ Y.T)
    num[range(n), range(n)] = 0
    Q = np.maximum(num / num.sum(), 1e-12)
    PQ = P - Q
    dY = np.zeros_like(Y)
    for i in range(n):
        dY[i, :] = 4 * np.sum(np.tile(PQ[:, i] * num[:, i], (2, 1)).T * (Y[i, :] - Y), 0)
    momentum = 0.5 if it < 20 else 0.8
    gains = (gains + 0.2) * ((dY > 0) != (iY > 0)) + gains * 0.8 * ((dY > 0) == (iY > 0))
    gains[gains < 0.01] = 0.01
    iY = momentum * iY - 5.0 * gains * dY
    Y = Y + iY
    Y = Y - np.mean(Y, 0)
    C = np.sum(P * np.log(P / Q))
    if it % 20 == 0:
        print("Iteration %d: error is %f" % (it, C))
