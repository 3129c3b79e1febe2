import numpy as np
rng = np.random.default_rng(13)
blocks = [dict(A=rng.normal(0, .3, (6, 6)), B=rng.normal(0, .3, (6, 6))) for _ in range(2)]
head = rng.normal(0, .3, (6, 1))
X = rng.normal(size=(15, 6))
T = np.sign(X[:, :1] * X[:, 1:2])
for epoch in range(25):
    x, memory = X, []
    for block in blocks:
        z = np.maximum(x @ block["A"], 0)
        memory.append((x, z))
        x = x + z @ block["B"]
    score = x @ head
    loss = np.log(1 + np.exp(-T * score)).mean()
    dscore = -T / (1 + np.exp(T * score)) / len(T)
    dhead = x.T @ dscore
    dx = dscore @ head.T
    grads = []
    for block, (x_in, z) in zip(blocks[::-1], memory[::-1]):
        dB = z.T @ dx
        dz = dx @ block["B"].T * (z > 0)
        dA = x_in.T @ dz
        dx = dx + dz @ block["A"].T
        grads.insert(0, dict(A=dA, B=dB))
    head = head - 0.2 * dhead
    for block, grad in zip(blocks, grads):
        for key in block:
            block[key] = block[key] - 0.2 * grad[key]
