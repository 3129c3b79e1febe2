import numpy as np

class Dense:
    def __init__(self, n_in, n_out, rng):
        self.weights = rng.standard_normal((n_in, n_out)) * np.sqrt(2 / n_in)
        self.bias = np.zeros((1, n_out))
        self.v_w = np.zeros_like(self.weights)
        self.v_b = np.zeros_like(self.bias)

    def forward(self, inputs):
        self.inputs = inputs
        return inputs @ self.weights + self.bias

    def backward(self, grad_output):
        self.grad_weights = self.inputs.T @ grad_output
        self.grad_bias = np.sum(grad_output, axis=0, keepdims=True)
        return grad_output @ self.weights.T

class LeakyReLU:
    def __init__(self, alpha=0.1):
        self.alpha = alpha

    def forward(self, x):
        self.x = x
        return np.where(x > 0, x, self.alpha * x)

    def backward(self, grad):
        return grad * np.where(self.x > 0, 1.0, self.alpha)

class Momentum:
    def __init__(self, lr, beta):
        self.lr, self.beta = lr, beta

    def step(self, layers):
        for layer in layers:
            if isinstance(layer, Dense):
                layer.v_w = self.beta * layer.v_w - self.lr * layer.grad_weights
                layer.v_b = self.beta * layer.v_b - self.lr * layer.grad_bias
                layer.weights += layer.v_w
                layer.bias += layer.v_b

class Network:
    def __init__(self, layers):
        self.layers = layers

    def forward(self, x):
        for layer in self.layers:
            x = layer.forward(x)
        return x

    def backward(self, grad):
        for layer in reversed(self.layers):
            grad = layer.backward(grad)

rng = np.random.default_rng(0)
X = rng.standard_normal((64, 4))
t = (X[:, :1] * X[:, 1:2] > 0).astype(float)
net = Network([Dense(4, 8, rng), LeakyReLU(), Dense(8, 6, rng), LeakyReLU(), Dense(6, 1, rng)])
opt = Momentum(0.05, 0.9)
for epoch in range(30):
    out = net.forward(X)
    loss = np.mean((out - t) ** 2)
    grad = 2 * (out - t) / t.size
    net.backward(grad)
    opt.step(net.layers)
    if epoch % 10 == 0:
        print(epoch, loss)
