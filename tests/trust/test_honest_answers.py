"""What an answer says in words is what its numbers say."""

from __future__ import annotations

import numpy as np
import pytest
from debugger_scenarios import X, Y, xor
from test_names import computed

from bpdebug.core.description import Layer, Loss, Optimizer, Scenario, Training
from bpdebug.core.record import replace
from bpdebug.frontends import load_scenario
from bpdebug.session.commands.check import compared
from bpdebug.session.session import Session
from bpdebug.trust.case import Evidence
from bpdebug.trust.suspects import diagnose

CLASSES = {"y": np.eye(2)[[0, 1, 1, 0]], "loss": Loss("categorical_cross_entropy", samples="mean"), "layers": (Layer(2, "softmax"),)}
CENTRED = "a1 = z1 - mean(z1, axis=0, keepdims=True)", "dz1 = da1 - mean(da1, axis=0, keepdims=True)"


def answer(scenario, *commands):
    session = Session(scenario)
    return [session.execute(command) for command in commands][-1]


@pytest.mark.parametrize("precision", ["float64", "float32"])
@pytest.mark.parametrize("seed", range(6))
def test_a_derivative_is_called_ok_only_where_its_error_is_small(seed, precision):
    """The gradient of a bias below a mean is 0 but for rounding, and then there is nothing to agree with."""
    scenario = replace(xor(precision=precision), seed=seed, layers=(Layer(3, "identity"), Layer(1, "sigmoid")))
    stages = answer(scenario, *(f"formula {text}" for text in CENTRED), "check").data["stages"]
    assert all(stage["error"] < 1e-4 for stage in stages if stage["status"] == "good")
    assert {stage["status"] for stage in stages if stage["name"] == "db1"} == {"noise"} or not any(
        stage["ours"] for stage in stages if stage["name"] == "db1"
    )


def test_a_part_that_is_right_given_what_arrives_is_not_said_to_agree():
    text = answer(xor(loss=Loss("binary_cross_entropy", l2=0.1)), "formula dz1 = da1", "check").text
    assert "follows dW1@z1 right given the gradients that arrive, and these are wrong" in " ".join(text.split())


@pytest.mark.parametrize("scenario", [replace(xor(), values={"W2": np.zeros((4, 1))}), Scenario("ties", ("a", "b"), x=X, **CLASSES)])
def test_a_tie_is_no_answer(scenario):
    if scenario.name == "ties":
        scenario = replace(scenario, values={"W1": np.ones((2, 2))})
    result = answer(scenario, "predictions")
    assert result.data["right"] == 0
    assert result.text.startswith("0 of 4 right")
    assert result.text.count("undecided") == 4
    view = Session(scenario).view(["surface"])
    assert view.surface.confusion.sum() == 0


def test_a_cause_at_two_places_is_told_once():
    scenario = Scenario(
        "mean", ("a", "b"), (Layer(2, "tanh"), Layer(1, "sigmoid")), X, Y, loss=Loss("binary_cross_entropy", samples="mean"),
        optimizer=Optimizer("sgd", {"learning_rate": 0.5}), training=Training(5),
    )  # fmt: skip
    session = Session(scenario)
    session.execute("until dz2")
    theirs = {"a1": session.value("a1"), "a2": session.value("a2"), "dz2": 4 * session.value("dz2")}
    assert "convention: your deltas (dz2) are those of the samples' own losses" in compared(session, theirs).text
    values, program = session.timeline.machine.values(), session.timeline.program
    (suspect,) = diagnose(Evidence(program, program.stage("dz2"), theirs["dz2"], values["dz2"], values, unseen=frozenset(("da2",))))
    assert suspect.evidence.count("is not divided by m") == 1


def test_evidence_names_tensors_whole():
    result = answer(xor(loss=Loss("binary_cross_entropy", l2=0.1)), "formula dW1 = dW1@z1 + l2 * W1", "check")
    (evidence,) = [suspect["evidence"] for stage in result.data["stages"] for suspect in stage["suspects"]]
    assert evidence.startswith("dW1 equals l2 * W1 + dW1@z1 in every cell")


AXIS = "axis={}, keepdims=True"
SOFTMAX = "exp(z2 - max(z2, {0})) / sum(exp(z2 - max(z2, {0})), {1})"


@pytest.mark.parametrize(
    ("formula", "said"),
    [
        (SOFTMAX.format(AXIS.format(0), AXIS.format(0)), "over the samples, where it should be over the units"),
        (SOFTMAX.format(AXIS.format(1), AXIS.format(0)), "over the samples, where it should be over the units"),
        (SOFTMAX.format(AXIS.format(1), "").replace(", )", ")"), "over everything, where it should be over the units of each sample"),
    ],
)
def test_a_wrong_axis_is_told_by_what_it_runs_over(formula, said):
    session = Session(load_scenario("iris"))
    session.execute("goto z2")
    stages = compared(session, {"z2": session.value("z2"), "a2": session.value(formula)}).data["stages"]
    (suspect,) = next(stage for stage in stages if stage["name"] == "a2")["suspects"]
    assert suspect["evidence"].endswith(said)


@pytest.mark.parametrize(("axis", "due"), [(2, 3), (3, 2), (0, 3)])
def test_a_wrong_axis_is_told_in_tensors_of_any_rank(tmp_path, axis, due):
    text = (
        f"program: |\n  s = log_softmax(x * W, axis={due})\n  loss = mean(s[:, 0, 0, 0] ** 2)\nparameters: {{shapes: {{W: [1, 2, 3]}}}}\n"
    )
    (tmp_path / "s.yaml").write_text(text + f"data: {{inputs: {np.arange(12.0).reshape(2, 1, 2, 3).tolist()}}}\n")
    session = Session(load_scenario(tmp_path / "s.yaml"))
    right = session.program.stage("dW").formula.text
    wrong = right.replace(f"axis={due}, keepdims", f"axis={axis}, keepdims")
    found = answer(session.program.scenario, f"formula dW = {wrong}", "check").text
    assert f"is taken over axis {axis}, where it should be over axis {due}" in found


def test_the_parts_of_a_gradient_are_said_in_words():
    session = Session(load_scenario("residual"))
    part, *_ = [stage for stage in session.program.stages if stage.through]
    whole = session.program.gradients[part.of]
    words = f"the part of {whole} that comes through {part.through}"
    assert f"({words})" in answer(session.program.scenario, "check").text
    program, arrays = computed(session.program.scenario)
    parts = {stage.name for stage in program.stages if stage.through}
    mine = {name: array for name, array in (arrays | {whole: arrays[part.name]}).items() if name not in parts}
    assert f"{part.name} is {words}" in compared(Session(program.scenario), mine).text
