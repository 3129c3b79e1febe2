"""A user's own numbers: a training step written by hand in NumPy, right or wrong, in every convention in which people save it."""

from __future__ import annotations

import io
import json
import re
import zipfile
from pathlib import Path

import numpy as np
import pytest
from debugger_scenarios import SCENARIOS, classes, xor
from random_networks import COMBINATIONS, scenario_of
from restated import computed
from turns import by_day

from bpdebug import cli
from bpdebug.arrays import MAXIMUM_CELLS, ArrayError, read_arrays
from bpdebug.core.description import Initializer, Layer, Loss, Optimizer, Scenario
from bpdebug.core.layers import make_program
from bpdebug.core.record import replace
from bpdebug.frontends import load_scenario
from bpdebug.session.commands.check import compared
from bpdebug.session.session import Session
from bpdebug.time.results import to_json
from bpdebug.time.timeline import Timeline
from bpdebug.trust.compare import ComparisonError, compare

PARAMETERS = ("W1", "b1", "W2", "b2")
STAGES = ("z1", "a1", "z2", "a2", "loss", "da2", "dz2", "dW2", "db2", "da1", "dz1", "dW1", "db1")
AGREES = {"exact", "approximate"}
FIRST = "the first update cannot show momentum or a gradient that is never cleared"


def timeline_of(scenario=None, update=0):
    timeline = Timeline(make_program(xor() if scenario is None else scenario))
    timeline.seek(update * len(timeline.program.stages))
    return timeline


def start_of(timeline):
    values = timeline.machine.values()
    return {name: values[name].copy() for name in ("x", "y", *PARAMETERS)}


def step(given=None, rate=0.1, **wrong):
    """One update of the tutorial's network; a stage is computed by ``wrong`` where it has a function for it."""
    t = dict(start_of(timeline_of()) if given is None else given)

    def put(name, value):
        t[name] = np.asarray(wrong[name](t, value) if name in wrong else value)

    sigmoid = lambda z: 1 / (1 + np.exp(-z))  # noqa: E731
    put("z1", t["x"] @ t["W1"] + t["b1"])
    put("a1", sigmoid(t["z1"]))
    put("z2", t["a1"] @ t["W2"] + t["b2"])
    put("a2", sigmoid(t["z2"]))
    put("loss", -np.sum(t["y"] * np.log(t["a2"]) + (1 - t["y"]) * np.log(1 - t["a2"])))
    put("da2", -t["y"] / t["a2"] + (1 - t["y"]) / (1 - t["a2"]))
    put("dz2", t["da2"] * t["a2"] * (1 - t["a2"]))
    put("dW2", t["a1"].T @ t["dz2"])
    put("db2", t["dz2"].sum(axis=0, keepdims=True))
    put("da1", t["dz2"] @ t["W2"].T)
    put("dz1", t["da1"] * t["a1"] * (1 - t["a1"]))
    put("dW1", t["x"].T @ t["dz1"])
    put("db1", t["dz1"].sum(axis=0, keepdims=True))
    for name in PARAMETERS:
        if t[f"d{name}"].shape == t[name].shape:
            put(f"{name}_new", t[name] - rate * t[f"d{name}"])
    return t


def without(arrays, *names):
    return {name: array for name, array in arrays.items() if name not in names and not any(name.endswith(n) for n in names if n[0] == "_")}


def statuses(comparison):
    return {match.name: match.status for match in comparison.findings}


def kinds(match):
    return {suspect.kind for suspect in match.suspects}


def said(comparison, words):
    return any(words in note for note in comparison.notes)


def own(rows=7, seed=1):
    """Another batch and other parameters than the scenario's."""
    generator = np.random.default_rng(seed)
    shapes = {"x": (rows, 2), "W1": (2, 4), "b1": (1, 4), "W2": (4, 1), "b2": (1, 1)}
    return {name: generator.standard_normal(shape) for name, shape in shapes.items()} | {"y": generator.integers(0, 2, (rows, 1)) * 1.0}


def test_a_right_step_agrees_in_every_stage():
    comparison = compare(timeline_of(), step())
    assert tuple(statuses(comparison)) == (*STAGES, *(f"{name}_new" for name in PARAMETERS))
    assert set(statuses(comparison).values()) <= AGREES
    assert comparison.culprit is None
    assert [note.split(":")[0] for note in comparison.notes] == [FIRST]
    assert max(match.error for match in comparison.findings) < 1e-14


