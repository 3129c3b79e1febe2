"""Small programs of every kind that the clock has to deal with, and their whole history computed in the plainest way."""

from __future__ import annotations

from functools import cache

import numpy as np

from bpdebug.core.description import Initializer, Layer, Loss, Optimizer, Scenario, Training
from bpdebug.core.evaluate import evaluate
from bpdebug.core.layers import make_program

X = np.array([[0.0, 0.0], [0.0, 1.0], [1.0, 0.0], [1.0, 1.0]])
Y = np.array([[0.0], [1.0], [1.0], [0.0]])
SIGMOIDS = (Layer(4, "sigmoid"), Layer(1, "sigmoid"))
CROSS_ENTROPY = Loss("binary_cross_entropy")


def xor(epochs=1000, **changes):
    """The tutorial's scenario."""
    usual = {"loss": CROSS_ENTROPY, "optimizer": Optimizer("sgd", {"learning_rate": 0.1}), "generator": "legacy"}
    return Scenario("XOR", ("x1", "x2"), SIGMOIDS, X, Y, training=Training(epochs), **(usual | changes))


def classes(epochs, shuffle, **changes):
    """Ten samples of three classes in batches of four, so that the last one is short."""
    generator = np.random.default_rng(7)
    x, y = generator.standard_normal((10, 3)), np.eye(3)[generator.integers(0, 3, 10)]
    layers = (Layer(4, "tanh"), Layer(3, "softmax"))
    usual = {"loss": Loss("categorical_cross_entropy", samples="mean"), "training": Training(epochs, 4, shuffle)}
    return Scenario("classes", ("p", "q", "r"), layers, x, y, **(usual | changes))


def line(epochs, rate, **changes):
    """One neuron that learns y = 2x."""
    x = np.array([[1.0], [2.0]])
    optimizer = Optimizer("sgd", {"learning_rate": rate})
    return Scenario("line", ("x",), (Layer(1),), x, 2 * x, optimizer=optimizer, training=Training(epochs), **changes)


RESIDUAL = (Layer(3, "relu"), Layer(3, "leaky_relu", residual=True), Layer(3, "gelu", bias=False), Layer(2, "identity"))

SCENARIOS = {
    "xor": xor(40),
    "short last batch": classes(12, shuffle=False),
    "shuffled momentum": classes(12, shuffle=True, optimizer=Optimizer("momentum", {"learning_rate": 0.2})),
    "adam float32": classes(12, shuffle=True, precision="float32", optimizer=Optimizer("adam", {"learning_rate": 0.05})),
    "penalty float32": xor(40, precision="float32", loss=Loss("binary_cross_entropy", l2=0.01, from_logits=True)),
    "residual": Scenario(
        "residual",
        ("a", "b"),
        RESIDUAL,
        X,
        X[::-1] + 0.5,
        initializer=Initializer("he_normal"),
        loss=Loss("huber", samples="mean", outputs="mean"),
        optimizer=Optimizer("nesterov", {"learning_rate": 0.05}),
        frozen=("b1",),
        training=Training(15, 3),
    ),
    "adamw elu": xor(25, optimizer=Optimizer("adamw", {"learning_rate": 0.1}), values={"b1": np.full((1, 4), 0.5)}),
    "rmsprop": xor(25, optimizer=Optimizer("rmsprop"), formulas={"da2": "a2 - y"}),
}
"""Scenarios in which every number stays finite."""


@cache
def program_of(name):
    return make_program(SCENARIOS[name])


def history(program, updates=None):
    """The tensors that have a value at each clock, one stage after the other with fresh arrays: no buffers, no checkpoints."""
    persistent = {name: program.initial[name] for name in program.persistent}
    for update in range(program.updates if updates is None else updates):
        values = _given(program, update) | persistent
        for stage in program.stages:
            yield values
            values = values | {stage.name: evaluate(stage.formula, values, program.dtype)}
        persistent = {name: values[name] for name in persistent}
    yield _given(program, program.updates if updates is None else updates) | persistent


@cache
def states(name):
    """The history of a program of :data:`SCENARIOS`, by clock."""
    return list(history(program_of(name)))


def bits(values):
    """Tensors in a form that is equal where, and only where, every bit is."""
    return {name: (value.dtype.str, value.shape, value.tobytes()) for name, value in values.items()}


def assert_state(timeline, expected):
    """What is computed now, and each of its bits."""
    present = timeline.machine.values()
    assert set(present) == set(expected)
    assert bits(present) == bits(expected)


def _given(program, update):
    rows = program.batches.rows(update)
    rows = np.arange(program.batches.total) if rows is None else rows
    given = {"x": program.data["x"][rows], "y": program.data["y"][rows], "m": np.array(len(rows))}
    return {name: value.astype(program.dtype) for name, value in given.items()}
