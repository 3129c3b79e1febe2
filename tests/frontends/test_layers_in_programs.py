"""Layers that a line of a program calls: what they stand for, their numbers and gradients beside plain NumPy, and what is told of mistakes.

``PYTHONPATH=tests python tests/frontends/test_layers_in_programs.py`` writes the listings."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import pytest

from bpdebug.core.layers import make_program
from bpdebug.core.network import Phase
from bpdebug.core.unfolding import layers
from bpdebug.frontends import ScenarioError, load_scenario
from bpdebug.session.session import Session

FOLDER = Path(__file__).parent / "layers"
REST = "parameters: {{seed: 3, shapes: {shapes}}}\ndata: {{inputs: {inputs}, targets: {targets}}}\n"
DATA = np.random.default_rng(5)


def scenario_of(folder, program, shapes="{}", inputs=(6, 3), targets=(), more=""):
    """The scenario of some lines with data of those shapes."""
    drawn = [DATA.standard_normal(size).round(2).tolist() for size in (inputs, (inputs[0], *targets))]
    text = "program: |\n" + "".join(f"  {line}\n" for line in program) + REST.format(shapes=shapes, inputs=drawn[0], targets=drawn[1])
    (folder / "s.yaml").write_text(text + more)
    return load_scenario(folder / "s.yaml")


def batch_norm(v, x, name="h"):
    centred = x - x.mean(axis=0)
    return centred / np.sqrt((centred**2).mean(axis=0) + 1e-5) * v[f"{name}.gamma"] + v[f"{name}.beta"]


def layer_norm(v, x, name="h"):
    return batch_norm({f"{name}.gamma": 1, f"{name}.beta": 0}, x.T, name).T * v[f"{name}.gamma"] + v[f"{name}.beta"]


LINES = {
    "batch_norm": (["h = batch_norm(x @ W)", "loss = mean((h - y) ** 2)"], "{W: [3, 2]}", (6, 3), (2,)),
    "layer_norm": (["h = layer_norm(x @ W)", "loss = mean((h - y) ** 2)"], "{W: [3, 2]}", (4, 3), (2,)),
}
"""For each layer a program, the shapes of its own parameters, of the inputs and of a target."""
PLAIN = {
    "batch_norm": lambda v: ((batch_norm(v, v["x"] @ v["W"]) - v["y"]) ** 2).mean(),
    "layer_norm": lambda v: ((layer_norm(v, v["x"] @ v["W"]) - v["y"]) ** 2).mean(),
}
"""The loss of each in plain NumPy, of complex numbers too."""


@pytest.fixture(params=LINES)
def layer(request, tmp_path):
    return request.param, scenario_of(tmp_path, *LINES[request.param])


def listing(scenario):
    """The statements by their groups, then the backward pass."""
    program = make_program(scenario)
    for stage in program.stages:
        if stage.phase is not Phase.UPDATE:
            said = f"   # {stage.meaning}" * (stage.phase is Phase.FORWARD)
            yield f"{program.tensors[stage.name].group:<10}{stage}{said}".rstrip()


def test_every_layer_is_tried():
    assert layers().keys() == LINES.keys() == PLAIN.keys()
    assert all(re.search(r"\(\d{4}\)", str(template.definition.body[0].value.value)) for template in layers().values())


def test_a_layer_is_written_out_as_a_textbook_has_it(layer):
    name, scenario = layer
    assert [*listing(scenario)] == (FOLDER / f"{name}.txt").read_text("utf-8").splitlines()


def test_a_layer_computes_what_plain_numpy_does(layer):
    name, scenario = layer
    program = make_program(scenario)
    given = {name: value + 0.1 * DATA.standard_normal(value.shape) for name, value in program.initial.items()}
    values = {**given, **program.batch(0)}
    made = program.run(values, program.end_of(Phase.BACKWARD))
    assert np.isclose(made["loss"], PLAIN[name](values), rtol=1e-12)
    for parameter in program.parameters:
        direction = DATA.standard_normal(values[parameter].shape)
        moved = PLAIN[name](values | {parameter: values[parameter] + 1e-30j * direction})
        assert np.isclose(np.sum(made[program.gradients[parameter]] * direction), moved.imag / 1e-30, rtol=1e-9, atol=1e-12), parameter


def test_a_layer_is_checked_like_any_lines_and_written_as_lines(layer, tmp_path):
    _, scenario = layer
    session = Session(scenario)
    assert session.execute("check").data["ok"]
    session.execute(f"export {tmp_path / 'lines.yaml'}")
    again = make_program(load_scenario(tmp_path / "lines.yaml"))
    assert not any(f"{name}(" in again.scenario.lines.program for name in layers())
    program = make_program(scenario)
    assert {name: tensor.group for name, tensor in again.tensors.items()} == {name: t.group for name, t in program.tensors.items()}
    one, other = (each.run({**each.initial, **each.batch(0)}) for each in (program, again))
    assert {name: value.tobytes() for name, value in one.items()} == {name: value.tobytes() for name, value in other.items()}


def test_layers_within_a_line_and_names_that_are_assigned_again(tmp_path):
    lines = ["k = tanh(layer_norm(x)) + layer_norm(2 * x)", "k = layer_norm(k)", "loss = sum((k - y) ** 2)"]
    program = make_program(scenario_of(tmp_path, lines, targets=(3,)))
    groups = {name: tensor.group for name, tensor in program.tensors.items()}
    assert groups["k.layer_norm.mu"] == groups["k.layer_norm"] == groups["k.layer_norm.gamma"] == "k.layer_norm"
    assert groups["k.layer_norm2.x"] == groups["k.layer_norm2"] == "k.layer_norm2" and groups["k"] == "k"
    assert groups["k'2.mu"] == groups["k'2"] == "k'2" and not groups["loss"]
    assert program.stage("k").formula.text == "tanh(k.layer_norm) + k.layer_norm2"
    assert program.stage("k'2.mu").formula.text == "mean(k, axis=-1, keepdims=True)"
    assert len({name for name in program.parameters if name.endswith("gamma")}) == 3


def test_parameters_are_declared_by_shape_or_value_or_made(tmp_path):
    lines = ["h = batch_norm(x)", "loss = sum((h - y) ** 2)"]
    made = make_program(scenario_of(tmp_path, lines, targets=(3,)))
    assert made.initial["h.gamma"].tolist() == [1, 1, 1] and made.initial["h.beta"].tolist() == [0, 0, 0]
    declared = make_program(scenario_of(tmp_path, lines, "{h.gamma: [3]}, values: {h.beta: [1, 2, 3]}", targets=(3,)))
    assert declared.initial["h.gamma"].tolist() == [1, 1, 1] and declared.initial["h.beta"].tolist() == [1, 2, 3]
    held = make_program(scenario_of(tmp_path, lines, targets=(3,), more="tensors: {h.gamma: 2, h.beta: 0}\n"))
    assert not held.parameters and held.fixed["h.gamma"] == 2


BROKEN = [
    ("h = batch_norm(x, epsilon=1)", "2:7", "batch_norm: it takes no argument 'epsilon'", "it is batch_norm(x, axis=0, eps=1e-05)"),
    ("h = batch_norm()", "2:7", "batch_norm: batch_norm of what?"),
    ("h = batch_norm(x, 0, 1, 2)", "2:7", "4 arguments are too many"),
    ("h = batch_norm(x, 0, axis=1)", "2:7", "axis is given twice"),
    ("h = x + batch_norm(x @ V)", "2:26", "V is read but nowhere given"),
    ("h = tanh(layer_norm(x)) + q", "2:29", "q is read but nowhere given"),
    ("h = batch_norm(x, axis=7)", "2:7", "batch_norm: h.mu = mean(x, axis=7, keepdims=True): there is no axis 7"),
]


@pytest.mark.parametrize(("line", "place", "words"), [(line, place, words) for line, place, *words in BROKEN])
def test_what_is_wrong_with_a_call_is_told_where_it_stands(tmp_path, line, place, words):
    with pytest.raises(ScenarioError) as refused:
        scenario_of(tmp_path, [line, "loss = sum(h)"])
    assert f"s.yaml:{place}: " in str(refused.value)
    assert [word for word in words if word not in str(refused.value)] == []
    assert len(str(refused.value).splitlines()) == 1


if __name__ == "__main__":
    import tempfile

    FOLDER.mkdir(exist_ok=True)
    for name, program in LINES.items():
        with tempfile.TemporaryDirectory() as folder:
            text = "\n".join(listing(scenario_of(Path(folder), *program)))
        (FOLDER / f"{name}.txt").write_text(f"{text}\n", "utf-8")
