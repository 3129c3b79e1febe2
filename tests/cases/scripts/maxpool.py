import numpy as np
np.random.seed(4)
imgs = np.random.rand(6, 6, 6)
labels = np.array([0, 1, 0, 1, 1, 0])
kernel = np.random.randn(3, 3) * 0.5
w = np.random.randn(4, 1) * 0.5
b = np.zeros(1)
for epoch in range(10):
    conv = np.zeros((6, 4, 4))
    for i in range(4):
        for j in range(4):
            conv[:, i, j] = np.sum(imgs[:, i:i+3, j:j+3] * kernel, axis=(1, 2))
    blocks = conv.reshape(6, 2, 2, 2, 2)
    pooled = blocks.max(axis=(2, 4))
    flat = pooled.reshape(6, 4)
    score = flat.dot(w) + b
    prob = 1 / (1 + np.exp(-score))
    t = labels.reshape(-1, 1)
    cost = -np.mean(t * np.log(prob) + (1 - t) * np.log(1 - prob))
    dscore = (prob - t) / 6
    dw = flat.T.dot(dscore)
    db = dscore.sum(axis=0)
    dpooled = dscore.dot(w.T).reshape(6, 2, 1, 2, 1)
    mask = blocks == pooled[:, :, None, :, None]
    dconv = (mask * dpooled).reshape(6, 4, 4)
    dkernel = np.zeros((3, 3))
    for i in range(3):
        for j in range(3):
            dkernel[i, j] = np.sum(dconv * imgs[:, i:i+4, j:j+4])
    kernel -= 0.5 * dkernel
    w -= 0.5 * dw
    b -= 0.5 * db
