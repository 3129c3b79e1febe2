"""REINFORCE on a corridor of five cells."""
import numpy as np
rng = np.random.RandomState(0)
W = rng.randn(5, 2) * .1
gamma, lr = .9, .2
for episode in range(30):
    s, states, actions, rewards = 2, [], [], []
    while 0 < s < 4 and len(states) < 12:
        logits = W[s]
        p = np.exp(logits) / np.exp(logits).sum()
        a = int(rng.rand() < p[1])
        states.append(s); actions.append(a)
        s += 1 if a else -1
        rewards.append(1. if s == 4 else -.1)
    G, returns = 0., []
    for r in reversed(rewards):
        G = r + gamma * G
        returns.insert(0, G)
    X = np.eye(5)[states]
    A = np.eye(2)[actions]
    R = np.array(returns)[:, None]
    z = X @ W
    pi = np.exp(z) / np.exp(z).sum(axis=1, keepdims=True)
    loss = -np.sum(R * A * np.log(pi))
    dz = R * (pi - A)
    dW = X.T @ dz
    W -= lr * dW
