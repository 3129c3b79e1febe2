"""Formulas of the user's own, beside what they are meant to be."""

from __future__ import annotations

import numpy as np
import pytest
from debugger_scenarios import classes, xor
from random_networks import COMBINATIONS, scenario_of
from turns import by_turns

from bpdebug.core.description import Layer, Loss, Optimizer, Scenario, Training
from bpdebug.core.layers import make_program
from bpdebug.core.optimizers import OPTIMIZERS
from bpdebug.frontends import load_scenario
from bpdebug.session.session import Session
from bpdebug.time.tasks import whole
from bpdebug.time.timeline import Timeline
from bpdebug.trust.check import check

ADAM = "learning_rate * (mW1 / (1 - beta1 ** t)) / (sqrt(vW1 / (1 - beta2 ** t)) + epsilon)"


def checked(scenario, *formulas, update=0, named=True):
    """The findings of a check, by stage."""
    program = make_program(scenario)
    for text in formulas:
        program = program.with_formula(*text.split(" = ", 1))
    timeline = Timeline(program)
    timeline.seek(update * len(program.stages))
    report = whole(check(timeline, named=named))
    return report, {finding.name: finding for finding in report.findings}


def optimizing(name):
    return xor(optimizer=Optimizer(name, {"learning_rate": 0.1}))


def mutants(formula):
    """Wrong update formulas: a sign turned, a constant exchanged, a term gone."""
    changed = formula.replace(" - ", " + ", 1), formula.replace("learning_rate", "1"), f"1.001 * ({formula})", f"0 * ({formula})"
    yield from {*changed} - {formula}


STARTS = [
    pytest.param(name, update, marks=[pytest.mark.long] * (place % 2 != update % 2))
    for place, name in enumerate(OPTIMIZERS)
    for update in (0, 3)
]
"""Each at the very start or later, by turns."""


@pytest.mark.parametrize(("name", "update"), STARTS)
def test_every_wrong_step_of_every_optimizer_is_accused_where_it_stands(name, update):
    program = make_program(optimizing(name))
    for stage in program.stages[program.index["db1"] + 1 :]:
        if stage.name.endswith("W2"):
            for text in mutants(stage.formula.text):
                report, found = checked(optimizing(name), f"{stage.name} = {text}", update=update, named=False)
                assert report.culprit is not None, text
                assert [finding.name for finding in report.accused] == [stage.name]
                assert not report.ok
                assert found["dW1"].status in ("good", "non-finite")  # a wrong rule may have led to a root of less than 0


@pytest.mark.parametrize(
    ("name", "formulas"),
    [
        ("sgd", ["W1 = W1 - dW1 * learning_rate"]),
        ("sgd", ["W1 = -(learning_rate * dW1 - W1)"]),
        ("momentum", ["vW1 = dW1 + vW1 * momentum", "W1 = W1 - vW1 * learning_rate"]),
        ("rmsprop", ["vW1 = vW1 + (1 - alpha) * (square(dW1) - vW1)"]),
        ("adam", ["mW1 = mW1 - (1 - beta1) * (mW1 - dW1)", "vW1 = vW1 * beta2 + dW1 * dW1 * (1 - beta2)"]),
        ("adam", ["W1 = W1 - learning_rate / (1 - beta1 ** t) * mW1 / (epsilon + sqrt(vW1) / sqrt(1 - beta2 ** t))"]),
        ("adamw", [f"W1 = W1 - learning_rate * weight_decay * W1 - {ADAM}"]),
    ],
)
@pytest.mark.parametrize("update", [0, 5])
def test_a_step_that_is_only_written_otherwise_is_right(name, formulas, update):
    report, found = checked(optimizing(name), *formulas, update=update)
    assert report.ok
    assert {found[text.split(" = ")[0]].status for text in formulas} == {"good"}


@pytest.mark.parametrize(
    ("name", "formulas"),
    [
        ("momentum", ["vW1 = momentum * vW1 - learning_rate * dW1", "W1 = W1 + vW1"]),  # Sutskever et al. (2013), Keras, CS231n
        ("momentum", ["vW1 = momentum * vW1 + learning_rate * dW1", "W1 = W1 - vW1"]),
        ("nesterov", ["vW1 = momentum * vW1 - learning_rate * dW1", "W1 = W1 + momentum * vW1 - learning_rate * dW1"]),
    ],
)
@pytest.mark.parametrize("update", [0, 5])
def test_a_velocity_kept_otherwise_that_moves_the_parameter_alike_is_a_convention(name, formulas, update):
    report, found = checked(optimizing(name), *formulas, update=update)
    assert report.ok
    assert {found["vW1"].status, found["W1"].status} == {"convention"}
    assert "learning_rate" in found["vW1"].said
    report, found = checked(optimizing(name), formulas[0], update=update)  # half of it is no convention
    assert [finding.name for finding in report.accused] == ["vW1"]


