import numpy as np
np.random.seed(42)
users, items, k = 5, 6, 3
P = np.random.normal(scale=1/k, size=(users, k))
Q = np.random.normal(scale=1/k, size=(items, k))
samples = [(u, i, float((u * i) % 5 + 1)) for u in range(users) for i in range(items) if (u + i) % 2]
eta, lam = 0.05, 0.1
for epoch in range(5):
    np.random.shuffle(samples)
    for u, i, r in samples:
        pred = P[u] @ Q[i]
        err = r - pred
        loss = 0.5 * err ** 2 + 0.5 * lam * (P[u] @ P[u] + Q[i] @ Q[i])
        gp = -err * Q[i] + lam * P[u]
        gq = -err * P[u] + lam * Q[i]
        P[u] -= eta * gp
        Q[i] -= eta * gq
    print(epoch, loss)
