import numpy as np

rng = np.random.default_rng(7)


def im2col(x, k, stride=1, pad=0):
    n, c, h, w = x.shape
    x = np.pad(x, ((0, 0), (0, 0), (pad, pad), (pad, pad)))
    oh, ow = (h + 2 * pad - k) // stride + 1, (w + 2 * pad - k) // stride + 1
    cols = np.zeros((n, c, k, k, oh, ow))
    for i in range(k):
        for j in range(k):
            cols[:, :, i, j] = x[:, :, i:i + stride * oh:stride, j:j + stride * ow:stride]
    return cols.transpose(0, 4, 5, 1, 2, 3).reshape(n * oh * ow, -1)


def col2im(cols, shape, k, stride=1, pad=0):
    n, c, h, w = shape
    oh, ow = (h + 2 * pad - k) // stride + 1, (w + 2 * pad - k) // stride + 1
    cols = cols.reshape(n, oh, ow, c, k, k).transpose(0, 3, 4, 5, 1, 2)
    x = np.zeros((n, c, h + 2 * pad, w + 2 * pad))
    for i in range(k):
        for j in range(k):
            x[:, :, i:i + stride * oh:stride, j:j + stride * ow:stride] += cols[:, :, i, j]
    return x[:, :, pad:pad + h, pad:pad + w]


class Conv:
    def __init__(self, c_in, c_out, k, pad):
        self.W = rng.standard_normal((c_out, c_in, k, k)) * np.sqrt(2 / (c_in * k * k))
        self.b = np.zeros(c_out)
        self.k, self.pad = k, pad

    def forward(self, x):
        n, c, h, w = x.shape
        self.shape = x.shape
        self.cols = im2col(x, self.k, 1, self.pad)
        out = self.cols @ self.W.reshape(len(self.W), -1).T + self.b
        return out.reshape(n, h, w, -1).transpose(0, 3, 1, 2)

    def backward(self, dout):
        d = dout.transpose(0, 2, 3, 1).reshape(-1, len(self.W))
        self.db = d.sum(axis=0)
        self.dW = (d.T @ self.cols).reshape(self.W.shape)
        dcols = d @ self.W.reshape(len(self.W), -1)
        return col2im(dcols, self.shape, self.k, 1, self.pad)


class ReLU:
    def forward(self, x):
        self.mask = x > 0
        return x * self.mask

    def backward(self, dout):
        return dout * self.mask


class MaxPool:
    def forward(self, x):
        n, c, h, w = x.shape
        self.shape = x.shape
        r = x.reshape(n, c, h // 2, 2, w // 2, 2).transpose(0, 1, 2, 4, 3, 5).reshape(n, c, h // 2, w // 2, 4)
        self.arg = r.argmax(axis=-1)
        return r.max(axis=-1)

    def backward(self, dout):
        n, c, h, w = self.shape
        d = np.zeros((n, c, h // 2, w // 2, 4))
        np.put_along_axis(d, self.arg[..., None], dout[..., None], axis=-1)
        return d.reshape(n, c, h // 2, w // 2, 2, 2).transpose(0, 1, 2, 4, 3, 5).reshape(n, c, h, w)


class Dense:
    def __init__(self, n_in, n_out):
        self.W = rng.standard_normal((n_in, n_out)) * 0.1
        self.b = np.zeros(n_out)

    def forward(self, x):
        self.shape = x.shape
        self.x = x.reshape(len(x), -1)
        return self.x @ self.W + self.b

    def backward(self, dout):
        self.dW = self.x.T @ dout
        self.db = dout.sum(axis=0)
        return (dout @ self.W.T).reshape(self.shape)


images = rng.standard_normal((24, 1, 8, 8))
labels = rng.integers(0, 3, 24)
net = [Conv(1, 4, 3, 1), ReLU(), MaxPool(), Conv(4, 6, 3, 1), ReLU(), MaxPool(), Dense(24, 3)]
velocity = {}
lr, beta = 0.02, 0.9
for epoch in range(4):
    for i in range(0, 24, 8):
        x, t = images[i:i + 8], labels[i:i + 8]
        for layer in net:
            x = layer.forward(x)
        e = np.exp(x - x.max(axis=1, keepdims=True))
        probs = e / e.sum(axis=1, keepdims=True)
        loss = -np.log(probs[np.arange(8), t]).mean()
        d = probs.copy()
        d[np.arange(8), t] -= 1
        d /= 8
        for layer in reversed(net):
            d = layer.backward(d)
        for number, layer in enumerate(net):
            if hasattr(layer, "W"):
                for key in ("W", "b"):
                    v = velocity.get((number, key), 0.0)
                    v = beta * v + getattr(layer, "d" + key)
                    velocity[number, key] = v
                    setattr(layer, key, getattr(layer, key) - lr * v)