def test_at_the_first_update_what_is_hidden_by_a_slot_of_0_is_found_and_said():
    report, found = checked(optimizing("momentum"), "vW1 = dW1")
    assert report.culprit.name == "vW1"
    assert "it makes no difference in this update, since vW1 is 0" in found["vW1"].said
    assert [suspect.kind for suspect in found["vW1"].suspects] == ["momentum_missing"]


def test_clipping_that_clips_nothing_here_is_no_mistake_and_not_called_right():
    report, found = checked(xor(), "W1 = W1 - learning_rate * minimum(maximum(dW1, -5), 5)")
    assert (report.ok, report.unjudged, found["W1"].status) == (True, ("W1",), "hidden")


def test_untouched_steps_are_right_by_construction_and_not_listed():
    _, found = checked(optimizing("adam"))
    assert not {"t", "mW1", "vW1", "W1"} & set(found)


def test_the_answer_says_what_is_wrong_with_a_step():
    session = Session(xor())
    session.execute("formula W1 = W1 + learning_rate * dW1")
    text = session.execute("check").text
    assert "WRONG   W1 " in text
    assert "first wrong stage: W1 = W1 + learning_rate * dW1" in text
    assert "wrong sign" in text


def test_a_batch_of_any_size_and_single_precision_make_no_step_wrong():
    scenario = classes(3, shuffle=True, precision="float32", optimizer=Optimizer("adam", {"learning_rate": 0.05}))
    report, _ = checked(
        scenario, "W1 = W1 - learning_rate / (1 - beta1 ** t) * mW1 / (epsilon + sqrt(vW1) / sqrt(1 - beta2 ** t))", update=2
    )
    assert report.ok
    assert np.isfinite(report.findings[-1].error)


GENERATOR = np.random.default_rng(0)
POSITIVE = GENERATOR.uniform(0.5, 2, (5, 3))
MEAN = Loss("squared_error", samples="mean")


def net(*layers, rows=5, **more):
    """A net of layers on positive inputs."""
    x, y = POSITIVE[:rows], np.random.default_rng(1).standard_normal((rows, layers[-1].units))
    return Scenario("net", ("p", "q", "r"), layers, x, y, **{"loss": MEAN} | more)


RELU = net(Layer(4, "relu"), Layer(1), values={"W1": GENERATOR.uniform(0.2, 1, (3, 4))})
PLAIN = net(Layer(4), Layer(3))


def centred(name, axis):
    return f"({name} - mean({name}, axis={axis}, keepdims=True))"


def spread(axis):
    return f"sqrt(mean({centred('z1', axis)} ** 2, axis={axis}, keepdims=True) + 1e-5)"


def normed(axis):
    """Batch norm (axis 0) or layer norm (1) in the place of an activation, and its derivative."""
    slope = f"(da1 - mean(da1, axis={axis}, keepdims=True) - a1 * mean(da1 * a1, axis={axis}, keepdims=True)) / {spread(axis)}"
    return [f"a1 = {centred('z1', axis)} / {spread(axis)}", f"dz1 = {slope}"]


MARGIN = "a2 - sum(a2 * y, axis=1, keepdims=True) + 1"
HINGE = [
    f"loss = (sum(maximum(0, {MARGIN})) - m) / m",
    f"da2 = (where({MARGIN} > 0, 1, 0) - y * sum(where({MARGIN} > 0, 1, 0), axis=1, keepdims=True)) / m",
]
ONE_HOT = net(Layer(4, "tanh"), Layer(3))
ONE_HOT = Scenario("one-hot", ONE_HOT.inputs, ONE_HOT.layers, ONE_HOT.x, np.eye(3)[[0, 1, 2, 1, 0]], loss=MEAN)
OWN = {
    "batch norm": (PLAIN, normed(0)),
    "layer norm": (PLAIN, normed(1)),
    "sine": (xor(), ["a1 = sin(z1)", "dz1 = da1 * cos(z1)"]),
    "hinge": (ONE_HOT, HINGE),
    "no loss": (PLAIN, ["loss = sum(a2)", "da2 = 0 * a2 + 1", *normed(1)]),
    "residual": (net(Layer(3, "tanh"), Layer(1)), ["a1 = tanh(z1) + x", "dz1 = da1 * (1 - (a1 - x) ** 2)"]),
    "tied weights": (net(Layer(2, "tanh"), Layer(3)), ["z2 = a1 @ W1.T + b2", "dW1 = x.T @ dz1 + dz2.T @ a1", "da1 = dz2 @ W1"]),
    "own penalty": (xor(), ["loss = -sum(y * log(a2) + (1 - y) * log(1 - a2)) + sum(W1 ** 2)", "dW1 = x.T @ dz1 + 2 * W1"]),
}


