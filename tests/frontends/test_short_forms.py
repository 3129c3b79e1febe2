"""What people type who have not read the manual: it is read, or the message shows the lines to write in its place."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import numpy as np
import pytest
import yaml
from test_scenario_jsonschema import read, valid

import bpdebug
from bpdebug.core.record import values_of
from bpdebug.frontends import ScenarioError, json_schema, load_scenario
from bpdebug.session.session import Session

XOR = "data: {inputs: [[0, 0], [0, 1], [1, 0], [1, 1]], targets: [0, 1, 1, 0]}\n"
LAYERS = "network: {inputs: 2, layers: [{units: 3, activation: sigmoid}, {units: 1, activation: %s}]}\n"
CLASSES = "network: {inputs: 2, layers: [{units: 4, activation: tanh}, {units: 3, activation: softmax}]}\n"
CLASSES += "loss: {function: categorical_cross_entropy}\ndata: {inputs: [[0, 0], [0, 1], [1, 0], [1, 1]], targets: %s}\n"
ONE_HOT = "[[1, 0, 0], [0, 1, 0], [0, 0, 1], [0, 1, 0]]"
BCE = "loss: {function: binary_cross_entropy}\n"
MEANS = "loss: {function: squared_error, samples: mean, outputs: mean}\n"

READ = [
    ("network: 2-3-1\n" + XOR, LAYERS % "identity" + XOR),
    ("network: 2 -> 3 -> 1\nloss: bce\n" + XOR, LAYERS % "sigmoid" + BCE + XOR),
    ("network: [2, 3, 1]\nloss: {function: BCE}\n" + XOR, LAYERS % "sigmoid" + BCE + XOR),
    ("network: {layers: [3, 1]}\n" + XOR, LAYERS % "identity" + XOR),
    ("layers: [3, {units: 1, activation: Sigmoid}]\nloss: log_loss\n" + XOR, LAYERS % "sigmoid" + BCE + XOR),
    ("layers:\n- 3\n- {neurons: 1, activation: linear}\n" + XOR, LAYERS % "identity" + XOR),
    ("network: 2-3-1\nloss: mse\n" + XOR, LAYERS % "identity" + MEANS + XOR),
    ("network: 2-3-1\nloss: {name: MSE, outputs: sum}\n" + XOR, LAYERS % "identity" + MEANS.replace("outputs: mean", "outputs: sum") + XOR),
    ("network: 2-3-1\nloss: cross_entropy\n" + XOR, LAYERS % "sigmoid" + BCE + XOR),
    (
        "network: 2-3-1\nlearning_rate: 0.5\nepochs: 7\n" + XOR,
        LAYERS % "identity" + "optimizer: {learning_rate: 0.5}\ntraining: {epochs: 7}\n" + XOR,
    ),
    ("network: 2-3-1\noptimizer: Adam\nlr: 0.5\n" + XOR, LAYERS % "identity" + "optimizer: {name: adam, learning_rate: 0.5}\n" + XOR),
    (
        "network: 2-3-1\noptimizer: {lr: 0.5}\nseed: 3\n" + XOR,
        LAYERS % "identity" + "optimizer: {learning_rate: 0.5}\nparameters: {seed: 3}\n" + XOR,
    ),
    ("network: 2-3-1\n" + XOR.replace("inputs", "x").replace("targets", "y"), LAYERS % "identity" + XOR),
    ("network: 2-3-1\n" + XOR.replace("inputs", "X").replace("targets", "labels"), LAYERS % "identity" + XOR),
    (
        "network: 1-3-1\ndata: {x: [0, 1], y: [1, 0]}\n",
        LAYERS.replace("2", "1") % "identity" + "data: {inputs: [[0], [1]], targets: [[1], [0]]}\n",
    ),
    (CLASSES.replace("tanh", "Tanh").replace("softmax", "Softmax") % "[0, 1, 2, 1]", CLASSES % ONE_HOT + "outputs 0 1 2"),
    (CLASSES % "[[0], [1], [2], [1]]", CLASSES % ONE_HOT + "outputs 0 1 2"),
    (CLASSES % "[1, 2, 3, 2]", CLASSES % ONE_HOT + "outputs 1 2 3"),
    (CLASSES % "[cat, dog, emu, dog]", CLASSES % ONE_HOT + "outputs cat dog emu"),
    (CLASSES.replace("categorical_cross_entropy", "Cross_entropy") % "['cat', dog, emu, dog]", CLASSES % ONE_HOT + "outputs cat dog emu"),
    ("network: 2-3-1\nloss: bce\n" + XOR.replace("[0, 1, 1, 0]", "[no, yes, yes, no]"), LAYERS % "sigmoid" + BCE + XOR + "outputs yes"),
    (
        "network: 2-3-1\nloss: bce\n" + XOR.replace("[0, 1, 1, 0]", "[false, true, true, false]"),
        LAYERS % "sigmoid" + BCE + XOR + "outputs true",
    ),
    (
        "network: 2-3-1\nloss: hinge\n" + XOR.replace("[0, 1, 1, 0]", "[no, yes, yes, no]"),
        LAYERS % "identity" + "loss: {function: hinge}\n" + XOR.replace("[0, 1, 1, 0]", "[-1, 1, 1, -1]") + "outputs yes",
    ),
    ("network: 2-3-1\nparameters: {initializer: he}\n" + XOR, LAYERS % "identity" + "parameters: {initializer: {name: he_normal}}\n" + XOR),
]


def scenario_of(folder, text):
    (folder / "s.yaml").write_text(text)
    return load_scenario(folder / "s.yaml")


def plain(scenario):
    """All that it says, so that two can be compared."""
    said = {name: value for name, value in values_of(scenario).items() if name != "read_again"}
    said |= {f"value of {name}": value for name, value in said.pop("values").items()}
    said |= values_of(said.pop("lines")) if said["lines"] else {}
    said |= {f"tensor {name}": value for name, value in said.pop("given", {}).items()}
    return {name: value.tolist() if isinstance(value, np.ndarray) else value for name, value in said.items()}


@pytest.mark.parametrize(("short", "long"), READ)
def test_a_short_form_is_what_it_stands_for(tmp_path, short, long):
    long, _, outputs = long.partition("outputs ") if "\noutputs " in long else (long, "", "")
    known = plain(scenario_of(tmp_path, long)) | ({"outputs": tuple(outputs.split())} if outputs else {})
    assert plain(scenario_of(tmp_path, short)) == known
    assert valid(read(short), json_schema()), "an editor accepts it, too"


def test_a_short_form_trains_to_finite_numbers(tmp_path):
    for short, _ in READ:
        session = Session(scenario_of(tmp_path, short))
        assert session.execute("step 60").data["reason"] != "nonfinite"


BEGINNERS = {
    "network: {inputs: 2, hidden: 4, outputs: 1}\ndata: [[0, 0, 0], [0, 1, 1]]\n": (
        "1:10: the key 'layers' is missing",
        "1:22: unknown key 'hidden'",
        "1:42: expected a list of texts; found 1",
        "2:7: expected lines such as these; found a list of 2",
    ),
    "network: 2-3-1\ntraining: {learning_rate: 0.1, epochs: 9}\n" + XOR: (
        "2:12: unknown key 'learning_rate' here; it belongs under 'optimizer'",
        "    optimizer:\n      learning_rate: 0.1",
    ),
    "layers: [4, 1]\nactivation: relu\ntraining: 100\n" + XOR: (
        "2:1: unknown key 'activation' here; it belongs under 'layers'",
        "    network:\n      layers:\n        - activation: relu",
        "3:11: expected lines such as these; found 100\n    training:\n      epochs: 1000",
    ),
    "network: 2-3-1\nloss: 3\nformulas: da2\nparameters: normal\ndebug: [dz2]\n" + XOR: (
        "2:7: expected one of squared_error",
        "3:11: expected lines such as these; found 'da2'\n    formulas:\n      da2: a2 - y",
        "4:13: expected lines such as these; found 'normal'\n    parameters:\n      seed: 1",
        "5:8: expected lines such as these; found a list of 1\n    debug:\n      breakpoints: [dz2]",
    ),
    "network: {inputs: 3, layers: [2, 2]}\nloss: {function: huber, from_logits: true}\n" + XOR: (
        "2:25: huber has no from_logits form",
        "3:8: the network has 3 inputs; the data is 4×2",
        "3:50: the targets are 4×1; 4 samples and 2 outputs need 4×2",
    ),
    "network: {layers: [0, 3 sigmoid]}\n" + XOR.replace("0]}", "0, 1]}"): (
        "1:20: expected a whole number from 1 to 1,000,000; found 0",
        "1:23: expected lines such as these; found '3 sigmoid'\n    layers:\n      - {units: 3, activation: sigmoid}",
        "2:50: 4 rows of inputs need as many rows of targets; found 5",
    ),
    "network: 2-3-1\nlr: 0.1\noptimizer: {learning_rate: 0.2}\n" + XOR: ("2:1: 'lr' means the same as 'learning_rate' in line 3",),
    "network: 2-0-1\n" + XOR: ("1:12: expected a whole number from 1 to 1,000,000; found 0",),
    "network: 2-3-2\nloss: cross_entropy\n" + XOR.replace("[0, 1, 1, 0]", "[0, 1, 2, 1]"): (
        "3:50: 3 outputs (0, 1, 2) need as many units",
    ),
    "network: 2-3-1\n" + XOR.replace("[0, 1, 1, 0]", "[0, yes, 1, 0]"): ("2:63: expected a number; found 'yes'",),
    "inputs: 2\nname: {a: 1}\nnetwork: 2-3-1\n" + XOR: (
        "1:1: unknown key 'inputs' here; it belongs under 'network' or under 'data'",
        "2:7: expected a text; found {a: 1}",
    ),
    "network: 2-3-1\ndata:\n inputs: [[0, 1]]\n  targets: [0]\n": ("4:3: this is not YAML: ", "need the same indentation"),
    "network: {inputs: 2, layers: [3, 1]\n" + XOR: ("2:1: this is not YAML: the bracket that opens in line 1 is not closed before this",),
    "network: 2-3-1\nname: it's: mine\n" + XOR: ("2:11: this is not YAML: ", "needs quotes"),
}


@pytest.mark.parametrize("text", BEGINNERS)
def test_what_is_not_read_is_told_all_at_once_with_lines_to_copy(tmp_path, monkeypatch, text):
    monkeypatch.chdir(tmp_path)
    Path("s.yaml").write_text(text)
    with pytest.raises(ScenarioError) as caught:
        load_scenario("s.yaml")
    told = str(caught.value)
    assert [words for words in BEGINNERS[text] if words not in told] == []
    assert len(caught.value.problems) == sum(words[0].isdigit() for words in BEGINNERS[text])


def test_the_lines_to_copy_are_read(tmp_path):
    base = yaml.safe_load("network: {inputs: 2, layers: [{units: 3}, {units: 1, activation: sigmoid}]}\n" + XOR)
    seen = set()
    for text in BEGINNERS:
        (tmp_path / "s.yaml").write_text(text)
        with pytest.raises(ScenarioError) as caught:
            load_scenario(tmp_path / "s.yaml")
        seen |= {problem.example for problem in caught.value.problems if problem.example}
    for example in seen - {"network:\n  layers:\n    - activation: relu", "network:\n  inputs: 2\ndata:\n  inputs: 2"}:  # parts of them
        lines = yaml.safe_load(example)
        lines = {"network": {"layers": [*lines["layers"], {"units": 1}]}} if "layers" in lines else lines
        scenario_of(tmp_path, yaml.safe_dump(base | lines))
    assert len(seen) > 8


JARGON = re.compile(r"\b(mapping|sequence|scalar)s?\b", re.IGNORECASE)


def test_no_message_of_the_package_speaks_the_parser_s_language():
    told = []
    for path in Path(bpdebug.__file__).parent.rglob("*.py"):
        tree = ast.parse(path.read_text("utf-8"))
        silent = {id(node.value) for node in ast.walk(tree) if isinstance(node, ast.Expr)}  # docstrings
        texts = (
            node for node in ast.walk(tree) if isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in silent
        )
        told += [f"{path.name}: {node.value}" for node in texts if JARGON.search(node.value) and " " in node.value]
    assert told == []


@pytest.mark.parametrize("sign", ["{", "[", "]", "}", ":", "-", "'", '"', "\n", ": ", "@", "|", "\n -", "? ", "1", "#", "\\", ","])
def test_nor_does_what_is_said_of_a_broken_file(tmp_path, sign):
    text = "network: {inputs: 2, layers: [3, 1]}\nloss:\n  function: 'mse'\n" + XOR
    for place in range(0, len(text), 3):
        (tmp_path / "s.yaml").write_text(text[:place] + sign + text[place:])
        try:
            load_scenario(tmp_path / "s.yaml")
        except ScenarioError as error:
            assert not JARGON.search(str(error).replace(str(tmp_path), "")), str(error)


@pytest.mark.parametrize("targets", [[f"w{n}" for n in range(1100)], list(range(1100))], ids=["words", "numbers"])
def test_too_many_classes_are_told_with_their_place(tmp_path, targets):
    text = f"network: {{layers: [2000]}}\nloss: cross_entropy\ndata: {{x: {list(range(1100))}, y: {targets}}}\n".replace("'", "")
    with pytest.raises(
        ScenarioError, match=r"s\.yaml:3:\d+: 'targets' has 1,\d+ different values: too many for classes|s\.yaml:3:\d+: .*2,000"
    ):
        scenario_of(tmp_path, text)
