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


OPEN = """
    mean(s); sum(s.mean(1)); sum(np.std(s)); s.max(axis=0).sum(); mean(softmax(s) ** 2); logsumexp(s); sum(s @ V); mean(s @ V @ V.T)
    sum(s.T @ s); tril(s @ s.T).sum(); trace(s @ s.T); einsum('ij,ij->i', s, s).mean(); (s.reshape(len(s), 3) ** 2).mean()
    (concatenate([h, s]) ** 2).mean(); (concatenate([s, s ** 2, h])[1:] ** 2).mean(); (cumsum(s, axis=0)[-1] ** 2).sum()
    np.exp(-((s[:, None] - s[None]) ** 2).sum(-1)).mean(); (s[: len(s) - 1] * s[1 : len(s)]).mean(); repeat(s ** 2, 2, axis=0).mean()
    -log_softmax(s)[arange(len(s)), k[mask]].mean(); ((s + zeros((len(s), 3))) ** 2).mean(); outer(s[:, 0], s[:, 1]).sum()
    (s * np.ones_like(s)).mean(); (s ** 2 / len(s)).sum() / s.size; cross_entropy(s, k[mask]); pad(s ** 2, ((1, 1), (0, 0))).mean()
"""


@pytest.mark.parametrize("loss", OPEN.replace("\n", ";").split(";"))
@pytest.mark.parametrize("mask", ["mask = k > 0", "mask = h[:, 0] > -0.3"])
def test_what_a_mask_has_picked_goes_on_as_any_other_tensor(loss, mask, tmp_path):
    if not loss.strip():
        return
    lines = f"program: |\n  h = tanh(x @ W)\n  {mask}\n  s = h[mask]\n  loss = {loss.strip()}\n"
    given = "parameters: {seed: 1, shapes: {W: [2, 3], V: [3, 2]}}\ntensors: {k: [1, 0, 2, 1]}\n"
    (tmp_path / "s.yaml").write_text(
        f"{lines}{given}data: {{inputs: [[0.5, 1], [1, -0.2], [2, 0.3], [0.1, 0.2]]}}\ntraining: {{epochs: 4}}\n"
    )
    scenario = load_scenario(tmp_path / "s.yaml")
    session = Session(scenario)
    assert session.execute("check").data["culprit"] is None
    stepping, running = Machine(session.program), Machine(session.program)
    for _ in range(2):
        start = {name: value.copy() for name, value in stepping.persistent.items()}
        expected = session.program.run(start | session.program.batch(stepping.update))
        for stage in session.program.stages:
            stepping.step()
            assert np.array_equal(stepping.tensor(stage.name), expected[stage.name]), stage
        running.run_update()
        assert running.persistent_flat.tobytes() == stepping.persistent_flat.tobytes()