@pytest.mark.parametrize(("name", "update"), by_turns(OWN, [0, 4]))
def test_a_right_derivative_of_a_formula_of_ones_own_is_accused_of_nothing(name, update):
    scenario, formulas = OWN[name]
    report, found = checked(scenario, *formulas, update=update)
    assert report.ok
    assert found[formulas[0].split(" = ")[0]].status == "own"
    assert "its derivative" in found[formulas[0].split(" = ")[0]].said


@pytest.mark.parametrize("name", OWN)
def test_a_wrong_derivative_of_a_formula_of_ones_own_is_what_is_accused(name):
    scenario, formulas = OWN[name]
    target, text = formulas[1].split(" = ", 1)
    report, found = checked(scenario, formulas[0], f"{target} = 1.5 * ({text})", *formulas[2:])
    assert [finding.name for finding in report.accused] == [target]
    assert found[formulas[0].split(" = ")[0]].status == "own"


SOFTMAX = "a2 = exp(z2) / sum(exp(z2), axis=0, keepdims=True)"


@pytest.mark.parametrize(
    ("scenario", "formulas", "kind"),
    [
        (classes(12, shuffle=False), [SOFTMAX], "wrong_axis"),
        (classes(12, shuffle=False), [SOFTMAX, "dz2 = (a2 - y) / m"], "wrong_axis"),
        (xor(), ["a1 = tanh(z1)"], "another_activation"),
        (xor(), ["a1 = 1 / (1 + exp(z1))", "dz1 = da1 * a1 * (1 - a1) * 1"], None),
        (xor(), ["z2 = a1 @ W2"], "bias_missing"),
        (xor(loss=Loss("binary_cross_entropy", l2=0.1)), ["loss = data_loss"], "l2_missing"),
        (xor(), ["loss = 0"], "severed"),
        (xor(loss=Loss("binary_cross_entropy", l2=0.1)), ["loss = 0"], "severed"),
    ],
)
def test_a_wrong_forward_formula_is_accused_and_its_usual_derivatives_are_not(scenario, formulas, kind):
    report, found = checked(scenario, *formulas)
    target = formulas[0].split(" = ")[0]
    assert [finding.name for finding in report.accused] == [target]
    assert kind in [None, *(suspect.kind for suspect in found[target].suspects)]
    assert "either this has to change, or what is derived from it" in found[target].said
    derivatives = [finding for finding in report.findings if finding.said.startswith("right for")]
    assert derivatives
    assert {finding.status for finding in derivatives} == {"follows"}


def test_where_neither_the_formula_is_known_nor_a_derivative_the_users_the_derivative_is_the_old_ones():
    report, found = checked(PLAIN, normed(0)[0])
    assert [finding.name for finding in report.accused] == ["dz1"]
    assert [suspect.kind for suspect in found["dz1"].suspects] == ["forward_changed"]
    assert found["a1"].said == "not identity, and dz1 is not its derivative"


@pytest.mark.parametrize(
    "formula", ["a2 = 1 / (1 + exp(-(a1 @ W2 + b2)))", "z2 = 1 / (1 + exp(-z1)) @ W2 + b2", "loss = -sum(log(y * a2 + (1 - y) * (1 - a2)))"]
)
def test_a_formula_that_goes_around_a_stage_is_another_form_of_the_same(formula):
    report, found = checked(xor(), formula)
    assert report.ok
    assert found[formula.split(" = ")[0]].said.startswith("another way to write")
    assert {finding.status for finding in report.findings} == {"good"}


def test_two_wrong_formulas_are_two_findings():
    report, _ = checked(classes(12, shuffle=False), "a1 = 2 * tanh(z1)", SOFTMAX, "dW2 = -(a1.T @ dz2)")
    assert [finding.name for finding in report.accused] == ["a1", "a2", "dW2"]


