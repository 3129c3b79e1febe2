"""The rule behind a backward stage: derivatives are true, and what is said of cancelling holds in numbers."""

from __future__ import annotations

import numpy as np
import pytest
from renamed import NONSENSE, renamed
from turns import by_turns

from bpdebug.core.evaluate import evaluate
from bpdebug.core.functions import FUNCTIONS
from bpdebug.core.operations import OPERATIONS
from bpdebug.core.parser import Formula, parse
from bpdebug.core.render import Style, render
from bpdebug.frontends import load_scenario, shipped
from bpdebug.look.cancelling import fused
from bpdebug.look.slopes import NoSlope, slope_of, terms_of
from bpdebug.session.session import Session

H = 1e-6


@pytest.mark.parametrize("name", [name for name, row in FUNCTIONS.items() if row.slopes])
def test_the_slope_of_a_function_is_that_of_differences(name):
    row, points = FUNCTIONS[name], {"u": np.array([0.3, 0.7, 0.9 if name in ("arcsin", "arccos") else 1.4]), "v": np.array([0.5, 0.1, 0.9])}
    for letter, slope in zip("uv", row.slopes, strict=False):
        moved = [{**points, letter: points[letter] + side} for side in (H, -H)]
        up, down = (row.run(*[values[letter] for letter in "uv"[: row.arity]]) for values in moved)
        found = np.broadcast_to(evaluate(parse(slope), points).astype(float), up.shape)
        np.testing.assert_allclose(found, np.asarray(up - down, float) / (2 * H), rtol=1e-8, atol=1e-9)


@pytest.mark.parametrize("name", OPERATIONS)
def test_the_derivative_of_a_row_by_its_functions_is_that_of_the_row(name):
    row, random = OPERATIONS[name], np.random.default_rng(1)
    values = {n: np.array(v) for n, v in row.constants.items()} | {"l2": np.array(0.3), "g": np.array(1.0)}
    values |= {n: random.uniform(0.2, 0.8, (3, 3)) for n in ("a", "y", "z", "x", "W", "b") if n in row.forward.names}
    derived = 0
    for argument, rule in row.gradients.items():
        try:
            slope = slope_of(row.forward.tree, argument)
        except NoSlope:
            continue
        own = {row.output: evaluate(row.forward, values)} if row.output not in values else {}
        if name.endswith("binary_cross_entropy_from_logits"):
            own["a"] = 1 / (1 + np.exp(-values["z"]))
        expected = np.broadcast_to(evaluate(rule, values | own), (3, 3))
        if "sum" in rule.text:
            continue
        np.testing.assert_allclose(np.broadcast_to(evaluate(Formula.of(slope), values), (3, 3)).astype(float), expected, rtol=1e-9)
        parts = sum(evaluate(Formula.of(slope_of(term, argument)), values) for term in terms_of(row.forward.tree))
        np.testing.assert_allclose(np.broadcast_to(parts, (3, 3)).astype(float), expected, rtol=1e-9)
        derived += 1
    assert derived or name in ("affine", "linear", "softmax", "categorical_cross_entropy_from_logits", "huber")


CANCELLED = {"xor": "a2 − y", "saturation": "a2 − y", "iris": "(a2 − y)/m", "deep_sigmoid": "(a10 − y)/m"}


@pytest.mark.parametrize("entry", [entry for entry in shipped() if load_scenario(entry.name).layers], ids=lambda entry: entry.name)
def test_where_stages_cancel_what_is_left_has_the_same_numbers(entry):
    session = Session(load_scenario(entry.name))
    program = session.program
    session.execute("goto 1:update")
    values, formulas = session.values(), {stage.name: stage.formula for stage in program.stages}
    gradients = frozenset(program.gradients.values())
    found = {name: made for name in gradients if (made := fused(formulas, name, gradients, values))}
    shapes = {name: value.shape for name, value in values.items()}
    assert [render(made.tree, Style("unicode"), shapes) for made in found.values()] == [*filter(None, [CANCELLED.get(entry.name)])]
    for name, made in found.items():
        assert program.stage(name).of == program.layers[-1].z
        np.testing.assert_allclose(evaluate(Formula.of(made.tree), values), values[name], rtol=1e-9, atol=1e-12)


def test_in_lines_too_what_cancels_is_told():
    session = Session(load_scenario("exam_softmax"))
    session.execute("goto 0:update")
    assert "With dp put in, factors cancel" in session.explain("ds", (0, 0)).rule
    assert "ds = (p − y)/2 is left" in session.explain("ds", (0, 0)).rule


@pytest.mark.parametrize(("name", "naming"), by_turns(["xor", "iris", "residual", "dead_relu"], NONSENSE))
def test_every_stage_says_something_under_any_names(name, naming):
    scenario, _ = renamed(load_scenario(name), NONSENSE[naming])
    session = Session(scenario)
    session.execute("update")
    for stage in session.program.stages:
        session.execute(f"goto 1:{stage.name}")
        explained = session.explain(stage.name, (0,) * np.ndim(session.value(stage.name)))
        assert explained.meaning.endswith("."), explained.meaning
        assert explained.rule.endswith((".", ").")), explained.rule
        if stage.of:
            assert explained.rule.startswith("From ") or "is used by" in explained.rule


