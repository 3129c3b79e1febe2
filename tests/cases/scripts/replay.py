import random
from collections import deque

import numpy as np

random.seed(0)
np.random.seed(0)


class QNet:
    def __init__(self, n_s, n_h, n_a):
        self.W1 = np.random.randn(n_s, n_h) * np.sqrt(2.0 / n_s)
        self.b1 = np.zeros(n_h)
        self.W2 = np.random.randn(n_h, n_a) * np.sqrt(2.0 / n_h)
        self.b2 = np.zeros(n_a)

    def forward(self, s):
        self.s = s
        self.z1 = s @ self.W1 + self.b1
        self.a1 = np.maximum(self.z1, 0)
        return self.a1 @ self.W2 + self.b2

    def train(self, s, a, target, lr):
        q = self.forward(s)
        idx = np.arange(len(a))
        td = q[idx, a] - target
        loss = np.mean(td ** 2)
        dq = np.zeros_like(q)
        dq[idx, a] = 2 * td / len(a)
        dW2 = self.a1.T @ dq
        db2 = dq.sum(axis=0)
        da1 = dq @ self.W2.T
        dz1 = da1 * (self.z1 > 0)
        dW1 = self.s.T @ dz1
        db1 = dz1.sum(axis=0)
        self.W1 -= lr * np.clip(dW1, -1, 1)
        self.b1 -= lr * np.clip(db1, -1, 1)
        self.W2 -= lr * np.clip(dW2, -1, 1)
        self.b2 -= lr * np.clip(db2, -1, 1)
        return loss

    def copy_from(self, other):
        self.W1, self.b1 = other.W1.copy(), other.b1.copy()
        self.W2, self.b2 = other.W2.copy(), other.b2.copy()


class Walk:
    def reset(self):
        self.x = np.array([0.0, 0.5])
        self.t = 0
        return self.x.copy()

    def step(self, action):
        self.x = self.x + np.array([[-0.1, 0.02], [0.1, -0.02]])[action] + np.random.randn(2) * 0.01
        self.t += 1
        done = self.t >= 15 or abs(self.x[0]) > 1
        return self.x.copy(), float(self.x[0]), done


env, net, target = Walk(), QNet(2, 12, 2), QNet(2, 12, 2)
target.copy_from(net)
memory, gamma, epsilon, steps = deque(maxlen=500), 0.9, 0.5, 0
for episode in range(12):
    s, done, total = env.reset(), False, 0.0
    while not done:
        if random.random() < epsilon:
            a = random.randrange(2)
        else:
            a = int(np.argmax(net.forward(s[None, :])))
        s2, r, done = env.step(a)
        memory.append((s, a, r, s2, done))
        s, total, steps = s2, total + r, steps + 1
        if len(memory) >= 16:
            batch = random.sample(memory, 16)
            bs, ba, br, bs2, bd = map(np.array, zip(*batch))
            y = br + gamma * (1 - bd) * target.forward(bs2).max(axis=1)
            loss = net.train(bs, ba, y, 0.01)
        if steps % 20 == 0:
            target.copy_from(net)
    epsilon *= 0.9
print(loss, total)
