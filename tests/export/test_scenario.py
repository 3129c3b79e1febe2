"""A training as a scenario of lines: loaded, it gives the same bits."""

from __future__ import annotations

import numpy as np
import pytest
from programs import PROGRAMS, program_in
from turns import by_day

from bpdebug import BpdebugError
from bpdebug.core.layers import make_program
from bpdebug.core.machine import Machine
from bpdebug.core.network import Phase
from bpdebug.frontends import load_scenario, shipped
from bpdebug.session.session import Session

WRITTEN = [entry.name for entry in shipped() if load_scenario(entry.name).lines]
LAYERED = [entry.name for entry in shipped() if entry.name not in WRITTEN]
DATA = "data: {inputs: [[0, 0.5], [0.1, 1], [1, 0], [1, -1], [0.3, 2]], targets: [[0, 1], [1, 0], [1, 0], [0, 1], [1, 0]]}\n"
MADE = {
    "penalty and leaky_relu": "network: {inputs: 2, layers: [{units: 3, activation: leaky_relu, slope: 0.3}, 2]}\n"
    "loss: {function: mse, l2: 0.01, factor: 0.5}\noptimizer: {name: sgd, momentum: 0.5, learning_rate: 0.05}\n",
    "from_logits": "network: {inputs: 2, layers: [{units: 3, activation: tanh}, {units: 2, activation: softmax}]}\n"
    "loss: {function: categorical_cross_entropy, from_logits: true, samples: mean, l2: 0.1}\n",
    "fused sigmoid": "network: {inputs: 2, layers: [{units: 3, activation: gelu}, {units: 2, activation: sigmoid}]}\n"
    "loss: {function: binary_cross_entropy, from_logits: true}\nprecision: float32\noptimizer: {name: adamw, learning_rate: 0.01}\n",
    "residual, frozen, minibatches": "network: {inputs: 2, layers: [{units: 2, activation: elu, residual: true},"
    " {units: 2, activation: silu, bias: false, residual: true}]}\nloss: {function: huber, delta: 0.3, outputs: mean}\n"
    "parameters: {seed: 3, frozen: [W1, b1]}\ntraining: {epochs: 9, batch_size: 2, shuffle: true}\noptimizer: {name: adam}\n",
    "own formulas": "network: {inputs: 2, layers: [{units: 3, activation: relu}, {units: 2, activation: softplus}]}\nloss: absolute_error\n"
    "formulas: {a1: 'maximum(z1, 0.1)', dz2: da2 * 0.7, W1: W1 - 0.1 * sign(dW1)}\nprecision: float32\n",
}


def scenario_in(folder, name):
    if name in MADE:
        (folder / "layers.yaml").write_text(MADE[name] + DATA, "utf-8")
        return load_scenario(folder / "layers.yaml")
    return program_in(folder, name) if name in PROGRAMS else load_scenario(name)


def written(session, path):
    session.execute(f"export {path}")
    return make_program(load_scenario(path))


def same(ours, theirs):
    """Whether all that three updates compute is the same, to the bit and in shape, but for what only the lines compute."""
    one, other = Machine(ours), Machine(theirs)
    for _ in range(min(3, ours.updates)):
        made = [machine.program.run(machine.values()) for machine in (one, other)]
        for name, value in made[0].items():
            assert value.shape == made[1][name].shape
            assert value.tobytes() == np.asarray(made[1][name]).tobytes(), name
        one.run_update()
        other.run_update()
    return True


@pytest.mark.parametrize("name", by_day([*LAYERED, *MADE], 2))
def test_layers_written_as_lines_give_the_same_bits(name, tmp_path):
    session = Session(scenario_in(tmp_path, name))
    program = written(session, tmp_path / "lines.yaml")
    assert program.layers == ()
    assert (program.updates, program.frozen, program.dtype) == (session.program.updates, session.program.frozen, session.program.dtype)
    with np.errstate(all="ignore"):
        assert same(session.program, program)


@pytest.mark.parametrize("name", [*PROGRAMS, *WRITTEN])
def test_a_program_of_lines_is_written_as_itself(name, tmp_path):
    session = Session(scenario_in(tmp_path, name))
    program = written(session, tmp_path / "again.yml")
    assert program.scenario.lines.program.strip() == session.program.scenario.lines.program.strip()
    assert [stage.left for stage in program.stages] == [stage.left for stage in session.program.stages]
    with np.errstate(all="ignore"):  # what runs: what is left to the user is blank in what is shown alone
        assert same(session.timeline.machine.program, program)


def test_only_gradients_that_lines_do_not_derive_stand_under_backward(tmp_path):
    program = written(Session(load_scenario("residual")), tmp_path / "lines.yaml")
    assert not program.scenario.lines.backward
    program = written(Session(load_scenario("iris")), tmp_path / "lines.yaml")
    own = [stage.name for stage in program.stages if stage.edited and stage.phase is Phase.BACKWARD]
    assert own == [name for name in program.gradients.values() if f"{name} =" in program.scenario.lines.backward]
    assert 0 < len(own) < len(program.gradients)


def test_numbers_and_formulas_of_the_session(tmp_path):
    session = Session(load_scenario("xor"))
    for command in ("set x[0,1] = 0.25", "formula da2 = a2 - y", "set W1[0,0] = 0.5", "goto 0:a2", "formula dz2 = 2 * da2"):
        session.execute(command)
    result = session.execute(f"export {tmp_path / 'lines.yaml'}")
    assert "without your changes (" in result.text
    assert "W1[0,0]" in result.text
    program = make_program(load_scenario(tmp_path / "lines.yaml"))
    assert program.data[program.input][0, 1] == 0.25
    assert program.stage("da2").formula.text == "a2 - y"
    assert program.stage("dz2").formula.text == "2 * da2"


@pytest.mark.parametrize(
    ("more", "told"),
    [
        ("parameters: {values: {vW1: [[1, 1], [1, 1]]}}\noptimizer: {name: momentum}\n", "vW1"),
        ("debug: {breakpoints: [layer 1]}\n", "layer 1"),
    ],
)
def test_what_cannot_be_said_is_refused_by_name(more, told, tmp_path):
    (tmp_path / "layers.yaml").write_text(f"layers: [{{units: 2, bias: false}}]\n{more}{DATA}", "utf-8")
    session = Session(load_scenario(tmp_path / "layers.yaml"))
    with pytest.raises(BpdebugError, match=told):
        session.execute(f"export {tmp_path / 'lines.yaml'}")
    assert not (tmp_path / "lines.yaml").exists()


@pytest.mark.parametrize(("samples", "told"), [(19_000, "bytes"), (30_000, "30,000 of them inputs")])
def test_what_no_scenario_file_can_hold_is_not_written(samples, told, tmp_path):
    values = np.random.default_rng(0).normal(size=(samples, 1)) * 1e-200
    np.savez(tmp_path / "data.npz", x=values, y=values)
    (tmp_path / "layers.yaml").write_text("layers: [1]\ndata: {file: data.npz}\n", "utf-8")
    session = Session(load_scenario(tmp_path / "layers.yaml"))
    with pytest.raises(BpdebugError, match=told):
        session.execute(f"export {tmp_path / 'lines.yaml'}")
    assert not (tmp_path / "lines.yaml").exists()
