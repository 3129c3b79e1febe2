from dataclasses import dataclass, field

import numpy as np


@dataclass
class Affine:
    fan_in: int
    fan_out: int
    weight: np.ndarray = field(init=False)
    bias: np.ndarray = field(init=False)

    def __post_init__(self):
        self.weight = RNG.standard_normal((self.fan_in, self.fan_out)) / self.fan_in**0.5
        self.bias = np.zeros(self.fan_out)

    def forward(self, x):
        self.x = x
        return x @ self.weight + self.bias

    def backward(self, upstream):
        self.grad_weight = self.x.T @ upstream
        self.grad_bias = upstream.sum(axis=0)
        return upstream @ self.weight.T

    def step(self, lr):
        self.weight -= lr * self.grad_weight
        self.bias -= lr * self.grad_bias


RNG = np.random.default_rng(11)
first, second = Affine(3, 7), Affine(7, 2)
inputs = RNG.standard_normal((16, 3))
targets = np.c_[inputs.prod(axis=1), inputs.sum(axis=1)]
for _ in range(100):
    a = first.forward(inputs)
    h = np.tanh(a)
    prediction = second.forward(h)
    residual = prediction - targets
    loss = np.square(residual).sum() / (2 * len(inputs))
    dh = second.backward(residual / len(inputs))
    first.backward(dh * (1 - np.square(h)))
    for layer in (first, second):
        layer.step(0.2)
print(f"{loss:.4f}")
