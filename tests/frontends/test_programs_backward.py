"""The user's own backward pass: his lines stand for whole gradients, in the order in which they read each other."""

import numpy as np
import pytest

from bpdebug.core.evaluate import assigned
from bpdebug.core.layers import make_program
from bpdebug.core.network import Phase
from bpdebug.frontends import ScenarioError, load_scenario
from bpdebug.session.session import Session

FORWARD = """\
program: |
  h = tanh(x @ W1 + b1)
  a = h * 3
  o = h @ W2 + sum(a, axis=1, keepdims=True)
  loss = sum((o - y) ** 2)
parameters: {seed: 1, shapes: {W1: [2, 3], b1: [3], W2: [3, 1]}}
data: {inputs: [[0, 0], [0, 1], [1, 0], [1, 1]], targets: [[0], [1], [1], [0]]}
"""


@pytest.fixture
def program(tmp_path):
    def made(*lines):
        text = FORWARD + ("backward: |\n" + "".join(f"  {line}\n" for line in lines) if lines else "")
        (tmp_path / "s.yaml").write_text(text)
        return make_program(load_scenario(tmp_path / "s.yaml"))

    return made


def backward(program):
    return [str(stage) for stage in program.stages if stage.phase is Phase.BACKWARD]


def computed(program):
    values = {**program.initial, **program.batch(0)}
    return values | program.run(values, program.end_of(Phase.BACKWARD))


def test_without_own_lines_all_is_derived(program):
    assert "dh = dh@o + dh@a" in backward(program())


def test_a_line_stands_for_the_whole_gradient_and_its_parts_go(program):
    own = program("dh = do @ W2.T + 3 * do")
    assert "dh = do @ W2.T + 3 * do" in backward(own)
    assert not [line for line in backward(own) if "@o =" in line or "@a =" in line]
    stage = own.stage("dh")
    assert stage.edited and stage.of == "h" and not stage.through
    assert stage.derived.text == "do @ W2.T + 3 * da"  # the parts put in


def test_helpers_are_stages_of_their_own_and_what_only_the_derived_lines_read_goes(program):
    own = program("e = o - y   # the error", "do = 2 * e", "dz = dh * (1 - h ** 2)", "dW1 = x.T @ dz", "db1 = sum(dz, axis=0)")
    lines = backward(own)
    assert lines[:2] == ["e = o - y", "do = 2 * e"]
    assert not [line for line in lines if line.startswith("h.1")]  # only the derived dW1 and db1 read it
    assert own.stage("e").meaning == "the error" and not own.stage("e").of
    assert own.stage("dW1").derived.text == "x.T @ (dh * (1 - h**2))"


def test_derived_helpers_and_parts_may_be_read_and_stay_then(program):
    lines = backward(program("dW1 = x.T @ h.1", "dh = dh@o + dh@a"))
    assert [line for line in lines if line.startswith("h.1 = ")] and [line for line in lines if line.startswith("dh@o = ")]


def test_lines_run_in_the_order_in_which_they_read_each_other(program):
    own = program("dW1 = x.T @ dz", "dz = dh * (1 - h ** 2)", "dh = do @ W2.T + 3 * do", "do = 2 * (o - y)")
    names = [line.split(" ")[0] for line in backward(own)]
    assert names.index("do") < names.index("dh") < names.index("dz") < names.index("dW1")


def test_what_changes_an_array_makes_a_new_version_in_both_passes(tmp_path):
    text = """program: |
  h = E[x]
  h *= mask / (  # what is kept
    keep)
  s = h.sum(axis=1) @ W
  s -= s.max(axis=1, keepdims=True)
  loss = logsumexp(s, axis=1).mean() - s.mean()
backward: |
  dE = np.zeros_like(E)
  np.add.at(dE, x, dh)
  ds = (softmax(s) - 1 / 2) / 2
  dW = h.sum(axis=1).T @ ds
  dW **= 1
  dh = np.repeat((ds @ W.T)[:, None], 2, axis=1)
  dh *= mask / keep * sign(h'1) ** 2
constants: {keep: 0.5}
tensors: {mask: [[[1], [0]], [[1], [1]]]}
parameters: {seed: 1, shapes: {E: [3, 2], W: [2, 2]}}
data: {inputs: [[0, 2], [2, 2]]}
"""
    (tmp_path / "s.yaml").write_text(text)
    session = Session(load_scenario(tmp_path / "s.yaml"))
    names = [stage.name for stage in session.program.stages]
    assert names[:3] == ["h", "h'2", "s"] and session.program.stage("h'2").formula.text == "h * (mask / keep)"
    assert {"dE'0", "dW'0"} <= {*names} and session.execute("check").data["ok"]


def test_a_gradient_that_is_assigned_again_is_the_last_one(program):
    own = program("dh = do @ W2.T", "dh = dh + 3 * do")
    assert "dh'0 = do @ W2.T" in backward(own) and "dh = dh'0 + 3 * do" in backward(own)
    assert own.gradients["h"] == "dh"


def test_the_gradients_of_the_loss_and_of_the_inputs_can_be_written_too(program):
    own = program("dloss = 1.0", "do = 2 * (o - y) * dloss", "dx = (dh * (1 - h ** 2)) @ W1.T")
    assert own.gradients["x"] == "dx" and own.stage("dx").derived.text == "h.1 @ W1.T"
    assert own.gradients["loss"] == "dloss" and not own.stage("dloss").edited


