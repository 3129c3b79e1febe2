"""A forward that cancels is a staircase of rounding: right derivatives are not accused there, and wrong ones elsewhere are found."""

from __future__ import annotations

import numpy as np
import pytest
from testing.right import ELEMENTWISE, sigmoid
from testing.test_judgement import outcome

FAR = -np.array([12.0, 18.3, 23.19315735, 27.7, 31.1, 33.3, 35.2, 36.4, 41.3])
NEAR = np.array([3e-3, 1.7e-5, 2.3e-7, 4.1e-9, 1.3e-12, 7e-16, -3e-5, -2e-8, -1e-11])
LARGE = np.array([1.3e3, 2.7e5, 3.1e7, 1.9e9, 4.4e11, 2.2e13, 1.1e15, 3e16])
FORMS = {
    "silu": (*ELEMENTWISE["silu"], FAR),
    "sigmoid by tanh": (*ELEMENTWISE["sigmoid"], FAR),
    "one minus tanh squared": (lambda x: 1 - np.tanh(x) ** 2, lambda g, x: g * -2 * np.tanh(x) * (1 - np.tanh(x) ** 2), FAR / 2),
    "x times that": (
        lambda x: x * (1 - np.tanh(x) ** 2),
        lambda g, x: g * (1 - np.tanh(x) ** 2) * (1 - 2 * x * np.tanh(x)),
        FAR / 2,
    ),
    "softplus": (lambda x: np.log(1 + np.exp(x)), lambda g, x: g / (1 + np.exp(-x)), FAR),
    "x softplus": (lambda x: x * np.log(1 + np.exp(x)), lambda g, x: g * (np.log(1 + np.exp(x)) + x / (1 + np.exp(-x))), FAR),
    "softplus by log1p": (lambda x: np.log1p(np.exp(x)), lambda g, x: g / (1 + np.exp(-x)), FAR),
    "log sigmoid": (lambda x: np.log(sigmoid(x)), lambda g, x: g * (1 - sigmoid(x)), FAR[:5]),
    "x log sigmoid": (lambda x: x * np.log(sigmoid(x)), lambda g, x: g * (np.log(sigmoid(x)) + x * (1 - sigmoid(x))), FAR[:5]),
    "one minus cosine": (lambda x: 1 - np.cos(x), lambda g, x: g * np.sin(x), NEAR),
    "exp minus one": (lambda x: np.exp(x) - 1, lambda g, x: g * np.exp(x), NEAR),
    "x (exp minus one)": (lambda x: x * (np.exp(x) - 1), lambda g, x: g * (np.exp(x) - 1 + x * np.exp(x)), NEAR),
    "exp minus one over x": (lambda x: (np.exp(x) - 1) / x, lambda g, x: g * (x * np.exp(x) - np.exp(x) + 1) / x**2, NEAR[:2]),
    "roots": (lambda x: np.sqrt(x + 1) - np.sqrt(x), lambda g, x: g * (0.5 / np.sqrt(x + 1) - 0.5 / np.sqrt(x)), LARGE),
    "x roots": (
        lambda x: x * (np.sqrt(x + 1) - np.sqrt(x)),
        lambda g, x: g * (np.sqrt(x + 1) - np.sqrt(x) + x * (0.5 / np.sqrt(x + 1) - 0.5 / np.sqrt(x))),
        LARGE[:4],
    ),
    "hypotenuse": (lambda x: np.sqrt(x**2 + 1) - x, lambda g, x: g * (x / np.sqrt(x**2 + 1) - 1), LARGE[:5]),
}
WRONG = {"twice": lambda right, g: 2 * right, "sign": lambda right, g: -right, "more": lambda right, g: right + 0.1 * g}


def pair(name, single):
    """A form with its right derivative, computing as its input does or in single precision throughout."""
    forward, backward, places = FORMS[name]
    kind = np.float32 if single else np.float64
    return lambda x: (forward(x.astype(kind)), x), lambda g, x: backward(g, x.astype(kind)).astype(kind), places


@pytest.mark.parametrize("single", [False, True], ids=["double", "single"])
@pytest.mark.parametrize("name", FORMS)
def test_a_right_one_is_never_accused_and_a_wrong_one_is_found(name, single):
    if single and name == "exp minus one over x":
        return  # its derivative cancels as much: what it gives is wrong
    forward, backward, places = pair(name, single)
    generator = np.random.default_rng(4)
    for place in [*places, *generator.choice(places, (6, 3))]:
        x = np.atleast_1d(place)[:, None]
        found, words = outcome(forward, backward, (x,), {})
        assert found != "wrong", f"{place}: {words}"
    x = np.append(generator.uniform(0.3, 2, 3), places[0]).reshape(2, 2)
    for said, fault in WRONG.items():
        found, _ = outcome(forward, lambda g, x, fault=fault: fault(backward(g, x), g), (x,), {})
        assert found == "wrong", said
