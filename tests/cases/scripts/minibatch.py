import numpy as np
# softmax classifier, spiral, cs231n style minibatch
np.random.seed(3)
N, D, K = 30, 2, 3
X = np.random.randn(N * K, D)
y = np.repeat(np.arange(K), N)
X[:, 0] += y
W1 = 0.1 * np.random.randn(D, 16); b1 = np.zeros(16)
W2 = 0.1 * np.random.randn(16, K); b2 = np.zeros(K)
reg = 1e-3
lr = 0.5
for it in range(40):
    idx = np.random.choice(N * K, 16)
    xb, yb = X[idx], y[idx]
    h = np.maximum(0, xb.dot(W1) + b1)
    scores = h.dot(W2) + b2
    scores -= scores.max(axis=1, keepdims=True)
    e = np.exp(scores)
    probs = e / e.sum(axis=1, keepdims=True)
    data_loss = -np.log(probs[range(16), yb]).mean()
    loss = data_loss + 0.5 * reg * (W1 ** 2).sum() + 0.5 * reg * (W2 ** 2).sum()
    dscores = probs.copy()
    dscores[range(16), yb] -= 1
    dscores /= 16
    grads = {}
    grads['W2'] = h.T.dot(dscores) + reg * W2
    grads['b2'] = dscores.sum(axis=0)
    dh = dscores.dot(W2.T)
    dh[h <= 0] = 0
    grads['W1'] = xb.T.dot(dh) + reg * W1
    grads['b1'] = dh.sum(axis=0)
    W1 += -lr * grads['W1']; b1 += -lr * grads['b1']
    W2 += -lr * grads['W2']; b2 += -lr * grads['b2']
    if it % 100 == 0:
        print(it, loss)
