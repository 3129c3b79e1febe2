"""Random networks: every activation, loss and optimizer in turn, everything else by chance."""

from __future__ import annotations

import itertools
from functools import cache

import numpy as np

from bpdebug.core.description import Layer, Loss, Optimizer, Scenario, Training
from bpdebug.core.operations import ACTIVATIONS, FUSED, LOSSES
from bpdebug.core.optimizers import OPTIMIZERS

KINDS = [(function, logits) for function in LOSSES for logits in ((False, True) if function in FUSED else (False,))]
LATER = {"hinge", "adagrad", "mish"}
"""Rows that are younger than these networks: theirs come last, so that every other network keeps its number."""
OLDER = [name for name in ACTIVATIONS if name not in LATER]
COMBINATIONS = sorted(
    itertools.product(ACTIVATIONS, KINDS, OPTIMIZERS), key=lambda made: (made[0] in LATER, made[1][0] in LATER, made[2] in LATER)
)
CONSTANTS = {"leaky_relu": "slope", "elu": "alpha"}


@cache
def scenario_of(number):
    """The network for one combination: that activation, that loss, that optimizer, everything else by chance."""
    activation, (function, logits), optimizer = COMBINATIONS[number]
    generator = np.random.default_rng([2718, number])
    flip = lambda: bool(generator.random() < 0.5)  # noqa: E731
    fused = FUSED.get(function)
    last = fused or str(generator.choice(OLDER))
    depth = int(generator.integers(1, 5))
    hidden = [str(generator.choice(OLDER)) for _ in range(depth - 1)]
    if activation != last and activation not in hidden:
        if depth == 1 and not fused:
            last = activation
        else:
            hidden = [activation, *hidden[:-1]]
    width = inputs = int(generator.integers(1, 7))
    layers = []
    for place, name in enumerate([*hidden, last]):
        at_end = place == len(hidden)
        units = int(generator.integers(1, 7))
        residual = flip() and not (at_end and fused)
        units = width if residual else units
        units = 2 if units == 1 and name == "softmax" and not residual else units
        constants = {CONSTANTS[name]: float(generator.uniform(0.05, 1.5))} if name in CONSTANTS and flip() else {}
        layers.append(Layer(units, name, flip(), residual, constants))
        width = units
    samples = int(generator.integers(1, 8))
    y = generator.random((samples, width)) if fused else generator.standard_normal((samples, width))
    if function == "categorical_cross_entropy":
        y /= y.sum(axis=1, keepdims=True)
    loss = Loss(
        function,
        *(("sum", "mean")[i] for i in divmod(number % 4, 2)),
        factor=float(generator.choice([1.0, 0.5, 2.0, 0.37])),
        l2=float(generator.choice([0.0, 0.01, 0.3])),
        from_logits=logits,
        constants={"delta": float(generator.uniform(0.3, 2))} if function == "huber" else {},
    )
    return Scenario(
        name=f"random {number}",
        inputs=tuple(f"x{i}" for i in range(inputs)),
        layers=tuple(layers),
        x=generator.standard_normal((samples, inputs)),
        y=y,
        seed=number,
        loss=loss,
        optimizer=Optimizer(optimizer, constants_of(optimizer, generator)),
        training=Training(10, None if flip() else int(generator.integers(1, samples + 1)), False),
        values={f"b{n}": generator.standard_normal((1, layer.units)) for n, layer in enumerate(layers, 1) if layer.bias},
    )


RANGES = {
    "sgd": {},
    "momentum": {"momentum": (0.1, 0.95)},
    "nesterov": {"momentum": (0.1, 0.95)},
    "adagrad": {"epsilon": (1e-3, 1e-2)},
    "rmsprop": {"alpha": (0.8, 0.99), "epsilon": (1e-5, 1e-5)},
    "adam": {"beta1": (0.5, 0.95), "beta2": (0.8, 0.999), "epsilon": (1e-5, 1e-5)},
    "adamw": {"beta1": (0.5, 0.95), "beta2": (0.8, 0.999), "epsilon": (1e-5, 1e-5), "weight_decay": (0.0, 0.2)},
}
"""From where to where the constants of an optimizer are drawn, besides the learning rate."""
assert all(RANGES[name].keys() | {"learning_rate"} == row.constants.keys() for name, row in OPTIMIZERS.items())


def constants_of(optimizer, generator):
    given = {"learning_rate": float(generator.uniform(0.001, 0.02))}
    return given | {name: float(generator.uniform(*ends)) for name, ends in RANGES[optimizer].items()}
