"""What no parameters reach, and how long a step may be: each said with a proof, held against trainings and against other arithmetic."""

from __future__ import annotations

import re

import numpy as np
import pytest
from learning_networks import XOR, found, net, network, trained

from bpdebug.core.description import Layer, Optimizer, Training
from bpdebug.core.layers import make_program
from bpdebug.core.numbers import short
from bpdebug.core.record import replace
from bpdebug.look.curvature import Slope, long_step, verge
from bpdebug.look.limits import limits
from bpdebug.look.plane import balance


def random_data(seed):
    """A small network over few values, so that samples, classes and planes coincide, without a penalty."""
    generator = np.random.default_rng([9, seed])
    samples, inputs, outputs = (int(generator.integers(*ends)) for ends in ((3, 14), (1, 4), (1, 4)))
    function = str(generator.choice(["squared_error", "absolute_error", "huber", "binary_cross_entropy", "categorical_cross_entropy"]))
    entropy = {"binary_cross_entropy": ["sigmoid", "softmax"], "categorical_cross_entropy": ["softmax"]}
    last = str(generator.choice(entropy.get(function, ["identity", "sigmoid", "tanh", "relu", "softmax", "softplus"])))
    outputs = max(outputs, 2) if last == "softmax" else outputs
    x = generator.integers(-2, 3, (samples, inputs)) if generator.random() < 0.7 else generator.standard_normal((samples, inputs))
    kind = str(generator.choice(["class", "soft", "number"]))
    y = np.eye(max(outputs, 2))[generator.integers(0, max(outputs, 2), samples)][:, :outputs]
    if kind != "class" and function != "categorical_cross_entropy":
        y = generator.random(y.shape) if kind == "soft" or function in entropy else 3 * generator.standard_normal(y.shape)
    y = 2 * y - 1 if last == "tanh" and kind == "class" else y
    hidden = [
        Layer(int(generator.integers(1, 5)), str(generator.choice(["identity", "tanh", "relu"])), bool(generator.random() < 0.5))
        for _ in range(int(generator.integers(0, 3)))
    ]
    reductions = {key: str(generator.choice(["sum", "mean"])) for key in ("samples", "outputs")}
    layers = (*hidden, Layer(outputs, last, bool(generator.random() < 0.5)))
    return net(x, y, *layers, loss=function, reductions=reductions, seed=seed)


def least_loss(scenario, updates):
    """The least loss that is reached from three starts."""
    trying = replace(scenario, training=Training(updates), optimizer=Optimizer("adam", {"learning_rate": 0.05}))
    return min(np.nanmin(trained(replace(trying, seed=seed), updates).losses.points()[1]) for seed in range(3))


def bounds(scenario):
    """The bounds that are said, however small the share that they are of, by name."""
    program = make_program(scenario)
    said = [(finding.name, re.search(r"cannot fall below ([-\d.e]+),", finding.why)) for finding in limits(program, 0.0)]
    return [(name, float(told[1])) for name, told in said if told]


@pytest.mark.parametrize("seed", [*range(10), *(pytest.param(seed, marks=pytest.mark.long) for seed in range(10, 24))])
def test_no_training_comes_below_a_bound_that_is_said(seed):
    for name, bound in bounds(random_data(seed)):
        assert least_loss(random_data(seed), 400) >= bound * (1 - 1e-3) - 1e-9, name


@pytest.mark.long
def test_no_training_of_many_comes_below_a_bound_that_is_said():
    below = []
    for seed in range(24, 900):
        said = bounds(random_data(seed))
        if said and max(bound for _, bound in said) * (1 - 1e-3) - 1e-9 > least_loss(random_data(seed), 1500):
            below.append((seed, said))
    assert below == []


def test_the_bound_of_xor_is_exact_and_its_samples_are_named():
    layer, loss = Layer(1, "sigmoid"), "binary_cross_entropy"
    scenario = net(*XOR, layer, loss=loss, reductions={"samples": "mean"})
    assert bounds(scenario) == [("linear", 0.6931)]
    assert "separates samples 0 and 3 from 1 and 2" in found(trained(scenario, 0))["linear"].why


