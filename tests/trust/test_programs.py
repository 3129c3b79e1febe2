"""The check of programs that are written in lines: right ones are right, whatever their ranks, and a wrong line is found."""

from __future__ import annotations

import numpy as np
import pytest
from programs import PROGRAMS, program_in

from bpdebug import Session, load_scenario
from bpdebug.core.functions import FUNCTIONS
from bpdebug.core.network import Phase
from bpdebug.session.commands.check import compared

HIDDEN = """
program: |
  h = tanh(x @ W1 + b1)
  loss = sum((h @ W2 - y) ** 2)
parameters: {seed: 1, shapes: {W1: [1, 3], b1: [3], W2: [3, 1]}}
data: {inputs: [[0], [0.5], [1], [1]], targets: [[0], [1], [1], [0]]}
"""
GRAPH = """
program: |
  q = x + y
  f = q * z
parameters: {values: {x: -2, y: 5, z: -4}}
"""


TIES = """
program: |
  ratio = exp(x @ w)
  least = minimum(ratio * good, clip(ratio, 0.5, 1.5) * good)
  loss = -mean(least)
parameters: {values: {w: [0.1, -0.2]}}
tensors: {good: [1, -0.5, 2]}
data: {inputs: [[0.1, -0.2], [0, 1], [-0.5, 0.4]]}
"""


@pytest.fixture
def opened(tmp_path):
    """Opens a program that is given as text."""

    def open_(text):
        path = tmp_path / "program.yaml"
        path.write_text(text, "utf-8")
        return Session(load_scenario(path))

    return open_


@pytest.mark.parametrize(
    ("lines", "culprit", "follow"),
    [
        (["h.1 = dh * (1 - h)"], "h.1", {"dW1", "db1"}),
        (["h.1 = dh * (1 - h) * (1 + h)"], None, set()),
        (["h.1 = dh * (1 - h ** 2) / 2", "dW1 = 2 * x.T @ h.1", "db1 = 2 * sum(h.1, axis=0)"], None, set()),
        (["h.1 = dh * (1 - h)", "db1 = sum(dh * (1 - h ** 2), axis=0)"], "h.1", {"dW1"}),
        (["dW1 = x.T @ (h.1 * h)"], "dW1", set()),
    ],
)
def test_of_an_inner_line_of_your_own_the_line_is_accused_and_not_what_reads_it(opened, lines, culprit, follow):
    session = opened(HIDDEN)
    for line in lines:
        session.execute(f"formula {line}")
    found = session.execute("check").data
    assert found["culprit"] == culprit
    assert {stage["name"] for stage in found["stages"] if stage["status"] == "follows"} == follow
    assert {stage["name"] for stage in found["stages"] if stage["status"] == "wrong"} == {culprit} - {None}


SOFTMAX = """
program: |
  z = x @ W
  e = exp(z - max(z, axis=1, keepdims=True))
  p = e / sum(e, axis=1, keepdims=True)
  loss = -mean(log(p[arange(3), y]))
parameters: {seed: 1, shapes: {W: [2, 4]}}
data: {inputs: [[1, 0.2], [-0.5, 1], [0.3, 2]], targets: [0, 3, 1]}
"""


def test_what_is_right_with_all_that_can_arrive_is_right(opened):
    session = opened(SOFTMAX)
    session.execute("formula dz = de * e")  # as in makemore: what is subtracted from every score makes no difference
    found = session.execute("check")
    assert {stage["status"] for stage in found.data["stages"]} == {"good"} and "with other parameters too" in found.text
    session.execute("formula dz = de * e * (z > 0)")
    assert session.execute("check").data["culprit"] == "dz"


@pytest.mark.parametrize(("loss", "reason"), [("sum(argmax(h, axis=1))", "argmax has no derivative"), ("sum(x ** 2)", "from W1 to loss")])
def test_a_program_without_gradients_says_why(opened, loss, reason):
    text = HIDDEN.replace("sum((h @ W2 - y) ** 2)", loss)
    found = opened(text).execute("check")
    assert reason in found.text and not found.data["ok"]


