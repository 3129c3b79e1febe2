import numpy as np

rng = np.random.default_rng(0)
x = rng.normal(size=(32, 4))
y = rng.integers(0, 3, size=32)
Y = np.eye(3)[y]
W1 = rng.normal(size=(4, 6)) * 0.5
gamma = np.ones(6)
beta = np.zeros(6)
W2 = rng.normal(size=(6, 3)) * 0.5
b2 = np.zeros(3)
eps = 1e-5
lr = 0.2
for step in range(12):
    h = x @ W1
    mu = h.mean(axis=0)
    xc = h - mu
    var = np.mean(xc**2, axis=0)
    std = np.sqrt(var + eps)
    xhat = xc / std
    out = gamma * xhat + beta
    act = np.maximum(out, 0)
    scores = act @ W2 + b2
    scores = scores - scores.max(axis=1, keepdims=True)
    probs = np.exp(scores) / np.exp(scores).sum(axis=1, keepdims=True)
    loss = -np.mean(np.sum(Y * np.log(probs), axis=1))
    dscores = (probs - Y) / 32
    dW2 = act.T @ dscores
    db2 = dscores.sum(axis=0)
    dact = dscores @ W2.T
    dout = dact * (out > 0)
    dbeta = dout.sum(axis=0)
    dgamma = (dout * xhat).sum(axis=0)
    dxhat = dout * gamma
    dvar = np.sum(dxhat * xc * -0.5 * (var + eps) ** -1.5, axis=0)
    dmu = -np.sum(dxhat / std, axis=0)
    dh = dxhat / std + dvar * 2 * xc / 32 + dmu / 32
    dW1 = x.T @ dh
    W1 -= lr * dW1
    gamma -= lr * dgamma
    beta -= lr * dbeta
    W2 -= lr * dW2
    b2 -= lr * db2
    if step % 4 == 0:
        print(step, loss)
