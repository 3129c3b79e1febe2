import numpy as np

def layer_norm(x, gain, bias, eps=1e-5):
    mean = x.mean(axis=-1, keepdims=True)
    var = x.var(axis=-1, keepdims=True)
    xhat = (x - mean) / np.sqrt(var + eps)
    return gain * xhat + bias, (xhat, var, eps)

def layer_norm_backward(dy, gain, cache):
    xhat, var, eps = cache
    dgain = (dy * xhat).sum(axis=0)
    dbias = dy.sum(axis=0)
    dxhat = dy * gain
    dx = (dxhat - dxhat.mean(axis=-1, keepdims=True) - xhat * (dxhat * xhat).mean(axis=-1, keepdims=True)) / np.sqrt(var + eps)
    return dx, dgain, dbias

rng = np.random.default_rng(22)
x = rng.normal(size=(12, 5))
target = rng.normal(size=(12, 2))
W1, W2 = rng.normal(size=(5, 7)) * .5, rng.normal(size=(7, 2)) * .5
gain, bias = np.ones(7), np.zeros(7)
for step in range(30):
    a = x @ W1
    n, cache = layer_norm(a, gain, bias)
    h = np.maximum(n, 0)
    out = h @ W2
    loss = ((out - target) ** 2).sum(axis=1).mean()
    dout = 2 * (out - target) / len(x)
    dW2 = h.T @ dout
    dn = (dout @ W2.T) * (n > 0)
    da, dgain, dbias = layer_norm_backward(dn, gain, cache)
    dW1 = x.T @ da
    W1 -= 0.1 * dW1
    W2 -= 0.1 * dW2
    gain -= 0.1 * dgain
    bias -= 0.1 * dbias
