"""Training steps as people write and save them: never accused where they are right."""

from __future__ import annotations

import numpy as np
import pytest
from test_names import computed
from turns import by_turns

from bpdebug.core.description import Layer, Loss, Optimizer, Scenario
from bpdebug.core.layers import make_program
from bpdebug.core.machine import Machine
from bpdebug.core.record import replace
from bpdebug.session.commands.check import compared
from bpdebug.session.session import Session

GENERATOR = np.random.default_rng(5)
X, Y = GENERATOR.standard_normal((6, 3)), GENERATOR.random((6, 2))
NET = Scenario("a net", tuple("abc"), (Layer(4, "sigmoid"), Layer(2, "sigmoid")), X, Y, loss=Loss("squared_error"))


RULES = {
    "sgd": Optimizer("sgd", {"learning_rate": 0.5}),
    "momentum": Optimizer("momentum", {"learning_rate": 0.5, "momentum": 0.9}),
    "adam": Optimizer("adam", {"learning_rate": 0.05}),
}


def updates(scenario, count):
    """What each update starts from and computes, with what the optimizer keeps as it is after it, as scripts save that."""
    program = make_program(scenario)
    machine = Machine(program)
    for _ in range(count):
        arrays = {n: v.copy() for n, v in machine.values().items() if n in program.parameters or n in program.data}
        for stage in program.stages:
            machine.step()
            name = f"{stage.name}_new" if stage.name in program.parameters else stage.name
            arrays[name] = machine.tensor(stage.name).copy()
        yield arrays


def own(scenario):
    """The scenario with parameters of a user's own."""
    shapes = make_program(scenario).parameters
    return replace(scenario, values={name: np.random.default_rng(3).standard_normal(shape) for name, shape in shapes.items()})


@pytest.mark.parametrize("row", [0, -1])
def test_layers_counted_from_the_inputs_with_the_bias_in_theta(row):
    """As in Ng's "Machine Learning": a1 is the inputs with a 1, Theta1 leads from there to z2."""
    _, a = computed(NET)
    one, end = np.ones((6, 1)), 0 if row == 0 else None

    def joined(weight, bias):
        return np.concatenate([bias, weight] if end == 0 else [weight, bias]).T

    def with_one(array):
        return np.concatenate([one, array] if end == 0 else [array, one], axis=1)

    mine = {"X": a["x"], "y": a["y"], "a1": with_one(a["x"]), "z2": a["z1"], "a2": with_one(a["a1"]), "z3": a["z2"], "a3": a["a2"]}
    mine |= {"Theta1": joined(a["W1"], a["b1"]), "Theta2": joined(a["W2"], a["b2"]), "J": a["loss"], "delta2": a["dz1"], "delta3": a["dz2"]}
    mine |= {"Theta1_grad": joined(a["dW1"], a["db1"]), "Theta2_grad": joined(a["dW2"], a["db2"])}
    right = compared(Session(NET), mine)
    assert right.data["ok"], right.text
    assert not [one for one in right.data["stages"] if one["name"] in ("z1", "a1", "z2", "a2", "dz1", "dz2") and one["error"] is None]
    assert not compared(Session(NET), mine | {"delta2": 2 * mine["delta2"] + 1}).data["ok"]


def test_what_goes_into_layers_and_activations_and_comes_out_of_them():
    """As in Kinsley and Kukieła, "Neural Networks from Scratch in Python" (2020)."""
    _, a = computed(NET)
    mine = {"X": a["x"], "y": a["y"], "loss_function.dinputs": a["da2"]}
    for n, source in ((1, "x"), (2, "a1")):
        mine |= {
            f"dense{n}.inputs": a[source],
            f"dense{n}.output": a[f"z{n}"],
            f"dense{n}.weights": a[f"W{n}"],
            f"dense{n}.biases": a[f"b{n}"],
        }
        mine |= {f"dense{n}.dweights": a[f"dW{n}"], f"dense{n}.dbiases": a[f"db{n}"], f"dense{n}.dinputs": a.get(f"d{source}", a["x"] + 1)}
        mine |= {f"activation{n}.inputs": a[f"z{n}"], f"activation{n}.output": a[f"a{n}"], f"activation{n}.dinputs": a[f"dz{n}"]}
    right = compared(Session(NET), mine)
    assert right.data["ok"], right.text
    assert {one["name"] for one in right.data["stages"]} >= {"z1", "a1", "z2", "a2", "dz1", "da1", "dz2", "da2"}
    for name, stage in {"activation1.dinputs": "dz1", "dense2.dinputs": "da1", "loss_function.dinputs": "da2"}.items():
        wrong = compared(Session(NET), mine | {name: mine[name] * np.linspace(1, 2, mine[name].shape[1])})
        assert wrong.data["culprit"] == stage, wrong.text


