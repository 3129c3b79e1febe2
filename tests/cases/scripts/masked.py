import numpy as np

def sigmoid(x):
    positive, negative = x >= 0, x < 0
    z = np.zeros_like(x)
    z[positive] = np.exp(-x[positive])
    z[negative] = np.exp(x[negative])
    top = np.ones_like(x)
    top[negative] = z[negative]
    return top / (1 + z)

def adam(w, dw, config):
    config['t'] += 1
    config['m'] = 0.9 * config['m'] + 0.1 * dw
    config['v'] = 0.99 * config['v'] + 0.01 * (dw * dw)
    mt, vt = config['m'] / (1 - 0.9 ** config['t']), config['v'] / (1 - 0.99 ** config['t'])
    return w - 0.05 * mt / (np.sqrt(vt) + 1e-3)

rng = np.random.default_rng(8)
X = rng.normal(size=(12, 4))
t = (X[:, :1] > X[:, 1:2]).astype(float)
p = {'W1': rng.normal(size=(4, 5)), 'b1': np.zeros(5), 'gamma': np.ones(5), 'beta': np.zeros(5), 'W2': rng.normal(size=(5, 1)), 'b2': np.zeros(1)}
configs = {k: {'m': np.zeros_like(v), 'v': np.zeros_like(v), 't': 0} for k, v in p.items()}
for step in range(40):
    a = X @ p['W1'] + p['b1']
    std = np.sqrt(a.var(axis=0) + 1e-5)
    n = (a - a.mean(axis=0)) / std
    h = sigmoid(p['gamma'] * n + p['beta'])
    out = sigmoid(h @ p['W2'] + p['b2'])
    loss = -np.mean(t * np.log(out) + (1 - t) * np.log(1 - out))
    dz2 = (out - t) / len(X)
    g = {'W2': h.T @ dz2, 'b2': dz2.sum(axis=0)}
    dy = dz2 @ p['W2'].T * h * (1 - h)
    g['gamma'], g['beta'] = (dy * n).sum(axis=0), dy.sum(axis=0)
    dn = dy * p['gamma']
    da = (dn - dn.mean(axis=0) - n * (dn * n).mean(axis=0)) / std
    g['W1'], g['b1'] = X.T @ da, da.sum(axis=0)
    for k in p:
        p[k] = adam(p[k], g[k], configs[k])
