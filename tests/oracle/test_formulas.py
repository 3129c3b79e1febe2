"""Random programs of formulas against PyTorch's autograd: each line in the words that a script has it in."""

from __future__ import annotations

from functools import reduce

import numpy as np
import pytest
from random_formulas import Writer, gradients, run, values_of

from bpdebug.export.torch_words import Words, definitions, worded

torch = pytest.importorskip("torch")
SCOPE = {"torch": torch, "F": torch.nn.functional, "reduce": reduce}

PROGRAMS = 500
RELATIVE = 1e-11
"""Of the largest gradient of a program."""


@pytest.fixture(autouse=True)
def double():
    before = torch.get_default_dtype()
    torch.set_default_dtype(torch.float64)
    yield
    torch.set_default_dtype(before)


@pytest.mark.parametrize("chunk", range(10))
def test_the_gradients_of_random_programs_are_those_of_pytorch(chunk):
    for seed in range(chunk, PROGRAMS, 10):
        writer = Writer(seed)
        values = values_of(writer, seed)
        given = {name: torch.tensor(value, dtype=torch.float64, requires_grad=True) for name, value in values.items()}
        ours, trees, lines = run(writer, values), [worded(formula.tree) for _, formula in writer.lines], list[str]()
        for (target, _), tree in zip(writer.lines, trees, strict=True):
            lines.append(f"{target} = {Words({**values, **ours}).write(tree)}")
        known = SCOPE | given
        exec("\n".join([*definitions(trees, "\n".join(lines)), *lines]), known)
        assert float(known["loss"].detach()) == pytest.approx(float(ours["loss"]), rel=1e-10, abs=1e-10), seed
        known["loss"].backward()
        found = gradients(writer, values)
        expected = {name: np.zeros(value.shape) if value.grad is None else value.grad.numpy() for name, value in given.items()}
        size = max(np.abs(value).max() for value in expected.values())
        for name, value in expected.items():
            np.testing.assert_allclose(
                np.broadcast_to(found.get(name, 0.0), value.shape), value, 0, RELATIVE * size + 1e-12, err_msg=str(seed)
            )
