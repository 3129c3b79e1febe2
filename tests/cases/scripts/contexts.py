"""Skip-gram with a whole softmax: the errors of several context words are added up as a list."""
import numpy as np
corpus = "the quick brown fox jumped over the lazy dog while the cat sat on the mat".split()
vocab = sorted(set(corpus))
word2id = {w: i for i, w in enumerate(vocab)}
V, N = len(vocab), 5
rng = np.random.default_rng(2)
w1 = rng.uniform(-0.8, 0.8, (V, N))
w2 = rng.uniform(-0.8, 0.8, (N, V))
def onehot(word):
    v = [0 for _ in range(V)]
    v[word2id[word]] = 1
    return v
data = []
for i, word in enumerate(corpus):
    ctx = [onehot(corpus[j]) for j in range(max(0, i - 2), min(len(corpus), i + 3)) if j != i]
    data.append([onehot(word), ctx])
def softmax(x):
    e = np.exp(x - np.max(x))
    return e / e.sum(axis=0)
def forward(x):
    h = np.dot(w1.T, x)
    u = np.dot(w2.T, h)
    return softmax(u), h, u
eta = 0.05
for epoch in range(20):
    loss = 0
    for wt, wc in data:
        y_pred, h, u = forward(wt)
        EI = np.sum([np.subtract(y_pred, word) for word in wc], axis=0)
        dl_dw2 = np.outer(h, EI)
        dl_dw1 = np.outer(wt, np.dot(w2, EI.T))
        w1 = w1 - eta * dl_dw1
        w2 = w2 - eta * dl_dw2
        loss += -np.sum([u[word.index(1)] for word in wc]) + len(wc) * np.log(np.sum(np.exp(u)))
    if epoch % 5 == 0:
        print("epoch", epoch, "loss", loss)