CALLS = """where(k > h, h, k); einsum('ij,ij->i', h, k); tensordot(h, k, 2); add_at(h, [0, 0], k[:2]); arange(3) * h; eye(3) @ h
h + ones((3, 3)); zeros((3, 3)) - h; reshape(h, -1); transpose(h, (1, 0)); swapaxes(h, 0, 1); moveaxis(h, 0, 1)
expand_dims(h, 0); broadcast_to(h[0], (4, 3)); concatenate([h, k]); stack([h, k]); split(h, 3); pad(h, 1)
repeat(h, 2, axis=0); take(h, [0, 0]); clip(h, 0.4, 0.6); one_hot(argmax(h, axis=1), 3)
take_along_axis(h, argmax(h, axis=1, keepdims=True), axis=1); sliding_window_view(h, 2, axis=0)
cross_entropy(h, [0, 2, 1]) + sum(k)"""
"""Calls of the functions that take more than arrays, or whole numbers, places and the like."""


def every_call():
    """A call of each function of the language, of what a network computes."""
    told = {row.name: call for call in CALLS.replace("\n", "; ").split("; ") for row in FUNCTIONS.values() if f"{row.name}(" in call}
    for row in FUNCTIONS.values():
        yield pytest.param(told.get(row.name, f"{row.name}({', '.join('hk'[: row.arity])})"), id=row.name)


@pytest.mark.parametrize("call", [*every_call()])
def test_no_function_is_accused(opened, call):
    lines = f"program: |\n  h = 0.5 + 0.3 * tanh(x @ W)\n  k = 0.5 + 0.3 * sin(x @ V)\n  loss = sum(1.5 * ({call})) + mean(h * k)\n"
    given = "parameters: {seed: 2, shapes: {W: [2, 3], V: [2, 3]}}\ndata: {inputs: [[1, 0.5], [-0.3, 2], [0.2, -1]]}\n"
    found = opened(lines + given).execute("check").data
    assert found["culprit"] is None and {stage["status"] for stage in found["stages"]} <= {"good", "kink"}, call


@pytest.mark.parametrize("text", [HIDDEN, GRAPH], ids=["hidden", "graph"])
def test_the_derivatives_of_a_program_are_right(opened, text):
    session = opened(text)
    for command in ("check", "check all", *(f"check {name}" for name in session.program.gradients)):
        assert {stage["status"] for stage in session.execute(command).data["stages"]} == {"good"}, command
    assert session.execute("check slope").data["ok"]
    first = next(iter(session.program.gradients.values()))
    assert session.execute(f"check {first} sweep").data["errors"][-1] < 1e-13
    session.execute("catch wrong")
    assert "the end" in session.execute("continue").text or session.execute("list").text


def test_the_input_of_a_program_has_a_gradient_that_is_checked_on_request(opened):
    session = opened(HIDDEN.replace("tanh(x @ W1", "tanh(n @ W1").replace("|\n", "|\n  n = x / 2\n", 1))
    assert [(stage["name"], stage["status"]) for stage in session.execute("check x").data["stages"]] == [("dx", "good")]
    with pytest.raises(Exception, match="there is no stage"):
        opened(GRAPH).execute("check dn")


def test_what_is_equal_as_computed_in_two_ways_hides_no_mistake(opened):
    session = opened(TIES)
    assert {stage["status"] for stage in session.execute("check").data["stages"]} == {"good"}
    session.execute(f"formula dratio = {session.program.stage('dratio').formula.text.replace('ratio * good < least.1', 'good < least.1')}")
    assert session.execute("check").data["culprit"] == "dratio"


@pytest.mark.parametrize(("stage", "formula"), [("dW2", "h.T @ loss.1 / 2"), ("dh", "loss.1 @ W2.T * m"), ("db1", "h.1[0]")])
def test_a_wrong_line_is_where_the_check_points(opened, stage, formula):
    session = opened(HIDDEN)
    session.execute(f"formula {stage} = {formula}")
    found = session.execute("check").data
    assert found["culprit"] == stage
    assert [one["name"] for one in found["stages"] if one["status"] == "wrong"] == [stage]


@pytest.mark.parametrize("text", [HIDDEN, GRAPH], ids=["hidden", "graph"])
def test_what_is_hidden_in_a_program_is_what_the_check_accuses(opened, text):
    for seed in range(4):
        session = opened(text)
        assert "print d" in session.execute(f"hunt {seed}").text
        session.execute("hint")
        assert "it is one of d" in session.execute("hint").text
        fault = session.hunts[-1].fault
        assert session.execute("check anyway").data["culprit"] == fault.stage
        assert session.execute(f"accuse {fault.stage}").data["right"]


