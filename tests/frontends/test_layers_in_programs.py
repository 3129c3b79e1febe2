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


def conv(v, x, stride, name="h"):
    rows, columns = v[f"{name}.W"].shape[2:]
    down, across = ((n - k) // stride + 1 for n, k in zip(x.shape[2:], (rows, columns), strict=True))
    found = np.zeros((len(x), len(v[f"{name}.W"]), down, across), complex)
    for i in range(down):
        for j in range(across):
            piece = x[:, None, :, i * stride : i * stride + rows, j * stride : j * stride + columns]
            found[:, :, i, j] = (piece * v[f"{name}.W"]).sum(axis=(2, 3, 4)) + v[f"{name}.b"]
    return found


def pool(x, kernel):
    cut = x[:, :, : x.shape[2] // kernel * kernel, : x.shape[3] // kernel * kernel]
    parts = cut.reshape(*x.shape[:2], x.shape[2] // kernel, kernel, -1, kernel).swapaxes(3, 4).reshape(*x.shape[:2], -1, kernel * kernel)
    return np.take_along_axis(parts, parts.real.argmax(axis=3)[..., None], 3)[..., 0]


def attention(v, x, heads, causal):
    width, answers = x.shape[2] // heads, []
    q, k, value = (x @ v[f"h.W{letter}"] for letter in "qkv")
    for head in range(heads):
        own = slice(head * width, (head + 1) * width)
        s = np.einsum("btd,bsd->bts", q[..., own], k[..., own]) / np.sqrt(width)
        weight = np.exp(s) * (np.tri(x.shape[1]) if causal else 1)
        answers.append(weight / weight.sum(axis=2, keepdims=True) @ value[..., own])
    return np.concatenate(answers, axis=2) @ v["h.Wo"]


def sigmoid(z):
    return 1 / (1 + np.exp(-z))


def over_steps(step, x, *state):
    states = []
    for t in range(x.shape[1]):
        state = step(x[:, t], *state)
        states.append(state[0])
    return np.stack(states, axis=1)


def lstm(v, x):
    def step(now, state, cell):
        i, f, g, o = (now @ v[f"h.W{gate}"] + state @ v[f"h.U{gate}"] + v[f"h.b{gate}"] for gate in "ifgo")
        cell = sigmoid(f) * cell + sigmoid(i) * np.tanh(g)
        return sigmoid(o) * np.tanh(cell), cell

    return over_steps(step, x, *np.zeros((2, len(x), 2)))


def gru(v, x):
    def step(now, state):
        r, z = (sigmoid(now @ v[f"h.W{gate}"] + state @ v[f"h.U{gate}"] + v[f"h.b{gate}"]) for gate in "rz")
        n = np.tanh(now @ v["h.Wn"] + v["h.bn"] + r * (state @ v["h.Un"] + v["h.cn"]))
        return ((1 - z) * n + z * state,)

    return over_steps(step, x, np.zeros((len(x), 2)))


def rnn(v, x):
    return over_steps(lambda now, h: (np.tanh(now @ v["h.Wx"] + h @ v["h.Wh"] + v["h.b"]),), x, np.zeros((len(x), 2)))


SQUARE = "loss = mean((h - y) ** 2)"
LINES = {
    "batch_norm": (["h = batch_norm(x @ W)", SQUARE], "{W: [3, 2]}", (6, 3), (2,)),
    "layer_norm": (["h = layer_norm(x @ W)", SQUARE], "{W: [3, 2]}", (4, 3), (2,)),
    "dropout": (["h = dropout(x @ W, p=0.25)", SQUARE], "{W: [3, 2]}", (4, 3), (2,)),
    "embedding": (["h = embedding(places, 5, 3)", SQUARE], "{}", (4, 1), (3,), "tensors: {places: [4, 0, 2, 4]}"),
    "conv2d": (["h = conv2d(x, channels=2, kernel=3, stride=2, padding=1)", SQUARE], "{}", (2, 2, 4, 4), (2, 2, 2)),
    "max_pool": (["h = max_pool(x * W)", SQUARE], "{W: [1, 4, 4]}", (2, 1, 4, 4), (1, 2, 2)),
    "attention": (["h = attention(x, heads=2, causal=True)", SQUARE], "{}", (2, 3, 4), (3, 4)),
    "rnn": (["h = rnn(x, units=2)", SQUARE], "{}", (3, 2, 2), (2, 2)),
    "lstm": (["h = lstm(x, units=2)", SQUARE], "{}", (3, 2, 2), (2, 2)),
    "gru": (["h = gru(x, units=2)", SQUARE], "{}", (3, 2, 2), (2, 2)),
}
"""For each layer a program, the shapes of its own parameters, of the inputs and of a target, and what else is given."""
ANSWERS = {
    "batch_norm": lambda v: batch_norm(v, v["x"] @ v["W"]),
    "layer_norm": lambda v: layer_norm(v, v["x"] @ v["W"]),
    "dropout": lambda v: v["x"] @ v["W"] * v["h.mask"] / 0.75,
    "embedding": lambda v: np.eye(5)[v["places"]] @ v["h.E"],
    "conv2d": lambda v: conv(v, np.pad(v["x"], ((0, 0), (0, 0), (1, 1), (1, 1))), 2),
    "max_pool": lambda v: pool(v["x"] * v["W"], 2).reshape(2, 1, 2, 2),
    "attention": lambda v: attention(v, v["x"], 2, True),
    "rnn": lambda v: rnn(v, v["x"]),
    "lstm": lambda v: lstm(v, v["x"]),
    "gru": lambda v: gru(v, v["x"]),
}
"""What each computes, in plain NumPy, of complex numbers too."""


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
    assert layers().keys() == LINES.keys() == ANSWERS.keys()
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
    assert np.allclose(made["h"], ANSWERS[name](values), rtol=1e-12, atol=1e-14)
    for parameter in program.parameters:
        direction = DATA.standard_normal(values[parameter].shape)
        moved = ((ANSWERS[name](values | {parameter: values[parameter] + 1e-30j * direction}) - values["y"]) ** 2).mean()
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
    ("h = embedding(x)", "2:7", "embedding: the shape of h.E is not known: say words=…, units=…, or declare h.E"),
    ("h = rnn(x, units=2)", "2:7", "rnn: it takes 3 axes (samples, steps, units); x is 6×3"),
    ("h = layer_norm", "2:7", "layer_norm is a layer: write layer_norm(…)"),
    ("h, c = lstm(x)", "2:10", "lstm is a layer, which a line of program: calls: h = lstm(…)"),
    ("h = np.batch_norm(x)", "2:7", "batch_norm is a layer"),
    ("h = batchnorm(x)", "2:7", "the layer is called batch_norm(x)"),
    ("h = batch_norm(x, axis=7)", "2:7", "batch_norm: h.mu = mean(x, axis=7, keepdims=True): there is no axis 7"),
]


@pytest.mark.parametrize(("line", "place", "words"), [(line, place, words) for line, place, *words in BROKEN])
def test_what_is_wrong_with_a_call_is_told_where_it_stands(tmp_path, line, place, words):
    with pytest.raises(ScenarioError) as refused:
        scenario_of(tmp_path, [line, "loss = sum(h)"])
    assert f"s.yaml:{place}: " in str(refused.value)
    assert [word for word in words if word not in str(refused.value)] == []
    assert len(str(refused.value).splitlines()) == 1


def test_a_parameter_that_a_layer_does_not_have_is_a_slip(tmp_path):
    with pytest.raises(ScenarioError, match=r"4:\d+: h has no parameter h.gama; did you mean 'h.gamma'"):
        scenario_of(tmp_path, ["h = batch_norm(x)", "loss = sum(h)"], "{h.gama: [3]}")


if __name__ == "__main__":
    import tempfile

    FOLDER.mkdir(exist_ok=True)
    for name, program in LINES.items():
        with tempfile.TemporaryDirectory() as folder:
            text = "\n".join(listing(scenario_of(Path(folder), *program)))
        (FOLDER / f"{name}.txt").write_text(f"{text}\n", "utf-8")
