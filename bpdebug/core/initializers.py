"""Initial values: weights from a keyed generator, biases at zero, explicit values above all."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from bpdebug.core.description import Array, Initializer
from bpdebug.core.record import Record


class Recipe(Record):
    """One way to start a weight matrix of shape (inputs, units).

    Attributes:
        draw: shape, a generator (``numpy.random.Generator`` or ``RandomState``) and, by name, constants to values.
        constants: with their usual values.
        source: where it comes from.
    """

    draw: Callable[..., Array]
    constants: Mapping[str, float]
    source: str


def _between(bound: float, shape: tuple[int, int], generator: Any) -> Array:
    """Uniform on either side of 0."""
    values: Array = generator.uniform(-bound, bound, shape)
    return values


_GLOROT = "Glorot and Bengio, Understanding the Difficulty of Training Deep Feedforward Networks (2010), eq. 16"
_HE = "He et al., Delving Deep into Rectifiers (2015), eq. 10"

INITIALIZERS: dict[str, Recipe] = {
    "zeros": Recipe(lambda shape, g: np.zeros(shape), {}, "every weight 0"),
    "constant": Recipe(lambda shape, g, value: np.full(shape, value), {"value": 0.0}, "every weight the same"),
    "uniform": Recipe(lambda shape, g, low, high: g.uniform(low, high, shape), {"low": -1.0, "high": 1.0}, "uniform in [low, high)"),
    "normal": Recipe(lambda shape, g, mean, std: mean + std * g.standard_normal(shape), {"mean": 0.0, "std": 1.0}, "normal"),
    "xavier_uniform": Recipe(lambda shape, g, gain: _between(gain * np.sqrt(6.0 / sum(shape)), shape, g), {"gain": 1.0}, _GLOROT),
    "xavier_normal": Recipe(lambda shape, g, gain: gain * np.sqrt(2.0 / sum(shape)) * g.standard_normal(shape), {"gain": 1.0}, _GLOROT),
    "he_uniform": Recipe(lambda shape, g: _between(np.sqrt(6.0 / shape[0]), shape, g), {}, _HE),
    "he_normal": Recipe(lambda shape, g: np.sqrt(2.0 / shape[0]) * g.standard_normal(shape), {}, _HE),
}


def initial_values(
    parameters: Mapping[str, tuple[int, ...]], drawn: Mapping[str, tuple[int, Initializer]], seed: int, generator: str
) -> dict[str, Array]:
    """The parameters at the start.

    Args:
        parameters: name to shape, in the order of the layers.
        drawn: for each weight matrix, its layer and how to draw it; what is not drawn, the biases, starts at 0.
        seed: the scenario's.
        generator: ``pcg64``: one generator for each matrix, keyed by (seed, its layer), so that a change in one layer leaves
            the others alone; ``legacy``: the one stream of ``numpy.random.seed(seed)``, matrix after matrix, as old tutorials do.
    """
    stream = np.random.RandomState(seed) if generator == "legacy" else None
    values: dict[str, Array] = {}
    for name, shape in parameters.items():
        if name not in drawn:
            values[name] = np.zeros(shape)
            continue
        layer, initializer = drawn[name]
        recipe = INITIALIZERS[initializer.name]
        source = stream or np.random.Generator(np.random.PCG64(np.random.SeedSequence([seed, layer])))
        constants = {constant: initializer.constants.get(constant, usual) for constant, usual in recipe.constants.items()}
        values[name] = recipe.draw(shape, source, **constants)
    return values
