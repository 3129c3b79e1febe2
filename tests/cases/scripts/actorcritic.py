"""Actor and critic with one body: the advantage weighs the log-probabilities, and is taken as given there."""
import numpy as np
rng = np.random.default_rng(5)
W, Wp, Wv = rng.normal(0, .5, (4, 6)), rng.normal(0, .5, (6, 3)), rng.normal(0, .5, (6, 1))
for step in range(30):
    s, a, R = rng.normal(size=(10, 4)), rng.integers(0, 3, 10), rng.normal(size=10)
    h = np.tanh(s @ W)
    z = h @ Wp
    p = np.exp(z) / np.exp(z).sum(axis=1, keepdims=True)
    v = (h @ Wv)[:, 0]
    logp = np.log(p[np.arange(10), a])
    adv = R - v
    policy_loss = -np.sum(logp * adv)
    value_loss = 0.5 * np.sum((v - R) ** 2)
    loss = policy_loss + value_loss
    dz = p.copy()
    dz[np.arange(10), a] -= 1
    dz *= adv[:, None]
    dv = (v - R)[:, None]
    dWp = h.T @ dz
    dWv = h.T @ dv
    dh = dz @ Wp.T + dv @ Wv.T
    dpre = dh * (1 - h ** 2)
    dW = s.T @ dpre
    W -= .01 * dW
    Wp -= .01 * dWp
    Wv -= .01 * dWv
