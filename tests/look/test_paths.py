"""The gradient of a number is the sum over its paths to the loss."""

from __future__ import annotations

import re

import numpy as np
import pytest
from debugger_scenarios import program_of
from random_networks import COMBINATIONS, scenario_of
from turns import by_day

from bpdebug.core.description import Layer, Scenario, Training
from bpdebug.core.errors import BpdebugError
from bpdebug.core.layers import make_program
from bpdebug.core.machine import Machine
from bpdebug.core.network import Phase
from bpdebug.core.numbers import short
from bpdebug.frontends import load_scenario
from bpdebug.look.paths import MOST_PATHS, Bundle, Path, finding_paths
from bpdebug.session.session import Session
from bpdebug.time.tasks import whole


def computed(program):
    machine = Machine(program)
    while program.stages[machine.done].phase is not Phase.UPDATE:
        machine.step()
    return {name: value.copy() for name, value in machine.values().items()}


@pytest.mark.parametrize("number", by_day(range(0, len(COMBINATIONS), 14), 3))
def test_what_passes_along_all_paths_adds_up_to_what_the_stages_compute(number):
    program = make_program(scenario_of(number))
    values = computed(program)
    generator = np.random.default_rng(number)
    for stage in (stage for stage in program.stages if stage.of and "@" not in stage.name):
        index = tuple(int(generator.integers(length)) for length in values[stage.of].shape)
        found = whole(finding_paths(program.network, values, stage.of, index))
        largest = max((abs(path.value) for path in found), default=0.0)
        assert sum(path.value for path in found) == pytest.approx(values[stage.name][index], rel=1e-9, abs=1e-12 * max(largest, 1))
        paths = [path for path in found if isinstance(path, Path)]
        assert all(path.cells[-1] == ("loss", ()) and path.cells[0] == (stage.of, index) for path in paths)


def test_a_weight_of_the_first_layer_reaches_the_loss_by_every_output():
    program = make_program(load_scenario("two_outputs"))
    found = whole(finding_paths(program.network, computed(program), "W1", (0, 1)))
    assert [[name for name, _ in path.cells] for path in found] == [["W1", "z1", "a1", "z2", "a2", "loss"]] * 2
    assert {path.cells[3][1] for path in found} == {(0, 0), (0, 1)}


def test_very_many_paths_are_gathered_by_their_first_step():
    session = Session(load_scenario("deep_sigmoid"))
    session.execute("goto 0:dW1")
    values = session.timeline.machine.values()
    found = whole(finding_paths(session.program.network, values, "W1", (0, 0)))
    assert all(isinstance(path, Bundle) for path in found)
    assert sum(path.paths for path in found) > MOST_PATHS
    assert sum(path.value for path in found) == pytest.approx(values["dW1"][0, 0], rel=1e-9)
    for path in found:
        assert path.gradient == pytest.approx(values["dz1"][path.index], rel=1e-9)
    shown = session.execute("paths W1[0,0]")
    assert shown.data["count"] == sum(path.paths for path in found)
    assert "∂z1/∂W1" in shown.text
    assert "· ∂loss/∂z1[" in shown.text


def test_both_ways_of_counting_paths_agree(monkeypatch):
    program = make_program(load_scenario("xor"))
    values = computed(program)
    paths = whole(finding_paths(program.network, values, "W1", (0, 1)))
    monkeypatch.setattr("bpdebug.look.paths.MOST_PATHS", 0)
    bundles = whole(finding_paths(program.network, values, "W1", (0, 1)))
    assert sum(bundle.paths for bundle in bundles) == len(paths)
    assert sum(bundle.value for bundle in bundles) == pytest.approx(sum(path.value for path in paths), rel=1e-12)


def test_every_factor_of_a_path_has_a_name():
    session = Session(load_scenario("xor"))
    session.execute("goto 0:dW1")
    last = session.execute("paths W1[0,1]").text.split("loss\n")[-1]
    assert all(len(line) <= 76 for line in last.splitlines())
    assert [part.split()[0] for part in " ".join(last.split()).split(" = ")[0].split(" · ")] == [
        "∂z1/∂W1",
        "∂a1/∂z1",
        "∂z2/∂a1",
        "∂a2/∂z2",
        "∂loss/∂a2",
    ]


def test_a_residual_connection_is_a_path_of_its_own():
    found = whole(finding_paths(program_of("residual").network, computed(program_of("residual")), "a1", (0, 0)))
    assert {"z2", "r2"} == {path.cells[1][0] for path in found}


def test_the_command_takes_a_weight_or_its_gradient_or_the_selected_cell():
    session = Session(load_scenario("xor"))
    session.execute("goto 0:dW1")
    by_name = session.execute("paths W1[0,1]").data
    assert session.execute("paths dW1[0,1]").data == by_name
    session.execute("select dW1[0,1]")
    assert session.execute("paths").data == by_name
    assert by_name["value"] == pytest.approx(0.05994338363253521)


@pytest.mark.parametrize(
    ("at", "text", "message"),
    [
        ("0:a1", "paths W1[0,0]", "not computed yet"),
        ("0:dW1", "paths W1[7,0]", "outside"),
        ("0:dW1", "paths q[0,0]", "there is no tensor"),
        ("0:dW1", "paths y[0,0]", "the loss does not depend on"),
        ("0:dW1", "paths learning_rate", "the loss does not depend on"),
    ],
)
def test_what_has_no_paths_is_refused(at, text, message):
    session = Session(load_scenario("xor"))
    session.execute(f"goto {at}")
    with pytest.raises(BpdebugError, match=message):
        session.execute(text)


