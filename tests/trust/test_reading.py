"""How a user's numbers are read: their digits are seen in the numbers, whatever type they are stored in."""

from __future__ import annotations

import json
import re

import numpy as np
import pytest
from debugger_scenarios import SCENARIOS, xor
from random_networks import COMBINATIONS, scenario_of
from test_names import NETS, computed

from bpdebug.core.layers import make_program
from bpdebug.core.record import replace
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


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("net", NETS)
@pytest.mark.parametrize("seed", range(3))
def test_printed_numbers_are_judged_as_printed(net, form, seed):
    program, arrays = computed(NETS[net], seed)
    result = answer(NETS[net], printed(arrays, form))
    assert result.data["ok"] is True, result.text
    for kept in (("dz1", "dW1", "db1"), ("W1", "z1", "a1")):
        few = {name: array for name, array in arrays.items() if name in (*kept, "x", "y", *program.parameters)}
        assert answer(NETS[net], printed(few, form)).data["ok"] is True
    for wrong in ("z1", "dz2", "dW1", "W1_new"):
        array = arrays[wrong]
        off = np.zeros_like(array)
        off.flat[np.abs(array).argmax()] = 40 * UNIT[form] * max(1.0, np.abs(array).max())
        result = answer(NETS[net], printed(arrays | {wrong: array + off}, form))
        assert result.data["culprit"] == wrong, (wrong, result.text)


@pytest.mark.parametrize("number", range(3, len(COMBINATIONS), 29))
def test_any_networks_numbers_agree_when_printed(number):
    scenario = scenario_of(number)
    _, arrays = computed(scenario)
    for form in ("%.8g", "%.4g", "round 6"):
        result = answer(scenario, printed(arrays, form, ("y", "t", "t_new")))
        assert result.data["culprit"] is None, (form, result.text)


@pytest.mark.parametrize("name", SCENARIOS)
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
