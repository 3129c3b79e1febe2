"""What comes out of modules, layers and functions is read by words and numbers together, whatever people call it."""

from __future__ import annotations

import numpy as np
import pytest
from test_names import computed, parts
from turns import by_turns

from bpdebug.core.description import Layer, Loss, Scenario
from bpdebug.session.commands.check import compared
from bpdebug.session.session import Session
from bpdebug.trust.names import meanings

GENERATOR = np.random.default_rng(3)
X, Y = GENERATOR.standard_normal((3, 3)), np.eye(3)
SQUARE = Scenario("square", tuple("abc"), (Layer(3, "tanh"), Layer(3, "tanh"), Layer(3, "sigmoid")), X, Y, loss=Loss("squared_error"))
WIDE = Scenario(
    "wide", tuple("abc"), (Layer(4, "relu"), Layer(5, "tanh"), Layer(2, "softmax")), GENERATOR.standard_normal((6, 3)),
    np.eye(2)[[0, 1, 0, 1, 1, 0]], loss=Loss("categorical_cross_entropy"),
)  # fmt: skip

PLAIN = ("W{n}", "b{n}", "d{}")
STYLES = {
    "net.1.output": ("net.{even}.weight", "net.{even}.bias", "{}.grad", "net.{even}.output", "net.{odd}.output"),
    "features.1.out": ("features.{even}.weight", "features.{even}.bias", "{}_grad", "features.{even}.out", "features.{odd}.out"),
    "layers.0.out, weighted": ("layers.{n0}.W", "layers.{n0}.b", "{}.grad", "layers.{n0}.out", "act.{n0}.out"),
    "layers.0.out, activated": ("layers.{n0}.W", "layers.{n0}.b", "{}.grad", "layers.{n0}.z", "layers.{n0}.out"),
    "activations[1]": ("weights[{n0}]", "biases[{n0}]", "d{}", "zs[{n0}]", "activations[{n}]"),
    "activations[0]": ("weights[{n0}]", "biases[{n0}]", "d{}", "zs[{n0}]", "activations[{n0}]"),
    "cache['A1']": ("parameters['W{n}']", "parameters['b{n}']", "grads_{}", "cache['Z{n}']", "cache['A{n}']"),
    "relu1": ("fc{n}.weight", "fc{n}.bias", "grad_{}", "fc{n}", "relu{n}"),
    "relu1.out": ("lin{n}.W", "lin{n}.b", "{}.grad", "lin{n}.out", "relu{n}.out"),
    "dense_1/kernel:0": ("dense_{n}/kernel:0", "dense_{n}/bias:0", "grad/{}", "dense_{n}/pre_activation:0", "dense_{n}/activation:0"),
    "pre1 post1": (*PLAIN, "pre{n}", "post{n}"),
    "weighted_sum1": (*PLAIN, "weighted_sum{n}", "activated{n}"),
    "h1_pre": (*PLAIN, "h{n}_pre", "h{n}"),
}
BY_NUMBERS = {
    "layer1_input": ("W{n}", "b{n}", "d_{}", "layer{n}_input", "layer{n}_output"),
    "x1": (*PLAIN, "s{n}", "x{n}"),
}
"""Names that mean something else as well, so that only the right numbers tell."""


def named(program, arrays, forms):
    kinds = dict(zip(("weight", "bias", "gradient", "z", "a"), forms, strict=True))
    found = {}
    for name, array in arrays.items():
        kind, n, gradient, after = parts(program, name)
        base = kind if kind not in kinds else kinds[kind].format(n=n, n0=n - 1, even=2 * n - 2, odd=2 * n - 1)
        found[kinds["gradient"].format(base) if gradient else base + "_new" * after] = array
    return found


@pytest.mark.parametrize(("net", "style"), by_turns([SQUARE, WIDE], STYLES | BY_NUMBERS))
def test_right_numbers_are_compared_all(net, style):
    program, arrays = computed(net)
    data = compared(Session(net), named(program, arrays, (STYLES | BY_NUMBERS)[style])).data
    assert data["ok"]
    assert not data["unjudged"]
    assert [stage["name"] for stage in data["stages"] if stage["error"] is None and "@" not in stage["name"]] == []


@pytest.mark.parametrize(("wrong", "style"), by_turns(["z1", "a1", "dz2", "dW2"], STYLES))
def test_wrong_numbers_are_read_by_what_the_name_says(style, wrong):
    program, arrays = computed(WIDE)
    spoilt = arrays | {wrong: arrays[wrong] * np.linspace(1.2, 1.9, arrays[wrong].size).reshape(arrays[wrong].shape)}
    result = compared(Session(WIDE), named(program, spoilt, STYLES[style]))

    assert result.data["culprit"] == wrong, result.text


def test_the_word_weighted_is_no_gradient_of_weights():
    assert not any(meaning.gradient for meaning in meanings("weighted_sum1"))
    assert meanings("dW1")[0].gradient