@pytest.mark.usefixtures("undiagnosed")
@pytest.mark.parametrize("stage", STAGES)
def test_the_stage_that_is_wrong_by_itself_is_told_from_those_that_follow(stage):
    comparison = compare(timeline_of(), step(**{stage: lambda t, right: 1.01 * right + 0.003}))
    found = statuses(comparison)
    assert [name for name, status in found.items() if status == "off"] == [stage] == [comparison.culprit.name]
    assert set(list(found.values())[: list(found).index(stage)]) <= AGREES
    assert ("follows" in found.values()) == (stage != "loss")
    assert comparison.culprit.suspects == ()


def test_two_mistakes_are_both_found_and_named():
    comparison = compare(timeline_of(), step(dz2=lambda t, right: t["da2"], dz1=lambda t, right: -right))
    off = [match for match in comparison.findings if match.status == "off"]
    assert [match.name for match in off] == ["dz2", "dz1"]
    assert "activation_missing" in kinds(off[0])
    assert kinds(off[1]) == {"sign"}


def test_the_worst_cell_is_shown_with_both_numbers():
    def one_cell(t, right):
        return np.where(np.arange(8).reshape(2, 4) == 5, right + 1, right)

    culprit = compare(timeline_of(), step(dW1=one_cell)).culprit
    assert (culprit.name, culprit.cell) == ("dW1", (1, 1))
    assert culprit.theirs[1, 1] == culprit.ours[1, 1] + 1
    assert culprit.error == pytest.approx(1 / np.abs(culprit.theirs).max())


@pytest.mark.parametrize("rows", [1, 2, 3, 4, 7])
def test_the_users_own_parameters_and_batch_are_what_is_compared(rows):
    given = own(rows)
    timeline = timeline_of(update=3)
    comparison = compare(timeline, step(given))
    assert comparison.culprit is None
    assert said(comparison, "not the scenario's of update 3; the update is computed from yours")
    assert compare(timeline, step(given, da1=lambda t, right: 2 * right)).culprit.name == "da1"


def test_what_the_file_lacks_is_the_scenarios_at_that_update():
    timeline = timeline_of(update=40)
    arrays = without(step(start_of(timeline)), "x", "y", *PARAMETERS, "_new")
    comparison = compare(timeline, arrays)
    assert comparison.culprit is None
    assert said(comparison, "taken from update 40 of the scenario: x y W1 b1 W2 b2")
    assert comparison.doubt == ["not judged: W1_new b1_new W2_new b2_new"]
    assert "z1" in compare(timeline_of(update=39), arrays).unjudged


def test_at_the_end_of_training_the_last_update_is_compared():
    scenario = xor(5)
    timeline = timeline_of(scenario, 4)
    arrays = step(start_of(timeline))
    timeline.seek(timeline.end)
    comparison = compare(timeline, arrays)
    assert (comparison.update, comparison.culprit) == (4, None)


def test_nothing_of_the_session_changes():
    session = Session(xor())
    session.execute("goto 3:dz2")
    before = session.position, {name: value.tobytes() for name, value in session.values().items()}, session.selected
    assert session.comparison is None
    comparison = compare(session.timeline, step(start_of(timeline_of(update=3))))
    assert (comparison.update, comparison.culprit) == (3, None)
    assert (session.position, {name: value.tobytes() for name, value in session.values().items()}, session.selected) == before


def turned(program, arrays, weights, batch):
    """The arrays as someone has them who stores weights, or all that has a row a sample, the other way round."""
    shapes = program.shapes(10007)
    made = {}
    for name, array in arrays.items():
        tensor = name.removesuffix("_new")
        owner = re.fullmatch(r"[dmv]?([Wb]\d+)(@\w+)?", tensor)
        flip = (weights if owner[1][0] == "W" else batch) if owner else batch and shapes.get(tensor, ())[:1] == (10007,)
        made[name] = array.T if flip else array
    return made


def test_weights_as_torch_stores_them_are_turned_round():
    timeline, arrays = timeline_of(), step(own())
    comparison = compare(timeline, turned(timeline.program, arrays, weights=True, batch=False))
    assert comparison.culprit is None
    assert said(comparison, "your weights are stored transposed (as torch's Linear does): transposed for the comparison")


