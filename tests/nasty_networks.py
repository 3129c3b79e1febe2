"""Random networks that are right, of the kinds on which a judgement goes wrong: exact corners, ties, saturation, zeros, extreme scales."""

from __future__ import annotations

import numpy as np
from random_networks import CONSTANTS, KINDS, constants_of

from bpdebug.core.description import Layer, Loss, Optimizer, Scenario, Training
from bpdebug.core.operations import ACTIVATIONS, FUSED
from bpdebug.core.optimizers import OPTIMIZERS

NASTY = ("plain", "duplicated rows", "one-hot", "saturated", "zero weights", "zero inputs", "ties", "corners")
SCALES = (1e-4, 1e-3, 1e-2, 1e-1, 1.0, 1.0, 1.0, 10.0, 100.0, 1e3, 1e4)


def nasty(number):
    """A network by its number, and after how many updates it is to be judged."""
    generator = np.random.default_rng([31415, number])
    flip = lambda share=0.5: bool(generator.random() < share)  # noqa: E731
    kind, scale = NASTY[number % len(NASTY)], float(generator.choice(SCALES))
    function, logits = KINDS[generator.integers(len(KINDS))]
    fused = FUSED.get(function) if logits else None
    usual = {"binary_cross_entropy": "sigmoid", "categorical_cross_entropy": "softmax"}.get(function)
    last = fused or (usual if usual and flip(0.9) else str(generator.choice(ACTIVATIONS)))
    samples, inputs, depth = (int(generator.integers(1, end)) for end in (7, 6, 5))
    layers, width = [], inputs
    for place in range(depth):
        at_end = place == depth - 1
        name = last if at_end else str(generator.choice(ACTIVATIONS))
        residual = flip(0.3) and not (at_end and fused)
        width = width if residual else int(generator.integers(1, 7))
        width = 2 if width == 1 and name == "softmax" and not residual else width
        constants = {CONSTANTS[name]: float(generator.uniform(0.05, 1.5))} if name in CONSTANTS and flip() else {}
        layers.append(Layer(width, name, flip(0.8), residual, constants))
    x, y = _data(kind, scale, generator, samples, inputs, width, function)
    loss = Loss(
        function,
        *(str(generator.choice(("sum", "mean"))) for _ in range(2)),
        factor=float(generator.choice([1.0, 0.5, 2.0, 0.37])),
        l2=float(generator.choice([0.0, 0.0, 0.01, 0.3])),
        from_logits=logits,
        constants={"delta": float(generator.choice([0.5, 1.0, 2.0]))} if function == "huber" else {},
    )
    optimizer = str(generator.choice(list(OPTIMIZERS)))
    update = int(generator.choice([0, 0, 1, 3, 20, 200]))
    scenario = Scenario(
        name=f"{kind} {number}",
        inputs=tuple(f"x{i}" for i in range(inputs)),
        layers=tuple(layers),
        x=x,
        y=y,
        seed=number,
        precision="float32" if flip(0.3) else "float64",
        loss=loss,
        optimizer=Optimizer(optimizer, constants_of(optimizer, generator)),
        training=Training(201, None if flip() else int(generator.integers(1, samples + 1)), False),
        values=_values(kind, generator, layers, inputs),
    )
    return scenario, min(update, scenario.plan.updates - 1)


def _data(kind, scale, generator, samples, inputs, width, function):
    x, y = scale * generator.standard_normal((samples, inputs)), generator.standard_normal((samples, width))
    if kind == "duplicated rows":
        x[:] = x[0]
    if kind == "zero inputs":
        x[generator.random(x.shape) < 0.6] = 0.0
    if kind in ("ties", "corners"):
        x, y = np.round(generator.uniform(-2, 2, x.shape)), np.round(y)
    if function == "binary_cross_entropy":
        y = generator.random(y.shape)
    if function == "categorical_cross_entropy":
        y = generator.random(y.shape) + 1e-3
    if function.endswith("cross_entropy") and kind in ("one-hot", "ties", "corners", "saturated"):
        y = np.eye(width)[generator.integers(width, size=samples)] if function[0] == "c" else np.round(y)
    if function == "categorical_cross_entropy":
        y /= y.sum(axis=1, keepdims=True)
    return x, y


def _values(kind, generator, layers, inputs):
    """Explicit starting values, where the kind asks for some."""
    values, width = {}, inputs
    for number, layer in enumerate(layers, 1):
        shape, width = (width, layer.units), layer.units
        if kind == "saturated":
            values[f"W{number}"] = generator.choice([3.0, 30.0, 100.0]) * generator.standard_normal(shape)
        elif kind == "zero weights" and generator.random() < 0.7:
            values[f"W{number}"] = np.zeros(shape)
        elif kind == "ties":
            values[f"W{number}"] = np.full(shape, generator.choice([-1.0, 0.5, 1.0]))
        elif kind == "corners":
            values[f"W{number}"] = np.round(generator.uniform(-1.5, 1.5, shape))
        elif layer.bias and generator.random() < 0.5:
            values[f"b{number}"] = generator.standard_normal((1, layer.units))
    return values