@pytest.mark.parametrize(("optimizer", "way"), by_turns(["sgd", "momentum", "adam"], ["rounded", "printed"]))
def test_updates_that_follow_each_other_in_six_decimals(optimizer, way):
    """What comes of an update is judged as exactly as the next file shows it, and so is what it brings along."""
    scenario = replace(NET, optimizer=RULES[optimizer])
    for seed in range(1):
        files = []
        for arrays in updates(own(replace(scenario, x=np.random.default_rng(seed).standard_normal((6, 3)))), 4):
            kept = {n: np.round(v, 6) for n, v in arrays.items() if way == "printed" or n.removesuffix("_new") == n}
            files.append(kept | ({"loss": arrays["loss"]} if way == "printed" else {}))
        right = compared(Session(scenario), *files)
        assert right.data["ok"], right.text


@pytest.mark.parametrize("optimizer", ["momentum", "adam"])
def test_what_an_optimizer_keeps_may_be_saved_after_an_update_whose_beginning_is_not_known(optimizer):
    *_, arrays = updates(own(replace(NET, optimizer=RULES[optimizer])), 4)
    session = Session(replace(NET, optimizer=RULES[optimizer]))
    session.execute("goto update 3")
    right = compared(session, arrays)
    assert right.data["ok"], right.text
    assert not compared(session, arrays | {"W1_new": arrays["W1_new"] + 0.1 * arrays["dW1"]}).data["ok"]


@pytest.mark.parametrize("stage", ["db1", "dW1", "db2", "dW2"])
def test_where_the_deltas_are_those_of_single_samples_the_gradient_without_the_mean_is_wrong_and_not_they(stage):
    """As in Ng's courses, where dZ has no 1/m: it belongs into dW and db."""
    net = replace(NET, loss=Loss("squared_error", samples="mean"))
    _, a = computed(net)
    mine = {name: 6 * value if name in ("dz1", "dz2", "da1", stage) else value for name, value in a.items() if not name.endswith("_new")}
    del mine["da2"]
    found = compared(Session(net), mine)
    assert found.data["culprit"] == stage, found.text
    assert f"{stage} have the 1/m" not in found.text and f"{stage} has the 1/m" not in found.text
    assert [one["name"] for one in found.data["stages"] if one["status"] in ("off", "follows")] == [stage]


@pytest.mark.parametrize("pattern", ["model.{}.", "layers[{}]."])
def test_layers_numbered_with_the_activations_between_them(pattern):
    """As ``torch.nn.Sequential`` and lists of layers do: the weights are those of 0 and 2."""
    _, a = computed(NET)
    mine = {"x": a["x"], "y": a["y"], f"{pattern.format(2)}input": a["a1"], f"{pattern.format(1)}output": a["a1"]}
    for place, n in ((0, 1), (2, 2)):
        mine |= {pattern.format(place) + word: a[f"{kind}{n}"] for word, kind in (("weight", "W"), ("bias", "b"))}
        mine |= {pattern.format(place) + word + ".grad": a[f"d{kind}{n}"] for word, kind in (("weight", "W"), ("bias", "b"))}
    right = compared(Session(NET), mine)
    assert right.data["ok"], right.text
    assert {one["name"] for one in right.data["stages"] if one["status"] in ("exact", "approximate")} >= {"dW1", "db1", "dW2", "db2"}
    assert compared(Session(NET), mine | {pattern.format(0) + "weight.grad": 2 * a["dW1"]}).data["culprit"] == "dW1"


def test_columns_of_the_inputs_saved_apart_are_no_layers():
    _, a = computed(NET)
    assert compared(Session(NET), a | {f"input_{place + 1}": a["x"][:, place] for place in range(3)}).data["ok"]


TAKEN = {("sgd", 3), ("momentum", 1), ("adam", 3)}
FILES = [
    pytest.param(rule, count, marks=[pytest.mark.long] * ((rule, count) not in TAKEN))
    for rule in (*RULES, "nesterov", "rmsprop")
    for count in (1, 3)
]


@pytest.mark.usefixtures("undiagnosed")
@pytest.mark.parametrize(("rule", "count"), FILES)
def test_parameters_and_what_an_optimizer_keeps_may_both_be_saved_after_the_update(rule, count):
    """In one file, whichever update it is of, and in several that follow each other; a wrong gradient is found all the same."""
    scenario = replace(NET, optimizer=RULES.get(rule, Optimizer(rule, {"learning_rate": 0.05})))
    files = [{name.removesuffix("_new"): array for name, array in arrays.items()} for arrays in updates(own(scenario), 4)]
    for first in (count // 2,):
        session, mine = Session(scenario), files[first : first + count]
        session.execute(f"goto update {first}")
        right = compared(session, *mine)
        assert right.data["ok"], right.text
        wrong = compared(session, mine[0] | {"dW2": mine[0]["dW2"] + 0.1}, *mine[1:])
        assert wrong.data["culprit"], wrong.text