def test_the_column_convention_is_turned_round_as_a_whole():
    timeline, arrays = timeline_of(), step(own(), dz1=lambda t, right: t["da1"])
    comparison = compare(timeline, turned(timeline.program, arrays, weights=True, batch=True))
    assert (comparison.culprit.name, kinds(comparison.culprit)) == ("dz1", {"activation_missing"})
    assert comparison.culprit.theirs.shape == comparison.culprit.ours.shape == (7, 4)
    assert said(comparison, "your arrays are in the column convention (one column per sample, W as units × inputs)")


def test_parameters_after_the_update_tell_too_how_weights_are_stored():
    timeline, arrays = timeline_of(), without(step(), "W1", "W2", "dW1", "dW2")
    comparison = compare(timeline, turned(timeline.program, arrays, weights=True, batch=False))
    assert comparison.culprit is None
    assert said(comparison, "your weights are stored transposed")


def test_weights_of_which_only_some_are_transposed_are_told_apart():
    timeline, arrays = timeline_of(), step(own())
    mixed = turned(timeline.program, {name: arrays[name] for name in ("W1", "dW1", "W1_new")}, weights=True, batch=False)
    comparison = compare(timeline, arrays | mixed)
    assert comparison.culprit is None
    assert said(comparison, "your W1, but not your other weights, are stored transposed")


@pytest.mark.parametrize("name", ["dW1", "dW2"])
def test_one_transposed_gradient_among_others_is_a_fault(name):
    comparison = compare(timeline_of(), step(own(), **{name: lambda t, right: right.T}))
    assert [match.name for match in comparison.findings if match.status == "off"] == [name]
    assert kinds(comparison.culprit) == {"transposed"}
    assert not said(comparison, "transposed for the comparison")


SQUARE = Scenario("square", tuple("abc"), (Layer(3, "tanh"), Layer(3, "sigmoid")), np.eye(3), np.eye(3), loss=Loss("binary_cross_entropy"))


@pytest.mark.parametrize(("weights", "batch"), [(False, False), (True, False), (True, True)])
def test_where_shapes_do_not_tell_what_fits_best_does(weights, batch):
    generator = np.random.default_rng(5)
    given = {"x": generator.standard_normal((3, 3)), "y": generator.random((3, 3))}
    timeline = timeline_of(SQUARE)
    arrays = computed(make_program(replace(SQUARE, **given)))
    comparison = compare(timeline, turned(timeline.program, arrays, weights, batch))
    assert comparison.culprit is None
    assert said(comparison, "transposed for the comparison") == (weights or batch)


@pytest.mark.parametrize("number", range(0, len(COMBINATIONS), 34))
def test_any_network_agrees_with_itself_in_every_convention_and_precision(number):
    program = make_program(scenario_of(number))
    update = min(number % 3, program.updates - 1)
    timeline, arrays = Timeline(program), computed(program, update)
    timeline.seek(update * len(program.stages))
    for weights, batch in ((False, False), (True, False), (True, True)):
        assert set(statuses(compare(timeline, turned(program, arrays, weights, batch))).values()) == {"exact"}
    rounded = {name: array.astype(np.float32) for name, array in arrays.items()}
    assert set(statuses(compare(timeline, rounded)).values()) <= AGREES


@pytest.mark.parametrize("name", SCENARIOS)
def test_a_step_in_single_precision_agrees(name):
    scenario = replace(SCENARIOS[name], precision="float32", formulas={})
    arrays = computed(make_program(scenario), 2)
    assert arrays["z1"].dtype == np.float32
    timeline = timeline_of(replace(scenario, precision="float64"), 2)
    assert compare(timeline, arrays).culprit is None


def test_what_rounding_does_not_explain_is_off_in_any_precision():
    for kind, factor in ((np.float64, 1 + 1e-8), (np.float32, 1 + 1e-4), (np.float16, 2.0)):
        right = {name: array.astype(kind) for name, array in step(own()).items()}
        wrong = {name: array.astype(kind) for name, array in step(own(), dz1=lambda t, value, f=factor: value * f).items()}
        assert compare(timeline_of(), right).culprit is None
        assert compare(timeline_of(), wrong).culprit.name == "dz1"


def test_a_sum_that_cancels_may_be_as_inexact_as_its_terms():
    given = own() | {"W2": np.zeros((4, 1)), "b2": np.zeros((1, 1)), "y": np.array([[0.0], [1], [0], [1], [0.5], [0.2], [0.8]])}
    arrays = step(given)
    assert abs(arrays["db2"][0, 0]) < 1e-15
    assert compare(timeline_of(), arrays | {"db2": np.array([[1e-16]])}).culprit is None
    assert compare(timeline_of(), arrays | {"db2": np.array([[1e-12]])}).culprit.name == "db2"


