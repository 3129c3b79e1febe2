import numpy as np

def forward(x):
    h = np.maximum(0, x @ params[0]["W"] + params[0]["b"])
    z = h @ params[1]["W"] + params[1]["b"]
    e = np.exp(z - z.max(axis=1, keepdims=True))
    return [x, h, e / e.sum(axis=1, keepdims=True)]

def backward(acts, y, l2=1e-2):
    grads, n = [], len(y)
    delta = acts[-1] - y
    for i in reversed(range(2)):
        dW = (acts[i].T @ delta) / n
        db = np.mean(delta, axis=0, keepdims=True)
        dW += (l2 / n) * params[i]["W"]
        grads.insert(0, {"W": dW, "b": db})
        if i > 0:
            delta = (delta @ params[i]["W"].T) * (acts[i] > 0)
    return grads

for trial in range(2):
    rng = np.random.default_rng(6)
    table = np.zeros((300, 120_000), np.float64)
    table[:, :3] = rng.normal(size=(300, 3))
    X = table[:60, :3] - table[:60, :3].mean(axis=0)
    labels = (X[:, 0] * X[:, 1] > 0).astype(int)
    del table
    params = [{"W": rng.normal(size=(a, b)) * 0.5, "b": np.zeros((1, b))} for a, b in ((3, 5), (5, 2))]
    state = [{k: np.zeros_like(v) for k, v in p.items()} for p in params]
    for epoch in range(60):
        for k in range(0, 60, 20):
            y = np.eye(2)[labels[k:k + 20]]
            grads = backward(forward(X[k:k + 20]), y)
            for p, s, g in zip(params, state, grads):
                for name in p:
                    s[name] = 0.9 * s[name] + 0.1 * g[name]
                    p[name] -= 0.2 * s[name]
        probs = forward(X)[-1]
        print(np.average(-np.log(probs[np.arange(60), labels])))
