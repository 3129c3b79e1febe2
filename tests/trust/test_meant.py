"""Formulas of the user's own, beside what they are meant to be."""

from __future__ import annotations

import numpy as np
import pytest
from debugger_scenarios import classes, xor

from bpdebug.core.description import Optimizer
from bpdebug.core.layers import make_program
from bpdebug.core.optimizers import OPTIMIZERS
from bpdebug.session.session import Session
from bpdebug.time.tasks import whole
from bpdebug.time.timeline import Timeline
from bpdebug.trust.check import check

ADAM = "learning_rate * (mW1 / (1 - beta1 ** t)) / (sqrt(vW1 / (1 - beta2 ** t)) + epsilon)"


def checked(scenario, *formulas, update=0):
    """The findings of a check, by stage."""
    program = make_program(scenario)
    for text in formulas:
        program = program.with_formula(*text.split(" = ", 1))
    timeline = Timeline(program)
    timeline.seek(update * len(program.stages))
    report = whole(check(timeline))
    return report, {finding.name: finding for finding in report.findings}


def optimizing(name):
    return xor(optimizer=Optimizer(name, {"learning_rate": 0.1}))


def mutants(formula):
    """Wrong update formulas: a sign turned, a constant exchanged, a term gone."""
    changed = formula.replace(" - ", " + ", 1), formula.replace("learning_rate", "1"), f"1.001 * ({formula})", f"0 * ({formula})"
    yield from {*changed} - {formula}


@pytest.mark.parametrize("update", [0, 3])
@pytest.mark.parametrize("name", OPTIMIZERS)
def test_every_wrong_step_of_every_optimizer_is_accused_where_it_stands(name, update):
    program = make_program(optimizing(name))
    for stage in program.stages[program.index["db1"] + 1 :]:
        if stage.name.endswith("W2"):
            for text in mutants(stage.formula.text):
                report, found = checked(optimizing(name), f"{stage.name} = {text}", update=update)
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
    assert "learning rate times" in found["vW1"].said
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