RIGHT = [
    ("do = 2 * (o - y)",),
    ("dloss = 1", "dq = 2 * (o - y)", "do = dq * dloss", "dW2 = h.T @ dq"),
    ("dh = np.dot(do, W2.T) + 3 * do", "dz1 = dh * (1 - h * h)", "dW1 = np.dot(x.T, dz1)", "db1 = dz1.sum(axis=0)"),
    ("dW1, db1 = x.T @ h.1, sum(h.1, axis=0)",),
]


@pytest.mark.parametrize("lines", RIGHT)
def test_right_lines_give_the_derived_numbers_and_so_do_their_derived_formulas(program, lines):
    derived, own = computed(program()), program(*lines)
    values = computed(own)
    for name in own.gradients.values():
        np.testing.assert_allclose(values[name], derived.get(name, 1.0 if name == "dloss" else values[name]), rtol=1e-12)
    for stage in own.stages:
        if stage.edited:
            np.testing.assert_allclose(assigned(stage.derived, values), values[stage.name], rtol=1e-12)


def test_a_wrong_line_is_what_runs_and_the_derived_formula_stays_beside_it(program):
    own = program("do = o - y")
    values = computed(own)
    np.testing.assert_allclose(assigned(own.stage("do").derived, values), 2 * values["do"])


BROKEN = [
    ("dq = o - y", "9:3", "there is no tensor q whose gradient dq would be", "gradients are"),
    ("dhh = o - y", "9:3", "there is no tensor hh whose gradient dhh would be", "did you mean"),
    ("dm = o - y", "9:3", "m has no gradient: no path of derivatives leads from it to loss"),
    ("e = o - y", "9:3", "e is read by no line: a line is a gradient"),
    ("do = 2 * (o - y2)", "9:17", "there is no tensor 'y2'; did you mean 'y'?"),
    ("dh = do", "9:8", "dh is 4×3; this formula gives 4×1"),
    ("dh = do @ W2", "9:11", "do is 4×1", "W2 is 3×1"),
    ("do = 2 * (o - y)\n  e = do\n  e *= 2\n  dh = e @ W2.T", "11:3", "NumPy changes the array of do here, too: write e = e …"),
    ("dh %= do", "9:6", "%= changes a tensor in its place", "write dh = dh % …"),
    ("dh += do", "9:3", "dh reads itself"),
    ("dh = dh * 2", "9:3", "dh reads itself"),
    ("do = sum(dh, axis=1, keepdims=True)", "9:3", "do reads dh", "again"),
    ("dW1 = x.T @ (dh * (1 - h ** 2)", "9:15", "nothing closes this '('"),
]


@pytest.mark.parametrize(("line", "place", "words"), [(line, place, words) for line, place, *words in BROKEN])
def test_a_broken_line_is_told_with_its_place(program, line, place, words):
    with pytest.raises(ScenarioError) as caught:
        program(line)
    told = str(caught.value)
    assert f"s.yaml:{place}: " in told
    assert [word for word in words if word not in told] == []
    assert len(told.splitlines()) == 1


def test_all_broken_lines_are_told(program):
    with pytest.raises(ScenarioError) as caught:
        program("do = 2 * (o - z)", "dh = do", "dW1 = q", "e = 1")
    assert [line.rsplit("s.yaml", 1)[1][:6] for line in str(caught.value).splitlines()] == [":9:17:", ":11:9:", ":12:3:"]


def test_a_line_that_fits_this_batch_alone_is_right_there(tmp_path):
    text = FORWARD.replace("(o - y)", "(o * k - y)").replace("data:", "tensors: {k: [[1], [2], [3], [4]]}\ndata:")
    line = "dh = reshape(reshape(do @ W2.T + 3 * do, (2, 6)), (4, 3))"
    (tmp_path / "s.yaml").write_text(f"{text}backward: |\n  {line}\n")
    (tmp_path / "t.yaml").write_text(text)
    for name, typed in (("s", "where"), ("t", f"formula {line}")):
        session = Session(load_scenario(tmp_path / f"{name}.yaml"))
        session.execute(typed)
        assert session.program.stage("dh").edited
        assert {stage["status"] for stage in session.execute("check").data["stages"]} == {"good"}


FACTORS = [("1", "good"), ("0.5", "convention"), ("2 * m", "convention"), ("3", "wrong"), ("-1", "wrong")]


@pytest.mark.parametrize(("factor", "status"), FACTORS)
def test_one_factor_of_all_gradients_that_has_a_name_is_a_convention(tmp_path, program, factor, status):
    def checked(*lines):
        program(*lines)
        data = Session(load_scenario(tmp_path / "s.yaml")).execute("check").data
        return {stage["name"]: stage["status"] for stage in data["stages"]}, data["ok"]

    found, ok = checked(f"e = {factor} * 2 * (o - y)", "dW2 = h.T @ e", "dh = e @ W2.T + 3 * e")
    assert {found["dW2"], found["dh"]} == {status} and ok == (status != "wrong")
    assert checked(f"dW2 = {factor} * 2 * h.T @ (o - y)")[0]["dW2"] == ("good" if factor == "1" else "wrong")
