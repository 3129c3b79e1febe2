"""Deep Q-learning with a replay memory: targets are the net's own answers with one cell changed."""
import numpy as np
rng = np.random.default_rng(3)
params = {"W1": rng.normal(0, .4, (3, 6)), "b1": np.zeros((1, 6)), "W2": rng.normal(0, .4, (6, 2)), "b2": np.zeros((1, 2))}
gamma, lr = 0.95, 0.05

def predict(s):
    h = np.maximum(0, s @ params["W1"] + params["b1"])
    return h, h @ params["W2"] + params["b2"]

memory = [(rng.normal(size=3), int(rng.integers(2)), float(rng.normal()), rng.normal(size=3), bool(rng.random() < .2)) for _ in range(60)]
for step in range(30):
    batch = [memory[i] for i in rng.choice(60, 8)]
    states = np.array([b[0] for b in batch])
    actions = np.array([b[1] for b in batch])
    rewards = np.array([b[2] for b in batch])
    nexts = np.array([b[3] for b in batch])
    done = np.array([b[4] for b in batch])
    h, q = predict(states)
    _, q_next = predict(nexts)
    q_target = q.copy()
    q_target[np.arange(8), actions] = rewards + gamma * (1 - done) * np.max(q_next, axis=1)
    loss = np.mean((q - q_target) ** 2)
    dq = 2 * (q - q_target) / q.size
    grads = {"W2": h.T @ dq, "b2": dq.sum(axis=0, keepdims=True)}
    dh = dq @ params["W2"].T
    dh[h <= 0] = 0
    grads["W1"] = states.T @ dh
    grads["b1"] = dh.sum(axis=0, keepdims=True)
    for name in params:
        params[name] -= lr * grads[name]