def dead_ends(width=6):
    """Layers of tanh over a relu that is dead by NaN: every path ends before the loss."""
    layers = (*(Layer(width, "tanh"),) * 3, Layer(1, "relu"))
    session = Session(Scenario("dead ends", ("a", "b"), layers, np.ones((6, 2)), np.ones((6, 1)), training=Training(1)))
    for command in ("set W1[0,0] = nan", "goto loss"):
        session.execute(command)
    return session


def test_dead_ends_are_walked_into_once():
    result = dead_ends().execute("paths W1[0,0]")
    assert len(result.data["paths"]) <= MOST_PATHS
    assert (result.data["value"], result.data["count"] > 0) == ("nan", True)


@pytest.mark.parametrize(
    ("name", "commands"),
    [
        ("saturation", ["continue", "until dW1"]),
        ("saturation", ["set W1[0,0] = nan", "goto 0:dW1"]),
        ("xor", ["set W2[0,0] = inf", "goto 0:dW1"]),
        ("xor", ["set x[1,1] = inf", "goto 0:dW1"]),
        ("xor", ["set b2[0,0] = nan", "goto 0:dW1"]),
        ("two_outputs", ["set W2[0,0] = 1e308", "set x[0,1] = 1e308", "goto 0:dW1"]),
        ("deep_sigmoid", ["set W3[1,1] = nan", "goto 0:dW1"]),
        ("dead_relu", ["set W2[0,0] = nan", "goto 0:dW1"]),
    ],
)
def test_what_is_not_finite_is_so_along_the_paths_as_in_the_stages(name, commands):
    session = Session(load_scenario(name))
    for command in commands:
        session.execute(command)
    values = session.timeline.machine.values()
    for index in np.ndindex(values["dW1"].shape):
        held = values["dW1"][index]
        result = session.execute(f"paths W1[{index[0]},{index[1]}]")
        assert number(result.data["value"]) == pytest.approx(held, rel=1e-6, nan_ok=True), (index, result.text)
        carried = [number(path["value"]) for path in result.data["paths"]]
        assert np.isfinite(held) == all(np.isfinite(carried))
        assert len(carried) <= MOST_PATHS
        assert "holds" not in result.text


def number(value):
    return float(value)


@pytest.mark.parametrize("edit", ["formula dz1 = da1", "formula dW1 = 2 * x.T @ dz1", "formula da1 = dz2 @ W2.T * nan"])
def test_a_gradient_that_holds_another_number_than_the_paths_give_is_said_to(edit):
    session = Session(load_scenario("xor"))
    for command in (edit, "goto 0:db1"):
        session.execute(command)
    first, second, *_ = session.execute("paths W1[0,0]").text.splitlines()
    assert first == "the derivative of the loss with respect to W1[0,0] = 9.9912618e−5: the sum over 2 paths to the loss"
    held = session.execute("print dW1[0,0]").data["value"]
    assert "derived stages" in second
    assert number(second.partition("holds ")[2].partition(" here")[0].replace("−", "-")) == pytest.approx(number(held), nan_ok=True)


def test_the_paths_of_a_deep_network_are_followed_without_recursion_and_can_be_stopped():
    layers = (Layer(3, "tanh"),) * 300
    scenario = Scenario("deep", ("a", "b"), layers, np.ones((2, 2)), np.ones((2, 3)), training=Training(1))
    session = Session(scenario)
    session.execute("goto loss")
    assert session.execute("paths W280[0,0]", lambda: True).type == "progress"
    assert session.journey.leave().startswith("stopped: following the paths")
    result = session.execute("paths W290[0,0]")
    assert result.data["count"] == 2 * 3**10
    assert "gathered by their first step" in result.text


@pytest.mark.parametrize(("name", "cell"), [("xor", "dW1[1,0]"), ("xor", "dW2[0,0]"), ("xor", "db2[0,0]"), ("two_outputs", "dW1[0,0]")])
def test_the_shown_numbers_of_paths_multiply_and_add_up(name, cell):
    session = Session(load_scenario(name))
    session.execute("goto 0:update")
    lines = session.execute(f"paths {cell}").text.replace("−", "-").splitlines()
    numbers, _, whole = next(line for line in lines if "added up" in line).partition(": ")[2].rpartition(" = ")
    values = [float(text.strip("()")) for text in numbers.split(" + ")]
    assert short(sum(values), 5) == short(float(whole), 5)
    text = " ".join(line.strip() for line in lines[1:] if not line.startswith("  added"))
    paths = re.findall(r"loss (∂.*?) = (\S+)", text)
    assert len(paths) == len(values)
    for slopes, value in paths:
        factors = [float(factor.split()[1].strip("()")) for factor in slopes.split(" · ")]
        digits = len(value.lstrip("-0.").replace(".", ""))
        assert short(float(np.prod(factors)), digits) == short(float(value), digits)


def test_the_samples_that_give_nothing_are_named():
    session = Session(load_scenario("xor"))
    session.execute("goto 0:dW1")
    assert session.execute("paths dW1[1,0]").text.endswith("samples 0, 2 give 0")
    assert session.execute("paths dW1[0,0]").text.endswith("samples 0, 1 give 0")
    assert "give" not in session.execute("paths dW2[0,0]").text
    assert "give" not in session.execute("paths dz1[0,0]").text
