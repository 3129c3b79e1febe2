"""One step of Q-learning at a time: the target is what the net itself says of the next state."""
import numpy as np
rng = np.random.default_rng(12)
W1, b1 = rng.normal(0, .5, (4, 8)), np.zeros(8)
W2, b2 = rng.normal(0, .5, (8, 2)), np.zeros(2)
gamma, lr, eps = 0.9, 0.05, 0.2

def q_values(state):
    hidden = np.tanh(state @ W1 + b1)
    return hidden, hidden @ W2 + b2

state = rng.normal(size=4)
for step in range(40):
    hidden, q = q_values(state)
    action = int(rng.integers(2)) if rng.random() < eps else int(np.argmax(q))
    after = rng.normal(size=4)
    reward = float(state[action] > 0)
    _, q_next = q_values(after)
    target = reward + gamma * float(np.max(q_next).item())
    td = q[action] - target
    loss = 0.5 * td ** 2
    dq = np.zeros(2)
    dq[action] = td
    dW2, db2 = np.outer(hidden, dq), dq
    dhidden = W2 @ dq
    dpre = dhidden * (1 - hidden ** 2)
    dW1, db1 = np.outer(state, dpre), dpre
    W1 -= lr * dW1; b1 -= lr * db1
    W2 -= lr * dW2; b2 -= lr * db2
    state = after
