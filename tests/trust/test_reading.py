"""How a user's numbers are read: their digits are seen in the numbers, whatever type they are stored in."""

from __future__ import annotations

import json
import re

import numpy as np
import pytest
from debugger_scenarios import SCENARIOS, xor
from random_networks import COMBINATIONS, scenario_of
from test_names import NETS, computed
from turns import by_day, by_turns

from bpdebug.core.errors import BpdebugError
from bpdebug.core.layers import make_program
from bpdebug.core.record import replace
from bpdebug.frontends import load_scenario
from bpdebug.session.commands.check import compared
from bpdebug.session.session import Session

FORMS = {
    "%.8g": np.vectorize(lambda value: float(f"{value:.8g}"), otypes=[float]),
    "%.6e": np.vectorize(lambda value: float(f"{value:.6e}"), otypes=[float]),
    "%.4g": np.vectorize(lambda value: float(f"{value:.4g}"), otypes=[float]),
    "%.3g": np.vectorize(lambda value: float(f"{value:.3g}"), otypes=[float]),
    "round 6": lambda array: np.round(array, 6),
    "round 4": lambda array: np.round(array, 4),
    "print": lambda array: (
        np.array(json.loads(str(array.tolist())))
        if array.ndim == 0
        else np.array([float(word) for word in re.sub(r"[\[\],]", " ", np.array2string(array, threshold=10**6)).split()]).reshape(
            array.shape
        )
    ),
}
UNIT = {"%.8g": 1e-7, "%.6e": 1e-6, "%.4g": 1e-3, "%.3g": 1e-2, "round 6": 1e-6, "round 4": 1e-4, "print": 1e-8}


def answer(scenario, arrays):
    return compared(Session(scenario), arrays)


def printed(arrays, form, but=("y",)):
    return {name: array if name in but else FORMS[form](array) for name, array in arrays.items()}


@pytest.mark.usefixtures("undiagnosed")
@pytest.mark.parametrize(("form", "net"), by_turns(FORMS, NETS, every=2))
@pytest.mark.parametrize("seed", range(1))
def test_printed_numbers_are_judged_as_printed(net, form, seed):
    program, arrays = computed(NETS[net], seed)
    result = answer(NETS[net], printed(arrays, form))
    assert result.data["ok"] is True, result.text
    for kept in (("dz1", "dW1", "db1"), ("W1", "z1", "a1")):
        few = {name: array for name, array in arrays.items() if name in (*kept, "x", "y", *program.parameters)}
        assert answer(NETS[net], printed(few, form)).data["ok"] is True
    place = [*FORMS].index(form)
    for wrong in (("z1", "dz2"), ("dW1", "W1_new"))[place % 2]:
        array = arrays[wrong]
        off = np.zeros_like(array)
        off.flat[np.abs(array).argmax()] = 40 * UNIT[form] * max(1.0, np.abs(array).max())
        result = answer(NETS[net], printed(arrays | {wrong: array + off}, form))
        assert result.data["culprit"] == wrong, (wrong, result.text)


@pytest.mark.parametrize(("number", "form"), by_turns(range(3, len(COMBINATIONS), 29), ("%.8g", "%.4g", "round 6")))
def test_any_networks_numbers_agree_when_printed(number, form):
    scenario = scenario_of(number)
    _, arrays = computed(scenario)
    result = answer(scenario, printed(arrays, form, ("y", "t", "t_new")))
    assert result.data["culprit"] is None, result.text


@pytest.mark.parametrize("name", by_day(SCENARIOS, 2))
def test_single_precision_is_seen_in_numbers_that_are_stored_or_printed_as_double(name):
    scenario = replace(SCENARIOS[name], precision="float32", formulas={})
    _, arrays = computed(scenario)
    double = replace(scenario, precision="float64")
    stored = {key: np.asarray(array, np.float64) for key, array in arrays.items()}
    assert answer(double, stored).data["culprit"] is None
    assert answer(double, printed(stored, "%.8g", ("y", "t", "t_new"))).data["culprit"] is None
    wrong = stored | {"dW1": (arrays["dW1"] * np.float32(1 + 1e-3)).astype(np.float64)}
    assert answer(double, wrong).data["culprit"] == "dW1"


def test_a_short_number_among_whole_ones_makes_nothing_coarse():
    _, arrays = computed(xor())
    for short in (0.5, 0.25, 0.0, 1.0):
        z1 = arrays["z1"].copy()
        z1[0, 0] = short
        result = answer(xor(), arrays | {"z1": z1})
        assert result.data["culprit"] == "z1"
    assert answer(xor(), arrays | {"dW1": arrays["dW1"] * (1 + 1e-7)}).data["culprit"] == "dW1"
    assert answer(xor(), arrays | {"loss": np.round(arrays["loss"], 1)}).data["culprit"] == "loss"