def test_bounds_of_other_losses_and_batches_are_those_by_hand():
    (x, y), ln2 = XOR, np.log(2)
    both = np.hstack([1 - y, y])
    assert bounds(net(x, both, Layer(2, "softmax"))) == [("linear", 0.5)], "one sample at least is undecided"
    assert bounds(net(x, both, Layer(2, "softmax"), loss="binary_cross_entropy"))[0][1] == pytest.approx(8 * ln2, rel=1e-3)
    halves = net(x, y, Layer(1, "sigmoid"), loss="binary_cross_entropy", training=Training(9, 2))
    assert bounds(halves)[0][1] == pytest.approx(2 * ln2, rel=1e-3), "of a batch, on the average"
    same, targets = np.ones((3, 1)), [[0.0], [0.0], [3.0]]
    assert bounds(net(same, targets, Layer(2, "tanh"), Layer(1), loss="absolute_error")) == [("contradiction", 3.0)]
    assert bounds(net(same, targets, Layer(2, "tanh"), Layer(1))) == [("contradiction", 6.0)]
    sides = np.array([[-1.0], [1.0], [1.0]])
    assert bounds(net(same, sides, Layer(2, "tanh"), Layer(1), loss="hinge")) == [("contradiction", 2.0)], "-1 is answered 1"
    assert bounds(net(np.eye(3), sides, Layer(1, "relu"), loss="hinge")) == [("out-of-range", 1.0)], "-1 is answered 0"
    assert ("linear", 1.0) in bounds(net(x, 2 * y - 1, Layer(1, "tanh"), loss="hinge")), "one sample at least is undecided"
    assert bounds(net(same, targets, Layer(1), loss="hinge")) == [], "what is best for such targets is not known"


def test_what_bends_a_little_is_not_called_linear():
    for formula, said in (("z1", True), ("3 * z1 - 1", True), ("z1 + 1e-3 * tanh(z1)", False), ("maximum(z1, 0.999 * z1)", False)):
        scenario = net(*XOR, Layer(3, "tanh"), Layer(1, "sigmoid"), loss="binary_cross_entropy", formulas={"a1": formula})
        assert ("linear" in found(trained(scenario, 0))) == said, formula


@pytest.mark.parametrize("shift", [0.0, 40.0])
@pytest.mark.parametrize("scale", [1e-4, 1.0, 1e4])
def test_separation_does_not_depend_on_scale_and_place(scale, shift):
    generator = np.random.default_rng(2)
    x = generator.standard_normal((40, 3))
    y = (x @ [[1.0], [-2.0], [0.5]] > 0.3).astype(float)
    apart = net(scale * (x + shift), y, Layer(1, "sigmoid"), loss="binary_cross_entropy")
    assert "linear" not in found(trained(apart, 0))
    x, y = (np.repeat(part, 3, axis=0) for part in XOR)
    crossed = net(scale * (x + shift), y, Layer(1, "sigmoid"), loss="binary_cross_entropy")
    assert found(trained(crossed, 0))["linear"].value == pytest.approx(1)


def test_of_samples_of_one_class_nothing_is_said():
    for outputs in (2, 3):
        classes = np.eye(outputs)[np.zeros(4, int)]
        assert bounds(net(XOR[0], classes, Layer(outputs, "softmax"), loss="categorical_cross_entropy")) == []


def test_weights_that_balance_points_are_a_proof():
    generator = np.random.default_rng(1)
    for size in range(2, 30):
        points = generator.standard_normal((size, 3)) + generator.uniform(-1.5, 1.5, 3)
        weights = balance(points)
        if weights is None:
            assert balance(-points) is None
        else:
            assert weights.min() >= 0
            assert weights.sum() == pytest.approx(1)
            assert np.abs(weights @ points).max() < 1e-9


def test_a_noisy_line_needs_no_hidden_layer():
    generator = np.random.default_rng(0)
    x = generator.standard_normal((200, 2))
    y = x @ [[1.0], [2.0]] + 1.5 * generator.standard_normal((200, 1))
    assert "linear" not in found(trained(net(x, y, Layer(1)), 0)), "a third of it is noise, and a parabola fits that no better"
    assert "linear" in found(trained(net(x, y + 2 * x[:, :1] ** 2, Layer(1)), 0))
    wrong = generator.random((200, 1)) < 0.15
    noisy = net(x, (x[:, :1] > 0) ^ wrong, Layer(1, "sigmoid"), loss="binary_cross_entropy")
    assert "linear" not in found(trained(noisy, 0)), "some labels are wrong, and no bend mends that"


