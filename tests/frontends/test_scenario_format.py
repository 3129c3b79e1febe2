import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from bpdebug.core.description import Debug, Initializer, Layer, Loss, Optimizer, Training
from bpdebug.core.initializers import INITIALIZERS
from bpdebug.core.operations import ACTIVATIONS, LOSSES
from bpdebug.core.optimizers import OPTIMIZERS
from bpdebug.frontends import ScenarioError, load_scenario

EVERYTHING = """\
name: All keys
description: each key once
precision: float32
network:
  inputs: [left, right]
  layers:
    - {units: 2, activation: leaky_relu, slope: 0.2, initializer: zeros}
    - {units: 2, activation: elu, alpha: 2, bias: false, residual: true, initializer: {name: constant, value: 0.5}}
  outputs: [up, down]
parameters:
  initializer: {name: normal, mean: 1, std: 0.5}
  seed: 7
  generator: legacy
  values: {W1: [[1, 2], [3, 4]], b1: [0.1, 0.2], learning_rate: 0.25}
  frozen: [b1]
data:
  inputs: [[1, 2], [3, 4], [5, 6]]
  targets: [[1, 0], [0, 1], [1, 1]]
loss: {function: huber, samples: mean, outputs: mean, factor: 0.5, l2: 1e-3, from_logits: false, delta: 2}
optimizer: {name: nesterov, learning_rate: 0.01, momentum: 0.8}
training: {epochs: 1e1, batch_size: 0o2, shuffle: True}
formulas: {dz2: 0 * da2, da2: "r2 - y"}
debug: {breakpoints: [dz2 if max(abs(dz2)) > 1, backward], watches: ["loss"]}
"""
SMALL = "network: {inputs: 1, layers: [{units: 1}]}\ndata: {inputs: [1, 2], targets: [3, 4]}\n"


@pytest.fixture
def load(tmp_path):
    def load(text):
        (tmp_path / "small.yaml").write_text(text)
        return load_scenario(tmp_path / "small.yaml")

    return load


def test_every_key_arrives(load):
    scenario = load(EVERYTHING)
    assert (scenario.name, scenario.description, scenario.precision) == ("All keys", "each key once", "float32")
    assert (scenario.inputs, scenario.outputs) == (("left", "right"), ("up", "down"))
    assert scenario.layers == (
        Layer(2, "leaky_relu", constants={"slope": 0.2}, initializer=Initializer("zeros")),
        Layer(2, "elu", False, True, {"alpha": 2.0}, Initializer("constant", {"value": 0.5})),
    )
    assert scenario.initializer == Initializer("normal", {"mean": 1.0, "std": 0.5})
    assert (scenario.seed, scenario.generator, scenario.frozen) == (7, "legacy", ("b1",))
    assert {name: value.tolist() for name, value in scenario.values.items()} == {
        "W1": [[1, 2], [3, 4]],
        "b1": [[0.1, 0.2]],
        "learning_rate": 0.25,
    }
    assert (scenario.x.tolist(), scenario.y.tolist()) == ([[1, 2], [3, 4], [5, 6]], [[1, 0], [0, 1], [1, 1]])
    assert scenario.loss == Loss("huber", "mean", "mean", 0.5, 0.001, False, {"delta": 2.0})
    assert scenario.optimizer == Optimizer("nesterov", {"learning_rate": 0.01, "momentum": 0.8})
    assert scenario.training == Training(10, 2, True)
    assert scenario.formulas == {"dz2": "0 * da2", "da2": "r2 - y"}
    assert scenario.debug == Debug(("dz2 if max(abs(dz2)) > 1", "backward"), ("loss",))


def test_what_is_left_out_has_the_documented_value(load, tmp_path):
    scenario = load(SMALL)
    assert (scenario.name, scenario.inputs, scenario.outputs) == ("small", ("x1",), ())
    assert scenario.source == str(tmp_path / "small.yaml")
    assert scenario.loss == Loss("squared_error", "sum", "sum", 1.0, 0.0, False)
    assert scenario.training == Training(1000, None, False)
    assert (scenario.optimizer, scenario.initializer, scenario.debug) == (Optimizer(), Initializer(), Debug())


def test_a_flat_list_of_data_is_a_column(load):
    scenario = load(SMALL)
    assert scenario.x.tolist() == [[1], [2]]
    assert scenario.y.tolist() == [[3], [4]]


def test_a_section_left_blank_is_left_out(load):
    assert load(SMALL + "formulas:\noptimizer:\ndebug: {watches: }\n").formulas == {}


def test_the_momentum_of_sgd_is_accepted(load):
    assert load(SMALL + "optimizer: {momentum: 0.5}\n").optimizer.constants == {"momentum": 0.5}


def test_a_number_may_be_a_formula(load):
    assert load(SMALL + "formulas: {db1: 0 * b1, da1: 2 * (a1 - y)}\n").formulas["db1"] == "0 * b1"
    with pytest.raises(ScenarioError, match=r"3:17: formula of da1: da1 is 2×1"):
        load(SMALL + "formulas: {da1: 0}\n")


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("1e-3", 0.001),
        ("1E3", 1000),
        (".5", 0.5),
        ("1.", 1),
        ("+2", 2),
        ("0o17", 15),
        ("0x1f", 31),
        ("010", 10),
        ("-0.0", 0),
        ("12e03", 12000),
    ],
)
def test_numbers_are_those_of_yaml_1_2(load, text, value):
    assert load(SMALL + f"loss: {{factor: {text}}}\n").loss.factor == value


@pytest.mark.parametrize("text", ["1_000", "on", "0b11", "1:30", "yes", "1e", "e3", "0o8", "--1", "1.2.3"])
def test_what_yaml_1_1_took_for_a_number_is_text(load, text):
    with pytest.raises(ScenarioError, match=rf"3:16: expected a number; found '{text}'"):
        load(SMALL + f"loss: {{factor: {text}}}\n")
    assert load(SMALL + f"description: {text}\n").description == text


def test_a_byte_order_mark_and_windows_lines_are_read(load, tmp_path):
    (tmp_path / "dos.yaml").write_bytes(b"\xef\xbb\xbf" + SMALL.replace("\n", "\r\n").encode())
    assert np.array_equal(load_scenario(tmp_path / "dos.yaml").y, [[3], [4]])


def test_the_package_loads_no_screen():
    code = "import sys, bpdebug.frontends; print(sorted({'textual', 'rich'} & set(sys.modules)))"
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert found.stdout.strip() == "[]"


def test_the_readme_lists_what_there_is_to_choose_from():
    readme = (Path(__file__).parents[2] / "README.md").read_text("utf-8")
    named = {*ACTIVATIONS, *LOSSES, *OPTIMIZERS, *INITIALIZERS}
    assert {name for name in named if not re.search(rf"\b{name}\b", readme)} == set()