def test_numbers_that_are_short_by_nature_are_exact():
    scenario = replace(xor(), layers=tuple(replace(layer, activation="identity") for layer in xor().layers))
    scenario = replace(
        scenario, loss=replace(scenario.loss, function="squared_error"), values={"W1": np.full((2, 4), 0.25), "W2": np.full((4, 1), 0.5)}
    )
    program = make_program(scenario)
    start = {**program.initial, **program.batch(0)}
    made = program.run(start)
    arrays = {"x": start["x"], "y": start["y"], **{name: made[name] for name in ("z1", "a1", "z2", "a2", "dz2", "dW2", "dz1", "dW1")}}
    assert answer(scenario, arrays).data["ok"] is True
    assert answer(scenario, arrays | {"dW1": np.round(arrays["dW1"], 1) + 0.05}).data["culprit"] == "dW1"


def late(arrays, *names):
    """The file of someone who saves some parameters after the update, and nothing else of it."""
    before = {name: array for name, array in arrays.items() if not name.endswith("_new")}
    return before | {name: arrays[f"{name}_new"] for name in names}


@pytest.mark.usefixtures("undiagnosed")
@pytest.mark.parametrize(("net", "which"), by_turns(NETS, ["last", "first", "all"]))
def test_weights_saved_half_before_and_half_after_the_update_are_noticed(net, which):
    program, arrays = computed(NETS[net])
    layers = {"last": program.layers[-1:], "first": program.layers[:1], "all": program.layers}[which]
    names = [name for layer in layers for name in (layer.weight, layer.bias)]
    result = answer(NETS[net], late(arrays, *names))
    assert result.data["ok"] is True, result.text
    assert f"your {' '.join(names)} were saved after the update" in result.text
    wrong = arrays | {"dz1": arrays["dz1"] ** 2 + 0.3}
    assert answer(NETS[net], late(wrong, *names)).data["culprit"] == "dz1"


def with_bias_row(program, arrays, end):
    """The arrays of someone whose biases are a row of his weights."""
    made = {name: array for name, array in arrays.items() if not name.lstrip("d").startswith("b")}
    for layer in program.layers:
        for form in ("{}", "d{}", "{}_new"):
            pair = [arrays[form.format(layer.weight)], arrays[form.format(layer.bias)]]
            made[form.format(layer.weight)] = np.vstack(pair if end == "last" else pair[::-1])
        one = np.ones((len(arrays["x"]), 1))
        made[layer.source] = np.hstack([arrays[layer.source], one] if end == "last" else [one, arrays[layer.source]])
    return made


@pytest.mark.parametrize("end", ["last", "first"])
def test_a_bias_as_a_row_of_the_weights_is_taken_apart(end):
    program, arrays = computed(xor())
    result = answer(xor(), with_bias_row(program, arrays, end))
    assert result.data["ok"] is True, result.text
    assert f"your W1 W2 hold their biases as their {end} row" in result.text
    result = answer(xor(), with_bias_row(program, arrays | {"db2": 0 * arrays["db2"]}, end))
    assert result.data["culprit"] == "db2"
    turned = {name: array.T if name.lstrip("d")[0] == "W" else array for name, array in with_bias_row(program, arrays, end).items()}
    assert answer(xor(), turned).data["ok"] is True


def test_an_axis_of_length_1_more_is_left_out():
    _, arrays = computed(xor())
    for more in (lambda array: array[None], lambda array: array[..., None]):
        result = answer(xor(), {name: more(array) if array.ndim == 2 else array for name, array in arrays.items()})
        assert result.data["ok"] is True, result.text


def test_one_number_as_the_bias_of_several_units_is_a_finding():
    _, arrays = computed(xor())
    b = 0.3
    z1 = arrays["x"] @ arrays["W1"] + b
    kept = {"x": arrays["x"], "y": arrays["y"], "W1": arrays["W1"], "z1": z1, "a1": 1 / (1 + np.exp(-z1)), "b1": np.array(b)}
    result = answer(xor(), kept)
    assert result.data["culprit"] == "b1"
    assert "one number is the bias of 4 units" in result.text
    assert [stage["name"] for stage in result.data["stages"] if stage["status"] == "off"] == ["b1"]
    dz1 = np.ones((4, 4))
    assert "the sum of those of the 4 units" in answer(xor(), kept | {"dz1": dz1, "db1": dz1.sum()}).text


def test_a_bias_with_a_row_a_sample_is_a_finding_and_copies_of_one_row_are_none():
    _, arrays = computed(xor())
    assert answer(xor(), arrays | {"b1": np.tile(arrays["b1"], (4, 1))}).data["ok"] is True
    b1 = arrays["b1"] + np.arange(16.0).reshape(4, 4)
    kept = {name: arrays[name] for name in ("x", "y", "W1")} | {"b1": b1, "z1": arrays["x"] @ arrays["W1"] + b1}
    result = answer(xor(), kept)
    assert [stage["name"] for stage in result.data["stages"] if stage["status"] == "off"] == ["b1"]
    assert "a row for each of the 4 samples" in result.text


