"""What a program keeps from update to update without a gradient: running statistics, target networks."""

from __future__ import annotations

import numpy as np
import pytest

from bpdebug import Session, load_scenario
from bpdebug.core.errors import BpdebugError

TEXT = """
program: |
  h = x @ W
  mu = mean(h, axis=0)
  xh = (h - mu) / (std(h, axis=0) + 1e-5)
  out = xh @ V + relu(x @ Vt)
  loss = mean((out - y) ** 2)
parameters: {seed: 1, shapes: {W: [2, 3], V: [3, 1], Vt: [2, 1]}, values: {running: [0, 0, 0]}, frozen: [Vt]}
formulas: {running: 0.9 * running + 0.1 * mu, Vt: 0.5 * Vt + 0.5 * W @ V}
data: {inputs: [[0, 0], [0, 1], [1, 0.5], [1, 1]], targets: [[0], [1], [1], [0]]}
training: {epochs: 10, batch_size: 2}
"""


@pytest.fixture
def session(tmp_path):
    (tmp_path / "s.yaml").write_text(TEXT)
    return Session(load_scenario(tmp_path / "s.yaml"))


def test_it_lives_on_through_time_edits_and_files(session, tmp_path):
    running, path = np.zeros(3), tmp_path / "again.yaml"
    for update in range(6):
        session.execute(f"goto {update}")
        assert np.array_equal(session.value("running"), running)
        session.execute(f"goto {update}:gradients")
        running = 0.9 * running + 0.1 * session.value("mu")
    wanted = session.value("W"), session.value("Vt")
    session.execute("goto 5")
    session.execute(f"export {path}")
    again = Session(load_scenario(path))
    again.execute("goto 5:gradients")
    assert all(np.array_equal(again.value(name), value) for name, value in zip(("W", "Vt"), wanted, strict=True))
    assert session.execute("check").data["culprit"] is None and "Vt" not in session.program.frozen
    session.execute("formula h = 2 * x @ W")  # which derives the stages anew
    session.execute("goto 5:gradients")
    before, mu = session.value("running"), session.value("mu")
    session.execute("goto 6")
    assert np.array_equal(session.value("running"), 0.9 * before + 0.1 * mu)
    assert "no optimizer changes it" in session.execute("explain running[1]").text


@pytest.mark.parametrize(("formula", "said"), [("0.9 * running + xh", "running is 3"), ("0.9 * runing", "did you mean 'running'")])
def test_what_does_not_fit_is_refused_at_its_place(formula, said, tmp_path):
    (tmp_path / "s.yaml").write_text(TEXT.replace("0.9 * running + 0.1 * mu", formula))
    with pytest.raises(BpdebugError, match=r"s\.yaml:9:\d+: ") as caught:
        load_scenario(tmp_path / "s.yaml")
    assert said in str(caught.value)