def test_axes_of_length_1_may_be_left_away():
    arrays = step(own())
    flat = {name: array.reshape(-1) if 1 in array.shape else array for name, array in arrays.items()}
    flat |= {"loss": arrays["loss"].reshape(1, 1), "b1": arrays["b1"].T}
    comparison = compare(timeline_of(), flat)
    assert comparison.culprit is None
    assert said(comparison, "read y (7) as 7×1, ")
    assert said(comparison, "loss (1×1) as a single number")
    assert said(comparison, "b1 (4×1) as 1×4")


@pytest.mark.parametrize("labels", [np.array([2, 0, 1, 1]), np.array([[2], [0], [1], [1]])])
def test_class_numbers_do_for_targets(labels):
    scenario = classes(2, shuffle=False)
    program = make_program(scenario)
    y = np.eye(3)[labels.reshape(-1)]
    arrays = computed(make_program(replace(scenario, y=np.vstack([y, scenario.y[4:]]))))
    for first, words in ((0, "as 4×3: the classes as 0 and 1"), (1, "as 4×3: the classes as 0 and 1, counted from 1")):
        comparison = compare(Timeline(program), arrays | {"y": labels + first})
        assert comparison.culprit is None
        assert said(comparison, words)


def test_a_flat_y_against_a_column_is_named():
    arrays = without(step(own()), "da1", "dz1", "dW1", "db1", "_new")
    arrays["da2"] = (arrays["a2"] - arrays["y"][:, 0]) / (arrays["a2"] * (1 - arrays["a2"]))
    arrays["dz2"] = arrays["da2"] * arrays["a2"] * (1 - arrays["a2"])
    arrays["dW2"], arrays["db2"] = arrays["a1"].T @ arrays["dz2"], arrays["dz2"].sum(axis=0)
    comparison = compare(timeline_of(), arrays)
    assert (comparison.culprit.name, kinds(comparison.culprit)) == ("da2", {"y_broadcast"})
    assert (comparison.culprit.theirs.shape, comparison.culprit.error) == ((7, 7), np.inf)
    found = statuses(comparison)
    assert [found[name] for name in ("da2", "dz2", "dW2", "db2", "da1")] == ["off", "follows", "follows", "follows", "missing"]


def test_targets_that_were_saved_as_a_table_are_understood():
    arrays = step(own())
    comparison = compare(timeline_of(), arrays | {"y": np.tile(arrays["y"].T, (7, 1))})
    assert comparison.culprit is None
    assert said(comparison, "its first row, for every row holds all 7 targets")


def late(arrays):
    """Parameters under their own names as they are after the update, as someone saves them who changes them in place."""
    return without(arrays, "_new") | {name: arrays[f"{name}_new"] for name in PARAMETERS}


def test_parameters_saved_after_the_update_are_noticed():
    comparison = compare(timeline_of(), late(step()))
    assert set(statuses(comparison).values()) <= AGREES
    assert said(comparison, "your W1 b1 W2 b2 were saved after the update: they count as W1_new b1_new W2_new b2_new")
    assert compare(timeline_of(), late(step(dz1=lambda t, right: -right))).culprit.name == "dz1"


def test_so_are_ones_of_the_users_own_by_taking_his_step_back():
    comparison = compare(timeline_of(), late(step(own())))
    assert comparison.culprit is None
    assert said(comparison, "they fit the rest of your numbers with your own step taken back")
    comparison = compare(timeline_of(), late(step(own(), db1=lambda t, right: 0 * right)))
    assert (comparison.culprit.name, kinds(comparison.culprit)) == ("db1", {"bias_missing"})


@pytest.mark.usefixtures("undiagnosed")
@pytest.mark.parametrize("some", by_day([("W2", "b2"), ("W1",), ("W1", "W2"), ("b1", "b2")], 2))
def test_so_are_some_of_which_the_others_were_saved_before(some):
    arrays = step(own())
    mixed = without(arrays, "_new") | {name: arrays[f"{name}_new"] for name in some}
    comparison = compare(timeline_of(), mixed)
    assert comparison.culprit is None
    assert said(comparison, f"your {' '.join(some)} were saved after the update")
    assert compare(timeline_of(), mixed | {"db1": 2 * mixed["db1"]}).culprit is not None


