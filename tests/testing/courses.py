"""Layers as courses and books write them, each right or with one mistake."""

from __future__ import annotations

import numpy as np


def sigmoid(z):
    return 1 / (1 + np.exp(-z))


def numbers(*shape, seed=0):
    return np.random.default_rng([seed, *shape]).standard_normal(shape)


class Tensor(np.ndarray):
    """An array that can hold its gradient as ``g``."""


def tensor(*shape):
    return numbers(*shape).view(Tensor)


class Module:
    """fast.ai: what is called is kept, and gradients are ``.g`` of arrays."""

    def __call__(self, *args):
        self.args = args
        self.out = self.forward(*args)
        return self.out

    def backward(self):
        self.bwd(self.out, *self.args)


class Lin(Module):
    def __init__(self, bad=""):
        self.w, self.b, self.bad = tensor(4, 3), tensor(3), bad

    def forward(self, inp):
        return inp @ self.w + self.b

    def bwd(self, out, inp):
        inp.g = out.g @ self.w.T * (-1 if self.bad == "inp" else 1)
        self.w.g = inp.T @ out.g / (len(inp) if self.bad == "w" else 1)
        self.b.g = out.g.mean(0) if self.bad == "b" else out.g.sum(0)


class Mse(Module):
    def __init__(self, bad=""):
        self.bad = bad

    def forward(self, inp, targ):
        return ((inp.squeeze() - targ) ** 2).mean()

    def bwd(self, out, inp, targ):
        inp.g = 2.0 * (inp.squeeze() - targ)[..., None] / (1 if self.bad else targ.shape[0])


def lin(inp, w, b):
    return inp @ w + b


def lin_grad(inp, out, w, b):
    inp.g, w.g, b.g = out.g @ w.T, inp.T @ out.g, out.g.sum(0)


def lin_grad_of_b(inp, out, w, b):
    inp.g, w.g, b.g = out.g @ w.T, inp.T @ out.g, out.g.mean(0)


class Dense:
    """Neural Networks from Scratch: forward returns nothing, all is kept."""

    def __init__(self, bad=""):
        self.weights, self.biases, self.bad = numbers(4, 3), numbers(1, 3), bad

    def forward(self, inputs):
        self.inputs = inputs
        self.output = inputs @ self.weights + self.biases

    def backward(self, dvalues):
        self.dweights = self.inputs.T @ dvalues / (len(dvalues) if self.bad == "weights" else 1)
        self.dbiases = dvalues.sum(axis=0, keepdims=True) * (2 if self.bad == "biases" else 1)
        self.dinputs = dvalues @ self.weights.T if self.bad != "inputs" else dvalues @ np.abs(self.weights.T)


class Relu:
    def __init__(self, bad=""):
        self.bad = bad

    def forward(self, inputs):
        self.inputs = inputs
        self.output = np.maximum(0, inputs)

    def backward(self, dvalues):
        self.dinputs = dvalues.copy()
        self.dinputs[(self.inputs <= 0) & (not self.bad)] = 0


class Dropout:
    def __init__(self, bad=""):
        self.rate, self.bad = 0.7, bad

    def forward(self, inputs):
        self.binary_mask = np.random.binomial(1, self.rate, size=inputs.shape) / self.rate
        self.output = inputs * self.binary_mask

    def backward(self, dvalues):
        self.dinputs = dvalues * (self.binary_mask > 0) if self.bad else dvalues * self.binary_mask


class CrossEntropy:
    """It gives the losses of samples, and takes the answers back."""

    def __init__(self, bad=""):
        self.bad = bad

    def forward(self, y_pred, y_true):
        return -np.log(np.clip(y_pred, 1e-7, 1 - 1e-7)[range(len(y_pred)), y_true])

    def backward(self, dvalues, y_true):
        samples, labels = len(dvalues), len(dvalues[0])
        self.dinputs = -np.eye(labels)[y_true] / dvalues / (1 if self.bad == "sum" else samples)
        self.dinputs *= -1 if self.bad == "y_pred" else 1


class SoftmaxCrossEntropy:
    def __init__(self, bad=""):
        self.bad = bad

    def forward(self, inputs, y_true):
        e = np.exp(inputs - inputs.max(axis=1, keepdims=True))
        self.output = e / e.sum(axis=1, keepdims=True)
        return -np.log(self.output[range(len(inputs)), y_true]).mean()

    def backward(self, dvalues, y_true):
        self.dinputs = dvalues.copy()
        self.dinputs[range(len(dvalues)), y_true] -= 1
        self.dinputs = self.dinputs / (1 if self.bad else len(dvalues))


PROBABILITIES = np.array([[0.2, 0.5, 0.3], [0.7, 0.2, 0.1], [0.1, 0.1, 0.8], [0.3, 0.3, 0.4]])
LABELS = np.array([1, 0, 2, 1])


