"""A linear classifier, one sample after the other: what is subtracted from the label is minus the probabilities."""
import numpy as np
rng = np.random.default_rng(0)
X, y = rng.normal(size=(30, 4)), rng.integers(0, 3, 30)
W = rng.normal(0, .1, (3, 4))
for epoch in range(3):
    for x, label in zip(X, y):
        z = W.dot(x)
        p = np.exp(z) / np.sum(np.exp(z))
        e = -p
        e[label] += 1
        W += .1 * np.outer(e, x)
