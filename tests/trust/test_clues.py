"""What a file shows beyond the numbers of one stage: masks, equal rows, losses carried on, a cache of two moments."""

from __future__ import annotations

import numpy as np
import pytest
from debugger_scenarios import xor
from restated import computed
from turns import by_turns

from bpdebug.core.description import Layer, Loss, Optimizer, Scenario, Training
from bpdebug.core.layers import make_program
from bpdebug.time.timeline import Timeline
from bpdebug.trust.compare import compare


def net(activation="relu", seed=0, rows=6, **more):
    generator = np.random.default_rng(seed)
    layers = (Layer(5, activation), Layer(2, "identity"))
    x, y = generator.standard_normal((rows, 3)), generator.standard_normal((rows, 2))
    arguments = {"loss": Loss("squared_error", "mean"), "optimizer": Optimizer("sgd", {"learning_rate": 0.1}), "training": Training(5)}
    return Scenario("net", ("a", "b", "c"), layers, x, y, **arguments | more)


SLOPES = {
    "relu": lambda z, a: z > 0,
    "tanh": lambda z, a: 1 - a**2,
    "sigmoid": lambda z, a: a * (1 - a),
    "leaky_relu": lambda z, a: np.where(z > 0, 1, 0.01),
}


def dropped(activation, seed, keep=0.5, inverted=True, at_da=False, forget=""):
    """A right step with dropout of the hidden layer; ``forget`` is what is missing on the way back."""
    program = make_program(net(activation, seed))
    right, generator = computed(program), np.random.default_rng([seed, 1])
    t = {name: right[name] for name in ("x", "y", "W1", "b1", "W2", "b2", "z1")}
    mask = (generator.random(right["a1"].shape) < keep) / (keep if inverted else 1.0)
    t["a1"] = right["a1"] * mask
    t["z2"] = t["a2"] = t["a1"] @ t["W2"] + t["b2"]
    t["loss"] = np.asarray(((t["a2"] - t["y"]) ** 2).sum() / 6)
    t["da2"] = t["dz2"] = 2 * (t["a2"] - t["y"]) / 6
    t["dW2"], t["db2"], t["da1"] = t["a1"].T @ t["dz2"], t["dz2"].sum(0), t["dz2"] @ t["W2"].T
    back = {"": mask, "mask": 1.0, "zeros": mask.max()}[forget]
    t["da1"] = t["da1"] * (mask if at_da else 1.0)
    t["dz1"] = t["da1"] * (1.0 if at_da else back) * SLOPES[activation](t["z1"], right["a1"])
    t["dW1"], t["db1"] = t["x"].T @ t["dz1"], t["dz1"].sum(0)
    after = {f"{name}_new": t[name] - 0.1 * t[f"d{name}"].reshape(t[name].shape) for name in ("W1", "b1", "W2", "b2")}
    return compare(Timeline(program), t | after)


@pytest.mark.parametrize(("activation", "at_da", "way"), by_turns(SLOPES, [False, True], [(0.5, True), (0.8, True), (0.5, False)]))
def test_right_dropout_is_seen_and_not_accused(activation, at_da, way):
    keep, inverted = way
    for seed in range(3):
        report = dropped(activation, seed, keep, inverted, at_da)
        found = report.stages["a1"]
        assert (report.ok, found.status) == (True, "own")
        assert f"times 0 or {1 / keep if inverted else 1:.4g}: a dropout mask" in found.said


@pytest.mark.parametrize("activation", SLOPES)
@pytest.mark.parametrize("forget", ["mask", "zeros"])
def test_a_mask_forgotten_on_the_way_back_is_named_where_it_is_missing(activation, forget):
    report = dropped(activation, 1, forget=forget)
    assert [finding.name for finding in report.accused] == ["dz1"]
    (said,) = report.culprit.suspects
    assert said.kind == "mask_missing"
    assert ("it is not multiplied by that mask" if forget == "mask" else "the factor is there, the zeros are not") in said.evidence


