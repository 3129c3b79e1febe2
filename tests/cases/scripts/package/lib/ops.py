from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

relu = lambda x: np.maximum(x, 0)


@dataclass
class Dense:
    n: int
    m: int
    W: np.ndarray = field(init=False)

    def __post_init__(self):
        self.W = np.random.default_rng(0).normal(size=(self.n, self.m)) * 0.3
        self.__secret = 1

    def __call__(self, x: np.ndarray) -> np.ndarray:
        self.x = x
        return x @ self.W

    def grad(self, g):
        self.dW = self.x.T @ g
        return g @ self.W.T

    def step(self, lr):
        self.W -= lr * self.dW * self.__secret
