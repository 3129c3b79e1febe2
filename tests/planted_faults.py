"""Wrong formulas for backward stages: every mistake of the catalogue, and such as hardly show, on networks of several shapes."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import numpy as np

from bpdebug.core.description import Array, Layer, Loss, Optimizer, Scenario
from bpdebug.core.errors import BpdebugError
from bpdebug.core.evaluate import Evaluator
from bpdebug.core.layers import make_program
from bpdebug.core.network import Phase
from bpdebug.core.program import Program
from bpdebug.trust.faults import candidates

SHAPES = {
    "sigmoid, cross-entropy": ((Layer(3, "sigmoid"), Layer(1, "sigmoid")), Loss("binary_cross_entropy", "mean"), 4),
    "tanh, softmax": ((Layer(4, "tanh"), Layer(3, "softmax")), Loss("categorical_cross_entropy", "mean"), 5),
    "from logits": ((Layer(3, "relu"), Layer(3, "softmax")), Loss("categorical_cross_entropy", from_logits=True), 6),
    "residual": ((Layer(3, "gelu"), Layer(3, "silu", residual=True), Layer(2)), Loss("squared_error", "mean", "mean"), 4),
    "penalty": ((Layer(3, "elu"), Layer(2, "softplus")), Loss("huber", "mean", l2=0.05), 4),
    "no bias, square": ((Layer(3, "leaky_relu", bias=False), Layer(3, "tanh", bias=False)), Loss("squared_error", factor=0.5), 3),
    "one unit": ((Layer(1, "tanh"), Layer(1, "sigmoid")), Loss("squared_error"), 3),
    "deep, residual, penalty": (
        (Layer(3, "relu"), Layer(3, "tanh", residual=True), Layer(3, "sigmoid", residual=True), Layer(2, "sigmoid")),
        Loss("binary_cross_entropy", "mean", "mean", l2=0.01, from_logits=True),
        5,
    ),
}


def network(shape: str, seed: int, optimizer: str = "sgd") -> Program:
    """One of the shapes, with random weights, biases and data."""
    layers, loss, samples = SHAPES[shape]
    generator = np.random.default_rng([7, seed])
    y = generator.random((samples, layers[-1].units))
    if loss.function == "categorical_cross_entropy":
        y /= y.sum(axis=1, keepdims=True)
    values = {f"b{n}": 0.5 * generator.standard_normal((1, layer.units)) for n, layer in enumerate(layers, 1) if layer.bias}
    x = generator.standard_normal((samples, 3))
    given = {"seed": seed, "values": values, "loss": loss, "optimizer": Optimizer(optimizer)}
    return make_program(Scenario(shape, ("p", "q", "r"), layers, x, y, **given))


def wrong_formulas(program: Program, updates: bool = False) -> Iterator[tuple[str, str, str]]:
    """The kind of mistake, the stage and the wrong formula, of everything that can be planted as a formula on the way back, or there and
    in the optimizer's steps."""
    for stage in program.stages:
        if not stage.of:
            if updates and stage.phase is Phase.UPDATE:
                made = (mistake for mistake in candidates(program, stage) if not mistake.overrides)
                yield from ((mistake.kind, stage.name, mistake.formula.text) for mistake in made)
            continue
        text = stage.formula.text
        yield "factor 1 + 1e-6", stage.name, f"({text}) * (1 + 1e-6)"
        yield "one cell by 1e-6", stage.name, f"({text}) * (1 + 1e-6 * ({stage.of} == max({stage.of})))"
        for mistake in candidates(program, stage):
            if not mistake.overrides:
                yield mistake.kind, stage.name, mistake.formula.text


def planted(program: Program, name: str, text: str) -> Program | None:
    """The program with a wrong formula in one stage; None where it does not fit."""
    try:
        return program.with_formula(name, text)
    except BpdebugError:
        return None


def same(program: Program, name: str, text: str, here: bool, start: Mapping[str, Array] | None = None) -> bool:
    """Whether a wrong formula gives the right numbers: of the update that starts from these, by default the first, or whatever it
    reads."""
    generator = np.random.default_rng(5)
    right, wrong = program.stage(name).formula, program.parse(text)
    with np.errstate(all="ignore"):
        given = dict(start or program.batch(0) | program.initial)
        given |= program.run(given, program.end_of(Phase.BACKWARD))
        for _ in range(1 if here else 3):
            values = given if here else {k: generator.uniform(0.1, 0.9, v.shape) if v.ndim else v for k, v in given.items()}
            a, b = (np.asarray(Evaluator(values).value(formula.tree), float) for formula in (right, wrong))
            a, b = np.broadcast_arrays(a, b)
            if not np.allclose(a, b, rtol=1e-10, atol=1e-14 * np.abs(a).max(initial=0.0), equal_nan=True):
                return False
    return True