def test_zeros_by_the_sign_of_z_are_another_activation_and_no_mask():
    program = make_program(net("leaky_relu"))
    arrays = computed(program)
    report = compare(Timeline(program), {**arrays, "a1": np.maximum(arrays["z1"], 0)})
    assert report.culprit.name == "a1"
    assert "another_activation" in [suspect.kind for suspect in report.culprit.suspects]


def test_equal_rows_of_which_the_last_alone_is_counted():
    tokens = [2, 0, 2, 1, 2]
    program = make_program(tokens_net(tokens))
    arrays = computed(program)
    table = np.zeros_like(arrays["W1"])
    for row, token in enumerate(tokens):
        table[token] = arrays["dz1"][row]
    report = compare(Timeline(program), {**arrays, "dW1": table})
    assert [suspect.kind for suspect in report.culprit.suspects] == ["equal_rows"]
    assert "rows 0 2 4 of x choose W1[2]" in report.culprit.suspects[0].evidence


def tokens_net(tokens):
    generator = np.random.default_rng(0)
    y = generator.standard_normal((len(tokens), 1))
    layers = (Layer(2, "identity", False), Layer(1, "identity"))
    return Scenario("tokens", ("a", "b", "c"), layers, np.eye(3)[tokens], y)


@pytest.mark.parametrize(("update", "words"), [(1, "of the update before"), (3, "of the 3 updates before")])
def test_a_loss_that_is_carried_on_from_update_to_update(update, words):
    program = make_program(xor(10))
    losses = [float(computed(program, at)["loss"]) for at in range(update + 1)]
    timeline = Timeline(program)
    timeline.seek(update * len(program.stages))
    report = compare(timeline, {**computed(program, update), "loss": np.array(sum(losses))})
    assert report.culprit.name == "loss"
    (said,) = report.culprit.suspects
    assert (said.kind, words in said.evidence) == ("loss_carried_on", True)
    assert timeline.clock == update * len(program.stages)


def test_a_cache_of_two_moments():
    program, other = make_program(net("tanh", 0)), make_program(net("tanh", 3))
    report = compare(Timeline(program), {**computed(program), "a1": computed(other)["a1"]})
    assert "cache_apart" in [suspect.kind for suspect in report.culprit.suspects]
    assert report.culprit.name == "a1"
    report = compare(Timeline(program), {**computed(program), "z1": computed(other)["z1"]})
    assert (report.culprit.name, [suspect.kind for suspect in report.culprit.suspects]) == ("z1", ["cache_apart"])


@pytest.mark.parametrize("rows", [1, 6])
def test_the_derivative_of_the_output_where_that_of_the_loss_is_due(rows):
    program = make_program(net("tanh", rows=rows))
    arrays = computed(program)
    ones = np.ones_like(arrays["dz2"])
    mine = {**arrays, "dW2": arrays["a1"].T @ ones, "db2": ones.sum(axis=0)}
    for name in ("dz2", "da2", "W1_new", "b1_new", "W2_new", "b2_new"):
        del mine[name]
    report = compare(Timeline(program), mine)
    assert report.culprit.suspects[0].kind == "gradient_missing"
    assert "dz2, the gradient that arrives, is left out" in report.culprit.suspects[0].evidence


def test_of_one_sample_what_is_not_shown_is_seen_in_the_gradient_of_the_bias():
    program = make_program(net("tanh", rows=1))
    arrays = computed(program)
    own = arrays["dz1"] * np.arange(1, 6)
    mine = {**arrays, "dW1": -arrays["x"].T @ own, "db1": own}
    for name in ("dz1", "da1", "W1_new", "b1_new", "W2_new", "b2_new"):
        del mine[name]
    (off,) = [finding for finding in compare(Timeline(program), mine).findings if finding.name == "dW1"]
    assert [suspect.kind for suspect in off.suspects] == ["sign"]