def test_a_rule_names_the_line_that_it_differentiates_and_the_derivatives():
    session = Session(load_scenario("xor"))
    session.execute("goto 0:update")

    def rule(name):
        return session.explain(name, (0, 0)).rule

    assert "∂log(u)/∂u = 1/u, so −y ⊙ log(a2) gives −y/a2 and −(1 − y) ⊙ log(1 − a2) gives (1 − y)/(1 − a2)" in rule("da2")
    assert rule("dz2").startswith("From a2 = σ(z2): ∂σ(z2)/∂z2 = a2 ⊙ (1 − a2), times da2, which arrives.")
    assert rule("dz2").endswith("With da2 put in, factors cancel, and dz2 = a2 − y is left.")
    assert "at most 1/4" in rule("dz1")
    assert "cancel" not in rule("dz1")
    assert "∂(x·W1)/∂W1 = xᵀ" in rule("dW1")
    assert "x is transposed so that each input meets the gradient of its own sample" in rule("dW1")
    assert "The samples share b1" in rule("db1")
    assert "∂(a1·W2)/∂a1 = W2ᵀ" in rule("da1")


def test_a_single_sample_shares_nothing():
    session = Session(load_scenario("two_outputs"))
    session.execute("goto 0:update")
    assert "share" not in session.explain("db1", (0, 0)).rule + session.explain("dW1", (0, 0)).rule


def test_the_slope_of_a_ramp_is_told_alike_in_layers_and_in_lines():
    for name, stage, of in (("dead_relu", "dz1", "z1"), ("exam_softmax", "dz", "z")):
        session = Session(load_scenario(name))
        session.execute("goto 0:update")
        assert f"∂relu({of})/∂{of} = 1 where {of} > 0, else 0" in session.explain(stage, (0, 0)).rule


def test_a_formula_of_one_s_own_has_a_rule_of_one_s_own():
    session = Session(load_scenario("xor"))
    for command in ("formula dz2 = a2 - y", "formula a1 = tanh(z1)", "goto 0:update"):
        session.execute(command)
    assert session.explain("dz2", (0, 0)).rule == "This rule is your own formula, in the place of da2 ⊙ a2 ⊙ (1 − a2)."
    assert session.explain("dz1", (0, 0)).rule.endswith("The forward line is your own formula; this rule still belongs to a1 = σ(z1).")


def test_the_natural_logarithm_is_called_so_once():
    session = Session(load_scenario("xor"))
    session.execute("goto 0:update")
    said = [session.explain(stage.name, (0,) * len(np.shape(session.value(stage.name)))).rule for stage in session.program.stages[:13]]
    assert sum("natural logarithm" in rule for rule in said) == 1
    assert "natural logarithm" in session.explain("loss", ()).rule


def test_where_the_division_fails_the_fused_form_is_told():
    session = Session(load_scenario("saturation"))
    session.execute("goto 8:dz2")
    nan = next(index for index in np.ndindex(4, 1) if not np.isfinite(session.value("dz2")[index]))
    assert "factors cancel on paper: dz2 = a2 − y would be" in session.explain("dz2", nan).rule


@pytest.mark.parametrize(
    ("scenario", "at", "cell", "said"),
    [
        ("dead_relu", "goto 40:dW1", ("dW1", (0, 3)), "0, because the unit is off for every sample; the update leaves it as it is."),
        ("dead_relu", "goto 40:dz1", ("dz1", (4, 0)), "0, because z1[4,0] is not above 0 (the unit is off)."),
        ("dead_relu", "goto 40:dW2", ("dW2", (5, 0)), "0, because every cell of a1 that goes into it is 0; the update leaves it as it is."),
        ("iris", "goto 2:da2", ("da2", (0, 0)), "0, because y[0,0] is 0."),
    ],
)
def test_a_gradient_of_zero_says_why(scenario, at, cell, said):
    session = Session(load_scenario(scenario))
    session.execute(at)
    assert session.explain(*cell).meaning.endswith(said)


def test_in_a_hunt_a_gradient_asserts_nothing():
    session = Session(load_scenario("xor"))
    session.execute("hunt 7")
    session.execute("goto 0:update")
    for stage in session.program.stages:
        if stage.of:
            told = session.explain(stage.name, (0,) * np.ndim(session.value(stage.name)))
            assert "if this number is right" in told.meaning or "raise" in told.meaning
    faulty = session.hunts[-1].fault.stage
    kinds = {"if this number" in session.explain(stage.name, (0, 0)).meaning for stage in session.program.stages if stage.of}
    assert kinds == {True}, faulty