def test_slots_saved_after_the_update_are_noticed():
    scenario = xor(optimizer=Optimizer("momentum", {"learning_rate": 0.1, "momentum": 0.9}))
    arrays = computed(make_program(scenario), 2)
    after = without(arrays, *(f"v{name}_new" for name in PARAMETERS)) | {f"v{name}": arrays[f"v{name}_new"] for name in PARAMETERS}
    comparison = compare(timeline_of(scenario, 2), after)
    assert comparison.culprit is None
    assert said(comparison, "your vW1 vb1 vW2 vb2 were saved after the update")


def test_a_parameter_that_is_updated_before_it_is_used_is_no_late_one():
    comparison = compare(timeline_of(), step(own(), da1=lambda t, right: t["dz2"] @ (t["W2"] - 0.1 * t["dW2"]).T))
    assert (comparison.culprit.name, kinds(comparison.culprit)) == ("da1", {"updated_before_used"})
    assert not said(comparison, "saved after the update")


def test_a_name_that_means_nothing_is_told_and_no_error():
    comparison = compare(timeline_of(), step() | {"momentum_buffer": np.zeros(3), "labels of mine": np.array(["a", "b"])})
    assert comparison.culprit is None
    assert said(comparison, "momentum_buffer is not compared: it is no tensor of this network")
    assert said(comparison, "labels of mine is not compared: it is no tensor of this network")


def test_a_stage_that_does_not_exist_is_told_with_the_reason():
    scenario = xor(loss=Loss("binary_cross_entropy", from_logits=True), frozen=("b1",))
    comparison = compare(timeline_of(scenario), step() | {"da2": np.zeros((4, 1))})
    assert comparison.culprit is None
    assert comparison.uncompared["da2"].startswith("the loss is fused with sigmoid")
    assert said(comparison, "b1_new is not compared: b1 is frozen")


@pytest.mark.parametrize(
    ("arrays", "words"),
    [
        ({}, "there is nothing to compare: expected arrays such as z1, a1, dz1, dW1"),
        ({"foo": np.zeros(1)}, "there is nothing to compare: .*foo is not compared: it is no tensor of this network"),
        (own(), "there is nothing to compare"),
        ({"x": np.zeros((4, 3)), "z1": np.zeros((4, 4))}, "x is 4×3; the network has 2 inputs, and one row per sample is expected: m×2"),
        ({"x": np.zeros((2, 0)), "z1": np.zeros((4, 4))}, "x is 2×0"),
        ({"W1": np.zeros((5, 4)), "z1": np.zeros((4, 4))}, "W1 is 2×4 in this scenario; yours is 5×4"),
        ({"y": np.zeros((4, 2)), "z1": np.zeros((4, 4))}, "y is 4×1 in this scenario; yours is 4×2"),
        ({"y": np.zeros((5, 1)), "z1": np.zeros((4, 4))}, "no x in your file: the scenario's 4 samples are taken"),
        ({"x": np.zeros((5, 2)), "z1": np.zeros((4, 4))}, "x in your file has 5 samples, but y is not there, and the scenario's has 4"),
        ({"z1": np.array(["a"])}, "z1 holds text; expected numbers"),
    ],
)
def test_what_cannot_be_compared_is_told(arrays, words):
    with pytest.raises(ComparisonError, match=words):
        compare(timeline_of(), arrays)


def test_a_nan_of_the_users_own_is_located():
    def broken(t, right):
        return np.where(np.arange(16).reshape(4, 4) == 6, np.nan, right)

    culprit = compare(timeline_of(), step(a1=broken)).culprit
    assert (culprit.name, culprit.cell, culprit.error) == ("a1", (1, 2), np.inf)
    given = own()
    given["x"][2, 1] = np.nan
    comparison = compare(timeline_of(), step(given))
    assert comparison.culprit is None, "ours are nan in the same cells"
    assert said(comparison, "not finite, yours as ours, so that little can be said of them: z1 a1")
    assert said(comparison, "your x is what the update starts from, and 1 of its 14 cells is not finite: x[2,1] is nan")


def test_a_loss_of_one_number_a_sample_is_added_up():
    arrays = step(own())
    terms = -(arrays["y"] * np.log(arrays["a2"]) + (1 - arrays["y"]) * np.log(1 - arrays["a2"]))
    comparison = compare(timeline_of(), arrays | {"loss": terms[:, 0]})
    assert comparison.culprit is None
    assert said(comparison, "your loss holds 7 numbers, not one; their sum is right")
    comparison = compare(timeline_of(), arrays | {"loss": terms[:5]})
    assert comparison.culprit.name == "loss"
    assert said(comparison, "neither their sum nor their mean is right")


