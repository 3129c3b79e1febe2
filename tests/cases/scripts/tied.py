import numpy as np
rng = np.random.default_rng(5)
data = rng.random((20, 8)) > .6
data = data.astype(float)
W = rng.normal(0, .3, (8, 3))
bh, bv = np.zeros(3), np.zeros(8)
sigmoid = lambda t: 1 / (1 + np.exp(-t))
def energy(v, r):
    return -np.mean(np.sum(v * np.log(r) + (1 - v) * np.log(1 - r), axis=1))
for it in range(50):
    h = sigmoid(data @ W + bh)
    r = sigmoid(h @ W.T + bv)
    if it % 10 == 0:
        print(energy(data, r))
    delta_v = (r - data) / len(data)
    delta_h = delta_v @ W * h * (1 - h)
    grad_W = data.T @ delta_h + delta_v.T @ h
    W -= .5 * grad_W
    bh -= .5 * delta_h.sum(axis=0)
    bv -= .5 * delta_v.sum(axis=0)
