"""Programs whose tensors have a length that only the run knows, or are whole numbers and truth values."""

from __future__ import annotations

import numpy as np
import pytest

from bpdebug.core.layers import make_program
from bpdebug.core.machine import Machine
from bpdebug.frontends import load_scenario
from bpdebug.session.session import Session

TEXT = """program: |
  best = argmax(x, axis=1)
  far = x > 1
  err = W[best] - y
  big = err[abs(err) > 0.5]
  loss = mean(err ** 2) + sum(big ** 2) + 0.1 * sum(W[0] * x[far])
parameters: {values: {W: [0.2, 0.9, 3.0]}}
data: {inputs: [[0, 2, 1], [3, 0, 0], [0, 1, 4], [1, 5, 0]], targets: [0.5, 2, 3.2, 0.1]}
optimizer: {name: sgd, learning_rate: 0.3}
training: {epochs: 6, batch_size: 2}
"""


@pytest.fixture
def scenario(tmp_path):
    (tmp_path / "s.yaml").write_text(TEXT)
    return load_scenario(tmp_path / "s.yaml")


def test_stepping_running_and_evaluating_agree_update_by_update(scenario):
    program = make_program(scenario)
    stepping, running, lengths = Machine(program), Machine(program), set()
    for _ in range(program.updates):
        start = {name: value.copy() for name, value in stepping.persistent.items()}
        expected = program.run(start | program.batch(stepping.update))
        for stage in program.stages:
            stepping.step()
            found = stepping.tensor(stage.name)
            assert (found.dtype, found.shape) == (expected[stage.name].dtype, expected[stage.name].shape)
            assert found.tobytes() == expected[stage.name].tobytes(), stage
            lengths.add(stepping.tensor("big").shape)
        running.run_update()
        assert running.persistent_flat.tobytes() == stepping.persistent_flat.tobytes()
    assert len(lengths) > 1


def test_whole_numbers_and_truth_values_keep_their_kind_and_a_cell_is_explained(scenario):
    session = Session(scenario)
    session.execute("until loss")
    assert np.array_equal(session.value("best"), [1, 0]) and session.value("best").dtype.kind == "i"
    assert session.value("far").dtype.kind == "b"
    assert "W[1] − y[0]" in session.execute("explain err[0]").text
    assert "err[1]" in session.execute("explain big[0]").text
    assert session.execute("check").data["culprit"] is None