def test_a_loss_may_have_a_factor_of_its_own():
    mean = {"loss": lambda t, right: right / 7}
    comparison = compare(timeline_of(), step(own(), **mean))
    assert (comparison.culprit, statuses(comparison)["loss"]) == (None, "convention")
    assert compare(timeline_of(), step(own(), loss=lambda t, right: right / 5)).culprit.name == "loss"


def test_of_a_stage_whose_operands_were_not_saved_it_is_said_that_the_mistake_may_be_there():
    arrays = step(own(), dz1=lambda t, right: t["da1"])
    kept = {name: arrays[name] for name in ("x", "y", *PARAMETERS, "dW2", "db2", "dW1", "db1")}
    comparison = compare(timeline_of(), kept)
    assert comparison.culprit.name == "dW1"
    assert said(comparison, "da1 dz1 before dW1 are not in your file: the mistake may be there")
    assert "activation_missing" in kinds(comparison.culprit)


def test_of_a_forward_stage_it_is_said_whose_parameters_were_taken():
    comparison = compare(timeline_of(), without(step(own()), *PARAMETERS))
    assert comparison.culprit is None
    z1 = comparison.stages["z1"]
    assert (z1.status, z1.said) == ("unsure", "perhaps right with another W1 and b1, which your file should have, too")


def test_a_stale_gradient_is_known_by_the_update_before():
    earlier = step(start_of(timeline_of(update=4)))
    timeline = timeline_of(update=5)
    arrays = step(start_of(timeline), dW1=lambda t, right: earlier["dW1"])
    assert kinds(compare(timeline, arrays).culprit) == {"stale"}


def test_of_a_formula_of_the_scenarios_own_the_derived_one_counts():
    timeline = timeline_of(load_scenario("tutorial_as_written"))
    comparison = compare(timeline, step())
    assert comparison.culprit is None
    assert said(comparison, "da2 has a formula of its own in this session (a2 - y); the derived one counts")
    comparison = compare(timeline, step(da2=lambda t, right: t["a2"] - t["y"]))
    assert (comparison.culprit.name, kinds(comparison.culprit)) == ("da2", {"another_loss"})
    assert comparison.culprit.stage.formula.text == "-y / a2 + (1 - y) / (1 - a2)"


def test_an_edited_forward_formula_says_what_is_meant():
    session = Session(xor())
    session.execute("formula z1 = x @ W1 - b1")
    given = own()
    comparison = compare(session.timeline, step(given, z1=lambda t, right: t["x"] @ t["W1"] - t["b1"]))
    assert comparison.culprit is None
    assert said(comparison, "forward formulas were edited (z1): the program counts as it stands")
    assert compare(session.timeline, step(given)).culprit.name == "z1"


def test_an_edited_step_of_the_optimizer_is_what_is_meant():
    session = Session(xor())
    session.execute("formula W1 = W1 - 0.5 * dW1")
    comparison = compare(session.timeline, step(own(), W1_new=lambda t, right: t["W1"] - 0.5 * t["dW1"]))
    assert (comparison.culprit, len(comparison.notes)) == (None, 2)


def test_a_large_network_is_compared_at_once():
    generator = np.random.default_rng(0)
    layers = (Layer(128, "relu"), Layer(10, "softmax"))
    x, y = generator.random((32, 784)), np.eye(10)[generator.integers(0, 10, 32)]
    scenario = Scenario(
        "digits",
        tuple(f"p{n}" for n in range(784)),
        layers,
        x,
        y,
        initializer=Initializer("he_normal"),
        loss=Loss("categorical_cross_entropy"),
    )
    arrays = computed(make_program(scenario))
    comparison = compare(Timeline(make_program(scenario)), arrays | {"dW1": 2 * arrays["dW1"]})
    assert comparison.culprit.name == "dW1"


def spoiled(array, generator):
    """An array as it may come out of somebody's hands: of another shape or type, or with a number in it that is none."""
    spoil = (
        lambda: generator.standard_normal(tuple(generator.integers(0, 6, generator.integers(0, 4)))),
        lambda: array.T,
        lambda: array.reshape(-1),
        lambda: array.astype((np.float16, np.int8, bool, ">f4", np.longdouble)[generator.integers(5)]),
        lambda: np.where(generator.random(array.shape) < 0.2, (np.nan, np.inf, 1e30)[generator.integers(3)], array),
    )
    with np.errstate(all="ignore"):
        return spoil[generator.integers(len(spoil))]()


