import numpy as np

np.random.seed(4)
X = np.random.randn(16, 3)
Y = (X.sum(axis=1, keepdims=True) > 0) * 1.0
W1 = np.random.randn(3, 5) * 0.5
b1 = np.zeros((1, 5))
W2 = np.random.randn(5, 1) * 0.5
b2 = np.zeros((1, 1))
params = [W1, b1, W2, b2]
ms = [np.zeros_like(p) for p in params]
vs = [np.zeros_like(p) for p in params]
lr, beta1, beta2, eps = 0.01, 0.9, 0.999, 1e-8
for t in range(1, 21):
    h = np.tanh(X @ W1 + b1)
    p = 1 / (1 + np.exp(-(h @ W2 + b2)))
    L = -np.mean(Y * np.log(p) + (1 - Y) * np.log(1 - p))
    dlogits = (p - Y) / len(X)
    dW2 = h.T @ dlogits
    db2 = dlogits.sum(0, keepdims=True)
    dh = dlogits @ W2.T
    dpre = dh * (1 - h * h)
    dW1 = X.T @ dpre
    db1 = dpre.sum(0, keepdims=True)
    for i, (param, grad) in enumerate(zip(params, [dW1, db1, dW2, db2])):
        ms[i] = beta1 * ms[i] + (1 - beta1) * grad
        vs[i] = beta2 * vs[i] + (1 - beta2) * grad**2
        m_hat = ms[i] / (1 - beta1**t)
        v_hat = vs[i] / (1 - beta2**t)
        param -= lr * m_hat / (np.sqrt(v_hat) + eps)
print(L)