POOLED = """
program: |
  w = sliding_window_view(x, (3, 3), axis=(2, 3))
  a = relu(einsum('bchwij,ocij->bohw', w, K) + b[:, None, None])
  p = a.reshape(len(a), 2, 2, 2, 2, 2).max(axis=(3, 5))
  loss = mean((p.reshape(len(p), -1) @ W - y) ** 2)
parameters: {seed: 1, shapes: {K: [2, 1, 3, 3], b: [2], W: [8, 1]}}
data:
  inputs: [[[[1,2,0,1,3,1],[0,1,2,2,1,0],[1,1,3,0,2,1],[2,0,1,1,0,3],[1,2,2,0,1,1],[0,3,1,2,1,0]]],
           [[[0,1,0,2,1,1],[1,1,0,0,3,2],[2,0,1,1,0,1],[0,2,2,1,1,0],[1,0,1,3,0,2],[1,1,0,0,2,1]]]]
  targets: [[1], [0]]
"""
MASKED = """
program: |
  q, k, v = split(x @ W, 3, axis=-1)
  s = where(tril(ones((3, 3))) == 0, -1e9, q @ swapaxes(k, -1, -2) / sqrt(2))
  loss = mean((softmax(s) @ v - x) ** 2)
parameters: {seed: 1, shapes: {W: [2, 6]}}
data: {inputs: [[[1, 2], [0, 1], [2, 0.5]], [[0, 1], [1, 1], [-1, 2]]]}
"""


@pytest.mark.parametrize("text", [POOLED, MASKED], ids=["pooled", "masked"])
def test_pools_with_equal_cells_and_masks_of_ones_are_checked_and_run(opened, text):
    session = opened(text + "training: {epochs: 3}\n")
    assert {stage["status"] for stage in session.execute("check all").data["stages"]} <= {"good", "kink"}
    assert "training is complete" in session.execute("continue").text


def test_a_parameter_to_which_no_derivative_leads_says_what_stops_it(opened):
    text = HIDDEN.replace("loss = sum((h @ W2", "c = argmax(h, axis=1)\n  loss = sum((c[:, None] * W2[0]")
    lines = {line.name: line.reason for line in opened(text).program.lines if hasattr(line, "reason")}
    reason = "no path of derivatives leads from {} to loss: argmax has no derivative"
    assert lines == {name: reason.format(name) for name in ("W1", "b1")}


def test_a_mask_of_minus_infinity_is_no_alarm_and_is_judged(tmp_path):
    path = tmp_path / "mask.yaml"
    path.write_text(
        "program: |\n  s = (x @ Wq) @ swapaxes(x @ Wk, -1, -2)\n  s = where(mask, s, -inf)\n  A = softmax(s)\n  loss = mean((A @ x) ** 2)\n"
        "parameters: {seed: 1, shapes: {Wq: [3, 4], Wk: [3, 4]}}\ntensors: {mask: [[true, false], [true, true]]}\n"
        "data: {inputs: [[[1, 2, 3], [4, 5, 6]], [[0, 2, 1], [1, 1, 0]]]}\ntraining: {epochs: 3}\n"
    )
    session = Session(load_scenario(path))
    assert "non-finite" not in session.execute("continue").text
    session.execute("goto 0:s'2")
    session.execute("next")
    session.execute("goto 1")
    report = session.execute("check")
    assert report.data["ok"] and not report.data["unjudged"]
    session.execute("formula ds'2 = A * dA")
    assert session.execute("check").data["culprit"] == "ds'2"
    session.execute("goto 0")
    session.execute("set Wq[0,0] = nan")
    assert "nan" in session.execute("continue").text


@pytest.mark.parametrize("name", PROGRAMS)
def test_a_program_s_own_numbers_in_single_precision_are_right(name, tmp_path):
    scenario = program_in(tmp_path, name)
    program = Session(scenario).program
    values = program.initial | program.batch(0)
    values |= program.run(values, program.end_of(Phase.BACKWARD))
    own = {key: value.astype(np.float32) if value.dtype.kind == "f" else value for key, value in values.items()}
    found = compared(Session(scenario), {key: value for key, value in own.items() if key not in program.constants})
    assert found.data["ok"] and not found.data["culprit"], found.text
