"""Many copies at once have the values that each would have alone."""

from __future__ import annotations

import numpy as np
from engine_strategies import MATRICES, SHAPES, fitting
from hypothesis import given
from hypothesis import strategies as st

from bpdebug.core.evaluate import Evaluator
from bpdebug.core.parser import Formula, parse
from bpdebug.core.tree import Name
from bpdebug.trust.perturbed import Column, Copies, Perturbed

STEP = 1e-3


def tensors(seed):
    generator = np.random.default_rng(seed)
    return {name: generator.uniform(-2, 2, shape) for name, shape in SHAPES.items()}


def copies_of(tensor, narrow):
    """One copy for each cell, up and down; narrow: of the first column only."""
    cells = np.arange(0, tensor.size, tensor.shape[1]) if narrow else np.arange(tensor.size)
    steps = np.concatenate([np.full(len(cells), STEP), np.full(len(cells), -STEP)])
    cells = np.tile(cells, 2)
    if narrow:
        return cells, steps, Column(tensor, 0, None, (cells // tensor.shape[1], steps))
    whole = np.repeat(tensor[None], len(cells), 0)
    whole.reshape(len(cells), -1)[np.arange(len(cells)), cells] += steps
    return cells, steps, Copies(whole)


@given(st.sampled_from(MATRICES).flatmap(fitting), st.integers(0, 99), st.sampled_from([n for n in SHAPES if n[0] == "T"]), st.booleans())
def test_every_copy_has_the_value_that_it_would_have_alone(tree, seed, name, narrow):
    values = tensors(seed)
    cells, steps, changed = copies_of(values[name], narrow)
    with np.errstate(all="ignore"):
        found = Perturbed(values, {name: changed}, len(cells), True, Evaluator(values)).value(tree)
        alone = []
        for cell, step in zip(cells, steps, strict=True):
            tensor = values[name].copy()
            tensor.flat[cell] += step
            alone.append(np.asarray(Evaluator(values | {name: tensor}).value(tree), float))
    dense = np.broadcast_to(found, np.shape(alone)) if isinstance(found, np.ndarray) else found.dense()
    if name not in Formula.of(tree).names:
        assert isinstance(found, np.ndarray)
    np.testing.assert_allclose(np.asarray(dense, float), alone, rtol=1e-9, atol=1e-9)


def test_a_column_stays_a_column_until_columns_are_mixed():
    values = tensors(1)
    _, _, changed = copies_of(values["T33"], True)
    perturbed = Perturbed(values, {"T33": changed}, 6, True, Evaluator(values))
    assert isinstance(perturbed.value(parse("tanh(T23 @ T33 + T13) * T23").tree), Column)
    assert isinstance(perturbed.value(parse("T33 @ T32").tree), Copies)
    assert perturbed.value(Name("T32")) is values["T32"]