@pytest.mark.parametrize("rule", ["sgd", "momentum", "nesterov"])
@pytest.mark.parametrize("times", [0.7, 0.9, 1.1, 1.5])
def test_a_quadratic_loss_diverges_where_it_is_said_to_and_nowhere_else(rule, times):
    generator = np.random.default_rng(5)
    for _ in range(4):
        x = generator.uniform(0, 30, (9, 2))
        y = x @ [[1.0], [2.0]]
        hessian = 2 / 9 * np.hstack([x, np.ones((9, 1))]).T @ np.hstack([x, np.ones((9, 1))])
        mu = 0.0 if rule == "sgd" else float(generator.uniform(0.3, 0.9))
        limit = {"sgd": 2, "momentum": 2 * (1 + mu), "nesterov": 2 * (1 + mu) / (1 + 2 * mu)}[rule] / np.linalg.eigvalsh(hessian)[-1]
        constants = {"learning_rate": times * limit} | ({"momentum": mu} if mu else {})
        scenario = net(x, y, Layer(1), reductions={"samples": "mean"}, optimizer=Optimizer(rule, constants), training=Training(400))
        timeline = trained(scenario, 2)
        finding = found(timeline).get("long-step")
        assert (finding is not None) == (times > 1)
        timeline.seek(timeline.end)
        assert (timeline.losses.points()[1][-1] > 1e3 * timeline.losses.points()[1][0]) == (times > 1)
        if finding:
            assert finding.grave
            assert finding.value == pytest.approx(times, rel=0.02)


def remembering(rule, x, y, update):
    """A linear network and its state after so many updates in which its gradient was this, as the rule's row keeps it."""
    constants = {"learning_rate": 1.0} | ({"weight_decay": 1e-12} if rule == "adamw" else {})
    program = make_program(net(x, y, Layer(1), reductions={"samples": "mean"}, optimizer=Optimizer(rule, constants)))
    slope = Slope(program, program.initial, 0)
    gradient = slope.at(slope.here)
    persistent = dict(program.initial)
    for letter, kept in ((letter, kept) for letter, kept in (("m", gradient), ("v", gradient**2)) if letter in program.letters):
        share, at = {"m": 0.9, "v": 0.999 if rule != "rmsprop" else 0.99}[letter], 0
        for name in program.letters[letter]:
            size = persistent[name].size
            persistent[name] = (1 - share**update) * kept[at : at + size].reshape(persistent[name].shape)
            at += size
    return program, persistent | ({"t": np.array(float(update))} if rule != "rmsprop" else {}), gradient


def grows(rule, hessian, gradient, rate, update):
    """Whether a small deviation grows under the rule, written once more, where the squares of the gradients stay what they are."""
    keep = 1 - 0.99 ** (update + 1) if rule == "rmsprop" else 1.0
    sizes, deviation, mean = np.sqrt(keep) * np.abs(gradient) + 1e-8, np.ones(len(gradient)), 0.0
    sizes *= 1.0 if rule == "rmsprop" else 1 - 0.9 ** (update + 1)
    for _ in range(2000):
        bent = hessian @ deviation
        mean = bent if rule == "rmsprop" else 0.9 * mean + 0.1 * bent
        deviation = deviation - rate * mean / sizes
        if np.abs(deviation).max() > 1e50:
            break
    return bool(np.abs(deviation).max() > 1e3)


@pytest.mark.parametrize("rule", ["rmsprop", "adam", "adamw"])
def test_a_rule_with_steps_of_its_own_for_each_parameter_has_the_limit_at_which_deviations_grow(rule):
    generator = np.random.default_rng(6)
    for update in (10, 80, 400):
        x = generator.standard_normal((9, 2)) * [1.0, 5.0]
        program, persistent, gradient = remembering(rule, x, x @ [[1.0], [2.0]] + 3.0, update)
        factor, units = verge(program, persistent, gradient)
        assert factor == pytest.approx(2.0 if rule == "rmsprop" else 2 * 1.9 / 0.1, rel=1e-6)
        columns = np.hstack([x, np.ones((9, 1))])
        hessian, curvature = 2 / 9 * columns.T @ columns, Slope(program, persistent, 0).curvature(units)
        for times in (0.5, 0.95, 1.05, 2.0):
            assert grows(rule, hessian, gradient, times * factor / curvature, update) == (times > 1)


