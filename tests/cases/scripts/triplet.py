import numpy as np

rng = np.random.default_rng(6)
margin, lr, mu = 0.5, 0.05, 0.9
W = [rng.normal(scale=0.5, size=s) for s in ((4, 8), (8, 3))]
b = [np.zeros(8), np.zeros(3)]
vel = [np.zeros_like(p) for p in W + b]


def embed(x):
    h = np.tanh(x @ W[0] + b[0])
    return h @ W[1] + b[1], h


def embed_back(de, x, h):
    dh = de @ W[1].T * (1 - h * h)
    return [x.T @ dh, h.T @ de], [dh.sum(0), de.sum(0)]


centres = rng.normal(size=(3, 4)) * 2
for step in range(50):
    cls = rng.integers(0, 3, 16)
    other = (cls + rng.integers(1, 3, 16)) % 3
    anchor, positive, negative = (centres[c] + rng.normal(size=(16, 4)) for c in (cls, cls, other))
    ea, ha = embed(anchor)
    ep, hp = embed(positive)
    en, hn = embed(negative)
    dp = ((ea - ep) ** 2).sum(1)
    dn = ((ea - en) ** 2).sum(1)
    hinge = np.maximum(dp - dn + margin, 0)
    loss = hinge.mean()
    on = (hinge > 0)[:, None] / 16
    dea = 2 * on * (en - ep)
    dep = -2 * on * (ea - ep)
    den = 2 * on * (ea - en)
    grads = [0, 0, 0, 0]
    for de, x, h in ((dea, anchor, ha), (dep, positive, hp), (den, negative, hn)):
        gw, gb = embed_back(de, x, h)
        for k, g in enumerate(gw + gb):
            grads[k] = grads[k] + g
    for k, p in enumerate(W + b):
        vel[k] = mu * vel[k] - lr * grads[k]
        p += vel[k]
    if step % 10 == 0:
        print(step, loss)