@pytest.mark.parametrize(
    ("scenario", "formulas", "said"),
    [
        (RELU, ["dz1 = da1"], "every unit of layer 1 is active (z1 > 0 in every cell)"),
        (RELU, ["a1 = z1"], "every unit of layer 1 is active (z1 > 0 in every cell)"),
        (net(Layer(4, "tanh"), Layer(2), rows=1), ["da2 = 2 * (a2 - y)"], "the batch is a single sample"),
        (net(Layer(4, "tanh"), Layer(2), training=Training(4, 1)), ["da2 = 2 * (a2 - y)"], "the batch is a single sample"),
        (net(Layer(4, "tanh"), Layer(2), values={"W2": np.zeros((4, 2))}), ["da1 = dz2 @ W2.T * W1[0, 0]"], "W2 is 0"),
        (net(Layer(4, "tanh"), Layer(2), values={"W2": np.zeros((4, 2))}), ["db1 = 2 * sum(dz1, axis=0, keepdims=True)"], "dz1 is 0"),
    ],
)
def test_what_is_right_on_this_batch_only_is_told_and_accused_of_nothing(scenario, formulas, said):
    report, found = checked(scenario, *formulas)
    target = formulas[0].split(" = ")[0]
    assert report.ok
    assert report.unjudged == (target,)
    assert (found[target].status, found[target].said) == ("hidden", f"right on this batch only: {said}")


def test_where_the_batch_shows_it_it_is_wrong():
    assert checked(RELU, "da2 = 3 * (a2 - y)")[0].culprit.name == "da2"
    mixed = net(Layer(4, "relu"), Layer(1), values={"W1": GENERATOR.standard_normal((3, 4))})
    assert checked(mixed, "dz1 = da1")[0].culprit.name == "dz1"


@pytest.mark.parametrize("number", [pytest.param(n, marks=[pytest.mark.long] * bool(n % 56)) for n in range(0, len(COMBINATIONS), 7)])
def test_every_formula_of_a_network_written_otherwise_is_right(number):
    program = make_program(scenario_of(number))
    for stage in program.stages:
        program = program.with_formula(stage.name, f"1 * ({stage.formula.text})")
    report = whole(check(Timeline(program)))
    assert {finding.status for finding in report.findings} <= {"good", "kink", "noise"}
    assert {stage.name for stage in program.stages} == {finding.name for finding in report.findings}


def test_asked_for_alone_a_derivative_is_seen_with_its_forward_formula():
    timeline = Timeline(make_program(classes(12, shuffle=False)).with_formula(*SOFTMAX.split(" = ", 1)))
    assert [(finding.name, finding.status) for finding in whole(check(timeline, "dz2")).findings] == [("a2", "wrong"), ("dz2", "follows")]


@pytest.mark.parametrize(
    ("formula", "said"),
    [
        ("b1 = b1 - learning_rate * sum(dz1, axis=0, keepdims=True)", "your own update formula is right"),
        ("W1 = W1 - learning_rate * (x.T @ dz1)", "your own update formula is right"),
        (
            "b1 = b1 - learning_rate * mean(dz1, axis=0, keepdims=True)",
            "the step is 0.25 times the right one, and the batch has m = 4 samples",
        ),
        ("W1 = W1 - learning_rate * mean(dW1)", "the mean over all cells of dW1 is taken"),
        ("W1 = W1 - learning_rate * sum(dW1, axis=0, keepdims=True)", "the sum over the rows of dW1 is taken"),
    ],
)
def test_an_update_formula_may_compute_its_gradient_by_itself(formula, said):
    session = Session(xor())
    session.execute(f"formula {formula}")
    assert said in session.execute("check").text


def test_a_step_that_is_wrong_at_this_moment_alone_is_no_convention():
    session = Session(load_scenario("xor"))
    session.execute("formula W1 = W1 - learning_rate * dW1 * (1 + (abs(loss - 3.5127673) < 0.001))")
    result = session.execute("check")
    assert result.data["culprit"] == "W1", result.text
    assert "the step is 2 times the right one" in result.text


@pytest.mark.parametrize("limit", ["dW1 > 1e6", "sum(dW1 * dW1) > 1e30"])
@pytest.mark.parametrize("branch", ["W1 + dW1", "W1 - learning_rate * dW1 * 0.5"])
def test_a_branch_of_an_update_that_is_never_taken_is_not_called_right(limit, branch):
    timeline = Timeline(make_program(load_scenario("xor")).with_formula("W1", f"where({limit}, {branch}, W1 - learning_rate * dW1)"))
    report = whole(check(timeline))
    assert report.ok
    assert [(one.name, one.said.partition(":")[0]) for one in report.findings if one.says.untold] == [
        ("W1", "not judged where it is otherwise")
    ]