def lost(rule, x, y, persistent, program, rate, update):
    """The loss before and after ten updates of the rule, written once more, from what it remembers."""
    columns = np.hstack([x, np.ones((len(x), 1))])
    weights, mean, square = (
        np.concatenate([np.ravel(persistent[name]) for name in program.letters[letter]]) if letter in program.letters else 0.0
        for letter in "wmv"
    )
    losses = []
    for count in range(update + 1, update + 12):
        off = columns @ weights - y[:, 0]
        losses.append(float(np.mean(off**2)))
        slope = 2 / len(x) * columns.T @ off
        mean = 0.9 * mean + 0.1 * slope
        square = 0.99 * square + 0.01 * slope**2 if rule == "rmsprop" else 0.999 * square + 0.001 * slope**2
        plain = slope / (np.sqrt(square) + 1e-8)
        adam = mean / (1 - 0.9**count) / (np.sqrt(square / (1 - 0.999**count)) + 1e-8)
        weights = weights - rate * (plain if rule == "rmsprop" else adam)
    return losses[0], losses[-1]


@pytest.mark.parametrize("rule", ["rmsprop", "adam", "adamw"])
def test_a_step_beyond_twice_that_limit_is_said_where_the_loss_rises_and_none_below(rule):
    generator, said = np.random.default_rng(7), []
    for update in (10, 30, 100, 1000):
        x = generator.standard_normal((9, 2))
        y = x @ [[1.0], [2.0]] + 3.0
        program, persistent, gradient = remembering(rule, x, y, update)
        factor, units = verge(program, persistent, gradient)
        limit = factor / Slope(program, persistent, 0).curvature(units)
        for times in (0.5, 1.0, 1.9, 4.0, 16.0):
            found = [*long_step(program, persistent | {"learning_rate": np.array(times * limit)}, update)]
            here = [finding for finding in found if not finding.why.startswith("at the start")]
            before, after = lost(rule, x, y, persistent, program, times * limit, update)
            assert [finding.value for finding in here] == [pytest.approx(times, rel=0.02)] * (times > 2 and after > 1.1 * before)
            assert all(f"from {short(before, 3)} to {short(after, 3)}" in finding.why for finding in here)
            assert not any(finding.grave for finding in found)
            said += here
    assert said


def test_of_steps_after_which_the_loss_falls_nothing_is_said_however_little_is_known_of_the_gradients():
    for seed in range(18):
        for rule, rate in (("adam", 0.03), ("rmsprop", 0.02)):
            scenario = replace(network(seed), optimizer=Optimizer(rule, {"learning_rate": rate}))
            assert not [*long_step(trained(scenario, 0).program, make_program(scenario).initial, 0)], (seed, rule)


def test_the_curvature_is_that_of_the_hessian():
    for seed in range(6):
        scenario = replace(network(6 * seed), precision="float64")
        program = make_program(scenario)
        slope = Slope(program, program.initial, 0)
        here = slope.here
        steps = np.eye(len(here)) * 1e-5
        hessian = np.array([(slope.at(here + step) - slope.at(here - step)) / 2e-5 for step in steps])
        largest = np.linalg.eigvalsh((hessian + hessian.T) / 2)[-1]
        assert 0.9 * largest <= slope.curvature() <= 1.01 * largest


def test_inputs_that_are_too_large_are_named_where_scaling_them_would_do():
    x = np.array([[21.0], [44], [60], [27], [52]])
    scenario = net(x, 100 + x / 2, Layer(1), reductions={"samples": "mean"}, rate=0.001)
    why = found(trained(scenario, 1))["long-step"].why
    assert "x reaches 60: scale each input to size 1 (λ would be 2.96, the limit 0.675)." in why
    small = found(trained(net(x / 60, x, Layer(1), reductions={"samples": "mean"}, rate=2.0), 1))["long-step"].why
    assert "reaches" not in small
    assert "take a rate below" in small


@pytest.mark.parametrize(
    "changes",
    [{"formulas": {"W1": "W1 - 2 * learning_rate * dW1"}}, {"formulas": {"dz1": "2 * (a1 - y)"}}, {"frozen": ("W1", "b1")}],
)
def test_of_a_step_or_a_gradient_that_is_not_the_engines_no_limit_is_said(changes):
    program = make_program(net([[50.0], [60.0]], [[1.0], [2.0]], Layer(1), **changes))
    assert not [*long_step(program, program.initial, 0)]