def rnn_cell_forward(xt, a_prev, parameters):
    """deeplearning.ai: parameters in a dict, and an output between the one that counts and the cache."""
    a = np.tanh(parameters["Wax"] @ xt + parameters["Waa"] @ a_prev + parameters["ba"])
    return a, sigmoid(parameters["Wya"] @ a + parameters["by"]), (a, a_prev, xt, parameters)


def rnn_cell_backward(da_next, cache, bad=""):
    a_next, a_prev, xt, parameters = cache
    dz = (1 - a_next**2) * da_next
    dba = ((1 - a_next) ** 2 * da_next if bad else dz).sum(1, keepdims=True)
    inputs = {"dxt": parameters["Wax"].T @ dz, "da_prev": parameters["Waa"].T @ dz}
    return {**inputs, "dWax": dz @ xt.T, "dWaa": dz @ a_prev.T, "dba": dba}


RNN = {"Wax": numbers(5, 3), "Waa": numbers(5, 5), "Wya": numbers(2, 5), "ba": numbers(5, 1), "by": numbers(2, 1)}


def propagate(w, b, X, Y, bad=""):
    """Its gradients come first, and then the cost."""
    m, a = X.shape[1], sigmoid(w.T @ X + b)
    cost = -np.sum(Y * np.log(a) + (1 - Y) * np.log(1 - a)) / m
    return {"dw": X @ (a - Y).T / m, "db": np.sum(a - Y) / (1 if bad else m)}, cost


def forward_propagation_n(X, Y, parameters):
    Z1 = parameters["W1"] @ X + parameters["b1"]
    A1 = np.maximum(Z1, 0)
    A2 = sigmoid(parameters["W2"] @ A1 + parameters["b2"])
    return -np.sum(Y * np.log(A2) + (1 - Y) * np.log(1 - A2)) / X.shape[1], {"Z1": Z1, "A1": A1, "A2": A2}


def backward_propagation_n(parameters, cache, X, Y, bad=""):
    m, dZ2 = X.shape[1], cache["A2"] - Y
    dZ1 = parameters["W2"].T @ dZ2 * (cache["A1"] > 0)
    grads = {"dZ2": dZ2, "dW2": dZ2 @ cache["A1"].T / m, "db2": dZ2.sum(1, keepdims=True) / m, "dZ1": dZ1}
    return {**grads, "dW1": dZ1 @ X.T / m * (2 if bad else 1), "db1": dZ1.sum(1, keepdims=True) / m}


TWO = {"W1": numbers(4, 2), "b1": numbers(4, 1), "W2": numbers(1, 4), "b2": numbers(1, 1)}


def loss_fun(inputs, targets, hprev, Wxh, Whh, bh, bad=""):
    """min-char-rnn: a state comes in that has no gradient, and goes out behind the gradients."""
    hs, xs, loss = {-1: hprev}, np.eye(5)[inputs][:, :, None], 0.0
    for t in range(len(inputs)):
        hs[t] = np.tanh(Wxh @ xs[t] + Whh @ hs[t - 1] + bh)
        loss += 0.5 * np.sum((hs[t] - targets[t]) ** 2)
    dWxh, dWhh, dbh, dnext = np.zeros_like(Wxh), np.zeros_like(Whh), np.zeros_like(bh), np.zeros_like(bh)
    for t in reversed(range(len(inputs))):
        dz = (1 - hs[t] ** 2) * (hs[t] - targets[t] + (0 if bad else dnext))
        dWxh, dWhh, dbh = dWxh + dz @ xs[t].T, dWhh + dz @ hs[t - 1].T, dbh + dz
        dnext = Whh.T @ dz
    return loss, dWxh, dWhh, dbh, hs[len(inputs) - 1]


class Network:
    """Nielsen's network2: lists of arrays of many shapes, in the object and out of backprop."""

    def __init__(self, bad=""):
        self.biases, self.weights, self.bad = [numbers(5, 1), numbers(3, 1)], [numbers(5, 4), numbers(3, 5)], bad

    def feedforward(self, a):
        for b, w in zip(self.biases, self.weights, strict=True):
            a = sigmoid(w @ a + b)
        return a

    def loss(self, x, y):
        return cost(self.feedforward(x), y)

    def backprop(self, x, y):
        nabla_b, nabla_w = [np.zeros(b.shape) for b in self.biases], [np.zeros(w.shape) for w in self.weights]
        hidden = sigmoid(self.weights[0] @ x + self.biases[0])
        delta = sigmoid(self.weights[1] @ hidden + self.biases[1]) - y
        nabla_b[1], nabla_w[1] = delta, delta @ hidden.T
        delta = self.weights[1].T @ delta * (hidden if self.bad else hidden * (1 - hidden))
        nabla_b[0], nabla_w[0] = delta, delta @ x.T
        return nabla_b, nabla_w


def cost(a, y):
    return np.sum(-y * np.log(a) - (1 - y) * np.log(1 - a))