@pytest.mark.parametrize("name", SCENARIOS)
def test_whatever_a_file_holds_is_compared_or_refused_in_one_message(name):
    session, generator = Session(SCENARIOS[name]), np.random.default_rng(len(name))
    right = computed(make_program(SCENARIOS[name]))
    for _ in range(2):
        chosen = {str(key): spoiled(right[key], generator) for key in generator.choice(list(right), 3)}
        try:
            result = compared(session, right | chosen)
        except ComparisonError as error:
            assert "\n" not in str(error)
        else:
            json.loads(to_json("compare", session.position, result))


@pytest.fixture
def saved(tmp_path):
    def save(arrays):
        np.savez(tmp_path / "mine.npz", **arrays)
        return str(tmp_path / "mine.npz")

    return save


def test_the_command_answers_with_a_table_and_keeps_what_it_found(saved):
    session = Session(xor())
    result = session.execute(f"compare {saved(step(dz1=lambda t, right: t['da1']))}")
    lines = result.text.splitlines()
    assert lines[0].split() == ["exact", "z1"]
    assert next(line for line in lines if " dz1 " in line).startswith("OFF          dz1     relative error 0.9, at dz1[3,3]: yours 1.18")
    assert lines[-2:-1] == ["first off stage: dz1 = da1 * a1 * (1 - a1)"]
    assert "activation" in lines[-1]
    assert session.comparison.culprit.name == "dz1"
    assert session.execute(f"compare {saved(step())}").text.endswith("every number agrees")
    assert session.comparison.culprit is None
    session.execute("set W1[0,0] = 2")
    assert session.comparison is None


def test_the_subcommand_tells_by_its_exit_status(saved, capsys):
    assert cli.main(["compare", "xor", saved(step())]) == 0
    assert capsys.readouterr().out.endswith("every number agrees\n")
    path = saved(step(start_of(timeline_of(update=40)), dW2=lambda t, right: right[::-1, :0]))
    assert cli.main(["compare", "xor", path, "--at", "40:dW2", "--json"]) == 1
    answer = json.loads(capsys.readouterr().out)
    assert (answer["type"], answer["ok"], answer["culprit"], answer["update"]) == ("compare", False, "dW2", 40)
    rows = {stage["name"]: stage for stage in answer["stages"]}
    assert tuple(rows) == (*STAGES, *(f"{name}_new" for name in PARAMETERS))
    assert [rows["dW2"][key] for key in ("status", "error", "cell", "ours", "theirs", "shape")] == ["off", "inf", None, None, None, [4, 0]]
    assert (rows["z1"]["status"], rows["z1"]["error"], rows["z1"]["cell"], rows["z1"]["suspects"]) == ("exact", 0.0, [0, 0], [])
    assert rows["z1"]["ours"] == rows["z1"]["theirs"]


def test_a_file_that_cannot_be_read_is_one_message_and_status_2(tmp_path, capsys):
    (tmp_path / "text.npz").write_text("hello")
    np.savez(tmp_path / "pickled.npz", z1=np.array([1, None]))
    with zipfile.ZipFile(tmp_path / "other.npz", "w") as archive:
        archive.writestr("archive/data.pkl", b"x")
    for name, words in {
        "text": "this is not an npz file that can be read",
        "pickled": "the array 'z1' holds object; expected numbers",
        "other": "this file holds no arrays; expected an npz file, as numpy.savez writes it",
        "none": "there is no such file",
    }.items():
        assert cli.main(["compare", "xor", str(tmp_path / f"{name}.npz")]) == 2
        output, errors = capsys.readouterr()
        assert output == ""
        assert errors.startswith(f"bpdebug: {tmp_path / name}.npz: {words}")
        assert errors.count("\n") == 1