def test_tokens_stand_for_rows_with_a_single_1():
    scenario = replace(NETS["square"], x=np.eye(3)[[2, 0, 2]])
    _, arrays = computed(scenario)
    for tokens in (np.array([2, 0, 2]), np.array([[2], [0], [2]]), np.array([2.0, 0, 2])):
        result = answer(scenario, arrays | {"x": tokens})
        assert result.data["ok"] is True, result.text
        assert "read as tokens" in result.text


def test_plain_numbers_do_for_a_net_of_one_unit_a_layer():
    scenario = replace(
        xor(), inputs=("x",), layers=tuple(replace(layer, units=1) for layer in xor().layers), x=np.ones((1, 1)), y=np.ones((1, 1))
    )
    _, arrays = computed(scenario)
    assert answer(scenario, {name: array.reshape(()) for name, array in arrays.items()}).data["ok"] is True


def test_another_m_is_a_finding_where_something_is_computed_with_it():
    scenario = replace(xor(), loss=replace(xor().loss, samples="mean"))
    _, arrays = computed(scenario)
    result = answer(scenario, arrays | {"m": np.array(5)})
    assert result.data["ok"] is True
    assert "nothing in it is computed with that" in result.text
    assert answer(scenario, {**arrays, "m": np.array(4)}).data["ok"] is True


def test_what_one_update_cannot_show_the_next_one_does():
    scenario = xor()
    program, files = make_program(scenario), []
    values = {**program.initial, **program.batch(0)}
    kept = {}
    for _ in range(3):
        made = program.run(values)
        held = {name: made[name] + kept.get(name, 0) for name in program.gradients.values() if program.stage(name).of in program.parameters}
        files.append(
            {name: values[name] for name in ("x", "y", *program.parameters)} | {n: made[n] for n in program.index if n not in values} | held
        )
        kept = held
        values = values | {name: values[name] - 0.1 * held[program.gradients[name]] for name in program.parameters}
    alone = answer(scenario, files[0])
    assert alone.data["ok"] is True
    assert "the first update cannot show momentum or a gradient that is never cleared" in alone.text
    result = compared(Session(scenario), *files)
    assert (result.data["ok"], result.data["culprit"], result.data["compared"]) == (False, "dW2", 1)
    assert result.text.splitlines()[-1] == "the first wrong stage of all: update 1, dW2 = a1.T @ dz2"
    assert "the dW2 of the update before is still in it" in result.text
    assert [one["compared"] for one in result.data["updates"]] == [0, 1, 2]


def test_the_next_file_shows_what_the_step_was():
    scenario = xor()
    program = make_program(scenario)
    values, files = {**program.initial, **program.batch(0)}, []
    for _ in range(2):
        made = program.run(values)
        files.append(
            {name: values[name] for name in ("x", "y", *program.parameters)} | {n: made[n] for n in program.index if n not in values}
        )
        values = values | {name: values[name] + 0.1 * made[program.gradients[name]] for name in program.parameters}
    result = compared(Session(scenario), *files)
    assert (result.data["culprit"], result.data["compared"]) == ("W1_new", 0)
    assert "wrong sign" in result.text


def test_samples_in_columns_of_a_scenario_are_told_at_once(tmp_path):
    (tmp_path / "s.yaml").write_text(
        "network: {inputs: [p, q], layers: [{units: 1}]}\ndata: {inputs: [[0, 0, 1, 1], [0, 1, 0, 1]], targets: [[0, 1, 0, 1]]}\n"
    )
    with pytest.raises(BpdebugError, match="your 4 samples stand in columns: transpose inputs and targets"):
        load_scenario(tmp_path / "s.yaml")


def test_what_one_mistake_before_several_gradients_makes_of_them_is_accused_once():
    program = make_program(xor())
    start = {**program.initial, **program.batch(0)}
    made = program.run(start)
    delta = made["da1"] * made["a1"] ** 2
    mine = {name: start[name] for name in ("x", "y", *program.parameters)}
    mine |= {name: made[name] for name in ("z1", "a1", "z2", "a2", "loss", "dW2", "db2")}
    result = answer(xor(), mine | {"dW1": start["x"].T @ delta, "db1": delta.sum(axis=0, keepdims=True)})
    assert result.data["culprit"] == "dW1"
    assert {stage["name"]: stage["status"] for stage in result.data["stages"]}["db1"] == "follows"
    assert "the same mistake as in dW1, before both of them" in result.text
    own = answer(xor(), mine | {"dW1": start["x"].T @ made["dz1"] * 1.01 + 0.02, "db1": made["db1"]})
    assert own.text.count("first off stage") + own.text.count("also off") == 1


def test_a_stray_factor_of_all_steps_is_one_finding():
    program = make_program(xor())
    start = {**program.initial, **program.batch(0)}
    made = program.run(start)
    mine = {name: start[name] for name in ("x", "y", *program.parameters)} | {name: made[name] for name in ("z1", "a1", "z2", "a2", "loss")}
    result = answer(xor(), mine | {f"{name}_new": start[name] - 0.3 * made[program.gradients[name]] for name in program.parameters})
    assert result.data["culprit"] == "W1_new"
    assert result.text.count("first off stage") == 1
    assert "also off" not in result.text
