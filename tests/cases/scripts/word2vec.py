import numpy as np
np.random.seed(0)
V, D = 12, 5
center = np.random.randn(V, D) * 0.1
outside = np.random.randn(V, D) * 0.1
pairs = [(i % V, (i * 5 + 1) % V) for i in range(40)]
def softmax(x):
    x = x - np.max(x)
    e = np.exp(x)
    return e / np.sum(e)
lr = 0.1
for c, o in pairs:
    vc = center[c]
    scores = outside @ vc
    probs = softmax(scores)
    loss = -np.log(probs[o])
    delta = probs.copy()
    delta[o] -= 1
    grad_center = outside.T @ delta
    grad_outside = np.outer(delta, vc)
    center[c] -= lr * grad_center
    outside -= lr * grad_outside
