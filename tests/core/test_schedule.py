from __future__ import annotations

import numpy as np
import pytest
from engine_strategies import scenarios, xor
from hypothesis import given, settings

from bpdebug.core.description import Layer, Loss, Optimizer
from bpdebug.core.functions import CONSTANTS
from bpdebug.core.layers import make_program
from bpdebug.core.network import Phase
from bpdebug.core.optimizers import OPTIMIZERS
from bpdebug.core.record import replace
from bpdebug.core.schedule import Skipped
from bpdebug.core.texts import step_of

TUTORIAL = {
    "z1": "x @ W1 + b1",
    "a1": "1 / (1 + exp(-z1))",
    "z2": "a1 @ W2 + b2",
    "a2": "1 / (1 + exp(-z2))",
    "loss": "sum(-y * log(a2) - (1 - y) * log(1 - a2))",
    "da2": "-y / a2 + (1 - y) / (1 - a2)",
    "dz2": "da2 * a2 * (1 - a2)",
    "dW2": "a1.T @ dz2",
    "db2": "sum(dz2, axis=0, keepdims=True)",
    "da1": "dz2 @ W2.T",
    "dz1": "da1 * a1 * (1 - a1)",
    "dW1": "x.T @ dz1",
    "db1": "sum(dz1, axis=0, keepdims=True)",
    "W1": "W1 - learning_rate * dW1",
    "b1": "b1 - learning_rate * db1",
    "W2": "W2 - learning_rate * dW2",
    "b2": "b2 - learning_rate * db2",
}


def texts(program):
    return {stage.name: stage.formula.text for stage in program.stages}


def backward(program):
    return [stage.name for stage in program.stages if stage.phase is Phase.BACKWARD]


def test_the_tutorial_s_stages_in_their_order():
    assert " ".join(make_program(xor()).index) == "z1 a1 z2 a2 loss da2 dz2 dW2 db2 da1 dz1 dW1 db1 W1 b1 W2 b2"


def test_the_tutorial_s_formulas():
    assert texts(make_program(xor())) == TUTORIAL


def test_phases_and_layers():
    stages = make_program(xor()).stages
    assert [stage.phase for stage in stages] == [Phase.FORWARD] * 4 + [Phase.LOSS] + [Phase.BACKWARD] * 8 + [Phase.UPDATE] * 4
    assert [stage.layer for stage in stages] == [1, 1, 2, 2, 2, 2, 2, 2, 2, 1, 1, 1, 1, 1, 1, 2, 2]
    assert [stage.of for stage in stages if stage.of] == ["a2", "z2", "W2", "b2", "a1", "z1", "W1", "b1"]


def test_a_residual_layer_s_input_has_a_partial_gradient_for_each_use():
    layers = (Layer(3, "tanh"), Layer(3, "tanh", residual=True), Layer(1))
    program = make_program(xor(layers=layers, loss=Loss()))
    found = texts(program)
    assert " ".join(backward(program)) == "da3 dz3 dW3 db3 dr2 da2 dz2 dW2 db2 da1@r2 da1@z2 da1 dz1 dW1 db1"
    assert found["r2"] == "a2 + a1"
    assert (found["da2"], found["da1@r2"], found["da1@z2"]) == ("dr2", "dr2", "dz2 @ W2.T")
    assert found["da1"] == "da1@r2 + da1@z2"
    assert {program.stage(name).of for name in ("da1@r2", "da1@z2", "da1")} == {"a1"}


def test_a_first_residual_layer_sends_no_gradient_to_the_data():
    program = make_program(xor(layers=(Layer(2, "tanh", residual=True), Layer(1)), loss=Loss()))
    assert not [name for name in program.index if name.startswith("dx")]


def test_the_penalty_reaches_the_weights_and_never_the_biases():
    program = make_program(xor(loss=Loss("binary_cross_entropy", l2=0.1)))
    found = texts(program)
    assert found["penalty1"] == "l2 * sum(W1**2)"
    assert found["loss"] == "data_loss + penalty1 + penalty2"
    assert found["dW1@penalty1"] in ("2 * l2 * W1", "l2 * 2 * W1")
    assert found["dW1"] == "dW1@penalty1 + dW1@z1"
    assert found["db1"] == TUTORIAL["db1"]
    assert found["db2"] == TUTORIAL["db2"]
    assert [name for name in program.index if "@" in name] == ["dW2@penalty2", "dW2@z2", "dW1@penalty1", "dW1@z1"]


def test_a_fused_loss_skips_da_and_says_why():
    program = make_program(xor(loss=Loss("binary_cross_entropy", from_logits=True)))
    assert "da2" not in program.index
    assert texts(program)["dz2"] == "a2 - y"
    skipped = [line for line in program.lines if isinstance(line, Skipped)]
    assert [line.name for line in skipped] == ["da2"]
    assert "fused with sigmoid" in skipped[0].reason
    assert [line.name for line in program.lines][4:7] == ["loss", "da2", "dz2"]


def test_frozen_parameters_are_not_updated_but_have_their_gradients():
    program = make_program(xor(frozen=("W1", "b2")))
    assert backward(program) == backward(make_program(xor()))
    assert [name for name in program.index if program.stage(name).phase is Phase.UPDATE] == ["b1", "W2"]
    skipped = {line.name: line.reason for line in program.lines if isinstance(line, Skipped)}
    assert skipped == {"W1": "W1 is frozen", "b2": "b2 is frozen"}


def test_with_everything_frozen_nothing_is_updated_and_no_time_counted():
    program = make_program(xor(frozen=("W1", "b1", "W2", "b2"), optimizer=Optimizer("adam")))
    assert not [stage for stage in program.stages if stage.phase is Phase.UPDATE]
    assert "t" not in program.persistent


