import numpy as np
rng = np.random.default_rng(5)
B, T, D = 3, 4, 6
x = rng.normal(size=(B, T, D))
target = rng.normal(size=(B, T, D))
params = {k: rng.normal(size=(D, D)) * 0.3 for k in ("Wq", "Wk", "Wv", "Wo")}

def softmax(s):
    e = np.exp(s - s.max(axis=-1, keepdims=True))
    return e / e.sum(axis=-1, keepdims=True)

def forward(x, p):
    q, k, v = x @ p["Wq"], x @ p["Wk"], x @ p["Wv"]
    s = q @ k.transpose(0, 2, 1) / np.sqrt(D)
    a = softmax(s)
    o = a @ v
    out = o @ p["Wo"]
    return out, (q, k, v, a, o)

def backward(x, p, cache, dout):
    q, k, v, a, o = cache
    g = {}
    g["Wo"] = np.einsum("btd,bte->de", o, dout)
    do = dout @ p["Wo"].T
    da = do @ v.transpose(0, 2, 1)
    dv = a.transpose(0, 2, 1) @ do
    ds = a * (da - (da * a).sum(axis=-1, keepdims=True))
    ds = ds / np.sqrt(D)
    dq = ds @ k
    dk = ds.transpose(0, 2, 1) @ q
    g["Wq"] = np.einsum("btd,bte->de", x, dq)
    g["Wk"] = np.einsum("btd,bte->de", x, dk)
    g["Wv"] = np.einsum("btd,bte->de", x, dv)
    return g

for i in range(10):
    out, cache = forward(x, params)
    loss = ((out - target) ** 2).mean()
    dout = 2 * (out - target) / out.size
    grads = backward(x, params, cache, dout)
    for k in params:
        params[k] = params[k] - 0.5 * grads[k]
    print(i, loss)
