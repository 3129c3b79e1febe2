"""Every row of the optimizer table beside the loop that its paper writes, number by number, in plain Python."""

from __future__ import annotations

from math import sqrt

import numpy as np
import pytest
from engine_strategies import xor

from bpdebug.core.description import Optimizer, Training
from bpdebug.core.layers import make_program
from bpdebug.core.machine import Machine
from bpdebug.core.optimizers import OPTIMIZERS
from bpdebug.core.record import replace

UPDATES = 6
CONSTANTS = {
    "sgd": {"learning_rate": 0.3},
    "momentum": {"learning_rate": 0.2, "momentum": 0.7},
    "nesterov": {"learning_rate": 0.2, "momentum": 0.7},
    "adagrad": {"learning_rate": 0.3, "epsilon": 0.03},
    "rmsprop": {"learning_rate": 0.05, "alpha": 0.8, "epsilon": 0.03},
    "adam": {"learning_rate": 0.05, "beta1": 0.7, "beta2": 0.8, "epsilon": 0.03},
    "adamw": {"learning_rate": 0.05, "beta1": 0.7, "beta2": 0.8, "epsilon": 0.03, "weight_decay": 0.4},
}


def gradient_descent(w, gradients, learning_rate):
    """Goodfellow et al., algorithm 8.1."""
    for g in gradients:
        w -= learning_rate * g
        yield w


def classical_momentum(w, gradients, learning_rate, momentum):
    """Sutskever et al., eq. 1 and 2, with the velocity in units of the gradient."""
    velocity = 0.0
    for g in gradients:
        velocity = momentum * velocity + g
        w += -learning_rate * velocity
        yield w


def accelerated(w, gradients, learning_rate, momentum):
    """Sutskever et al., eq. 3 and 4, for the parameter at which the gradient is taken: it is ahead by the next velocity."""
    velocity = 0.0
    for g in gradients:
        behind = w + learning_rate * momentum * velocity  # the parameter of the paper, which does not look ahead
        velocity = momentum * velocity + g
        w = behind - learning_rate * velocity - learning_rate * momentum * velocity
        yield w


def adagrad(w, gradients, learning_rate, epsilon):
    """Duchi et al., figure 1: the root of the sum of the squares of all gradients up to this one; epsilon is added to the root."""
    for number, g in enumerate(gradients, 1):
        w -= learning_rate * g / (epsilon + sqrt(sum(past**2 for past in gradients[:number])))
        yield w


def rms(w, gradients, learning_rate, alpha, epsilon):
    """Tieleman and Hinton, slide 29; epsilon is added to the root."""
    mean_square = 0.0
    for g in gradients:
        mean_square = alpha * mean_square + (1 - alpha) * g * g
        w -= learning_rate * g / (sqrt(mean_square) + epsilon)
        yield w


def adam(w, gradients, learning_rate, beta1, beta2, epsilon, weight_decay=0.0):
    """Kingma and Ba, algorithm 1; with a decay, Loshchilov and Hutter, algorithm 2."""
    first = second = 0.0
    for t, g in enumerate(gradients, 1):
        first = beta1 * first + (1 - beta1) * g
        second = beta2 * second + (1 - beta2) * g * g
        step = learning_rate * (first / (1 - beta1**t)) / (sqrt(second / (1 - beta2**t)) + epsilon)
        w = w - step - learning_rate * weight_decay * w
        yield w


PAPERS = {
    "sgd": gradient_descent,
    "momentum": classical_momentum,
    "nesterov": accelerated,
    "adagrad": adagrad,
    "rmsprop": rms,
    "adam": adam,
    "adamw": adam,
}


def test_every_row_has_its_paper():
    assert PAPERS.keys() == CONSTANTS.keys() == OPTIMIZERS.keys()
    assert all(CONSTANTS[name].keys() == row.constants.keys() for name, row in OPTIMIZERS.items())


@pytest.mark.parametrize("name", OPTIMIZERS)
def test_each_number_goes_as_the_paper_says(name):
    scenario = replace(xor(), optimizer=Optimizer(name, CONSTANTS[name]), training=Training(UPDATES))
    program = make_program(scenario)
    machine, gradients, found = Machine(program), {}, {}
    for _ in range(UPDATES):
        machine.run_update()
        for parameter in program.free:
            gradients.setdefault(parameter, []).append(machine.last(f"d{parameter}").ravel().tolist())
            found.setdefault(parameter, []).append(machine.persistent[parameter].ravel().tolist())
    for parameter in program.free:
        for cell, w in enumerate(program.initial[parameter].ravel().tolist()):
            expected = PAPERS[name](w, [row[cell] for row in gradients[parameter]], **CONSTANTS[name])
            assert np.allclose([row[cell] for row in found[parameter]], list(expected), rtol=1e-12, atol=1e-14)
