"""Numbers that have more than one name in a program: each of them is told, and none is picked."""

from __future__ import annotations

import re

import numpy as np
import pytest
from test_names import computed
from turns import by_day

from bpdebug.core.description import Layer, Loss, Optimizer, Scenario
from bpdebug.session.commands.check import compared
from bpdebug.session.session import Session
from bpdebug.trust.compare import ComparisonError


def net(units=1, samples=4, rate=0.1, **loss):
    """A network trained with momentum 0.9."""
    generator, optimizer = np.random.default_rng(0), Optimizer("momentum", {"learning_rate": rate, "momentum": 0.9})
    x, y, layers = generator.standard_normal((samples, 3)), generator.random((samples, units)), (Layer(4, "tanh"), Layer(units, "sigmoid"))
    return Scenario("ties", tuple("abc"), layers, x, y, loss=Loss("squared_error", **loss), optimizer=optimizer)


def answered(scenario, factor, *names):
    """What is said of a file in which some gradients, or all, are larger by a factor."""
    program, arrays = computed(scenario)
    names = names or program.gradients.values()
    mine = {name: factor * array if name in names else array for name, array in arrays.items() if not name.endswith("_new")}
    return compared(Session(scenario), mine).text


CASES = {
    "the learning rate, or 1 - momentum": (net(), 0.1, ["learning.rate", "1 - momentum"]),
    "one of five outputs, or twice the rate": (net(5, outputs="mean"), 0.2, ["outputs", r"2 \* learning_rate|learning_rate·2"]),
    "m, or twice the outputs": (net(2), 4, [r"\bm\b", r"2 \* the number of outputs|2·outputs"]),
    "a half, or one of two outputs, or twice the rate": (net(2, 5, 0.25), 0.5, ["1/2", "outputs", r"2 \* learning_rate|learning_rate·2"]),
}


@pytest.mark.parametrize("case", by_day(CASES, 2))
def test_of_one_gradient_all_names_of_its_factor_are_told(case):
    scenario, factor, names = CASES[case]
    said = answered(scenario, factor, "dW1").partition("first off stage")[2]
    assert said
    for name in names:
        assert re.search(name, said), said


@pytest.mark.parametrize("case", CASES)
def test_so_are_all_names_of_a_convention(case):
    scenario, factor, names = CASES[case]
    text = answered(scenario, factor)
    (said,) = [line for line in text.splitlines() if "times ours" in line]
    assert "off" not in text
    for name in names:
        assert re.search(name, said), said


def test_a_name_for_the_size_1_is_none():
    (said,) = [line for line in answered(net(), 4).splitlines() if "times ours" in line]
    assert "outputs" not in said


def test_a_gradient_of_zeros_has_no_factor():
    assert "a gradient of zeros" in answered(net(), 0.0, "dW1")


def test_one_sample_is_no_samples():
    _, arrays = computed(net(samples=1))
    with pytest.raises(ComparisonError, match="x in your file has 1 sample, but y is not there"):
        compared(Session(net()), {"x": arrays["x"], "z1": arrays["z1"]})
