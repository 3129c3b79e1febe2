import numpy as np

np.random.seed(0)
N, D, K = 12, 10, 4
W = np.random.randn(D, K) * 0.5
log_tau = np.array(0.0)
base = np.random.randn(100, D)


def normalise(z):
    n = np.linalg.norm(z, axis=1, keepdims=True)
    return z / n, n


def norm_grad(du, u, n):
    return (du - u * np.sum(du * u, axis=1, keepdims=True)) / n


lr = 0.1
for it in range(30):
    idx = np.random.choice(100, N, replace=False)
    xa = base[idx] + 0.1 * np.random.randn(N, D)
    xb = base[idx] + 0.1 * np.random.randn(N, D)
    za, zb = xa @ W, xb @ W
    ua, na = normalise(za)
    ub, nb = normalise(zb)
    scale = np.exp(log_tau)
    sim = ua @ ub.T
    logits = sim * scale
    m = logits.max(axis=1, keepdims=True)
    lse = m[:, 0] + np.log(np.exp(logits - m).sum(axis=1))
    loss = np.mean(lse - np.diag(logits))

    p = np.exp(logits - lse[:, None])
    dlogits = (p - np.eye(N)) / N
    dscale = np.sum(dlogits * sim)
    dlog_tau = dscale * scale
    dsim = dlogits * scale
    dua = dsim @ ub
    dub = dsim.T @ ua
    dza = norm_grad(dua, ua, na)
    dzb = norm_grad(dub, ub, nb)
    dW = xa.T @ dza + xb.T @ dzb

    W -= lr * dW
    log_tau -= lr * dlog_tau
    print(f"{it} {loss:.4f} tau {np.exp(log_tau):.3f}")