def test_adam_counts_first_and_then_takes_its_three_steps_for_each_parameter():
    program = make_program(xor(optimizer=Optimizer("adam")))
    assert " ".join(program.index).endswith("db1 t mW1 vW1 W1 mb1 vb1 b1 mW2 vW2 W2 mb2 vb2 b2")
    found = texts(program)
    assert found["t"] == "t + 1"
    assert found["mW1"] == "beta1 * mW1 + (1 - beta1) * dW1"
    assert found["vb2"] == "beta2 * vb2 + (1 - beta2) * db2**2"
    assert program.persistent["vW2"] == (4, 1)
    assert program.persistent["t"] == ()


@pytest.mark.parametrize(
    ("name", "constants", "expected"),
    [
        ("sgd", {"momentum": 0.9}, {"vW1": "momentum * vW1 + dW1", "W1": "W1 - learning_rate * vW1"}),
        ("sgd", {"momentum": 0}, {"W1": "W1 - learning_rate * dW1"}),
        ("momentum", {}, {"vW1": "momentum * vW1 + dW1", "W1": "W1 - learning_rate * vW1"}),
        ("nesterov", {}, {"vW1": "momentum * vW1 + dW1", "W1": "W1 - learning_rate * (dW1 + momentum * vW1)"}),
    ],
)
def test_the_steps_of_the_optimizers_with_a_velocity(name, constants, expected):
    program = make_program(xor(optimizer=Optimizer(name, constants)))
    found = {stage.name: stage.formula.text for stage in program.stages if stage.phase is Phase.UPDATE and stage.name.endswith("W1")}
    assert found == expected


def test_a_layer_without_bias_has_no_bias_anywhere():
    program = make_program(xor(layers=(Layer(4, "sigmoid", bias=False), Layer(1, "sigmoid"))))
    assert not {"b1", "db1"} & set(program.index)
    assert texts(program)["z1"] == "x @ W1"
    assert "b1" not in program.persistent


@pytest.mark.parametrize(
    ("samples", "outputs", "factor", "expected"),
    [
        ("sum", "sum", 1.0, "2 * (a2 - y)"),
        ("sum", "sum", 0.5, "a2 - y"),
        ("mean", "sum", 1.0, "2 * (a2 - y) / m"),
        ("mean", "mean", 0.5, "(a2 - y) / (3 * m)"),
        ("sum", "mean", 1.0, "2 * (a2 - y) / 3"),
    ],
)
def test_the_reductions_stand_in_the_formula(samples, outputs, factor, expected):
    y = np.zeros((4, 3))
    program = make_program(xor(layers=(Layer(4), Layer(3)), y=y, loss=Loss("squared_error", samples, outputs, factor)))
    assert texts(program)["da2"] == expected


@settings(max_examples=150, deadline=None)
@given(scenario=scenarios())
def test_of_any_network_every_stage_reads_what_is_known_and_every_parameter_moves_after_all_gradients(scenario):
    program = make_program(scenario)
    known = {"x", "y", "m"} | set(program.persistent) | set(CONSTANTS)
    names = [stage.name for stage in program.stages]
    assert len(names) == len(set(names))
    for stage in program.stages:
        assert set(stage.formula.names) <= known, stage.name
        known.add(stage.name)
    phases = [stage.phase for stage in program.stages]
    assert phases == sorted(phases, key=list(Phase).index)
    assert {f"d{name}" for name in program.parameters} <= set(names)
    assert set(program.parameters) <= {stage.name for stage in program.stages if stage.phase is Phase.UPDATE}
    for stage in program.stages:
        assert stage.meaning
        assert stage.source


@settings(max_examples=80, deadline=None)
@given(scenario=scenarios())
def test_a_gradient_has_the_shape_of_its_tensor(scenario):
    program = make_program(scenario)
    shapes = program.shapes(scenario.batch_size)
    for stage in program.stages:
        if stage.of:
            assert shapes[stage.name] == shapes[stage.of], stage.name


def test_groups_are_the_beginnings_of_phases_and_of_layers():
    program = make_program(xor())
    assert [program.stages[i].name for i in program.bounds(by_group=False)[:-1]] == ["z1", "loss", "da2", "W1"]
    assert [program.stages[i].name for i in program.bounds(by_group=True)[:-1]] == ["z1", "z2", "loss", "da2", "da1", "W1", "W2"]
    assert program.bounds(by_group=True)[-1] == len(program.stages)


def test_a_tensor_knows_its_group_and_where_its_samples_are():
    tensors = make_program(xor()).tensors
    assert [tensors[name].group for name in ("x", "m", "W1", "dz2", "loss")] == ["", "", "layer 1", "layer 2", "layer 2"]
    assert {name for name, tensor in tensors.items() if tensor.batch_axis == 0} == {
        *"xy",
        "z1",
        "a1",
        "z2",
        "a2",
        "da2",
        "dz2",
        "da1",
        "dz1",
    }
    assert {tensor.batch_axis for tensor in tensors.values()} == {0, None}
    across = replace(tensors["a1"], batch_axis=1)
    cells = [tensor.at_sample((3, 1), 2) for tensor in (tensors["a1"], across, tensors["W1"])]
    assert cells == [(2, 1), (3, 2), (3, 1)]


@pytest.mark.parametrize("name", OPTIMIZERS)
def test_an_optimizer_s_row_says_what_each_step_means(name):
    rule = OPTIMIZERS[name]
    assert rule.source
    assert rule.steps[-1][0] == "w"
    untold = [target for target, _ in rule.steps if not step_of(name, target).endswith(".")]
    assert not untold, f"say under '{name}' in STEPS of bpdebug/core/texts.py what these steps do, in a sentence"
