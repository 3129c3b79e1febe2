"""What is said of the stages of a program of lines: the rule of each gradient, and what inner values are."""

from __future__ import annotations

import numpy as np
import pytest
from programs import PROGRAMS, program_in

from bpdebug.core.evaluate import evaluate
from bpdebug.core.functions import FUNCTIONS
from bpdebug.core.network import Phase
from bpdebug.core.parser import parse
from bpdebug.core.schedule import outermost
from bpdebug.core.texts import OUTERMOST
from bpdebug.frontends import load_scenario
from bpdebug.look.aside import LossAside
from bpdebug.look.inside import PART, apart, inner_of
from bpdebug.session.session import Session


def told(session, cell):
    session.execute(f"goto 0:{cell}")
    return session.explain(*session.selected)


@pytest.mark.parametrize("name", PROGRAMS)
def test_an_inner_value_is_the_gradient_of_the_part_that_is_named(name, tmp_path):
    session = Session(program_in(tmp_path, name))
    program, values = session.program, session.program.initial | session.program.batch(0)
    values |= program.run(values, program.end_of(Phase.BACKWARD))
    for inner in filter(None, (inner_of(program, stage.name) for stage in program.stages)):
        if inner.part:
            divided = apart(program, inner)
            value = evaluate(divided.stage(PART).formula, values)
            (helper,) = (stage.name for stage in program.stages if inner_of(program, stage.name) is inner)
            for index in [tuple(0 for _ in value.shape), tuple(length - 1 for length in value.shape)]:
                loss = LossAside(divided, {**values, PART: value}, PART, index)
                rate = (loss(1e-6) - loss(-1e-6)) / 2e-6
                assert np.broadcast_to(values[helper], value.shape)[index] == pytest.approx(rate, rel=1e-6, abs=1e-8)


@pytest.mark.parametrize("name", PROGRAMS)
def test_each_gradient_says_where_it_comes_from_and_what_it_does_to_the_loss(name, tmp_path):
    session = Session(program_in(tmp_path, name))
    for stage in session.program.stages:
        if stage.of:
            explained = told(session, stage.name)
            assert explained.rule.startswith(("From ", f"{stage.of} is used by ")), stage.name
            assert "The chain rule" not in explained.rule
            assert "the loss" in explained.meaning or ": 0, because" in explained.meaning, explained.meaning


SAID = {
    ("two lines", "h.1"): "From h = tanh(x·W1 + b1): ∂tanh(u)/∂u = 1 − h², times dh, which arrives. "
    "It is what comes back to x·W1 + b1, within the line.",
    ("two lines", "db1"): "From h = tanh(x·W1 + b1): ∂(x·W1 + b1)/∂b1 = 1, times h.1, which comes back to x·W1 + b1. "
    "b1 is shared by 2 samples, hence the sum.",
    ("statistics", "dvar"): "From xhat = xc/√(var + eps): ∂(xc/u)/∂u = −xc/u², ∂√(u)/∂u = 1/(2·√(u)), times dxhat, which arrives. "
    "√(var + eps) is shared by 6 samples, hence the sum.",
    ("scalars", "dz"): "From f = q·z: ∂(q·z)/∂z = q.",
}


@pytest.mark.parametrize(("name", "stage"), SAID)
def test_the_rule_of_a_line_is_that_of_its_operations(name, stage, tmp_path):
    assert told(Session(program_in(tmp_path, name)), stage).rule == SAID[name, stage]


def test_a_value_is_what_its_author_says_or_what_its_line_does_outermost(tmp_path):
    session = Session(program_in(tmp_path, "two lines"))
    assert told(session, "h[1,0]").lines()[-2:] == ["h[1,0], sample 1: tanh makes 0.2152 of 0.21865.", "the hidden units"]
    session = Session(program_in(tmp_path, "statistics"))
    assert told(session, "mu[0]").rule == "The mean along axis 0."


def test_a_loss_with_a_minus_says_what_it_is_the_opposite_of_and_says_it_once(tmp_path):
    path = tmp_path / "minus.yaml"
    program = "program: |\n  p = sigmoid(x @ W)\n  loss = -mean(log(p))\n"
    path.write_text(program + "parameters: {shapes: {W: [2, 1]}}\ndata: {inputs: [[1, 2]]}\n")
    said = told(Session(load_scenario(path)), "loss").lines()
    assert said[-2:] == ["The mean of all cells, with the opposite sign.", "log is the natural logarithm (ln)."]


@pytest.mark.parametrize(
    ("formula", "said"),
    [
        ("softmax(z)", "Probabilities that add up to 1: the exponentials, divided by their sum."),
        ("var(z, axis=(0, 2, 3))", "The variance along axes 0, 2 and 3."),
        ("-logsumexp(z, axis=1)", "The logarithm of the sum of exponentials along axis 1, with the opposite sign."),
        ("zeros((2, 3))", "Zeros."),
        ("tanh(z)", "tanh, cell by cell."),
        ("reshape(z, (2, -1))", "The same cells, laid out anew."),
    ],
)
def test_what_is_not_made_cell_by_cell_is_not_said_to_be(formula, said):
    assert outermost(parse(formula).tree) == said


def test_every_function_that_is_no_fold_and_not_cell_by_cell_has_a_sentence():
    plain = {name for name, row in FUNCTIONS.items() if not (row.reduces or row.structural or row.cellwise or row.formula)}
    assert plain - OUTERMOST.keys() == set()
    assert {name for name in FUNCTIONS if "softmax" in name} <= OUTERMOST.keys()