def test_a_file_that_promises_more_than_it_holds_is_refused_before_it_is_read(tmp_path):
    header = io.BytesIO()
    np.lib.format.write_array_header_1_0(header, {"descr": "<f8", "fortran_order": False, "shape": (MAXIMUM_CELLS // 2 + 1,)})
    with zipfile.ZipFile(tmp_path / "one.npz", "w") as archive:
        archive.writestr("a.npy", header.getvalue())
    with pytest.raises(ArrayError, match="more than the file holds"):
        read_arrays(tmp_path / "one.npz")


def test_a_name_that_no_terminal_should_see_is_escaped(tmp_path):
    np.savez(tmp_path / "odd.npz", **{"\x1b[2J": np.zeros(1)})
    assert list(read_arrays(tmp_path / "odd.npz")) == ["\\x1b[2J"]


README = (Path(__file__).parent.parent.parent / "README.md").read_text("utf-8")
SECTION = README.partition("## Your own numbers")[2].partition("\n## ")[0]


def test_the_lines_of_the_readme_save_a_file_that_agrees(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    block = re.findall(r"```python\n(.*?)```", SECTION, re.DOTALL)[0]
    exec(block, {"np": np, **step()})
    assert set(statuses(compare(timeline_of(), read_arrays(Path("mine.npz")))).values()) <= {*AGREES, "missing"}


def test_the_readme_shows_what_is_printed(saved):
    shown = re.findall(r"```console\n(.*?)```", SECTION, re.DOTALL)[0].splitlines()[1:]
    answer = Session(xor()).execute(f"compare {saved(step(dz1=lambda t, right: t['da1']))}").text.splitlines()
    assert len(shown) == 5
    assert set(shown) <= set(answer)


def numbers_of(*commands, names=STAGES, scenario="xor"):
    """A session, and what a file holds of its present update."""
    session = Session(load_scenario(scenario))
    for command in commands:
        session.execute(command)
    values = session.timeline.machine.values()
    return session, {name: values[name].copy() for name in names if name in values}


@pytest.mark.parametrize("bad", ["nan", "inf"])
def test_where_nothing_is_finite_nothing_is_judged(bad):
    names = ("z2", "a2", "loss", "da2", "dz2", "dW2") if bad == "nan" else ("z2",)
    session, arrays = numbers_of(f"set b2[0,0] = {bad}", "goto 0:W1", names=names)
    result = compared(session, arrays)
    assert (result.wrong, result.data["ok"], result.data["culprit"]) == (True, False, None)
    assert result.text.splitlines()[-1].startswith("nothing could be judged: no number is finite")
    assert "agrees" not in result.text


def test_what_is_finite_is_judged_and_the_rest_is_named():
    session, arrays = numbers_of("set b2[0,0] = nan", "goto 0:W1", names=("z1", "a1", "z2", "a2"))
    result = compared(session, arrays)
    assert not result.wrong
    told, unjudged = result.text.splitlines()[-2:]
    assert told == "every number agrees, but nothing is finite in z2, a2"
    assert unjudged.startswith("not judged: z2 a2 loss ")
    arrays["z1"][0, 0] += 1
    assert compared(session, arrays).data["culprit"] == "z1"


def test_a_file_of_nan_ends_the_command_with_1(tmp_path, capsys):
    _, arrays = numbers_of("set b2[0,0] = nan", "goto 0:W1", names=("z2", "a2"))
    np.savez(tmp_path / "nan.npz", **arrays)
    assert cli.main(["run", "xor", "-x", "set b2[0,0] = nan", "-x", f"compare {tmp_path / 'nan.npz'}"]) == 1
    assert "nothing could be judged" in capsys.readouterr().out


def test_a_sum_that_another_bias_would_give_accuses_nobody_where_the_file_has_none():
    timeline = timeline_of(update=3)
    arrays = without(step({**start_of(timeline), "b1": np.array([[0.3, -0.2, 0.1, 0.7]])}), "b1", "_new")
    comparison = compare(timeline, arrays)
    assert comparison.culprit is None
    assert comparison.stages["z1"].status == "unsure"
    assert "another b1" in comparison.stages["z1"].said
    assert compare(timeline, {**arrays, "z1": arrays["z1"] * 1.5}).culprit.name == "z1"


@pytest.mark.usefixtures("undiagnosed")
@pytest.mark.parametrize(
    "lacking", by_day([["W2"], ["W2", "z2"], ["W1"], ["W1", "b1"], ["W1", "z1", "da1"], ["b2", "z2"]], 2), ids=" ".join
)
def test_what_hangs_on_parameters_that_the_file_alone_lacks_is_not_accused(lacking):
    timeline, generator = timeline_of(), np.random.default_rng(2)
    start = start_of(timeline)
    start |= {name: start[name] + generator.normal(size=start[name].shape) for name in lacking if name in start}
    right = without(step(start), *lacking, "_new")
    assert compare(timeline, right).culprit is None
    assert compare(timeline, {**right, "dz1": right["dz1"] * [1, 1, 1, 3]}).culprit.name == "dz1"
    assert compare(timeline, {**right, "dW2": right["dW2"] * 1.1}).culprit is not None