class TwoLayerNet:
    """CS231n: one method gives the loss with its penalty and all gradients."""

    def __init__(self, bad=""):
        self.params, self.reg, self.bad = {"W1": numbers(4, 6), "W2": numbers(6, 3)}, 0.1, bad

    def loss(self, X, y):
        W1, W2 = self.params["W1"], self.params["W2"]
        h = np.maximum(X @ W1, 0)
        s = np.exp(h @ W2)
        p, n = s / s.sum(axis=1, keepdims=True), np.arange(len(X))
        loss = -np.log(p[n, y]).mean() + 0.5 * self.reg * (np.sum(W1**2) + np.sum(W2**2))
        p[n, y] -= 1
        p /= len(X)
        dh = p @ W2.T * (h > 0)
        return loss, {"W1": X.T @ dh + (0 if self.bad else self.reg * W1), "W2": h.T @ p + self.reg * W2}


def lstm_step_forward(x, prev_h, prev_c, Wx, Wh, b):
    H, a = prev_h.shape[1], x @ Wx + prev_h @ Wh + b
    i, f, o, g = (*(sigmoid(a[:, k * H : (k + 1) * H]) for k in range(3)), np.tanh(a[:, 3 * H :]))
    c = f * prev_c + i * g
    return o * np.tanh(c), c, (x, prev_h, prev_c, Wx, Wh, i, f, o, g, c)


def lstm_step_backward(dnext_h, dnext_c, cache, bad=""):
    x, prev_h, prev_c, Wx, Wh, i, f, o, g, c = cache
    t = np.tanh(c)
    dc = dnext_c + dnext_h * o * (1 - t * t)
    dg = dc * i * (g * (1 - g) if bad else 1 - g**2)
    da = np.hstack([dc * g * i * (1 - i), dc * prev_c * f * (1 - f), dnext_h * t * o * (1 - o), dg])
    return da @ Wx.T, da @ Wh.T, dc * f, x.T @ da, prev_h.T @ da, da.sum(0)


LSTM = (numbers(3, 4), numbers(3, 5), numbers(3, 5, seed=1), numbers(4, 20), numbers(5, 20), numbers(20))


class Attention:
    """Scaled dot products, each weight with its gradient in a dict."""

    def __init__(self, bad=""):
        self.Wq, self.Wk, self.Wv, self.grads, self.bad = numbers(4, 4), numbers(4, 4, seed=1), numbers(4, 3), {}, bad

    def forward(self, x):
        self.x, self.q, self.k, self.v = x, x @ self.Wq, x @ self.Wk, x @ self.Wv
        e = np.exp(self.q @ np.swapaxes(self.k, 1, 2) / 2)
        self.p = e / e.sum(axis=-1, keepdims=True)
        return self.p @ self.v

    def backward(self, dout):
        dp = dout @ np.swapaxes(self.v, 1, 2)
        ds = self.p * (dp - (dp * self.p).sum(axis=-1, keepdims=True)) / 2
        dq, dk, dv = ds @ self.k, np.swapaxes(ds, 1, 2) @ self.q, np.swapaxes(self.p, 1, 2) @ dout
        for name, d in (("Wq", dq), ("Wk", dk * (2 if self.bad == "Wk" else 1)), ("Wv", dv)):
            self.grads[name] = np.einsum("ntd,nte->de", self.x, d)
        return dq @ self.Wq.T + dk @ self.Wk.T + dv @ self.Wv.T


def relu_of_lists(x):
    return [max(number, 0.0) for number in x], x


def relu_of_lists_backward(d, x, bad=""):
    return [one * (number > 0 or bool(bad)) for one, number in zip(d, x, strict=True)]


class Activation:
    """Two methods of one object, the second a derivative in the same argument."""

    def __init__(self, bad=""):
        self.bad = bad

    def activation(self, x):
        return np.tanh(x)

    def gradient(self, x):
        return 1 - np.tanh(x) ** 2 * (2 if self.bad else 1)


class StepTaking:
    """ML-From-Scratch: ``backward_pass`` takes the step by itself."""

    def __init__(self, bad=""):
        self.W, self.w0, self.lr, self.bad = numbers(4, 3), np.zeros((1, 3)), 0.1, bad

    def forward_pass(self, X):
        self.layer_input = X
        return X @ self.W + self.w0

    def backward_pass(self, accum_grad):
        W = self.W
        self.W = W - self.lr * self.layer_input.T @ accum_grad * (2 if self.bad else 1)
        self.w0 = self.w0 - self.lr * accum_grad.sum(axis=0, keepdims=True)
        return accum_grad @ W.T


def logistic(w, X, y):
    return np.mean(np.log1p(np.exp(-y * (X @ w)))) + 0.05 * w @ w


def logistic_gradient(w, X, y, bad=""):
    return X.T @ (-y * sigmoid(-y * (X @ w))) / len(y) + (0 if bad else 0.1 * w)
