"""Skip-gram with negative sampling."""
import numpy as np
rng = np.random.default_rng(0)
V, D, K, lr = 15, 6, 3, 0.1
W_in, W_out = rng.normal(0, .1, (V, D)), rng.normal(0, .1, (V, D))
corpus = rng.integers(0, V, 60)

def sigmoid(x):
    return 1 / (1 + np.exp(-x))

for pos in range(1, 40):
    center, context = corpus[pos], corpus[pos - 1]
    sampled = np.append(context, rng.integers(0, V, K))
    label = np.zeros(K + 1)
    label[0] = 1
    h = W_in[center]
    score = sigmoid(W_out[sampled] @ h)
    loss = -np.sum(label * np.log(score) + (1 - label) * np.log(1 - score))
    d_score = score - label
    d_h = d_score @ W_out[sampled]
    d_out = np.outer(d_score, h)
    np.add.at(W_out, sampled, -lr * d_out)
    W_in[center] -= lr * d_h
