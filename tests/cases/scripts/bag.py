import numpy as np
# continuous bag of words: the mean of context vectors, repeated words included
np.random.seed(5)
words = "the cat sat on the mat the dog sat on the log".split()
vocab = {w: i for i, w in enumerate(dict.fromkeys(words))}
ids = np.array([vocab[w] for w in words])
N, D = len(vocab), 4
E = np.random.randn(N, D) * 0.5
U = np.random.randn(D, N) * 0.5
for epoch in range(3):
    for i in range(2, len(ids) - 2):
        context = ids[[i - 2, i - 1, i + 1, i + 2]]
        h = E[context].mean(axis=0)
        u = h @ U
        y = np.exp(u - u.max())
        y = y / y.sum()
        loss = -np.log(y[ids[i]])
        du = y.copy()
        du[ids[i]] -= 1
        dU = np.outer(h, du)
        dh = U @ du
        dE = np.zeros_like(E)
        np.add.at(dE, context, dh / len(context))
        E -= 0.1 * dE
        U -= 0.1 * dU
