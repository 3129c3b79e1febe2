import numpy as np

class Net:
    def __init__(self, n_in, n_hidden, lr):
        rng = np.random.RandomState(4)
        self.W1 = rng.uniform(-1, 1, (n_hidden, n_in))
        self.W2 = rng.uniform(-1, 1, (n_hidden, n_hidden))
        self.W3 = rng.uniform(-1, 1, (1, n_hidden))
        self.b1, self.b2, self.b3 = np.zeros((n_hidden, 1)), np.zeros((n_hidden, 1)), np.zeros((1, 1))
        self.lr = lr

    def forward(self, x):
        self.x = x
        self.h1 = np.tanh(np.einsum('ij,bjk->bik', self.W1, x) + self.b1)
        self.h2 = np.tanh(np.einsum('ij,bjk->bik', self.W2, self.h1) + self.b2)
        self.h3 = np.einsum('ij,bjk->bik', self.W3, self.h2) + self.b3
        return self.h3

    def backward(self, target):
        dl_dh3 = 2 * (self.h3 - target)
        g3 = np.ones_like(self.h3)
        dl_dW3 = np.mean(np.einsum('bij,bkj->bik', dl_dh3 * g3, self.h2), axis=0)
        g2 = np.einsum('ij,bik->bjk', self.W3, g3) * (1 - self.h2 ** 2)
        dl_dW2 = np.mean(np.einsum('bij,bkj->bik', dl_dh3 * g2, self.h1), axis=0)
        g1 = np.einsum('ij,bik->bjk', self.W2, g2) * (1 - self.h1 ** 2)
        dl_dW1 = np.mean(np.einsum('bij,bkj->bik', dl_dh3 * g1, self.x), axis=0)
        dl_db3 = np.mean(dl_dh3 * g3, axis=0)
        dl_db2 = np.mean(dl_dh3 * g2, axis=0)
        dl_db1 = np.mean(dl_dh3 * g1, axis=0)
        dl_db3 = np.clip(dl_db3, -1, 1)
        self.W3 = self.W3 - self.lr * dl_dW3
        self.W2 = self.W2 - self.lr * dl_dW2
        self.W1 = self.W1 - self.lr * dl_dW1
        self.b3 = self.b3 - self.lr * dl_db3
        self.b2 = self.b2 - self.lr * dl_db2
        self.b1 = self.b1 - self.lr * dl_db1

rng = np.random.RandomState(5)
net = Net(2, 4, 0.01)
for step in range(40):
    x = rng.uniform(-2, 2, (8, 2, 1))
    y = np.sin(x[:, :1]) * 3 + 2
    h = net.forward(x)
    loss = np.mean((h - y) ** 2)
    net.backward(y)
