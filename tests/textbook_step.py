"""A training step of a dense network in plain NumPy, by the textbook. Nothing here comes from the program under test."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np


@dataclass(frozen=True)
class Net:
    """A network by its widths, the inputs first; ``residual`` holds the layers that add their input."""

    widths: tuple[int, ...]
    m: int
    activations: tuple[str, ...]
    loss: str = "squared_error"
    samples: str = "mean"
    outputs: str = "sum"
    l2: float = 0.0
    optimizer: str = "sgd"
    residual: tuple[int, ...] = ()
    fused: bool = False

    def __str__(self):
        return "-".join(map(str, self.widths)) + f" m={self.m}"

    @property
    def depth(self):
        return len(self.widths) - 1

    @property
    def over(self):
        """What the loss is divided by."""
        return (self.m if self.samples == "mean" else 1) * (self.widths[-1] if self.outputs == "mean" else 1)


RATE, MOMENTUM, BETA1, BETA2, EPSILON = 0.13, 0.73, 0.7, 0.9, 1e-5


def sigmoid(z):
    return 1 / (1 + np.exp(-z))


def softmax(z):
    e = np.exp(z - z.max(axis=1, keepdims=True))
    return e / e.sum(axis=1, keepdims=True)


ACTIVATE = {"sigmoid": sigmoid, "tanh": np.tanh, "relu": lambda z: z * (z > 0), "identity": lambda z: z, "softmax": softmax}


def slope(name, z):
    """The derivative of an elementwise activation."""
    if name == "sigmoid":
        return sigmoid(z) * (1 - sigmoid(z))
    return {"tanh": 1 - np.tanh(z) ** 2, "relu": (z > 0) * 1.0, "identity": np.ones_like(z)}[name]


def back_through(name, g, z):
    if name == "softmax":
        a = softmax(z)
        return np.einsum("ni,nij->nj", g, a[:, :, None] * (np.eye(a.shape[1]) - a[:, None, :]))
    return g * slope(name, z)


def terms(loss, a, y):
    """The loss of each cell."""
    if loss == "squared_error":
        return (a - y) ** 2
    if loss == "binary_cross_entropy":
        return -(y * np.log(a) + (1 - y) * np.log(1 - a))
    return -y * np.log(a)


def loss_slope(loss, a, y):
    if loss == "squared_error":
        return 2 * (a - y)
    if loss == "binary_cross_entropy":
        return (a - y) / (a * (1 - a))
    return -y / a


@dataclass
class Run:
    """One update: its tensors by name in the order in which they are computed, the parameters and slots before and after it, and
    the tensors of the update before."""

    net: Net
    tensors: dict
    before: dict
    after: dict = field(default_factory=dict)
    previous: dict = field(default_factory=dict)

    def put(self, name, value):
        self.tensors[name] = value
        return value

    def layer_input(self, n):
        """What layer n reads, and its name."""
        name = "x" if n == 1 else f"r{n - 1}" if n - 1 in self.net.residual else f"a{n - 1}"
        return self.tensors[name], name


def train(net, parameters, x, y, previous=None):
    """One update in plain NumPy.

    Args:
        net: the network.
        parameters: W1, b1, …, the optimizer's slots and ``t``.
        x, y: the batch.
        previous: the tensors of the update before.
    """
    run = Run(net, {"x": x, "y": y}, parameters, previous=previous or {})
    _forward(run)
    _backward(run)
    _update(run)
    run.after = {name: run.tensors[name] for name in parameters if name != "t"}
    return run


def _forward(run):
    net, p = run.net, run.before
    for n, activation in enumerate(net.activations, 1):
        h, _ = run.layer_input(n)
        z = run.put(f"z{n}", h @ p[f"W{n}"] + p[f"b{n}"])
        a = run.put(f"a{n}", ACTIVATE[activation](z))
        if n in net.residual:
            run.put(f"r{n}", a + h)
    a = run.layer_input(net.depth + 1)[0]
    data = terms(net.loss, a, run.tensors["y"]).sum() / net.over
    penalty = sum(net.l2 * (p[f"W{n}"] ** 2).sum() for n in range(1, net.depth + 1))
    run.put("loss", np.asarray(data + penalty))


def _backward(run):
    net, p, t = run.net, run.before, run.tensors
    top = net.depth
    a = run.layer_input(top + 1)[0]
    if not net.fused:
        g = run.put(f"d{run.layer_input(top + 1)[1]}", loss_slope(net.loss, a, t["y"]) / net.over)
    for n in range(top, 0, -1):
        if net.fused and n == top:
            dz = run.put(f"dz{n}", (t[f"a{n}"] - t["y"]) / net.over)
        else:
            if n in net.residual:
                run.put(f"da{n}", g)
            dz = run.put(f"dz{n}", back_through(net.activations[n - 1], g, t[f"z{n}"]))
        h, name = run.layer_input(n)
        run.put(f"dW{n}", h.T @ dz + 2 * net.l2 * p[f"W{n}"])
        run.put(f"db{n}", dz.sum(axis=0, keepdims=True))
        if n > 1:
            g = run.put(f"d{name}", dz @ p[f"W{n}"].T + (g if n in net.residual else 0))


def _update(run):
    net, t = run.net, run.tensors
    count = run.before.get("t", 0) + 1
    for n in range(1, net.depth + 1):
        for w in (f"W{n}", f"b{n}"):
            old, g = run.before[w], t[f"d{w}"]
            if net.optimizer == "sgd":
                new = old - RATE * g
            elif net.optimizer == "momentum":
                new = old - RATE * run.put(f"v{w}", MOMENTUM * run.before[f"v{w}"] + g)
            else:
                first = run.put(f"m{w}", BETA1 * run.before[f"m{w}"] + (1 - BETA1) * g)
                second = run.put(f"v{w}", BETA2 * run.before[f"v{w}"] + (1 - BETA2) * g**2)
                new = old - RATE * (first / (1 - BETA1**count)) / (np.sqrt(second / (1 - BETA2**count)) + EPSILON)
            run.put(w, new)
