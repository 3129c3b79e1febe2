"""A network learns from what is drawn from a memory, with a frozen copy, Huber and a leaky unit that is written twice."""
import numpy as np
from collections import deque
import random
random.seed(0); np.random.seed(0)
nS, nA, hid, gamma = 5, 3, 12, 0.9

def onehot(i):
    v = np.zeros(nS); v[i] = 1; return v

class Net:
    def __init__(self, src=None):
        if src is None:
            self.W1 = np.random.randn(nS, hid) * .5
            self.b1 = np.zeros(hid)
            self.W2 = np.random.randn(hid, nA) * .5
            self.b2 = np.zeros(nA)
        else:
            self.load(src)
    def load(self, src):
        self.W1, self.b1, self.W2, self.b2 = src.W1.copy(), src.b1.copy(), src.W2.copy(), src.b2.copy()
    def q(self, s):
        self.s = s
        self.h = np.maximum(0.01 * (s @ self.W1 + self.b1), s @ self.W1 + self.b1)
        return self.h @ self.W2 + self.b2
    def train(self, s, a, target, lr=0.05):
        q = self.q(s)
        rows = np.arange(len(a))
        td = q[rows, a] - target
        loss = np.mean(np.where(np.abs(td) < 1, 0.5 * td ** 2, np.abs(td) - 0.5))
        dq = np.zeros_like(q)
        dq[rows, a] = np.clip(td, -1, 1) / len(a)
        dW2 = self.h.T @ dq
        db2 = dq.sum(axis=0)
        dh = dq @ self.W2.T
        dh = dh * np.where(self.h > 0, 1.0, 0.01)
        dW1 = self.s.T @ dh
        db1 = dh.sum(axis=0)
        self.W1 -= lr * dW1
        self.b1 -= lr * db1
        self.W2 -= lr * dW2
        self.b2 -= lr * db2
        return loss

net = Net(); frozen = Net(net)
memory = deque(maxlen=200)
s = 0
for step in range(120):
    a = random.randrange(nA)
    s2 = (s + a) % nS
    r = 1.0 if s2 == 0 else 0.0
    memory.append((s, a, r, s2))
    s = s2
    if len(memory) >= 16:
        batch = random.sample(memory, 16)
        S = np.array([onehot(x[0]) for x in batch]); S2 = np.array([onehot(x[3]) for x in batch])
        A = np.array([x[1] for x in batch]); R = np.array([x[2] for x in batch])
        y = R + gamma * frozen.q(S2).max(axis=1)
        loss = net.train(S, A, y)
    if step % 20 == 19:
        frozen.load(net)
print(loss)
